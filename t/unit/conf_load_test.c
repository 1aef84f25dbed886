/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: conf_load_test.c - proves conf_load: grammar, names, sections, includes, and every
 * complaint. */
#include "conf_help.h"

#include "conf_upload.h"

#include "base/clock.h"

#include <sys/stat.h>

static const struct upload_stub *upload_of(const struct conf *conf)
{
    return conf_section(conf, "upload");
}

/* ---- grammar ---- */

static const struct {
    const char *text, *part, *why;
} broken[] = {
    { "upload {\n ...\n}\n", "t.tdsl:2:2: error: the dots stand for settings that an example left out",
      "dots" },
    { "upload {\n \xe2\x80\xa6\n}\n", "the dots stand for", "one letter of dots" },
    { "upload {", "t.tdsl:1:8: error: the brace that opens here is not closed", "open brace" },
    { "upload { logic { }\n", "t.tdsl:1:8: error", "open outer brace" },
    { "upload { } }", "t.tdsl:1:12: error: this } closes nothing", "brace too many" },
    { "upload", "t.tdsl:1:1: error: this name stands alone", "lonely name" },
    { "upload\nhttp { }", "t.tdsl:1:1: error: this name stands alone", "lonely name on a line" },
    { "upload ()", "braces must follow the parentheses", "attributes without body" },
    { "upload (active: false { }", "parenthesis that opens here is not closed", "open parenthesis" },
    { "upload (active: false", "parenthesis that opens here is not closed", "open parenthesis at the end" },
    { "upload (activ: false) { }", "only class: and active: may stand", "other attribute" },
    { "upload (active) { }", "write attributes of a section as (active: false)", "attribute without value" },
    { "upload (active: [ ]) { }", "an attribute takes one word", "attribute with a list" },
    { "upload (active: maybe) { }", "active: write true or false", "attribute of no truth" },
    { "upload { active = 7 }", "active: write true or false", "key of no truth" },
    { "upload { logic { local-only = } }", "a value is missing here", "no value" },
    { "upload { logic { local-only = \n } }", "a value is missing here", "nor on the next line" },
    { "upload { logic { server-name = a b } }", "t.tdsl:1:34: error: the value ends here: put quotes",
      "two words" },
    { "upload { types = [ a b ] }", "a comma or ] is missing here", "list without comma" },
    { "upload { types = [ a,\n", "its ] is missing", "open list" },
    { "upload { types = [ a, { } ] }", "is not a text", "a map in a list" },
    { "upload { types = { a = b }", "the brace that opens here is not closed", "open brace behind a map" },
    { "upload { types = { a = b } }", "types: takes a value, not { }", "a map as value" },
    { "upload { logic { server-name = [ 'a' ] } }", "takes one value, not a list", "list for a text" },
    { "'' = 1", "this name is empty", "empty name" },
    { "= 1", "a name is expected here", "no name" },
    { "upload { logic { server-name = f('x') } }", "only env('NAME') may stand before parentheses",
      "a call" },
    { "upload { logic { server-name = env(NAME) } }", "write env('NAME') or env(", "env without quotes" },
    { "upload { logic { server-name = env('STOA_NOT_SET') } }", "STOA_NOT_SET is not set",
      "env without default" },
    { "include 'x.tdsl'", "nothing can be included here", "include in a text" },
    { "upload { logic = { } }", "'logic' is a section: write logic { } without a sign",
      "sign before a section" },
    { "upload { types { } }", "'types' is a setting, not a section: write types = value",
      "setting with braces" },
    { "upload { repositoryPool { 'a' = 1 } }", "'a' is a section in upload/repositoryPool",
      "child as a value" },
    { "upload { logic { max-file-size = 10MB } }", "t.tdsl:1:34: error: max-file-size: '10MB' is not a size",
      "place of a value" },
    { "\xff", "t.tdsl:1:1: error: this is not UTF-8", "not UTF-8" },
};

static void test_broken_texts_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        is_refused(broken[i].text, broken[i].part);
}

