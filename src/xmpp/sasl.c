/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 and OpenSSL, libidn: sasl.c - see sasl.h. */
#include "xmpp/sasl.h"

#include "base/digest.h"
#include "base/must.h"
#include "base/random.h"
#include "base/text.h"
#include "xmpp/ns.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <stringprep.h>

#define CACHE_ENTRIES 512 /* a power of two; 160 bytes each */

/* ---- what may be a password ---- */

static bool is_ascii(struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.at[i] >= 0x80)
            return false;
    return true;
}

bool sasl_prepare(struct span text, struct buf *out)
{
    char prepared[2 * SASL_PASSWORD_MOST];
    bool good;

    if (text.size == 0 || text.size > SASL_PASSWORD_MOST || text_has_control(text))
        return false;
    if (is_ascii(text)) {
        buf_add(out, text);
        return true;
    }
    if (!text_is_utf8(text))
        return false;
    memcpy(prepared, text.at, text.size);
    prepared[text.size] = '\0';
    good = stringprep(prepared, sizeof(prepared), 0, stringprep_saslprep) == STRINGPREP_OK &&
           prepared[0] != '\0' && strlen(prepared) <= SASL_PASSWORD_MOST &&
           !text_has_control(span_of(prepared));
    if (good)
        buf_add(out, span_of(prepared));
    OPENSSL_cleanse(prepared, sizeof(prepared));
    return good;
}

/* ---- mechanisms ---- */

static const struct {
    const char *name;
    enum scram_hash hash;
    bool binds;
} mechanisms[] = {
    { "SCRAM-SHA-512-PLUS", SCRAM_SHA_512, true }, { "SCRAM-SHA-256-PLUS", SCRAM_SHA_256, true },
    { "SCRAM-SHA-1-PLUS", SCRAM_SHA_1, true },     { "SCRAM-SHA-512", SCRAM_SHA_512, false },
    { "SCRAM-SHA-256", SCRAM_SHA_256, false },     { "SCRAM-SHA-1", SCRAM_SHA_1, false },
};

static bool offers(const struct xml_element *features, const char *name)
{
    const struct xml_element *list = xml_child(features, NS_SASL, "mechanisms");

    for (const struct xml_element *at = list ? xml_child(list, NS_SASL, "mechanism") : NULL; at;
         at = xml_next(at, NS_SASL, "mechanism"))
        if (at->children && at->children == at->last && at->children->element == NULL &&
            span_is(at->children->text, name))
            return true;
    return false;
}

void sasl_choose(const struct xml_element *features, const char *channel, bool may_plain,
                 struct sasl_choice *choice_r)
{
    *choice_r = (struct sasl_choice){ 0 };
    for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++) {
        if ((mechanisms[i].binds && channel == NULL) || !offers(features, mechanisms[i].name))
            continue;
        *choice_r = (struct sasl_choice){ .name = mechanisms[i].name,
                                          .hash = mechanisms[i].hash,
                                          .binds = mechanisms[i].binds,
                                          .could_have_bound = channel != NULL && !mechanisms[i].binds };
        return;
    }
    if (may_plain && offers(features, "PLAIN"))
        *choice_r = (struct sasl_choice){ .name = "PLAIN", .is_plain = true };
}

bool sasl_announces(const struct xml_element *features, const char *channel, bool *told_r)
{
    const struct xml_element *list = xml_child(features, NS_SASL_CHANNEL, "sasl-channel-binding");

    *told_r = list != NULL;
    for (const struct xml_element *at = list ? xml_child(list, NS_SASL_CHANNEL, "channel-binding") : NULL; at;
         at = xml_next(at, NS_SASL_CHANNEL, "channel-binding"))
        if (span_is(xml_attribute(at, "type"), channel))
            return true;
    return false;
}

void sasl_plain(struct buf *out, struct span user, struct span password)
{
    must(span_find(user, '\0') < 0 && span_find(password, '\0') < 0);
    (void)buf_reserve(out, user.size + password.size + 2); /* no copy of it is left behind by growing */
    buf_char(out, '\0');
    buf_add(out, user);
    buf_char(out, '\0');
    buf_add(out, password);
}

/* ---- derived keys ---- */

struct sasl_cache {
    unsigned char secret[32]; /* random */
    struct {
        bool used;
        unsigned char name[SASL_NAME];
        struct scram_keys keys;
    } entries[CACHE_ENTRIES];
};

struct sasl_cache *sasl_cache_new(void)
{
    struct sasl_cache *cache = must_alloc(sizeof(*cache));

    random_bytes(cache->secret, sizeof(cache->secret));
    return cache;
}

void sasl_cache_free(struct sasl_cache **cache)
{
    if (*cache == NULL)
        return;
    OPENSSL_cleanse(*cache, sizeof(**cache));
    free(*cache);
    *cache = NULL;
}

/* Each part with its size before it, so that no two lists of parts read the same. */
static void add_part(struct buf *out, struct span part)
{
    buf_add(out, span_make((const char *)&part.size, sizeof(part.size)));
    buf_add(out, part);
}

/* The password is a part of the name: else whoever knows a name could use keys that another's password made.
 */
void sasl_cache_name(const struct sasl_cache *cache, struct span jid, enum scram_hash hash,
                     const struct scram_salt *salt, struct span password, unsigned char name_r[SASL_NAME])
{
    struct buf all = { 0 };
    unsigned number[2] = { (unsigned)hash, salt->rounds };

    (void)buf_reserve(&all, jid.size + salt->size + password.size + sizeof(number) + 4 * sizeof(size_t));
    add_part(&all, jid);
    add_part(&all, span_make((const char *)number, sizeof(number)));
    add_part(&all, span_make((const char *)salt->bytes, salt->size));
    add_part(&all, password);
    must(HMAC(EVP_sha256(), cache->secret, sizeof(cache->secret), (const unsigned char *)all.at, all.size,
              name_r, NULL) != NULL);
    OPENSSL_cleanse(all.at, all.size);
    buf_free(&all);
}

static size_t place_of(const unsigned char name[SASL_NAME])
{
    return (name[0] | (size_t)name[1] << 8) % CACHE_ENTRIES;
}

bool sasl_cache_find(const struct sasl_cache *cache, const unsigned char name[SASL_NAME],
                     struct scram_keys *keys_r)
{
    size_t at = place_of(name);

    if (!cache->entries[at].used || !digest_equal(cache->entries[at].name, name, SASL_NAME))
        return false;
    *keys_r = cache->entries[at].keys;
    return true;
}

/* What stood in that place is forgotten: the cache saves some milliseconds, nothing hangs on it. */
void sasl_cache_keep(struct sasl_cache *cache, const unsigned char name[SASL_NAME],
                     const struct scram_keys *keys)
{
    size_t at = place_of(name);

    cache->entries[at].used = true;
    memcpy(cache->entries[at].name, name, SASL_NAME);
    cache->entries[at].keys = *keys;
}
