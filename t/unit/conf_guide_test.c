/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: conf_guide_test.c - every configuration example of the HTTP API guide, letter for letter,
 * and the effect that the guide states. The name of each test is the section of the guide. */
#include "conf_help.h"

#include "conf_upload.h"

#include "base/clock.h"

/* What every HTTP module has in common, standing for modules that are built elsewhere. */
struct module_stub {
    struct conf_section section;
    const char *context_path;
    struct conf_list vhosts, api_keys;
};

#define MODULE_ROWS(path)                                                                                    \
    {                                                                                                        \
        { .name = "context-path",                                                                            \
          .type = DIRECTIVE_TEXT,                                                                            \
          .initial = path,                                                                                   \
          .into = offsetof(struct module_stub, context_path),                                                \
          .manual = "Where." },                                                                              \
            { .name = "vhosts",                                                                              \
              .type = DIRECTIVE_TEXT_LIST,                                                                   \
              .into = offsetof(struct module_stub, vhosts),                                                  \
              .manual = "For whom." },                                                                       \
            { .name = "api-keys",                                                                            \
              .type = DIRECTIVE_TEXT_LIST,                                                                   \
              .into = offsetof(struct module_stub, api_keys),                                                \
              .manual = "With what." },                                                                      \
            DIRECTIVES_END                                                                                   \
    }

static const struct directive rest_rows[] = MODULE_ROWS("/rest");
static const struct directive index_rows[] = MODULE_ROWS("/");

static const struct section rest_stub = {
    .name = "rest", .size = sizeof(struct module_stub), .directives = rest_rows, .manual = "A module."
};
static const struct section index_stub = {
    .name = "index", .size = sizeof(struct module_stub), .directives = index_rows, .manual = "A module."
};

struct loaded {
    struct conf *conf;
    struct settings settings;
    const struct module_stub *rest, *index;
    const struct upload_stub *upload;
};

/* Loads, settles, and proves that what is printed means the same. */
static struct loaded settle(const char *text)
{
    struct loaded loaded = { .conf = load(text) };

    is_good(loaded.conf);
    is_fixed_point(loaded.conf);
    settings_of(loaded.conf, &loaded.settings);
    is_good(loaded.conf);
    loaded.rest = conf_section(loaded.conf, "http/rest");
    loaded.index = conf_section(loaded.conf, "http/index");
    loaded.upload = conf_section(loaded.conf, "upload");
    return loaded;
}

static void listens(const struct loaded *loaded, size_t index, int64_t port, int64_t socket)
{
    assert_true(index < loaded->settings.connection_count);
    assert_int_equal(loaded->settings.connections[index]->port, port);
    assert_int_equal(loaded->settings.connections[index]->socket, socket);
}

static void test_1_1_1_enabling_and_disabling_a_module(void **state)
{
    struct loaded loaded = settle("http {\n    rest (active: false) {}\n}\n"); /* %module_id% is rest */

    (void)state;
    assert_false(loaded.rest->section.active);
    conf_free(&loaded.conf);
    is_refused("http {\n    %module_id% (active: false) {}\n}\n",
               "t.tdsl:2:5: error: '%module_id%' is not known");
}

static void test_1_1_2_example(void **state)
{
    struct loaded loaded = settle("http {\n    rest (active: false) {}\n}\n");

    (void)state;
    assert_false(loaded.rest->section.active);
    assert_true(loaded.index->section.active);
    conf_free(&loaded.conf);
}

static void test_1_1_3_context_path(void **state)
{
    struct loaded loaded = settle("http {\n    rest {\n        context-path = '/api'\n    }\n}\n");

    (void)state;
    assert_string_equal(loaded.rest->context_path, "/api");
    assert_true(loaded.rest->section.active);
    conf_free(&loaded.conf);
}

static void test_1_1_4_list_of_virtual_hosts(void **state)
{
    struct loaded loaded = settle("http {\n    rest {\n        vhosts = [ 'api.example.com' ]\n    }\n}\n");

    (void)state;
    assert_int_equal(loaded.rest->vhosts.count, 1);
    assert_string_equal(loaded.rest->vhosts.texts[0], "api.example.com");
    conf_free(&loaded.conf);
}

