/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: conf_settings_test.c - proves settings.h: defaults, connections in all, and the
 * cross-checks. */
#include "conf_help.h"

#include "base/clock.h"

struct loaded {
    struct conf *conf;
    struct settings settings;
};

static struct loaded settle(const char *text)
{
    struct loaded loaded = { .conf = load(text) };

    is_good(loaded.conf);
    settings_of(loaded.conf, &loaded.settings);
    return loaded;
}

static void refused_settings(const char *text, const char *part)
{
    struct loaded loaded = settle(text);

    if (conf_errors(loaded.conf) == 0)
        fail_msg("was taken: %s", text);
    tells(loaded.conf, part);
    conf_free(&loaded.conf);
}

static void test_defaults(void **state)
{
    struct loaded loaded = settle("");
    const struct settings *settings = &loaded.settings;

    (void)state;
    is_good(loaded.conf);
    assert_true(settings->http_server->request_timeout == 60 * USEC_PER_SEC);
    assert_true(settings->http_server->header_timeout == 10 * USEC_PER_SEC);
    assert_true(settings->http_server->tls_ticket_lifetime == 12 * 3600 * USEC_PER_SEC);
    assert_int_equal(settings->http_server->max_head_size, 16384);
    assert_string_equal(settings->http_server->certs_dir, "/place/certs");
    assert_string_equal(settings->http_server->tls_min_version, "1.2");
    assert_true(settings->http_server->ktls);
    assert_string_equal(settings->xmpp->host, "127.0.0.1");
    assert_int_equal(settings->xmpp->port, 5347);
    assert_null(settings->xmpp->c2s_host);
    assert_int_equal(settings->log->level, 3);
    assert_true(settings->log->access);
    assert_int_equal(settings->log->target, LOG_TO_FILES);
    assert_string_equal(settings->processes->user, "stoa");
    assert_string_equal(settings->processes->control_socket, "/place/run/stoactl.sock");
    assert_null(settings->processes->pid_file);
    assert_true(settings_workers(settings) >= 1);
    tells(loaded.conf, "no component is configured");
    conf_free(&loaded.conf);
}

/* ---- connections ---- */

static const struct {
    const char *text;
    const char *want; /* name/port/socket of each, joined by blanks */
} gathered[] = {
    { "", "8080/8080/0" },
    { "httpServer { connections { } }", "8080/8080/0" },
    { "httpServer { ports = 9000 }", "9000/9000/0" },
    { "httpServer { ports = 8080, 9050, 8080 }", "8080/8080/0 9050/9050/0" },
    { "httpServer { ports = '8080,9050' }", "8080/8080/0 9050/9050/0" },
    { "httpServer { ports = [ 8080, 9050 ] }", "8080/8080/0 9050/9050/0" },
    { "httpServer { connections { ports = [ 9050 ] } }", "9050/9050/0" },
    { "httpServer { connections { 9050 { }, 8443 { socket = ssl } } }", "9050/9050/0 8443/8443/1" },
    { "httpServer { ports = 8443, 80\n connections { 8443 { socket = ssl } } }", "80/80/0 8443/8443/1" },
    { "httpServer { ports = 8443\n connections { 8443 (active: false) { } } }", "" },
    { "httpServer { connections { 8080 (active: false) {} 8081 () {} } }", "8081/8081/0" },
    { "httpServer { connections (active: false) { 8081 () {} } }", "" },
    { "httpServer { connections { local { path = 'x' } } }", "local/0/0" },
    { "http { 2222 { socket = ssl } }", "2222/2222/1" },
    { "http { 2222 { domain = 'a.b' } }", "2222/2222/1" },
    { "http { 2222 { domain = 'a.b', socket = plain } }", "2222/2222/0" },
    { "http { 2222 { } }", "2222/2222/0" },
    { "httpServer { connections { 80 { addresses = '127.0.0.1' } }, ports = 81 }", "81/81/0 80/80/0" },
    { "httpServer (active: false) { }", "" },
};

static void test_connections(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(gathered) / sizeof(gathered[0]); i++) {
        struct loaded loaded = settle(gathered[i].text);
        struct buf got = { 0 };

        is_good(loaded.conf);
        for (size_t j = 0; j < loaded.settings.connection_count; j++) {
            const struct connection_settings *connection = loaded.settings.connections[j];

            assert_true(connection->section.active);
            buf_printf(&got, "%s%s/%d/%d", j ? " " : "", connection->section.name, (int)connection->port,
                       (int)connection->socket);
        }
        if (!span_is(buf_span(&got), gathered[i].want))
            fail_msg("%s gave %.*s", gathered[i].text, SPAN_ARG(buf_span(&got)));
        buf_free(&got);
        conf_free(&loaded.conf);
    }
}