static const struct {
    const char *text, *name, *why;
} forms[] = {
    { "upload { logic { server-name = a } }", "a", "one line" },
    { "upload () { logic () { server-name: 'a' } }", "a", "parentheses and colon" },
    { "upload\n()\n{\n logic\n{\n serverName = \"a\"\n}\n}", "a",
      "braces on their own lines, alias, double quotes" },
    { "'upload' { \"logic\" { 'server-name' = 'a' } }", "a", "names in quotes" },
    { "upload{logic{server-name=a}}", "a", "no blanks" },
    { "upload { logic { local-only = true, server-name = a, }, }", "a", "commas" },
    { "\xef\xbb\xbfupload { # x\r\n logic { server-name = a # y\r\n }\r\n}\r\n", "a", "BOM, CRLF, comments" },
    { "upload { logic { server-name = a:b=c } }", "a:b=c", "signs in a bare value" },
    { "upload { logic { server-name = ' a  b ' } }", "a  b", "trimmed in quotes" },
    { "upload { logic { server-name = 'it''s' } }", "it's", "doubled quote" },
    { "upload { logic { server-name = env('STOA_SET') } }", "from outside", "environment" },
    { "upload { logic { server-name = env('STOA_NOT_SET', 'a') } }", "a", "its default" },
    { "upload { logic { server-name = env('STOA_SET', 'a') } }", "from outside", "not its default" },
    { "upload (class: a.b.C, active: true, exportable: true) { logic { server-name = a } }", "a",
      "attributes" },
    { "upload { logic { server-name = 8443 } }", "8443", "a number is a text too" },
};

static void test_good_forms(void **state)
{
    (void)state;
    setenv("STOA_SET", " from outside ", 1);
    unsetenv("STOA_NOT_SET");
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct conf *conf = load(forms[i].text);

        is_good(conf);
        if (strcmp(upload_of(conf)->logic->server_name, forms[i].name) != 0)
            fail_msg("%s: %s gave %s", forms[i].why, forms[i].text, upload_of(conf)->logic->server_name);
        is_fixed_point(conf);
        conf_free(&conf);
    }
}

static const struct {
    const char *value;
    const char *want; /* joined by | */
} lists[] = {
    { "[ 'a', 'b' ]", "a|b" },
    { "[ a, b, ]", "a|b" },
    { "[\n 'a'\n b\n ]", "a|b" },
    { "[]", "" },
    { "'a, b ,, c'", "a|b|c" },
    { "a, b, c", "a|b|c" },
    { "a,\n b", "a|b" },
    { "x", "x" },
    { "[ 'a,b', c ]", "a,b|c" },
    { "''", "" },
    { "80, 'x y'", "80|x y" },
    { "null", "a|b, c" },
    { "[ env('STOA_LIST', 'e') ]", "e" },
};

static void test_lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct buf text = { 0 }, got = { 0 };
        struct conf *conf;

        buf_printf(&text, "upload {\n types = %s\n}", lists[i].value);
        buf_char(&text, '\0');
        conf = load(text.at);
        is_good(conf);
        for (size_t j = 0; j < upload_of(conf)->types.count; j++)
            buf_printf(&got, "%s%s", j ? "|" : "", upload_of(conf)->types.texts[j]);
        if (!span_is(buf_span(&got), lists[i].want))
            fail_msg("%s gave %.*s", lists[i].value, SPAN_ARG(buf_span(&got)));
        is_fixed_point(conf);
        buf_free(&text);
        buf_free(&got);
        conf_free(&conf);
    }
}

/* ---- names and sections ---- */

static void test_all_defaults_without_a_word(void **state)
{
    struct conf *conf = load("");

    (void)state;
    tells_all(conf, "");
    assert_false(upload_of(conf)->section.given);
    assert_false(upload_of(conf)->section.active);
    assert_null(upload_of(conf)->section.file);
    assert_string_equal(upload_of(conf)->section.name, "upload");
    assert_true(upload_of(conf)->logic->local_only);
    assert_true(upload_of(conf)->expiration->period == 86400 * USEC_PER_SEC);
    assert_string_equal(upload_of(conf)->store->path, "/place/data/upload");
    assert_int_equal(upload_of(conf)->types.count, 2);
    assert_ptr_equal(conf_section(conf, "upload/logic"), upload_of(conf)->logic);
    assert_null(conf_section(conf, "upload/nothing"));
    assert_int_equal(conf_texts(conf, "upload", "types")->count, 2);
    assert_null(conf_text(conf, "upload", "types"));
    assert_null(conf_text(conf, "upload", "nothing"));
    assert_null(conf_text(conf, "nothing", "types"));
    conf_free(&conf);
    assert_null(conf);
}