static void test_1_1_5_complex_example(void **state)
{
    struct loaded loaded =
        settle("http {\n    index (active: false) {}\n    rest {\n        context-path = '/'\n"
               "        vhosts = [ 'api.example.com', 'rest.example.com' ]\n    }\n}\n");

    (void)state;
    assert_false(loaded.index->section.active);
    assert_string_equal(loaded.rest->context_path, "/");
    assert_int_equal(loaded.rest->vhosts.count, 2);
    assert_string_equal(loaded.rest->vhosts.texts[1], "rest.example.com");
    conf_free(&loaded.conf);
}

static void test_1_2_1_ports(void **state)
{
    struct loaded loaded = settle(
        "httpServer {\n    connections {\n        2011 {\n            active = true\n        }\n"
        "        8080 {\n            active = true\n        }\n        9050 {\n            active = true\n"
        "        }\n    }\n}\n");

    (void)state;
    assert_int_equal(loaded.settings.connection_count, 3);
    listens(&loaded, 0, 2011, SOCKET_PLAIN);
    listens(&loaded, 1, 8080, SOCKET_PLAIN);
    listens(&loaded, 2, 9050, SOCKET_PLAIN);
    conf_free(&loaded.conf);
}

static void test_1_2_1_ssl_socket_port(void **state)
{
    struct loaded loaded = settle("http (class: tigase.http.HttpMessageReceiver) {\n    2222 {\n"
                                  "        socket = 'ssl'\n    }\n}\n");

    (void)state;
    assert_int_equal(loaded.settings.connection_count, 1);
    listens(&loaded, 0, 2222, SOCKET_SSL);
    tells(loaded.conf, "t.tdsl:1:14: notice: class tigase.http.HttpMessageReceiver is ignored");
    conf_free(&loaded.conf);
}

static void test_1_2_1_http_domain(void **state)
{
    struct loaded loaded = settle("http (class: tigase.http.HttpMessageReceiver) {\n    2222 {\n"
                                  "        domain = 'example.com'\n    }\n}\n");

    (void)state;
    assert_int_equal(loaded.settings.connection_count, 1);
    listens(&loaded, 0, 2222, SOCKET_SSL);
    assert_string_equal(loaded.settings.connections[0]->domain, "example.com");
    tells(loaded.conf,
          "t.tdsl:2:5: notice: port '2222' has a domain and no socket: understood as socket = ssl");
    conf_free(&loaded.conf);
}

static void test_1_2_1_server_class(void **state)
{
    struct loaded loaded =
        settle("http (class: tigase.http.HttpMessageReceiver) {\n    'server-class' = '?'\n}\n");

    (void)state;
    tells(loaded.conf, "t.tdsl:2:22: notice: server-class: is understood but has no effect");
    conf_free(&loaded.conf);
}

static void test_1_2_1_threads(void **state)
{
    struct loaded loaded = settle("httpServer {\n    threads = '12'\n}\n");

    (void)state;
    tells(loaded.conf, "");
    assert_int_equal(settings_workers(&loaded.settings), 12);
    conf_free(&loaded.conf);
}

static void test_1_2_1_request_timeout(void **state)
{
    struct loaded loaded = settle("httpServer {\n    'request-timeout' = '60'\n}\n");

    (void)state;
    assert_true(loaded.settings.http_server->request_timeout == 60 * USEC_PER_SEC);
    tells(loaded.conf, "t.tdsl:2:25: notice: request-timeout: 60 without a unit is taken as seconds");
    conf_free(&loaded.conf);
}

static void test_1_2_2_api_keys(void **state)
{
    struct loaded loaded =
        settle("http {\n    rest {\n        api-keys = [\n            'test1',\n"
               "            'test2:domain=api.example.com;rest.example.com:regex=/rest/*',\n"
               "            'open_access:regex=/rest/test/.*'\n        ]\n    }\n}\n");

    (void)state;
    assert_int_equal(loaded.rest->api_keys.count, 3);
    assert_string_equal(loaded.rest->api_keys.texts[0], "test1");
    assert_string_equal(loaded.rest->api_keys.texts[1],
                        "test2:domain=api.example.com;rest.example.com:regex=/rest/*");
    assert_string_equal(loaded.rest->api_keys.texts[2], "open_access:regex=/rest/test/.*");
    conf_free(&loaded.conf);
}