static void test_impossible_connections(void **state)
{
    (void)state;
    refused_settings("httpServer { connections { local { } } }",
                     "t.tdsl:1:28: error: connection 'local': name it by its port");
    refused_settings("httpServer { connections { 65536 { } } }", "name it by its port");
    refused_settings("httpServer { connections { 080 { } } }", "name it by its port");
    refused_settings("httpServer { ports = 0 }", "ports: '0' is not a port");
    refused_settings("httpServer { ports = http }", "ports: 'http' is not a port");
    refused_settings("httpServer { connections { 80 { } } }\nhttp { 80 { } }",
                     "t.tdsl:2:8: error: port 80 is configured twice");
    refused_settings("httpServer { connections { 80 { addresses = '::1' } } }\nhttp { 80 { } }",
                     "port 80 is configured twice");
    refused_settings("httpServer { connections { a { path = x }, b { path = x } } }",
                     "'a' and 'b' have the same path");
    refused_settings("httpServer { connections { a { path = x, mode = 689 } } }",
                     "mode must have octal digits");
    refused_settings("httpServer { connections { 80 { redirectCondition = http } } }",
                     "needs a redirect-uri");
}

static void test_two_addresses_may_share_a_port(void **state)
{
    struct loaded loaded = settle("httpServer { connections { 80 { addresses = '::1' } } }\n"
                                  "http { 80 { addresses = '127.0.0.1' } }");

    (void)state;
    is_good(loaded.conf);
    assert_int_equal(loaded.settings.connection_count, 2);
    conf_free(&loaded.conf);
}

