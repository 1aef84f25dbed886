/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: web_token.c - tokens of forms: nobody else can send a form in the name of who sees it
 * (R6).
 *
 * A token is its version, when it was made, 128 random bits, and a MAC over these, the purpose, and who it
 * was made for: the session, or who is logged in by Basic, or else the browser by a cookie of its own. The
 * key lies in the segment, so any worker knows it; nothing is kept of a token until it is used. */
#include "module/web_inside.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/digest.h"
#include "base/random.h"

#include <openssl/crypto.h>

#define TOKEN_VERSION 1
#define HEAD_BYTES    25 /* version, time, random */
#define MAC_BYTES     16
#define TOKEN_BYTES   (HEAD_BYTES + MAC_BYTES)

static void add_part(struct buf *into, struct span part)
{
    uint64_t size = part.size;

    buf_add(into, span_make((const char *)&size, sizeof(size)));
    buf_add(into, part);
}

/* Who the token is for, in parts that no two read alike. make: a browser without a name gets one. false:
 * there is nobody. */
static bool add_bearer(struct buf *into, struct module_host *host, struct http_request *request,
                       const char *purpose, bool make)
{
    struct web_visit *visit = web_visit(request);
    struct web_session session;
    const char *name;

    if (strcmp(purpose, WEB_PURPOSE_LOGIN) != 0) {
        if ((visit->by_session || request->user.size == 0) && web_open(host, request, &session)) {
            buf_char(into, 's');
            add_part(into, span_make((const char *)session.digest, sizeof(session.digest)));
            add_part(into, span_of(session.jid));
            OPENSSL_cleanse(&session, sizeof(session));
            return true;
        }
        if (visit->by_session)
            return false; /* it has ended since */
        if (request->user.size) {
            buf_char(into, 'b');
            add_part(into, request->user);
            return true;
        }
    }
    name = web_form_name(request, make);
    buf_char(into, 'f');
    add_part(into, span_of(name));
    return name[0] != '\0';
}

static bool mac_of(struct module_host *host, struct http_request *request, const char *purpose,
                   const unsigned char head[HEAD_BYTES], bool make, unsigned char mac_r[MAC_BYTES])
{
    const struct web_sessions *sessions = &host->segment->web_sessions;
    unsigned char digest[SHA256_BYTES];
    struct buf text = { 0 };
    bool known;

    buf_add(&text, SPAN("form"));
    buf_add(&text, span_make((const char *)head, HEAD_BYTES));
    add_part(&text, span_of(purpose));
    known = add_bearer(&text, host, request, purpose, make);
    digest_hmac(span_make((const char *)sessions->key, sizeof(sessions->key)), buf_span(&text), digest);
    memcpy(mac_r, digest, MAC_BYTES);
    buf_free(&text);
    return known;
}

struct span web_token(struct module_host *host, struct http_request *request, const char *purpose)
{
    int64_t now = clock_wall() / USEC_PER_SEC;
    unsigned char token[TOKEN_BYTES] = { TOKEN_VERSION };
    struct buf text = { 0 };
    struct span copy;

    memcpy(token + 1, &now, sizeof(now));
    random_bytes(token + 1 + sizeof(now), HEAD_BYTES - 1 - sizeof(now));
    (void)mac_of(host, request, purpose, token, true, token + HEAD_BYTES);
    codec_hex(&text, span_make((const char *)token, sizeof(token)));
    copy = arena_copy(request->arena, buf_span(&text));
    buf_free(&text);
    return copy;
}

enum web_token_state web_token_check(struct module_host *host, struct http_request *request,
                                     const char *purpose, struct span text, int64_t *born_r)
{
    unsigned char token[TOKEN_BYTES], mac[MAC_BYTES];
    int64_t now = clock_wall() / USEC_PER_SEC;

    if (!web_hex(text, token, sizeof(token)) || token[0] != TOKEN_VERSION ||
        !mac_of(host, request, purpose, token, false, mac) ||
        !digest_equal(mac, token + HEAD_BYTES, sizeof(mac)))
        return TOKEN_WRONG;
    memcpy(born_r, token + 1, sizeof(*born_r));
    return now - *born_r < host->settings->http->form_life / USEC_PER_SEC ? TOKEN_GOOD : TOKEN_OLD;
}
