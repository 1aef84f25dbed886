/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: os_tls_client_test.c - whose certificate is taken, whose is not, and what both ends can
 * bind a login to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/tls_client.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS_MOST 100 /* of a handshake in memory */

static char folder[] = "/tmp/stoa-tls-client-XXXXXX";
static char good_pem[64], other_pem[64], garbage_pem[64];

/* alternative NULL: a common name alone. */
static void write_certificate(const char *path, const char *name, const char *alternative)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_set_pubkey(certificate, key);
    if (alternative) {
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative);

        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    PEM_write_X509(out, certificate);
    PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    fclose(out);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static SSL_CTX *server_of(const char *pem, int version)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    assert_int_equal(SSL_CTX_use_certificate_chain_file(context, pem), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(context, pem, SSL_FILETYPE_PEM), 1);
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    return context;
}

struct pair {
    SSL_CTX *context;
    SSL *server;
    struct tls_client *client;
    struct tls *tls;
    int fds[2], done;
    const char *why;
};

static void meet(struct pair *pair, const char *server_pem, int version, const char *ca_file, bool check,
                 const char *name)
{
    char why[200];
    bool server_done = false;

    *pair = (struct pair){ 0 };
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair->fds), 0);
    pair->context = server_of(server_pem, version);
    pair->server = SSL_new(pair->context);
    SSL_set_fd(pair->server, pair->fds[1]);
    SSL_set_accept_state(pair->server);
    assert_int_equal(tls_client_new(&pair->client, ca_file, check, why, sizeof(why)), 0);
    pair->tls = tls_client_connect(pair->client, pair->fds[0], name, "xmpp-client");
    assert_non_null(pair->tls);
    for (int round = 0; round < ROUNDS_MOST && pair->done >= 0 && !(pair->done && server_done); round++) {
        if (pair->done == 0)
            pair->done = tls_handshake(pair->tls, &pair->why);
        if (!server_done)
            server_done = SSL_do_handshake(pair->server) == 1;
    }
}

static void part(struct pair *pair)
{
    tls_free(&pair->tls);
    tls_client_free(&pair->client);
    SSL_free(pair->server);
    SSL_CTX_free(pair->context);
    close(pair->fds[0]);
    close(pair->fds[1]);
}

static void test_certificates(void **state)
{
    static const struct {
        const char *server, *ca;
        bool check;
        const char *name;
        bool good;
    } rows[] = {
        { good_pem, good_pem, true, "example.org", true },
        { good_pem, good_pem, true, "EXAMPLE.ORG", true },
        { good_pem, good_pem, true, "a.example.net", true },    /* of a wildcard */
        { good_pem, good_pem, true, "a.b.example.net", false }, /* one label only */
        { good_pem, good_pem, true, "192.0.2.1", true },
        { good_pem, good_pem, true, "192.0.2.2", false },
        { good_pem, good_pem, true, "example.com", false },
        { good_pem, good_pem, true, "common.example", false }, /* a common name is none */
        { other_pem, other_pem, true, "example.org", false },  /* nor where there is nothing else */
        { good_pem, other_pem, true, "example.org", false },   /* nobody vouches for it */
        { good_pem, NULL, true, "example.org", false },
        { good_pem, NULL, false, "example.com", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pair pair;

        meet(&pair, rows[i].server, TLS1_3_VERSION, rows[i].ca, rows[i].check, rows[i].name);
        if ((pair.done == 1) != rows[i].good)
            fail_msg("row %zu: %d %s", i, pair.done, pair.why ? pair.why : "");
        if (rows[i].good)
            assert_null(tls_client_refusal(pair.tls));
        else
            assert_non_null(tls_client_refusal(pair.tls));
        part(&pair);
    }
}

static void test_binding_of_13(void **state)
{
    unsigned char mine[TLS_BINDING_MOST], theirs[32];
    struct pair pair;
    size_t size;

    (void)state;
    meet(&pair, good_pem, TLS1_3_VERSION, good_pem, true, "example.org");
    assert_int_equal(pair.done, 1);
    assert_int_equal(tls_client_binding(pair.tls, mine, &size), TLS_BINDING_EXPORTER);
    assert_int_equal(size, sizeof(theirs));
    assert_int_equal(SSL_export_keying_material(pair.server, theirs, sizeof(theirs),
                                                "EXPORTER-Channel-Binding", 24, (const unsigned char *)"", 0,
                                                1),
                     1);
    assert_memory_equal(mine, theirs, sizeof(theirs));
    part(&pair);
}

static void test_binding_of_12(void **state)
{
    unsigned char mine[TLS_BINDING_MOST], theirs[TLS_BINDING_MOST];
    struct pair pair;
    size_t size;

    (void)state;
    meet(&pair, good_pem, TLS1_2_VERSION, good_pem, true, "example.org");
    assert_int_equal(pair.done, 1);
    assert_int_equal(tls_client_binding(pair.tls, mine, &size), TLS_BINDING_UNIQUE);
    assert_int_equal(SSL_get_peer_finished(pair.server, theirs, sizeof(theirs)), size);
    assert_true(size > 0);
    assert_memory_equal(mine, theirs, size);
    part(&pair);
}

static void test_bytes_and_protocol(void **state)
{
    struct pair pair;
    char bytes[8];

    (void)state;
    meet(&pair, good_pem, TLS1_3_VERSION, good_pem, true, "example.org");
    assert_string_equal(SSL_get_servername(pair.server, TLSEXT_NAMETYPE_host_name), "example.org");
    assert_int_equal(tls_write(pair.tls, "hello", 5), 5);
    assert_int_equal(SSL_read(pair.server, bytes, sizeof(bytes)), 5);
    assert_int_equal(SSL_write(pair.server, "world", 5), 5);
    assert_int_equal(tls_read(pair.tls, bytes, sizeof(bytes)), 5);
    assert_memory_equal(bytes, "world", 5);
    part(&pair);
}

static void test_bad_files_and_names(void **state)
{
    struct tls_client *client;
    char why[200];

    (void)state;
    assert_int_equal(tls_client_new(&client, "/nonexistent.pem", true, why, sizeof(why)), -1);
    assert_non_null(strstr(why, "/nonexistent.pem"));
    assert_null(client);
    assert_int_equal(tls_client_new(&client, garbage_pem, true, why, sizeof(why)), -1);
    assert_int_equal(tls_client_new(&client, NULL, true, why, sizeof(why)), 0);
    assert_null(tls_client_connect(client, 0, "", NULL));
    tls_client_free(&client);
    tls_client_free(&client);
}

static int begin(void **state)
{
    FILE *out;

    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(good_pem, sizeof(good_pem), "%s/good.pem", folder);
    snprintf(other_pem, sizeof(other_pem), "%s/other.pem", folder);
    snprintf(garbage_pem, sizeof(garbage_pem), "%s/garbage.pem", folder);
    write_certificate(good_pem, "common.example", "DNS:example.org,DNS:*.example.net,IP:192.0.2.1");
    write_certificate(other_pem, "example.org", NULL);
    out = fopen(garbage_pem, "w");
    if (out == NULL)
        return -1;
    fputs("no certificate\n", out);
    return fclose(out);
}

static int end(void **state)
{
    (void)state;
    unlink(good_pem);
    unlink(other_pem);
    unlink(garbage_pem);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificates),        cmocka_unit_test(test_binding_of_13),
        cmocka_unit_test(test_binding_of_12),       cmocka_unit_test(test_bytes_and_protocol),
        cmocka_unit_test(test_bad_files_and_names),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