static void test_1_2_3_dns_web_service(void **state)
{
    struct loaded loaded = settle("rest {\n    'dns-webservice' (active: false) {}\n}\n");

    (void)state; /* the guide errs: it stands below http */
    tells(loaded.conf, "t.tdsl:1:1: warning: 'rest' is skipped: the module stands below http");
    conf_free(&loaded.conf);
}

static void test_1_2_4_password_reset(void **state)
{
    struct loaded loaded = settle("account-email-password-resetter () {}\n"
                                  "mailer (class: tigase.extras.mailer.Mailer) {\n"
                                  "    'mailer-from-address' = 'email-address@to-send-emails-from'\n"
                                  "    'mailer-smtp-host' = 'smtp.email.server.com'\n"
                                  "    'mailer-smtp-password' = 'password-for-email-account'\n"
                                  "    'mailer-smtp-port' = '587' # Email server SMTP port\n"
                                  "    'mailer-smtp-username' = 'username-for-email-account'\n}\n");

    (void)state;
    tells(loaded.conf,
          "warning: 'account-email-password-resetter' is skipped: the module that resets passwords");
    tells(loaded.conf, "t.tdsl:2:1: warning: 'mailer' is skipped: the module that sends mail");
    conf_free(&loaded.conf);
}

static void test_1_4_1_enabling_upload(void **state)
{
    struct loaded loaded = settle("upload() {}\n");

    (void)state;
    assert_true(loaded.upload->section.active);
    conf_free(&loaded.conf);
    loaded = settle("");
    assert_false(loaded.upload->section.active);
    conf_free(&loaded.conf);
}

static void test_1_4_6_complex_example(void **state)
{
    struct loaded loaded = settle(
        "upload() {\n    logic {\n        local-only = false\n        max-file-size = 10485760\n"
        "        upload-uri-format = '{proto}://{serverName}:{port}/upload/{userJid}/{slotId}/{filename}'\n"
        "        download-uri-format = '{proto}://{serverName}:{port}/upload/{domain}/{slotId}/{filename}'\n"
        "    }\n\n    expiration {\n        period = P6H\n    }\n\n    repositoryPool {\n"
        "        'example.com' () {\n            data-source = \"file_upload\"\n        }\n    }\n\n"
        "    store {\n        group-by-user = true\n    }\n}\n");
    const struct repository_stub *repository;

    (void)state;
    assert_false(loaded.upload->logic->local_only);
    assert_int_equal(loaded.upload->logic->max_file_size, 10485760);
    assert_string_equal(loaded.upload->logic->download_uri_format,
                        "{proto}://{serverName}:{port}/upload/{domain}/{slotId}/{filename}");
    assert_true(loaded.upload->expiration->period == 6 * 3600 * USEC_PER_SEC);
    tells(loaded.conf, "t.tdsl:10:18: warning: period: 'P6H' is not ISO 8601, it lacks the T before hours: "
                       "understood as 'PT6H'");
    assert_int_equal(loaded.upload->repositories.count, 1);
    repository = loaded.upload->repositories.items[0];
    assert_string_equal(repository->section.name, "example.com");
    assert_string_equal(repository->data_source, "file_upload");
    assert_true(loaded.upload->store->group_by_user);
    conf_free(&loaded.conf);
}

static void test_1_4_6_cluster_example(void **state)
{
    struct loaded loaded =
        settle("upload() {\n    logic {\n"
               "        upload-uri-format = "
               "'{proto}://upload.example.org:{port}/upload/{userJid}/{slotId}/{filename}'\n"
               "        download-uri-format = "
               "'{proto}://upload.example.org:{port}/upload/{domain}/{slotId}/{filename}'\n"
               "    }\n\n    store {\n        path = '/mnt/shared/upload'\n    }\n}\n");

    (void)state;
    assert_string_equal(loaded.upload->logic->upload_uri_format,
                        "{proto}://upload.example.org:{port}/upload/{userJid}/{slotId}/{filename}");
    assert_string_equal(loaded.upload->store->path, "/mnt/shared/upload");
    conf_free(&loaded.conf);
}

