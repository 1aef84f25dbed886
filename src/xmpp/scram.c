/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 and OpenSSL: scram.c - see scram.h. */
#include "xmpp/scram.h"

#include "base/codec.h"
#include "base/digest.h"
#include "base/must.h"
#include "base/random.h"
#include "base/text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static const struct {
    const char *name;
    size_t size;
    const EVP_MD *(*md)(void);
} hashes[SCRAM_HASHES] = {
    [SCRAM_SHA_512] = { "SHA-512", 64, EVP_sha512 },
    [SCRAM_SHA_256] = { "SHA-256", 32, EVP_sha256 },
    [SCRAM_SHA_1] = { "SHA-1", 20, EVP_sha1 },
};

const char *scram_hash_name(enum scram_hash hash)
{
    return hashes[hash].name;
}

size_t scram_hash_size(enum scram_hash hash)
{
    return hashes[hash].size;
}

static void hmac(enum scram_hash hash, const unsigned char *key, struct span text, unsigned char *mac_r)
{
    must(HMAC(hashes[hash].md(), key, (int)hashes[hash].size, (const unsigned char *)text.at, text.size,
              mac_r, NULL) != NULL);
}

/* ---- our first message ---- */

/* RFC 5802 5.1, saslname. */
static void add_name(struct buf *out, struct span name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.at[i] == ',')
            buf_text(out, "=2C");
        else if (name.at[i] == '=')
            buf_text(out, "=3D");
        else
            buf_char(out, name.at[i]);
    }
}

static void make_nonce(struct scram *scram, struct span given)
{
    unsigned char bytes[SCRAM_NONCE];
    struct buf text = { 0 };

    if (given.size == 0) {
        random_bytes(bytes, sizeof(bytes));
        codec_base64(&text, span_make((const char *)bytes, sizeof(bytes)));
        given = buf_span(&text);
    }
    must(given.size <= sizeof(scram->nonce_text));
    memcpy(scram->nonce_text, given.at, given.size);
    scram->nonce = span_make(scram->nonce_text, given.size);
    buf_free(&text);
}

void scram_begin(struct scram *scram, enum scram_hash hash, struct span user,
                 const struct scram_channel *channel, struct span nonce, struct buf *first)
{
    *scram = (struct scram){ .hash = hash };
    if (channel->type)
        buf_printf(&scram->gs2, "p=%s,,", channel->type);
    else
        buf_text(&scram->gs2, channel->could ? "y,," : "n,,");
    make_nonce(scram, nonce);
    buf_text(&scram->exchange, "n=");
    add_name(&scram->exchange, user);
    buf_text(&scram->exchange, ",r=");
    buf_add(&scram->exchange, scram->nonce);
    buf_add(first, buf_span(&scram->gs2));
    buf_add(first, buf_span(&scram->exchange));
    if (channel->type)
        buf_add(&scram->gs2, channel->bytes);
}

void scram_free(struct scram *scram)
{
    buf_free(&scram->gs2);
    buf_free(&scram->exchange);
    buf_free(&scram->server_nonce);
    OPENSSL_cleanse(scram, sizeof(*scram));
    *scram = (struct scram){ 0 };
}

/* ---- the server's first message ---- */

/* The next "x=value" with that letter. */
static bool take(struct span *rest, char letter, struct span *value_r)
{
    struct span field = span_cut(rest, ',');

    if (field.size < 2 || field.at[0] != letter || field.at[1] != '=')
        return false;
    *value_r = span_from(field, 2);
    return true;
}

static bool is_printable(struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.at[i] < 0x21 || text.at[i] > 0x7e)
            return false;
    return true;
}

static bool read_salt(struct span text, struct scram_salt *salt_r)
{
    struct buf bytes = { 0 };
    bool good = text.size <= 2 * SCRAM_SALT_MOST && codec_base64_decode(&bytes, text) && bytes.size > 0 &&
                bytes.size <= SCRAM_SALT_MOST;

    if (good) {
        memcpy(salt_r->bytes, bytes.at, bytes.size);
        salt_r->size = bytes.size;
    }
    buf_free(&bytes);
    return good;
}

