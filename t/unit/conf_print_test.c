/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: conf_print_test.c - proves conf_print, conf_print_exact and conf_manual. */
#include "conf_help.h"

#include "conf_upload.h"

static const char full[] =
    "httpServer {\n threads = 3\n ports = 80\n executor { threads = 4 }\n connections {\n"
    "  8443 (active: false) { socket = ssl, addresses = [ '::1', '127.0.0.1' ] }\n"
    "  'a socket' { path = 'run/http.sock', mode = 600 }\n }\n}\n"
    "http { 2222 { domain = example.org } }\n"
    "xmpp { components { 'upload.example.org' { secret = \"it's\", host = localhost } } }\n"
    "upload { types = [], repositoryPool { default (class: x) { } }, logic { serverName = '{' } }\n"
    "log { level = debug }\n";

static void test_print_load_print_is_a_fixed_point(void **state)
{
    static const char *const texts[] = { "", full, "upload (active: false) { }",
                                         "log { access-format = json }" };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct conf *conf = load(texts[i]);

        is_good(conf);
        is_fixed_point(conf);
        conf_free(&conf);
    }
}

static void test_what_was_settled_is_printed_settled(void **state)
{
    struct conf *conf = load(full);
    struct settings settings;
    char *text;

    (void)state;
    settings_of(conf, &settings);
    is_good(conf);
    is_fixed_point(conf);
    text = printed(conf, false);
    assert_non_null(strstr(text, "    2222 {\n        socket = 'ssl'\n        domain = 'example.org'\n"));
    assert_non_null(strstr(text, "    domains = [ 'example.org' ]\n"));
    free(text);
    conf_free(&conf);
}

static void test_secrets_are_hidden(void **state)
{
    struct conf *conf = load(full);
    struct buf out = { 0 };
    char *text = printed(conf, false);

    (void)state;
    assert_non_null(strstr(text, "        'upload.example.org' {\n            secret = '(hidden)'\n"));
    assert_null(strstr(text, "it's"));
    free(text);
    conf_print_exact(conf, "xmpp/components", &out);
    buf_char(&out, '\0');
    assert_string_equal(out.at, "components {\n    'upload.example.org' {\n        secret = \"it's\"\n"
                                "        host = 'localhost'\n        port = 0\n    }\n}\n");
    buf_free(&out);
    conf_free(&conf);
}

static void test_exact_print_is_of_one_part(void **state)
{
    struct conf *a = load("upload { logic { server-name = a } }"),
                *b = load("upload { logic { server-name = b } }");
    static const char *const paths[] = { "upload/store", "upload/logic", "upload", "log" };
    static const bool same[] = { true, false, false, true };

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct buf text_a = { 0 }, text_b = { 0 };

        conf_print_exact(a, paths[i], &text_a);
        conf_print_exact(b, paths[i], &text_b);
        assert_true(text_a.size > 0);
        assert_int_equal(span_eq(buf_span(&text_a), buf_span(&text_b)), same[i]);
        buf_free(&text_a);
        buf_free(&text_b);
    }
    conf_free(&a);
    conf_free(&b);
}

static void test_one_field_of_two_names_is_printed_once(void **state)
{
    struct conf *conf = load("httpServer { executor { threads = 4 } }");
    char *text = printed(conf, false);

    (void)state;
    assert_non_null(strstr(text, "    threads = 4\n"));
    assert_null(strstr(text, "executor"));
    free(text);
    conf_free(&conf);
}

/* ---- the manual ---- */

static void has_rows(const struct section *table, const char *manual)
{
    for (const struct directive *row = table->directives; row && row->name; row++) {
        struct buf item = { 0 };

        assert_non_null(row->manual);
        buf_text(&item, ".It Cm \\&");
        for (const char *at = row->name; *at; at++)
            buf_printf(&item, "%s%c", *at == '-' ? "\\" : "", *at);
        buf_char(&item, ' ');
        buf_char(&item, '\0');
        if (strstr(manual, item.at) == NULL)
            fail_msg("%s is not in the manual", item.at);
        buf_free(&item);
    }
    assert_non_null(table->manual);
    for (const struct section *row = table->sections; row && row->name; row++)
        has_rows(row, manual);
}

static size_t count(const char *text, const char *part)
{
    size_t found = 0;

    while ((text = strstr(text, part)) != NULL) {
        found++;
        text++;
    }
    return found;
}

static void test_manual_has_every_row(void **state)
{
    static const char *const sections[] = { "httpServer", "xmpp", "http", "log", "processes", "upload" };
    struct buf out = { 0 };

    (void)state;
    conf_manual(schema, &out);
    buf_char(&out, '\0');
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        char heading[64];

        (void)snprintf(heading, sizeof(heading), "\n.Ss \\&%s\n", sections[i]);
        assert_non_null(strstr(out.at, heading));
    }
    has_rows(&upload_stub_section, out.at);
    assert_int_equal(count(out.at, "\n.Bl "), count(out.at, "\n.El\n"));
    assert_non_null(strstr(out.at, "\n.Ss \\&xmpp/components/<JID>\n"));
    assert_null(strstr(out.at, "\n\n")); /* mdoc has no empty lines */
    buf_free(&out);
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
        cmocka_unit_test(test_print_load_print_is_a_fixed_point),
        cmocka_unit_test(test_what_was_settled_is_printed_settled),
        cmocka_unit_test(test_secrets_are_hidden),
        cmocka_unit_test(test_exact_print_is_of_one_part),
        cmocka_unit_test(test_one_field_of_two_names_is_printed_once),
        cmocka_unit_test(test_manual_has_every_row),
    };

    return cmocka_run_group_tests_name("conf_print", tests, set_up, tear_down);
}
