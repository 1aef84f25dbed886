/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: conf_override_test.c - proves "path/in/config=value": what wins, what it makes, what it
 * says. */
#include "conf_help.h"

#include "conf_upload.h"

static struct conf *load_one(const char *text, const char *override)
{
    const char *const overrides[] = { override, NULL };

    return load_with(text, overrides);
}

static void refused_override(const char *override, const char *part)
{
    struct conf *conf = load_one("", override);

    if (conf_errors(conf) == 0)
        fail_msg("was taken: %s", override);
    tells(conf, part);
    conf_free(&conf);
}

static const struct upload_stub *upload_of(const struct conf *conf)
{
    return conf_section(conf, "upload");
}

static void test_wins_over_the_file_without_a_word(void **state)
{
    struct conf *conf = load_one("upload { logic { max-file-size = 5000, serverName = a } }",
                                 "upload/logic/max-file-size=10M");

    (void)state;
    tells_all(conf, "");
    assert_int_equal(upload_of(conf)->logic->max_file_size, 10 << 20);
    assert_string_equal(upload_of(conf)->logic->server_name, "a");
    conf_free(&conf);
    conf = load_one("upload { logic { server-name = a } }", "upload/logic/serverName=b");
    tells_all(conf, "");
    assert_string_equal(upload_of(conf)->logic->server_name, "b");
    conf_free(&conf);
}

static void test_the_section_that_counts_is_the_one_changed(void **state)
{
    struct conf *conf =
        load_one("upload { logic { server-name = a } }\nupload { }", "upload/logic/local-only=false");

    (void)state;
    is_good(conf);
    assert_false(upload_of(conf)->logic->local_only);
    assert_null(upload_of(conf)->logic->server_name);
    conf_free(&conf);
}

static void test_makes_sections(void **state)
{
    const char *const overrides[] = { "httpServer/connections/8081/socket=ssl",
                                      "httpServer/connections/8081/domain=example.org",
                                      "xmpp/components/upload.example.org/secret=x=y/z", NULL };
    struct conf *conf = load_with("", overrides);
    const struct http_server_settings *server = conf_section(conf, "httpServer");
    const struct xmpp_settings *xmpp = conf_section(conf, "xmpp");
    const struct connection_settings *connection;
    const struct component_settings *component;

    (void)state;
    tells_all(conf, "");
    assert_int_equal(server->connections.count, 1);
    connection = server->connections.items[0];
    assert_string_equal(connection->section.name, "8081");
    assert_int_equal(connection->socket, SOCKET_SSL);
    assert_string_equal(connection->domain, "example.org");
    assert_true(connection->section.given && connection->section.active);
    component = xmpp->components.items[0];
    assert_string_equal(component->section.name, "upload.example.org");
    assert_string_equal(component->secret, "x=y/z");
    conf_free(&conf);
}

static void test_active(void **state)
{
    struct conf *conf = load_one("upload { }", "upload/active=false");

    (void)state;
    assert_false(upload_of(conf)->section.active);
    conf_free(&conf);
    conf = load_one("upload (active: false) { }", "upload/active=true");
    assert_true(upload_of(conf)->section.active);
    conf_free(&conf);
    conf = load_one("", "upload/active=true");
    assert_true(upload_of(conf)->section.active);
    conf_free(&conf);
}

static const struct {
    const char *override, *want;
} texts[] = {
    { "upload/logic/server-name=a b", "a b" },
    { "upload/logic/server-name='a b'", "a b" },
    { "upload/logic/server-name=\"it's\"", "it's" },
    { "upload/logic/server-name=it's", "it's" },
    { "upload/logic/server-name='open", "'open" },
    { "upload/logic/server-name=[open", "[open" },
    { "upload/logic/server-name={a}", "{a}" },
    { "upload/logic/server-name=a#b", "a#b" },
    { "upload/logic/server-name=a #b", "a #b" },
    { "upload/logic/server-name=a,b", "a,b" },
    { "upload/logic/server-name=", "" },
    { "upload/logic/server-name= a ", "a" },
    { "upload/logic/server-name=env('STOA_SET')", "set" },
};

static void test_values(void **state)
{
    (void)state;
    setenv("STOA_SET", "set", 1);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct conf *conf = load_one("", texts[i].override);

        tells_all(conf, "");
        if (strcmp(upload_of(conf)->logic->server_name, texts[i].want) != 0)
            fail_msg("%s gave %s", texts[i].override, upload_of(conf)->logic->server_name);
        is_fixed_point(conf);
        conf_free(&conf);
    }
}

static void test_lists(void **state)
{
    struct conf *conf = load_one("xmpp { domains = x }", "xmpp/domains=['a','b']");
    const struct xmpp_settings *xmpp = conf_section(conf, "xmpp");

    (void)state;
    tells_all(conf, "");
    assert_int_equal(xmpp->domains.count, 2);
    assert_string_equal(xmpp->domains.texts[1], "b");
    conf_free(&conf);
    conf = load_one("", "xmpp/domains=a.org, b.org");
    xmpp = conf_section(conf, "xmpp");
    assert_int_equal(xmpp->domains.count, 2);
    conf_free(&conf);
}

static void test_wrong_ones_name_the_override(void **state)
{
    (void)state;
    refused_override(
        "upload/logik/local-only=true",
        "override 'upload/logik/local-only': error: 'logik' is not known in upload: did you mean 'logic'?");
    refused_override("upload/logic/local-onyl=true",
                     "override 'upload/logic/local-onyl': error: 'local-onyl'");
    refused_override("upload/logic/max-file-size=x",
                     "override 'upload/logic/max-file-size': error: max-file-size: 'x'");
    refused_override("upload/logic=1", "'logic' is a section");
    refused_override("upload/logic/local-only/x=1", "'local-only' is a setting, not a section");
    refused_override("upload", "override 'upload': error: write path/in/config=value");
    refused_override("=x", "write path/in/config=value");
    refused_override("a//b=x", "a name in the path is empty");
    refused_override("/a=x", "a name in the path is empty");
    refused_override("upload/logic/server-name=a\nb",
                     "an override is not UTF-8 or holds a control character");
    refused_override("upload/logic/server-name=env('STOA_NOT_SET')", "this env() cannot be read");
}

static void test_a_secret_is_never_told(void **state)
{
    struct conf *conf = load_one("", "xmpp/components/a.b/secrte=hush");
    char *all = told(conf);

    (void)state;
    assert_int_equal(conf_errors(conf), 1);
    assert_null(strstr(all, "hush"));
    free(all);
    conf_free(&conf);
}

static int set_up(void **state)
{
    (void)state;
    schema = conf_schema_new();
    settings_register(schema);
    conf_schema_add(schema, "", &upload_stub_section);
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
        cmocka_unit_test(test_wins_over_the_file_without_a_word),
        cmocka_unit_test(test_the_section_that_counts_is_the_one_changed),
        cmocka_unit_test(test_makes_sections),
        cmocka_unit_test(test_active),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_wrong_ones_name_the_override),
        cmocka_unit_test(test_a_secret_is_never_told),
    };

    return cmocka_run_group_tests_name("conf_override", tests, set_up, tear_down);
}
