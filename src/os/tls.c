/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0 and OpenSSL: tls.c - connections; see tls.h.
 *
 * A struct tls is OpenSSL's own SSL, so that an idle connection costs no word more than it must. */
#include "os/tls_store.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/must.h"

#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdio.h>

/* Forward secrecy and AEAD only, in Mozilla's "intermediate" spirit; TLS 1.3 has good ones by itself. */
#define CIPHERS                                                                                              \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"               \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define TICKET_LIFETIME_USEC (3600 * USEC_PER_SEC)

#define HTTP2_NAME "h2"

/* What a listener wants of a connection; one of four, so that a connection needs no memory for it. */
struct connection_rules {
    bool fixed; /* one certificate, whatever the client names */
    bool http2;
};

static const struct connection_rules *rules_for(bool fixed, bool http2)
{
    static const struct connection_rules all[2][2] = { { { false, false }, { false, true } },
                                                       { { true, false }, { true, true } } };

    return &all[fixed][http2];
}

static SSL *ssl_of(const struct tls *tls)
{
    return (SSL *)(void *)(uintptr_t)tls;
}

/* ---- rules of agreement ---- */

static int on_server_name(SSL *ssl, int *alert, void *data)
{
    const struct connection_rules *rules = SSL_get_app_data(ssl);
    const struct tls_store *store = data;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_CTX *context;

    (void)alert;
    if (rules->fixed || name == NULL)
        return SSL_TLSEXT_ERR_OK; /* this listener has one certificate, or the client does not care */
    context = tls_store_find(store, name);
    if (context)
        SSL_set_SSL_CTX(ssl, context);
    return SSL_TLSEXT_ERR_OK;
}

/* Whether the client's list has it. */
static bool offers(const unsigned char *list, unsigned size, struct span name, const unsigned char **at_r)
{
    for (unsigned at = 0; at < size && at + 1 + list[at] <= size; at += 1u + list[at]) {
        *at_r = list + at + 1;
        if (span_eq(span_make((const char *)*at_r, list[at]), name))
            return true;
    }
    return false;
}

/* An operator's list of ciphers may hold such as HTTP/2 forbids in TLS 1.2 (RFC 9113 9.2.2). */
static bool fits_http2(const SSL *ssl)
{
    const SSL_CIPHER *cipher = SSL_get_pending_cipher(ssl);
    int exchange = cipher ? SSL_CIPHER_get_kx_nid(cipher) : NID_undef;

    if (SSL_version(ssl) >= TLS1_3_VERSION || cipher == NULL)
        return true;
    return SSL_CIPHER_is_aead(cipher) && (exchange == NID_kx_ecdhe || exchange == NID_kx_dhe);
}

/* A client that offers other protocols only is let in without one: some offer nonsense and speak HTTP/1.1. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_size, const unsigned char *in,
                   unsigned in_size, void *data)
{
    const struct connection_rules *rules = SSL_get_app_data(ssl);

    (void)data;
    if (!(rules->http2 && fits_http2(ssl) && offers(in, in_size, SPAN(HTTP2_NAME), out)) &&
        !offers(in, in_size, SPAN("http/1.1"), out))
        return SSL_TLSEXT_ERR_NOACK;
    *out_size = (*out)[-1];
    return SSL_TLSEXT_ERR_OK;
}

static bool mac_begin(EVP_MAC_CTX *mac, const unsigned char key[32])
{
    char hash[] = "SHA256";
    unsigned char copy[32]; /* OSSL_PARAM wants it writable */
    OSSL_PARAM parameters[3];
    bool good;

    memcpy(copy, key, sizeof(copy));
    parameters[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, copy, sizeof(copy));
    parameters[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash, 0);
    parameters[2] = OSSL_PARAM_construct_end();
    good = EVP_MAC_CTX_set_params(mac, parameters) == 1;
    OPENSSL_cleanse(copy, sizeof(copy));
    return good;
}

int tls_on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                  int making)
{
    const struct tls_store *store = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const struct tls_tickets *tickets = &store->tickets;
    struct tls_ticket_keys keys;
    bool newest = true;
    int result = -1;

    if (making) {
        tickets->newest(tickets->data, &keys);
        memcpy(name, keys.name, sizeof(keys.name));
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 &&
            EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, keys.cipher, iv) == 1 &&
            mac_begin(mac, keys.mac))
            result = 1;
    } else if (!tickets->find(tickets->data, name, &keys, &newest)) {
        return 0;
    } else if (mac_begin(mac, keys.mac) &&
               EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, keys.cipher, iv) == 1) {
        result = newest && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2; /* 1.3: clients use a ticket once */
    }
    OPENSSL_cleanse(&keys, sizeof(keys));
    return result;
}

