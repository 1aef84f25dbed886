/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: http_tls_test.c - certificates by name, resumption at another worker, HTTP over
 * TLS. */
#include "http_driver.h"

#include "shm/ticket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

static char folder[] = "/tmp/stoa-tls-test-XXXXXX";
static struct driver driver;
static SSL_CTX *client;
static SSL_SESSION *session; /* the last one that the client was given */

/* ---- certificates of our own ---- */

static void write_certificate(const char *file, const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);
    char path[256], alternative[256];
    X509_EXTENSION *extension;
    FILE *out;

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_set_pubkey(certificate, key);
    snprintf(alternative, sizeof(alternative), "DNS:%s", name);
    extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    snprintf(path, sizeof(path), "%s/%s", folder, file);
    out = fopen(path, "w");
    assert_non_null(out);
    PEM_write_X509(out, certificate);
    PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    fclose(out);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void remove_file(const char *file)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", folder, file);
    unlink(path);
}

static int prepare(char *why, size_t size)
{
    http_server_release(&driver.tls);
    return http_server_prepare(&driver.settings, NULL, 0, &driver.tls, why, size);
}

/* ---- a server and a client in one loop ---- */

static void hello(struct http_request *request)
{
    reply_send(request, 200, "text/plain", request->secure ? SPAN("secret hello") : SPAN("hello"));
}

static void echo_all(struct http_request *request, struct span body)
{
    reply_send(request, 200, "text/plain", body);
}

static void echo(struct http_request *request)
{
    request_read_body(request, 1 << 20, echo_all);
}

static const struct http_route rows[] = {
    { METHOD_BIT(HTTP_GET), "/hello", ACCESS_OPEN, hello, "" },
    { METHOD_BIT(HTTP_POST), "/echo", ACCESS_OPEN, echo, "" },
    { .path = NULL },
};

static void server_up(const char *domain)
{
    static const struct http_context context = { .path = "/", .routes = rows, .name = "test" };
    struct http_tls *tls = driver.tls;
    struct segment *segment = driver.heritage.segment;
    struct http_server_settings settings = driver.http_server;

    driver_init(&driver);
    driver.tls = tls;
    driver.heritage.segment = segment;
    driver.http_server = settings;
    driver.connection.socket = SOCKET_SSL;
    driver.connection.domain = domain;
    router_table_add(driver.table, &context);
    driver_start(&driver);
}

/* The certificates stay for the next worker. */
static void server_down(void)
{
    struct http_tls *tls = driver.tls;

    driver.tls = NULL;
    driver_end(&driver);
    driver.tls = tls;
}

static int keep_session(SSL *ssl, SSL_SESSION *given)
{
    (void)ssl;
    SSL_SESSION_free(session);
    session = given;
    return 1;
}

static void forget_session(void)
{
    SSL_SESSION_free(session);
    session = NULL;
}

/* Sends text over a new connection; what came back is in driver.in. name NULL: no SNI. */
static SSL *talk(const char *name, const char *text, size_t size)
{
    SSL *ssl = SSL_new(client);
    int fd = driver_connect(&driver, NULL);
    size_t sent = 0;
    unsigned quiet = 0;

    SSL_set_fd(ssl, fd);
    SSL_set_connect_state(ssl);
    if (name)
        SSL_set_tlsext_host_name(ssl, name);
    if (session)
        SSL_set_session(ssl, session);
    buf_clear(&driver.in);
    while (quiet < 2 * DRIVER_QUIET) {
        int put = sent < size ? SSL_write(ssl, text + sent, (int)(size - sent)) : 0, got;

        driver_step(&driver, false);
        got = SSL_read(ssl, buf_reserve(&driver.in, 65536), 65536);
        if (put > 0)
            sent += (size_t)put;
        if (got > 0)
            driver.in.size += (size_t)got;
        quiet = put > 0 || got > 0 ? 0 : quiet + 1;
        ERR_clear_error();
    }
    buf_char(&driver.in, '\0');
    driver.in.size--;
    return ssl;
}