static void test_what_stands_there_is_active(void **state)
{
    static const struct {
        const char *text;
        bool active;
    } cases[] = { { "upload { }", true },
                  { "upload() {}", true },
                  { "upload (active: true) { }", true },
                  { "upload (active: false) { }", false },
                  { "upload { active = false }", false },
                  { "upload (active: false) { active = true }", true },
                  { "upload { active: 'no' }", false },
                  { "upload { active = null }", true } };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct conf *conf = load(cases[i].text);

        tells_all(conf, "");
        assert_true(upload_of(conf)->section.given);
        if (upload_of(conf)->section.active != cases[i].active)
            fail_msg("%s", cases[i].text);
        is_fixed_point(conf);
        conf_free(&conf);
    }
}

static void test_a_group_switches_its_children_off(void **state)
{
    struct conf *conf = load("upload { repositoryPool (active: false) { a { } } }");
    const struct repository_stub *a;

    (void)state;
    tells_all(conf, "");
    assert_int_equal(upload_of(conf)->repositories.count, 1);
    a = upload_of(conf)->repositories.items[0];
    assert_false(a->section.active);
    assert_true(upload_of(conf)->section.active);
    is_fixed_point(conf);
    conf_free(&conf);
}

static void test_sections_of_any_name_keep_name_order_and_place(void **state)
{
    struct conf *conf = load("upload {\n repositoryPool {\n  'b.org' { data-source = x }\n  a { }\n }\n}");
    const struct repository_stub *b, *a;

    (void)state;
    tells_all(conf, "");
    assert_int_equal(upload_of(conf)->repositories.count, 2);
    b = upload_of(conf)->repositories.items[0];
    a = upload_of(conf)->repositories.items[1];
    assert_string_equal(b->section.name, "b.org");
    assert_string_equal(b->data_source, "x");
    assert_int_equal(b->section.line, 3);
    assert_int_equal(b->section.column, 3);
    assert_string_equal(b->section.file, "t.tdsl");
    assert_string_equal(a->section.name, "a");
    assert_string_equal(a->data_source, "default");
    conf_free(&conf);
}

static void test_unknown_names_bring_the_nearest(void **state)
{
    (void)state;
    is_refused("upload { logik { } }",
               "t.tdsl:1:10: error: 'logik' is not known in upload: did you mean 'logic'?");
    is_refused("uplaod { }", "'uplaod' is not known here: did you mean 'upload'?");
    is_refused("upload { logic { Server-Name = a } }", "did you mean 'server-name'?");
    is_refused("upload { logic { servrName = a } }", "did you mean 'serverName'?");
    is_refused("upload { logic { max_file_size = 1 } }", "did you mean 'max-file-size'?");
    is_refused("upload { logic { colour = red } }",
               "'colour' is not known in upload/logic; known are: local-only, max-file-size, server-name");
    is_refused("http { rset { } }",
               "'rset' is not known in http: write a port number, or the name of a module");
    is_refused("http { 2222 = ssl }", "'2222' is a section in http: write 2222 { }");
}

static void test_absent_modules_are_skipped(void **state)
{
    struct conf *conf = load("http {\n rest { anything { at = [ all ], [ 'x' ] = } }\n}");

    (void)state;
    assert_int_not_equal(conf_errors(conf), 0); /* what is skipped must still be well-formed */
    conf_free(&conf);
    conf = load("http {\n rest (active: false) { anything { at = [ all ], of = { it = 1 } } }\n}\nadmins = [ "
                "'a@b' ]");
    tells_all(conf,
              "t.tdsl:2:2: warning: 'rest' is skipped: the module is not installed\n"
              "t.tdsl:4:1: warning: 'admins' is skipped: write xmpp { admins = [ 'admin@example.org' ] } "
              "instead\n");
    conf_free(&conf);
}

