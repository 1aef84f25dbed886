/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_conf_test.c - the section rest: its bounds, and that etc/config.tdsl shows all of
 * it with its true defaults. */
#include "conf_help.h"
#include "rest_env.h"

static char *section; /* from etc/config.tdsl: "rest { ... }" */

static void read_section(void)
{
    const char *top = getenv("STOA_TOP");
    char name[4096], *text = calloc(1, 65536), *begin, *end;
    FILE *file;

    (void)snprintf(name, sizeof(name), "%s/etc/config.tdsl", top ? top : ".");
    file = fopen(name, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, 65535, file) > 1000);
    assert_int_equal(fclose(file), 0);
    begin = strstr(text, "\n    rest {\n");
    assert_non_null(begin);
    end = strstr(begin, "\n    }\n");
    assert_non_null(end);
    section = strndup(begin, (size_t)(end - begin) + strlen("\n    }\n"));
    free(text);
}

/* "        # key = value": a setting at its default, as opposed to prose. */
static bool is_setting(struct span line)
{
    struct span key = span_from(line, 10);
    size_t size = 0;

    if (!span_starts(line, SPAN("        # ")))
        return false;
    while (size < key.size && strchr("abcdefghijklmnopqrstuvwxyz-", key.at[size]) != NULL)
        size++;
    return size > 0 && span_starts(span_from(key, size), SPAN(" = "));
}

static void test_the_example_shows_the_defaults(void **state)
{
    struct buf text = { 0 };
    struct span rest = span_of(section);
    struct conf *conf, *plain;
    char *got, *wanted;

    (void)state;
    buf_text(&text, "http {");
    while (rest.size > 0) {
        struct span line = span_cut(&rest, '\n');

        buf_add(&text, is_setting(line) ? span_from(line, 10) : line);
        buf_char(&text, '\n');
    }
    buf_text(&text, "}\n");
    buf_char(&text, '\0');
    conf = load(text.at);
    plain = load("http { rest { } }");
    tells_all(conf, "");
    got = printed(conf, true);
    wanted = printed(plain, true);
    assert_string_equal(got, wanted);
    free(got);
    free(wanted);
    conf_free(&conf);
    conf_free(&plain);
    buf_free(&text);
}

static void test_the_example_shows_all(void **state)
{
    (void)state;
    for (const struct directive *at = rest_sections[0].section->directives; at->name != NULL; at++) {
        char line[80];

        (void)snprintf(line, sizeof(line), "\n        # %s = ", at->name);
        if (strstr(section, line) == NULL)
            fail_msg("%s is not in etc/config.tdsl", at->name);
    }
}

static void test_values_are_checked(void **state)
{
    static const char *const bad[] = { "context-path = 'rest'",
                                       "context-path = '/rest/'",
                                       "cors-origins = [ 'app.example.org' ]",
                                       "cors-origins = [ 'https://app.example.org/' ]",
                                       "cors-origins = [ 'null' ]",
                                       "max-body = 9M",
                                       "max-body = 10",
                                       "fetch-networks = [ '10.0.0.1/8' ]",
                                       "script-cpu = 0",
                                       "api-keys = [ 'k:regex=(' ]",
                                       "api-keys = [ '' ]" };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf text = { 0 };
        struct conf *conf;

        buf_printf(&text, "http { rest {\n%s\n} }", bad[i]);
        buf_char(&text, '\0');
        conf = load(text.at);
        if (conf_errors(conf) != 1)
            fail_msg("%s was taken", bad[i]);
        conf_free(&conf);
        buf_free(&text);
    }
}

static int set_up(void **state)
{
    (void)state;
    schema = conf_schema_new();
    settings_register(schema);
    for (const struct module_section *at = rest_sections; at->path != NULL; at++)
        conf_schema_add(schema, at->path, at->section);
    read_section();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(section);
    conf_schema_free(&schema);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_example_shows_the_defaults),
        cmocka_unit_test(test_the_example_shows_all),
        cmocka_unit_test(test_values_are_checked),
    };

    return cmocka_run_group_tests_name("rest_conf", tests, set_up, tear_down);
}