static void test_vain_settings_are_told(void **state)
{
    static const struct {
        const char *text, *part;
    } vain[] = {
        { "httpServer { connections { 80 { domain = a.b } } }",
          "warning: connection '80': domain has no effect" },
        { "httpServer { connections { 80 { redirectUri = 'https://{host}' } } }",
          "redirect-uri has no effect" },
        { "httpServer { connections { 80 (active: false) { } } }", "warning: no connection is active" },
        { "http { 2222 { domain = a.b } }", "notice: port '2222' has a domain and no socket" },
        { "httpServer { server-class = x }", "notice: server-class: is understood but has no effect" },
        { "httpServer { threads = 200 }", "understood as 64 workers" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(vain) / sizeof(vain[0]); i++) {
        struct loaded loaded = settle(vain[i].text);

        is_good(loaded.conf);
        tells(loaded.conf, vain[i].part);
        conf_free(&loaded.conf);
    }
}

/* ---- xmpp ---- */

static void test_components(void **state)
{
    struct loaded loaded = settle("xmpp { components {\n upload.example.org { secret = a }\n"
                                  " http.example.org { secret = b, service = rest, port = 5348 }\n"
                                  " x.example.org (active: false) { }\n} }");
    const struct component_settings *const *items =
        (const struct component_settings *const *)loaded.settings.xmpp->components.items;

    (void)state;
    tells_all(loaded.conf, "t.tdsl:1:1: notice: xmpp/domains is not given: understood from the components as "
                           "[ 'example.org' ]\n");
    assert_string_equal(items[0]->service, "upload");
    assert_string_equal(items[1]->service, "rest");
    assert_int_equal(items[1]->port, 5348);
    assert_int_equal(loaded.settings.xmpp->domains.count, 1);
    conf_free(&loaded.conf);
}

static void test_impossible_xmpp(void **state)
{
    (void)state;
    refused_settings("xmpp { components { upload.a { } } }",
                     "t.tdsl:1:21: error: component 'upload.a' has no secret: write secret = '...'");
    refused_settings("xmpp { components { upload.a { secret = '' } } }", "has no secret");
    refused_settings("xmpp { components { upload.a { secret = x }, Upload.a { secret = y } } }",
                     "stands twice");
    refused_settings("xmpp { reconnect-least = 5m }", "reconnect-least is longer than reconnect-most");
    is_refused("xmpp { components { 'a@b' { secret = x } } }", "write a domain, as example.org");
    is_refused("xmpp { admins = [ 'admin' ] }", "write a bare JID, as admin@example.org");
    is_refused("xmpp { domains = 'a/b' }", "write a domain");
    is_refused("xmpp { port = 65536 }", "write 1 to 65535");
    is_refused("processes { workers = 65 }", "write 0 to 64");
    is_refused("httpServer { trusted-proxies = '10.0.0.0/33' }", "an address, a network as");
    is_refused("httpServer { trusted-proxies = '10.0.0.0/' }", "an address, a network as");
    is_refused("httpServer { tls-min-version = '1.1' }", "write '1.2' or '1.3'");
    is_refused("httpServer { max-head-size = 100 }", "write 1K to 64K");
    is_refused("httpServer { default-certificate = '../x' }", "the name of a file");
}

/* Passwords go over that wire. */
static void test_client_port(void **state)
{
    static const char *const loopback[] = { "", "c2s-host = '127.0.0.9'", "c2s-host = localhost",
                                            "c2s-host = '::1'" };
    struct loaded loaded = settle("");
    char text[200];

    (void)state;
    assert_int_equal(loaded.settings.xmpp->c2s_security, C2S_STARTTLS);
    assert_true(loaded.settings.xmpp->c2s_certificate_check);
    assert_int_equal(loaded.settings.xmpp->login_failures_most, 16);
    assert_true(loaded.settings.xmpp->login_cache == 180 * USEC_PER_SEC);
    assert_false(loaded.settings.xmpp->foreign_from);
    conf_free(&loaded.conf);
    refused_settings("xmpp { c2s-security = plain, c2s-host = 'xmpp.example.org' }",
                     "on the loopback only; write starttls or direct");
    refused_settings("xmpp { c2s-security = plain, host = '192.0.2.1' }", "'192.0.2.1'");
    is_refused("xmpp { c2s-security = none }", "starttls");
    is_refused("xmpp { sessions-most = 0 }", "sessions-most");
    for (size_t i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++) {
        snprintf(text, sizeof(text), "xmpp { c2s-security = plain\n%s }", loopback[i]);
        loaded = settle(text);
        assert_int_equal(conf_errors(loaded.conf), 0);
        conf_free(&loaded.conf);
    }
    loaded = settle("xmpp { c2s-certificate-check = false, c2s-host = 'xmpp.example.org' }");
    assert_int_equal(conf_errors(loaded.conf), 0);
    tells(loaded.conf, "whoever stands between Stoa and 'xmpp.example.org' can read passwords");
    conf_free(&loaded.conf);
}

static void test_foreign_component(void **state)
{
    struct loaded loaded =
        settle("xmpp { domains = example.org\n components { upload.example.net { secret = a } } }");

    (void)state;
    is_good(loaded.conf);
    tells(loaded.conf, "warning: component 'upload.example.net' is under none of xmpp/domains");
    conf_free(&loaded.conf);
}

static void test_networks(void **state)
{
    struct loaded loaded =
        settle("httpServer { trusted-proxies = [ unix, 127.0.0.1, 10.0.0.0/8, '::1', 'fd00::/8', ::/0 ] }");

    (void)state;
    assert_int_equal(loaded.settings.http_server->trusted_proxies.count, 6);
    conf_free(&loaded.conf);
}

static void test_workers(void **state)
{
    static const struct {
        const char *text;
        unsigned workers;
    } cases[] = { { "processes { workers = 3 }", 3 },
                  { "httpServer { threads = '12' }", 12 },
                  { "httpServer { executor { threads = 5 } }", 5 },
                  { "httpServer { threads = 12 }\nprocesses { workers = 3 }", 3 },
                  { "httpServer { threads = 500 }", 64 } };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct loaded loaded = settle(cases[i].text);

        assert_int_equal(settings_workers(&loaded.settings), cases[i].workers);
        conf_free(&loaded.conf);
    }
}

static int set_up(void **state)
{
    (void)state;
    schema = conf_schema_new();
    settings_register(schema);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    conf_schema_free(&schema);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_impossible_connections),
        cmocka_unit_test(test_two_addresses_may_share_a_port),
        cmocka_unit_test(test_vain_settings_are_told),
        cmocka_unit_test(test_components),
        cmocka_unit_test(test_impossible_xmpp),
        cmocka_unit_test(test_client_port),
        cmocka_unit_test(test_foreign_component),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_workers),
    };

    return cmocka_run_group_tests_name("conf_settings", tests, set_up, tear_down);
}