static void test_class_is_ignored_with_a_notice(void **state)
{
    struct conf *conf = load("upload (class: a.b.Upload) { repositoryPool { a (class: x.Dummy) { }\n"
                             "b (class: x.Dummy) { class = y } } }");

    (void)state;
    tells_all(conf,
              "t.tdsl:1:16: notice: class a.b.Upload is ignored: 'upload' has one implementation here\n");
    /* Where a table wants it, it is a setting. */
    assert_string_equal(((const struct repository_stub *)upload_of(conf)->repositories.items[0])->class_name,
                        "x.Dummy");
    assert_string_equal(((const struct repository_stub *)upload_of(conf)->repositories.items[1])->class_name,
                        "y");
    is_fixed_point(conf);
    conf_free(&conf);
}

static void test_of_two_the_last_counts(void **state)
{
    struct conf *conf =
        load("upload { logic { local-only = false } }\nupload {\n logic {\n  server-name = a\n"
             "  serverName = b\n }\n repositoryPool { x { data-source = 1 }, x { } }\n}");

    (void)state;
    tells_all(conf,
              "t.tdsl:2:1: warning: 'upload' stands twice: this one counts, not the one at t.tdsl:1:1\n"
              "t.tdsl:5:3: warning: 'serverName' stands twice: this one counts, not the one at t.tdsl:4:3\n"
              "t.tdsl:7:42: warning: 'x' stands twice: this one counts, not the one at t.tdsl:7:19\n");
    assert_true(upload_of(conf)->logic->local_only);
    assert_string_equal(upload_of(conf)->logic->server_name, "b");
    assert_int_equal(upload_of(conf)->repositories.count, 1);
    assert_string_equal(((const struct repository_stub *)upload_of(conf)->repositories.items[0])->data_source,
                        "default");
    conf_free(&conf);
}

static void test_all_problems_come_in_the_order_of_the_file(void **state)
{
    struct conf *conf =
        load("upload {\n store { path = '' }\n logic { max-file-size = x, local-onyl = true }\n"
             " typo = 1\n}\n");
    unsigned line = 0;

    (void)state;
    assert_int_equal(conf_errors(conf), 4);
    for (size_t i = 0; i < conf_problem_count(conf); i++) {
        assert_true(conf_problem(conf, i)->line >= line);
        line = conf_problem(conf, i)->line;
    }
    conf_free(&conf);
}

static void test_problems_have_an_end(void **state)
{
    struct buf text = { 0 };
    struct conf *conf;

    (void)state;
    for (int i = 0; i < 1000; i++)
        buf_printf(&text, "nonsense%d = 1\n", i);
    buf_char(&text, '\0');
    conf = load(text.at);
    tells(conf, "more than 100 problems: the rest was not looked at");
    assert_true(conf_problem_count(conf) < 110);
    buf_free(&text);
    conf_free(&conf);
}

static void test_nesting_has_an_end(void **state)
{
    struct buf text = { 0 };

    (void)state;
    for (int i = 0; i < 100000; i++)
        buf_text(&text, "a {\n");
    buf_char(&text, '\0');
    is_refused(text.at, "nested too deeply");
    buf_clear(&text);
    buf_text(&text, "a = ");
    for (int i = 0; i < 100000; i++)
        buf_char(&text, '[');
    buf_char(&text, '\0');
    is_refused(text.at, "nested too deeply");
    buf_free(&text);
}

/* ---- files ---- */

static char folder[] = "/tmp/stoa-conf-test-XXXXXX";

static const char *in_folder(const char *name)
{
    static char paths[4][200];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "w");

    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

static void test_includes(void **state)
{
    struct conf *conf;

    (void)state;
    write_file("main.tdsl", "include 'd/upload.tdsl'\ninclude 'd/none-*.tdsl'\n");
    write_file("d/upload.tdsl", "upload { include 'part-*.tdsl' }\n");
    write_file("d/part-1.tdsl", "logic { server-name = one }\n");
    write_file("d/part-2.tdsl", "store { path = 'p' }\nlogic { server-name = two }\n");
    conf = conf_load(schema, in_folder("main.tdsl"), NULL, NULL);
    is_good(conf);
    tells(conf, "d/part-2.tdsl:2:1: warning: 'logic' stands twice: this one counts, not the one at ");
    assert_string_equal(upload_of(conf)->logic->server_name, "two");
    assert_string_equal(upload_of(conf)->store->path, in_folder("p"));
    conf_free(&conf);
}

static void refused_file(const char *name, const char *part)
{
    struct conf *conf = conf_load(schema, in_folder(name), NULL, NULL);

    assert_int_not_equal(conf_errors(conf), 0);
    tells(conf, part);
    conf_free(&conf);
}

