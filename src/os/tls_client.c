/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0 and OpenSSL: tls_client.c - see tls_client.h. */
#include "os/tls_client.h"

#include "base/must.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPORTER_SIZE  32 /* RFC 9266 2 */
#define EXPORTER_LABEL "EXPORTER-Channel-Binding"

struct tls_client {
    SSL_CTX *context; /* owned */
};

static SSL *ssl_of(const struct tls *tls)
{
    return (SSL *)(void *)(uintptr_t)tls;
}

static const char *last_reason(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    return reason ? reason : "unknown";
}

static bool load_authorities(SSL_CTX *context, const char *ca_file, char *why_r, size_t why_size)
{
    ERR_clear_error();
    /* A file may hold the server's own certificate in place of its authority's. */
    if (ca_file)
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
    if (ca_file ? SSL_CTX_load_verify_file(context, ca_file) == 1
                : SSL_CTX_set_default_verify_paths(context) == 1)
        return true;
    if (ca_file)
        snprintf(why_r, why_size, "%s holds no certificates that can be read: %s", ca_file, last_reason());
    else
        snprintf(why_r, why_size, "the system's store of certificates cannot be read: %s", last_reason());
    ERR_clear_error();
    return false;
}

int tls_client_new(struct tls_client **client_r, const char *ca_file, bool check, char *why_r,
                   size_t why_size)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    *client_r = NULL;
    must(context != NULL);
    if (check && !load_authorities(context, ca_file, why_r, why_size)) {
        SSL_CTX_free(context);
        return -1;
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(context, check ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    *client_r = must_alloc(sizeof(**client_r));
    (*client_r)->context = context;
    return 0;
}

void tls_client_free(struct tls_client **client)
{
    if (*client == NULL)
        return;
    SSL_CTX_free((*client)->context);
    free(*client);
    *client = NULL;
}

static bool is_address(const char *name)
{
    unsigned char bytes[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

/* A certificate's common name counts for nothing, and its wildcards for whole labels only. */
static bool demand_name(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *rules = SSL_get0_param(ssl);

    if (is_address(name))
        return X509_VERIFY_PARAM_set1_ip_asc(rules, name) == 1;
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                               X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(rules, name, 0) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

static bool offer_protocol(SSL *ssl, const char *protocol)
{
    unsigned char list[64];
    size_t size = strlen(protocol);

    must(size < sizeof(list));
    list[0] = (unsigned char)size;
    memcpy(list + 1, protocol, size);
    return SSL_set_alpn_protos(ssl, list, (unsigned)size + 1) == 0;
}

struct tls *tls_client_connect(struct tls_client *client, int fd, const char *name, const char *protocol)
{
    SSL *ssl = name[0] ? SSL_new(client->context) : NULL;

    if (ssl == NULL)
        return NULL;
    if (SSL_set_fd(ssl, fd) != 1 || !demand_name(ssl, name) || (protocol && !offer_protocol(ssl, protocol))) {
        SSL_free(ssl);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_connect_state(ssl);
    return (void *)ssl;
}

const char *tls_client_refusal(const struct tls *tls)
{
    long result = SSL_get_verify_result(ssl_of(tls));

    if (result == X509_V_OK || SSL_get_verify_mode(ssl_of(tls)) == SSL_VERIFY_NONE)
        return NULL;
    return X509_verify_cert_error_string(result);
}

/* tls-unique is the first Finished of the handshake, which is ours as nothing is ever resumed. Without the
 * extended master secret two channels can be made to share it (RFC 7627 1). */
enum tls_binding tls_client_binding(const struct tls *tls, unsigned char bytes_r[TLS_BINDING_MOST],
                                    size_t *size_r)
{
    SSL *ssl = ssl_of(tls);

    *size_r = 0;
    if (SSL_version(ssl) == TLS1_3_VERSION) {
        if (SSL_export_keying_material(ssl, bytes_r, EXPORTER_SIZE, EXPORTER_LABEL, strlen(EXPORTER_LABEL),
                                       (const unsigned char *)"", 0, 1) != 1)
            return TLS_BINDING_NONE;
        *size_r = EXPORTER_SIZE;
        return TLS_BINDING_EXPORTER;
    }
    if (SSL_version(ssl) != TLS1_2_VERSION || SSL_session_reused(ssl) || SSL_get_extms_support(ssl) != 1)
        return TLS_BINDING_NONE;
    *size_r = SSL_get_finished(ssl, bytes_r, TLS_BINDING_MOST);
    if (*size_r == 0 || *size_r > TLS_BINDING_MOST)
        return TLS_BINDING_NONE;
    return TLS_BINDING_UNIQUE;
}
