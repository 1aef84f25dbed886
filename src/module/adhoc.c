/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: adhoc.c - see adhoc.h. */
#include "module/adhoc.h"

#include "base/codec.h"
#include "base/digest.h"
#include "base/must.h"
#include "xmpp/ns.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define MAC_BYTES 16

static void add_part(struct buf *into, struct span part)
{
    buf_printf(into, "%zu:", part.size);
    buf_add(into, part);
}

static void mac_of(const struct auth_cache *cache, const struct adhoc_owner *owner, struct span text,
                   unsigned char mac_r[EVP_MAX_MD_SIZE])
{
    struct buf whole = { 0 };

    buf_text(&whole, "adhoc session ");
    add_part(&whole, span_of(owner->front));
    add_part(&whole, owner->user);
    add_part(&whole, owner->to);
    add_part(&whole, owner->node);
    add_part(&whole, text);
    must(HMAC(EVP_sha256(), cache->key, (int)sizeof(cache->key), (const unsigned char *)whole.at, whole.size,
              mac_r, NULL) != NULL);
    buf_free(&whole);
}

struct span adhoc_sign(const struct auth_cache *cache, struct arena *arena, const struct adhoc_owner *owner,
                       struct span text)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    struct buf shown = { 0 };
    struct span out;

    mac_of(cache, owner, text, mac);
    codec_hex(&shown, span_make((const char *)mac, MAC_BYTES));
    buf_char(&shown, '.');
    buf_add(&shown, text);
    out = arena_copy(arena, buf_span(&shown));
    buf_free(&shown);
    return out;
}

bool adhoc_verify(const struct auth_cache *cache, struct span shown, const struct adhoc_owner *owner,
                  struct span *text_r)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    struct span text = shown, sign = span_cut(&text, '.');
    struct buf hex = { 0 };
    bool good;

    mac_of(cache, owner, text, mac);
    codec_hex(&hex, span_make((const char *)mac, MAC_BYTES));
    good = sign.size == hex.size && text.size > 0 && digest_equal(sign.at, hex.at, hex.size);
    buf_free(&hex);
    if (good)
        *text_r = text;
    return good;
}

bool adhoc_changes_accounts(struct span node)
{
    return span_is(node, NS_ADMIN "#change-user-password") || span_is(node, NS_ADMIN "#delete-user");
}

bool adhoc_names_accounts(struct span var)
{
    return span_is(var, "accountjid") || span_is(var, "accountjids");
}