static void hang_up(SSL *ssl)
{
    int fd = SSL_get_fd(ssl);

    SSL_shutdown(ssl); /* without it OpenSSL would not use the session again */
    SSL_free(ssl);
    close(fd);
    driver_step(&driver, false);
}

#define GET(host) "GET /hello HTTP/1.1\r\nHost: " host "\r\n\r\n"

static const char *name_shown(const char *name)
{
    static char text[256];
    X509 *certificate;
    SSL *ssl;

    forget_session(); /* a resumed session shows no certificate */
    ssl = talk(name, GET("h"), 0);
    certificate = SSL_get1_peer_certificate(ssl);
    assert_non_null(certificate);
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text, sizeof(text));
    X509_free(certificate);
    hang_up(ssl);
    return text;
}

/* ---- tests ---- */

static void wrong_certificates_are_told_before_anything_starts(void **state)
{
    char why[512] = "";
    char path[256];
    FILE *out;

    (void)state;
    assert_int_equal(prepare(why, sizeof(why)), -1);
    assert_non_null(strstr(why, "no certificate in"));
    write_certificate("a.example.pem", "a.example");
    snprintf(path, sizeof(path), "%s/broken.pem", folder);
    out = fopen(path, "w");
    fputs("nothing", out);
    fclose(out);
    assert_int_equal(prepare(why, sizeof(why)), -1);
    assert_non_null(strstr(why, "broken.pem"));
    remove_file("broken.pem");
    driver.connection.domain = "z.example";
    assert_int_equal(prepare(why, sizeof(why)), -1);
    assert_non_null(strstr(why, "z.example.pem"));
    driver.connection.domain = NULL;
    driver.http_server.default_certificate = "gone.pem";
    assert_int_equal(prepare(why, sizeof(why)), -1);
    assert_non_null(strstr(why, "gone.pem"));
    driver.http_server.default_certificate = NULL;
    driver.http_server.tls_ciphers = "NONSENSE";
    assert_int_equal(prepare(why, sizeof(why)), -1);
    assert_non_null(strstr(why, "NONSENSE"));
    driver.http_server.tls_ciphers = NULL;
    driver.connection.socket = SOCKET_PLAIN;
    assert_int_equal(prepare(why, sizeof(why)), 0);
    assert_null(driver.tls);
    driver.connection.socket = SOCKET_SSL;
}

static void certificates_are_chosen_by_name(void **state)
{
    char why[512];

    (void)state;
    write_certificate("b.example.pem", "b.example");
    write_certificate("default.pem", "default.example");
    write_certificate("other.pem", "in.certificate.example");
    write_certificate("_.wild.example.pem", "*.wild.example");
    assert_int_equal(prepare(why, sizeof(why)), 0);
    server_up(NULL);
    assert_string_equal(name_shown("a.example"), "a.example");
    assert_string_equal(name_shown("B.Example"), "b.example");
    assert_string_equal(name_shown("in.certificate.example"), "in.certificate.example");
    assert_string_equal(name_shown("x.wild.example"), "*.wild.example");
    assert_string_equal(name_shown("x.y.wild.example"), "default.example");
    assert_string_equal(name_shown("wild.example"), "default.example");
    assert_string_equal(name_shown(NULL), "default.example");
    server_down();
    server_up("b.example");
    assert_string_equal(name_shown("a.example"), "b.example");
    server_down();
}