static void test_1_5_3_https_on_port_8443(void **state)
{
    struct loaded loaded =
        settle("httpServer {\n    connections {\n        8443 () {\n            socket = ssl\n"
               "            domain = 'example.com'\n        }\n    }\n}\n");

    (void)state;
    assert_int_equal(loaded.settings.connection_count, 1);
    listens(&loaded, 0, 8443, SOCKET_SSL);
    assert_string_equal(loaded.settings.connections[0]->domain, "example.com");
    conf_free(&loaded.conf);
}

static void test_1_5_3_changing_port_from_8080_to_8081(void **state)
{
    struct loaded loaded = settle(
        "httpServer {\n    connections {\n        8080 (active: false) {}\n        8081 () {}\n    }\n}\n");

    (void)state;
    assert_int_equal(loaded.settings.connection_count, 1);
    listens(&loaded, 0, 8081, SOCKET_PLAIN);
    conf_free(&loaded.conf);
}

/* The dots of the guide are no configuration; without them the section loads. */
static void jetty(const char *dotted, const char *plain, const char *notice)
{
    struct loaded loaded;

    is_refused(dotted, "t.tdsl:2:5: error: the dots stand for settings that an example left out");
    loaded = settle(plain);
    tells(loaded.conf, notice);
    listens(&loaded, 0, 8080, SOCKET_PLAIN);
    conf_free(&loaded.conf);
}

static void test_1_5_3_standalone_jetty(void **state)
{
    (void)state;
    jetty("httpServer (class: tigase.http.jetty.JettyStandaloneHttpServer) {\n    ...\n}\n",
          "httpServer (class: tigase.http.jetty.JettyStandaloneHttpServer) {\n}\n",
          "notice: class tigase.http.jetty.JettyStandaloneHttpServer is ignored");
}

static void test_1_5_3_osgi_jetty(void **state)
{
    (void)state;
    jetty("httpServer (class: tigase.http.jetty.JettyOSGiHttpServer) {\n    ...\n}\n",
          "httpServer (class: tigase.http.jetty.JettyOSGiHttpServer) {\n}\n",
          "notice: class tigase.http.jetty.JettyOSGiHttpServer is ignored");
}

static int set_up(void **state)
{
    (void)state;
    schema = conf_schema_new();
    settings_register(schema);
    conf_schema_add(schema, "", &upload_stub_section);
    conf_schema_add(schema, "http", &rest_stub);
    conf_schema_add(schema, "http", &index_stub);
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
        cmocka_unit_test(test_1_1_1_enabling_and_disabling_a_module),
        cmocka_unit_test(test_1_1_2_example),
        cmocka_unit_test(test_1_1_3_context_path),
        cmocka_unit_test(test_1_1_4_list_of_virtual_hosts),
        cmocka_unit_test(test_1_1_5_complex_example),
        cmocka_unit_test(test_1_2_1_ports),
        cmocka_unit_test(test_1_2_1_ssl_socket_port),
        cmocka_unit_test(test_1_2_1_http_domain),
        cmocka_unit_test(test_1_2_1_server_class),
        cmocka_unit_test(test_1_2_1_threads),
        cmocka_unit_test(test_1_2_1_request_timeout),
        cmocka_unit_test(test_1_2_2_api_keys),
        cmocka_unit_test(test_1_2_3_dns_web_service),
        cmocka_unit_test(test_1_2_4_password_reset),
        cmocka_unit_test(test_1_4_1_enabling_upload),
        cmocka_unit_test(test_1_4_6_complex_example),
        cmocka_unit_test(test_1_4_6_cluster_example),
        cmocka_unit_test(test_1_5_3_https_on_port_8443),
        cmocka_unit_test(test_1_5_3_changing_port_from_8080_to_8081),
        cmocka_unit_test(test_1_5_3_standalone_jetty),
        cmocka_unit_test(test_1_5_3_osgi_jetty),
    };

    return cmocka_run_group_tests_name("conf_guide", tests, set_up, tear_down);
}
