/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: conf_example_test.c - proves that etc/config.tdsl holds every setting of the core, with its
 * true default. The parts of modules, in http { } or at the end, are the modules' to prove. */
#include "conf_help.h"

static char *example; /* without the modules' parts */

#define MODULE_PART "    # ---- module " /* begins a line of its own above a section in http { } */

static void cut_modules(char *text)
{
    char *at = strstr(text, MODULE_PART);

    assert_non_null(at);
    for (; at != NULL; at = strstr(text, MODULE_PART)) {
        char *end = strstr(at, "\n    }\n");

        assert_non_null(end);
        end += strlen("\n    }\n");
        memmove(at, end, strlen(end) + 1);
    }
}

static char *read_example(void)
{
    const char *top = getenv("STOA_TOP");
    char name[4096], *text = calloc(1, 65536), *module;
    FILE *file;
    size_t size;

    (void)snprintf(name, sizeof(name), "%s/etc/config.tdsl", top ? top : ".");
    file = fopen(name, "r");
    assert_non_null(file);
    size = fread(text, 1, 65535, file);
    assert_true(size > 1000 && size < 65535);
    assert_int_equal(fclose(file), 0);
    module = strstr(text, "\nupload {\n");
    assert_non_null(module);
    module[1] = '\0';
    cut_modules(text);
    return text;
}

/* "    # key = value": a setting at its default, as opposed to prose. */
static const char *setting_in(const char *line)
{
    const char *at = line + strspn(line, " ");
    const char *key = at + 2;
    size_t size;

    if (at == line || strncmp(at, "# ", 2) != 0)
        return NULL;
    size = strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return size > 0 && strncmp(key + size, " = ", 3) == 0 ? key : NULL;
}

static char *uncommented(void)
{
    struct buf out = { 0 };
    struct span rest = span_of(example);

    while (rest.size) {
        const char *line = rest.at, *setting;
        struct span whole = span_cut(&rest, '\n');

        setting = setting_in(line);
        buf_add(&out, setting ? span_from(whole, (size_t)(setting - line)) : whole);
        buf_char(&out, '\n');
    }
    buf_char(&out, '\0');
    return out.at;
}

/* 8080 is the default too, but as a section it is printed. */
static const char defaults[] = "httpServer { connections { 8080 { } } }";

static void same_as_defaults(const char *text)
{
    struct conf *conf = load(text), *plain = load(defaults);
    char *got, *wanted;

    tells_all(conf, "");
    got = printed(conf, true);
    wanted = printed(plain, true);
    assert_string_equal(got, wanted);
    free(got);
    free(wanted);
    conf_free(&conf);
    conf_free(&plain);
}

static void test_as_it_is_it_changes_nothing(void **state)
{
    (void)state;
    same_as_defaults(example);
}

static void test_all_that_is_commented_is_the_default(void **state)
{
    char *text = uncommented();

    (void)state;
    assert_true(strlen(text) < strlen(example));
    same_as_defaults(text);
    free(text);
}

static void has_all(const char *text, const char *key)
{
    struct buf line = { 0 };

    buf_printf(&line, "    %s = ", key);
    buf_char(&line, '\0');
    if (strstr(text, line.at + 3) == NULL)
        fail_msg("'%s' is not in etc/config.tdsl", key);
    buf_free(&line);
}

/* The manual has every row of the tables: see conf_print_test. */
static void test_every_setting_is_shown(void **state)
{
    static const char *const elsewhere[] = { "secret", "service",        "host",
                                             "port",   "accept-timeout", "server-class" };
    char *at, *manual;
    struct buf out = { 0 };

    (void)state;
    conf_manual(schema, &out);
    buf_char(&out, '\0');
    manual = out.at;
    for (at = manual; (at = strstr(at, ".It Cm \\&")) != NULL;) {
        char key[64];
        size_t size = 0;
        bool skip = false;

        for (at += 9; *at != ' '; at++)
            if (*at != '\\')
                key[size++] = *at;
        key[size] = '\0';
        for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
            skip = skip || strcmp(key, elsewhere[i]) == 0;
        if (!skip)
            has_all(example, key);
    }
    buf_free(&out);
}

static int set_up(void **state)
{
    (void)state;
    schema = conf_schema_new();
    settings_register(schema);
    example = read_example();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(example);
    conf_schema_free(&schema);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_it_is_it_changes_nothing),
        cmocka_unit_test(test_all_that_is_commented_is_the_default),
        cmocka_unit_test(test_every_setting_is_shown),
    };

    return cmocka_run_group_tests_name("conf_example", tests, set_up, tear_down);
}