static void http_runs_over_tls(void **state)
{
    struct buf in = { 0 };
    SSL *ssl;

    (void)state;
    forget_session();
    server_up(NULL);
    ssl = talk("a.example", GET("a.example") GET("a.example"), 2 * strlen(GET("a.example")));
    assert_int_equal(driver_count(driver.in.at, "secret hello"), 2);
    hang_up(ssl);
    ssl = talk("a.example", GET("b.example"), strlen(GET("b.example")));
    assert_int_equal(driver_status(driver.in.at), 421); /* two sites are mixed up */
    hang_up(ssl);
    buf_printf(&in, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n");
    for (int i = 0; i < 300000; i++)
        buf_char(&in, (char)('a' + i % 25));
    buf_text(&in, GET("h"));
    ssl = talk(NULL, in.at, in.size);
    assert_int_equal(driver_status(driver.in.at), 200);
    assert_memory_equal(driver_body(driver.in.at), strstr(in.at, "\r\n\r\n") + 4, 300000);
    assert_int_equal(driver_count(driver.in.at, "secret hello"), 1);
    hang_up(ssl);
    buf_free(&in);
    assert_int_equal(driver_status(driver_talk(&driver, "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n")), 400);
    assert_non_null(strstr(driver_body(driver.in.at), "TLS"));
    assert_int_equal(http_server_connections(driver.server), 0);
    server_down();
}

/* Both workers live from the same keys in shared memory, also when these were rotated in between. */
static void sessions_resume_at_another_worker(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

    (void)state;
    for (int i = 0; i < 2; i++) {
        SSL *ssl;

        forget_session();
        SSL_CTX_set_min_proto_version(client, versions[i]);
        SSL_CTX_set_max_proto_version(client, versions[i]);
        for (int round = 0; round < 3; round++) {
            server_up(NULL);
            ssl = talk("a.example", GET("a.example"), strlen(GET("a.example")));
            assert_int_equal(driver_status(driver.in.at), 200);
            assert_int_equal(SSL_session_reused(ssl), round > 0);
            assert_non_null(session);
            hang_up(ssl);
            server_down();
            if (round == 1)
                tickets_rotate(&driver.heritage.segment->tickets);
        }
        tickets_rotate(&driver.heritage.segment->tickets);
        tickets_rotate(&driver.heritage.segment->tickets);
        server_up(NULL);
        ssl = talk("a.example", GET("a.example"), strlen(GET("a.example")));
        assert_int_equal(SSL_session_reused(ssl), 0); /* its key is gone: a full handshake, and no fuss */
        hang_up(ssl);
        server_down();
    }
    SSL_CTX_set_min_proto_version(client, 0);
    SSL_CTX_set_max_proto_version(client, 0);
}

static void old_versions_are_refused(void **state)
{
    char why[512];
    SSL *ssl;

    (void)state;
    driver.http_server.tls_min_version = "1.3";
    assert_int_equal(prepare(why, sizeof(why)), 0);
    server_up(NULL);
    SSL_CTX_set_max_proto_version(client, TLS1_2_VERSION);
    ssl = talk("a.example", GET("a.example"), strlen(GET("a.example")));
    assert_int_equal(driver.in.size, 0);
    assert_false(SSL_is_init_finished(ssl));
    hang_up(ssl);
    SSL_CTX_set_max_proto_version(client, 0);
    ssl = talk("a.example", GET("a.example"), strlen(GET("a.example")));
    assert_string_equal(SSL_get_version(ssl), "TLSv1.3");
    hang_up(ssl);
    server_down();
}

static int up(void **state)
{
    static void *connections[1];
    int fd;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    if (mkdtemp(folder) == NULL)
        return -1;
    driver_init(&driver);
    router_table_free(&driver.table);
    driver.http_server.certs_dir = folder;
    driver.connection.section.active = true;
    driver.connection.socket = SOCKET_SSL;
    connections[0] = &driver.connection;
    driver.http_server.connections = (struct conf_sections){ connections, 1 };
    driver.heritage.segment = segment_create(&fd);
    if (driver.heritage.segment == NULL)
        return -1;
    close(fd);
    tickets_rotate(&driver.heritage.segment->tickets);
    client = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client, keep_session);
    return 0;
}

static int down(void **state)
{
    static const char *const files[] = { "a.example.pem", "b.example.pem", "default.pem", "other.pem",
                                         "_.wild.example.pem" };

    (void)state;
    http_server_release(&driver.tls);
    forget_session();
    SSL_CTX_free(client);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        remove_file(files[i]);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_certificates_are_told_before_anything_starts),
        cmocka_unit_test(certificates_are_chosen_by_name),
        cmocka_unit_test(http_runs_over_tls),
        cmocka_unit_test(sessions_resume_at_another_worker),
        cmocka_unit_test(old_versions_are_refused),
    };

    return cmocka_run_group_tests(tests, up, down);
}