static void test_bad_includes(void **state)
{
    (void)state;
    refused_file("nothing.tdsl", "nothing.tdsl: error: ");
    write_file("a.tdsl", "include 'missing.tdsl'\n");
    refused_file("a.tdsl", "a.tdsl:1:1: error: ");
    write_file("a.tdsl", "\ninclude 'b.tdsl'\n");
    write_file("b.tdsl", "include './a.tdsl'\n");
    refused_file("a.tdsl", "b.tdsl:1:1: error: ");
    refused_file("a.tdsl", "would include itself");
    write_file("a.tdsl", "include 'b.tdsl'\n");
    write_file("b.tdsl", "upload {\n");
    refused_file("a.tdsl", "b.tdsl:1:8: error: the brace that opens here");
    write_file("a.tdsl", "upload { include 'b.tdsl'\n");
    write_file("b.tdsl", "}\n");
    refused_file("a.tdsl", "b.tdsl:1:1: error: this } closes nothing");
    write_file("a.tdsl", "include 'd'\n");
    refused_file("a.tdsl", "cannot be read");
}

static void test_include_depth(void **state)
{
    char name[32], text[64];

    (void)state;
    for (int i = 0; i < 12; i++) {
        (void)snprintf(name, sizeof(name), "chain-%d.tdsl", i);
        (void)snprintf(text, sizeof(text), "include 'chain-%d.tdsl'\n", i + 1);
        write_file(name, i < 11 ? text : "");
    }
    refused_file("chain-0.tdsl", "at most 8 deep");
    struct conf *conf = conf_load(schema, in_folder("chain-3.tdsl"), NULL, NULL);

    is_good(conf);
    conf_free(&conf);
}

static void test_data_root(void **state)
{
    struct conf *conf;

    (void)state;
    write_file("a.tdsl", "");
    conf = conf_load(schema, in_folder("a.tdsl"), "/elsewhere", NULL);
    assert_string_equal(upload_of(conf)->store->path, "/elsewhere/data/upload");
    conf_free(&conf);
    conf = conf_load(schema, in_folder("a.tdsl"), "/", NULL);
    assert_string_equal(upload_of(conf)->store->path, "/data/upload");
    conf_free(&conf);
}

static int set_up(void **state)
{
    (void)state;
    schema = conf_schema_new();
    settings_register(schema);
    conf_schema_add(schema, "", &upload_stub_section);
    conf_schema_absent(schema, "http", "rest", "the module is not installed");
    if (mkdtemp(folder) == NULL)
        return -1;
    return mkdir(in_folder("d"), 0700);
}

static int tear_down(void **state)
{
    static const char *const names[] = { "main.tdsl",     "a.tdsl",        "b.tdsl",
                                         "d/upload.tdsl", "d/part-1.tdsl", "d/part-2.tdsl" };
    char name[32];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlink(in_folder(names[i]));
    for (int i = 0; i < 12; i++) {
        (void)snprintf(name, sizeof(name), "chain-%d.tdsl", i);
        unlink(in_folder(name));
    }
    rmdir(in_folder("d"));
    conf_schema_free(&schema);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_texts_are_refused),
        cmocka_unit_test(test_good_forms),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_all_defaults_without_a_word),
        cmocka_unit_test(test_what_stands_there_is_active),
        cmocka_unit_test(test_a_group_switches_its_children_off),
        cmocka_unit_test(test_sections_of_any_name_keep_name_order_and_place),
        cmocka_unit_test(test_unknown_names_bring_the_nearest),
        cmocka_unit_test(test_absent_modules_are_skipped),
        cmocka_unit_test(test_class_is_ignored_with_a_notice),
        cmocka_unit_test(test_of_two_the_last_counts),
        cmocka_unit_test(test_all_problems_come_in_the_order_of_the_file),
        cmocka_unit_test(test_problems_have_an_end),
        cmocka_unit_test(test_nesting_has_an_end),
        cmocka_unit_test(test_includes),
        cmocka_unit_test(test_bad_includes),
        cmocka_unit_test(test_include_depth),
        cmocka_unit_test(test_data_root),
    };

    return cmocka_run_group_tests_name("conf_load", tests, set_up, tear_down);
}