static const char *read_first(const struct scram *scram, struct span rest, struct span *nonce_r,
                              struct scram_salt *salt_r)
{
    struct span salt, rounds;
    uint64_t count;

    if (rest.size == 0 || rest.size > SCRAM_MESSAGE_MOST)
        return "its first message is empty or too long";
    if (rest.at[0] == 'm')
        return "it demands an extension";
    if (!take(&rest, 'r', nonce_r) || !take(&rest, 's', &salt) || !take(&rest, 'i', &rounds))
        return "its first message is not of SCRAM";
    if (!span_starts(*nonce_r, scram->nonce) || nonce_r->size == scram->nonce.size || !is_printable(*nonce_r))
        return "its nonce does not begin with ours";
    if (!read_salt(salt, salt_r))
        return "its salt cannot be read";
    if (!text_to_u64(rounds, &count) || count < SCRAM_ROUNDS_LEAST)
        return "it wants too few rounds";
    if (count > SCRAM_ROUNDS_MOST)
        return "it wants too many rounds";
    salt_r->rounds = (unsigned)count;
    return NULL;
}

bool scram_hear_first(struct scram *scram, struct span message, struct scram_salt *salt_r, const char **why_r)
{
    struct span nonce = span_make(NULL, 0);
    const char *why = scram->server_nonce.size ? "it sends its first message twice"
                                               : read_first(scram, message, &nonce, salt_r);

    if (why) {
        *why_r = why;
        return false;
    }
    buf_add(&scram->server_nonce, nonce);
    buf_char(&scram->exchange, ',');
    buf_add(&scram->exchange, message);
    return true;
}

/* ---- our last message ---- */

void scram_derive(enum scram_hash hash, struct span password, const struct scram_salt *salt,
                  struct scram_keys *keys_r)
{
    unsigned char salted[SCRAM_KEY_MOST];

    must(PKCS5_PBKDF2_HMAC(password.size ? password.at : "", (int)password.size, salt->bytes, (int)salt->size,
                           (int)salt->rounds, hashes[hash].md(), (int)hashes[hash].size, salted) == 1);
    hmac(hash, salted, SPAN("Client Key"), keys_r->client);
    hmac(hash, salted, SPAN("Server Key"), keys_r->server);
    OPENSSL_cleanse(salted, sizeof(salted));
}

void scram_finish(struct scram *scram, const struct scram_keys *keys, struct buf *last)
{
    size_t size = hashes[scram->hash].size, start = last->size;
    unsigned char stored[SCRAM_KEY_MOST], proof[SCRAM_KEY_MOST];
    struct span without_proof;

    buf_text(last, "c=");
    codec_base64(last, buf_span(&scram->gs2));
    buf_text(last, ",r=");
    buf_add(last, buf_span(&scram->server_nonce));
    without_proof = span_from(buf_span(last), start);
    buf_char(&scram->exchange, ',');
    buf_add(&scram->exchange, without_proof);
    must(EVP_Digest(keys->client, size, stored, NULL, hashes[scram->hash].md(), NULL) == 1);
    hmac(scram->hash, stored, buf_span(&scram->exchange), proof);
    for (size_t i = 0; i < size; i++)
        proof[i] ^= keys->client[i];
    buf_text(last, ",p=");
    codec_base64(last, span_make((const char *)proof, size));
    hmac(scram->hash, keys->server, buf_span(&scram->exchange), scram->signature);
    scram->finished = true;
    OPENSSL_cleanse(stored, sizeof(stored));
    OPENSSL_cleanse(proof, sizeof(proof));
}

/* ---- the server's last message ---- */

bool scram_verify(const struct scram *scram, struct span message, const char **why_r)
{
    size_t size = hashes[scram->hash].size;
    struct buf given = { 0 };
    struct span value;
    bool good = false;

    *why_r = "its last message is not of SCRAM";
    if (!scram->finished || message.size > SCRAM_MESSAGE_MOST)
        return false;
    if (span_starts(message, SPAN("e="))) {
        *why_r = "it refuses the proof";
    } else if (take(&message, 'v', &value)) {
        *why_r = "its signature is wrong";
        good = codec_base64_decode(&given, value) && given.size == size &&
               digest_equal(given.at, scram->signature, size);
    }
    buf_free(&given);
    return good;
}