int tls_context_rules(SSL_CTX *context, struct tls_store *store, const struct tls_options *options,
                      char *why_r, size_t why_size)
{
    static const unsigned char session_place[] = "stoa";
    bool only_13 = options->min_version && strcmp(options->min_version, "1.3") == 0;
    const char *ciphers = options->ciphers ? options->ciphers : CIPHERS;
    int64_t lifetime = options->ticket_lifetime > 0 ? options->ticket_lifetime : TICKET_LIFETIME_USEC;

    SSL_CTX_set_min_proto_version(context, only_13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_PRIORITIZE_CHACHA |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (options->ktls)
        SSL_CTX_set_options(context, SSL_OP_ENABLE_KTLS);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets only: any worker opens them */
    SSL_CTX_set_session_id_context(context, session_place, sizeof(session_place) - 1);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_timeout(context, (long)(lifetime / USEC_PER_SEC));
    SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(context, store);
    SSL_CTX_set_alpn_select_cb(context, on_alpn, NULL);
    SSL_CTX_set_app_data(context, store);
    if (SSL_CTX_set_cipher_list(context, ciphers) != 1) {
        snprintf(why_r, why_size, "the list of TLS 1.2 ciphers names none that is known: %s", ciphers);
        return -1;
    }
    return 0;
}

/* ---- connections ---- */

struct tls *tls_new(struct tls_store *store, int fd, const char *domain)
{
    SSL_CTX *fixed = domain ? tls_store_find(store, domain) : NULL;
    SSL_CTX *context = fixed ? fixed : store->initial;
    SSL *ssl;

    ssl = SSL_new(context);
    if (ssl == NULL)
        return NULL;
    SSL_set_app_data(ssl, (void *)(uintptr_t)rules_for(fixed != NULL, false));
    if (SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_accept_state(ssl);
    return (void *)ssl;
}

void tls_free(struct tls **tls)
{
    if (*tls == NULL)
        return;
    SSL_free(ssl_of(*tls));
    ERR_clear_error();
    *tls = NULL;
}

void tls_offer_http2(struct tls *tls)
{
    const struct connection_rules *rules = SSL_get_app_data(ssl_of(tls));

    SSL_set_app_data(ssl_of(tls), (void *)(uintptr_t)rules_for(rules->fixed, true));
}

bool tls_chose_http2(const struct tls *tls)
{
    const unsigned char *name;
    unsigned size;

    SSL_get0_alpn_selected(ssl_of(tls), &name, &size);
    return span_eq(span_make((const char *)name, size), SPAN(HTTP2_NAME));
}

static bool met_http; /* of the handshake that failed last: read at once by who saw it fail */

int tls_handshake(struct tls *tls, const char **why_r)
{
    unsigned long code;
    int done, error;

    ERR_clear_error();
    done = SSL_do_handshake(ssl_of(tls));
    if (done == 1)
        return 1;
    error = SSL_get_error(ssl_of(tls), done);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return 0;
    code = ERR_peek_error();
    met_http = ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST;
    *why_r = code ? ERR_reason_error_string(code) : "the client went away";
    if (*why_r == NULL)
        *why_r = "unknown";
    ERR_clear_error();
    return -1;
}

bool tls_met_http(void)
{
    return met_http;
}

bool tls_resumed(const struct tls *tls)
{
    return SSL_session_reused(ssl_of(tls));
}

const char *tls_server_name(const struct tls *tls)
{
    return SSL_get_servername(ssl_of(tls), TLSEXT_NAMETYPE_host_name);
}

const char *tls_version(const struct tls *tls)
{
    return SSL_get_version(ssl_of(tls));
}

static ssize_t outcome(struct tls *tls, int got)
{
    int error, number = errno;

    if (got > 0)
        return got;
    error = SSL_get_error(ssl_of(tls), got);
    ERR_clear_error();
    switch (error) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        errno = number ? number : ECONNRESET;
        return -1;
    default:
        errno = EPROTO;
        return -1;
    }
}

static int at_once(size_t size)
{
    return size > INT_MAX ? INT_MAX : (int)size;
}

ssize_t tls_read(struct tls *tls, void *into, size_t size)
{
    ERR_clear_error();
    errno = 0;
    return outcome(tls, SSL_read(ssl_of(tls), into, at_once(size)));
}

ssize_t tls_write(struct tls *tls, const void *bytes, size_t size)
{
    ssize_t sent;

    ERR_clear_error();
    errno = 0;
    sent = outcome(tls, SSL_write(ssl_of(tls), bytes, at_once(size)));
    if (sent == 0)
        errno = EPIPE;
    return sent == 0 ? -1 : sent;
}

bool tls_wants_write(const struct tls *tls)
{
    return SSL_want_write(ssl_of(tls));
}

bool tls_pending(const struct tls *tls)
{
    return SSL_pending(ssl_of(tls)) > 0;
}

bool tls_sends_files(const struct tls *tls)
{
    return BIO_get_ktls_send(SSL_get_wbio(ssl_of(tls)));
}

ssize_t tls_sendfile(struct tls *tls, int fd, int64_t offset, size_t size)
{
    ossl_ssize_t sent;

    ERR_clear_error();
    errno = 0;
    sent = SSL_sendfile(ssl_of(tls), fd, offset, size, 0);
    if (sent >= 0)
        return sent;
    return errno == EAGAIN ? -1 : outcome(tls, -1);
}

void tls_shut(struct tls *tls)
{
    if (!SSL_is_init_finished(ssl_of(tls)))
        return;
    ERR_clear_error();
    SSL_shutdown(ssl_of(tls));
    ERR_clear_error();
}
