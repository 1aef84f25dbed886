/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: conf_changes_test.c - proves the file of changes: what wins, what is refused and where it
 * is said, what a merge keeps; that guarded settings stay out of it; and that masks hide secrets in any text.
 */
#include "conf_help.h"

#include "conf/changes.h"

#include <sys/stat.h>

static char folder[] = "/tmp/stoa-conf-changes-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[2][160];
    static unsigned next;

    next ^= 1;
    (void)snprintf(path[next], sizeof(path[next]), "%s/%s", folder, name);
    return path[next];
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static struct conf *load_both(const char *config, const char *changes)
{
    write_file("config.tdsl", config);
    if (changes)
        write_file("changes.tdsl", changes);
    else
        (void)unlink(in_folder("changes.tdsl"));
    return conf_load(schema, in_folder("config.tdsl"), NULL, NULL);
}

static int64_t level_of(const struct conf *conf)
{
    return ((const struct log_settings *)conf_section(conf, "log"))->level;
}

static void test_wins_over_the_file_and_not_over_the_command_line(void **state)
{
    static const char *const overrides[] = { "log/level=debug", NULL };
    struct conf *conf = load_both("log { level = error }", "# a comment\n\nlog/level = notice\n");

    (void)state;
    tells_all(conf, "");
    assert_int_equal(level_of(conf), 2);
    conf_free(&conf);
    conf = conf_load(schema, in_folder("config.tdsl"), NULL, overrides);
    assert_int_equal(level_of(conf), 4);
    conf_free(&conf);
    conf = load_both("log { level = error }", NULL);
    assert_int_equal(level_of(conf), 0);
    conf_free(&conf);
}

static void test_is_named_after_the_configuration(void **state)
{
    static const struct {
        const char *config, *root, *path;
    } rows[] = {
        { "/etc/stoa/config.tdsl", NULL, "/etc/stoa/changes.tdsl" },
        { "/etc/stoa/config.tdsl", "/var/lib/stoa", "/var/lib/stoa/changes.tdsl" },
        { "a.tdsl", NULL, "./a.changes.tdsl" },
        { "x/odd", NULL, "x/odd.changes.tdsl" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *path = conf_changes_path(rows[i].config, rows[i].root);

        assert_string_equal(path, rows[i].path);
        free(path);
    }
}

static void test_says_the_line_of_what_is_wrong(void **state)
{
    static const struct {
        const char *change, *told;
    } rows[] = {
        { "log/level = loud", "changes.tdsl:2:1: error: level: " },
        { "log/levle = error",
          "changes.tdsl:2:1: error: 'levle' is not known in log: did you mean 'level'?" },
        { "nowhere/level = error", "'nowhere' is not known in a configuration" },
        { "log", "'log' is not a setting" },
        { "log//level = error", "a name in the path is empty" },
        { "log/level", "changes.tdsl:2:1: error: write path/in/config=value" },
        { "processes/user = root", "processes/user is not changed by command" },
        { "processes/active = false", "processes/active is not changed by command" },
        { "log/directory = /etc", "log/directory is not changed by command" },
        { "xmpp/components/http.example.org/secret = x", "is not changed by command" },
        { "httpServer/connections/25/socket = plain", "is not changed by command" },
        { "httpServer/ports = 25", "is not changed by command" },
        { "http/2222/socket = plain", "is not changed by command" },
        { "include = /etc/passwd", "'include' is not a setting" },
        { "xmpp/admins = mallory@example.org", "is not changed by command" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[200];
        struct conf *conf;

        (void)snprintf(text, sizeof(text), "log/access = true\n%s\n", rows[i].change);
        conf = load_both("", text);
        if (conf_errors(conf) != 1)
            fail_msg("was taken: %s", rows[i].change);
        tells(conf, "changes.tdsl:2:1: error: ");
        tells(conf, rows[i].told);
        conf_free(&conf);
    }
}

static void test_does_not_trust_a_file_that_others_may_write(void **state)
{
    struct conf *conf = load_both("", "log/level = notice\n");

    (void)state;
    conf_free(&conf);
    assert_int_equal(chmod(in_folder("changes.tdsl"), 0666), 0);
    conf = conf_load(schema, in_folder("config.tdsl"), NULL, NULL);
    assert_int_equal(conf_errors(conf), 1);
    tells(conf, "everybody may write to this file");
    conf_free(&conf);
    (void)unlink(in_folder("changes.tdsl"));
    assert_int_equal(symlink(in_folder("config.tdsl"), in_folder("changes.tdsl")), 0);
    conf = conf_load(schema, in_folder("config.tdsl"), NULL, NULL);
    assert_int_equal(conf_errors(conf), 1);
    conf_free(&conf);
    (void)unlink(in_folder("changes.tdsl"));
    assert_int_equal(mkfifo(in_folder("changes.tdsl"), 0600), 0);
    conf = conf_load(schema, in_folder("config.tdsl"), NULL, NULL); /* and does not hang */
    assert_int_equal(conf_errors(conf), 1);
    conf_free(&conf);
    (void)unlink(in_folder("changes.tdsl"));
}

/* ---- merging ---- */

static char *merge(const char *old, const char *lines)
{
    struct arena *arena = arena_new();
    struct buf out = { 0 };
    const char *why = conf_changes_merge(schema, arena, span_of(old), span_of(lines), SPAN("a@example.org"),
                                         "2026-11-23T01:02:03Z", &out);

    if (why) {
        buf_clear(&out);
        buf_printf(&out, "refused: %s", why);
    }
    buf_char(&out, '\0');
    arena_free(&arena);
    return out.at;
}

#define HEAD "# Changed by command; each line wins over config.tdsl, stoactl changes shows them.\n"
#define MARK "#! a@example.org 2026-11-23T01:02:03Z\n"

static void merges(const char *old, const char *lines, const char *wanted)
{
    char *out = merge(old, lines);

    assert_string_equal(out, wanted);
    free(out);
}

static void test_merge(void **state)
{
    (void)state;
    merges("", "log/level=error", HEAD MARK "log/level = error\n");
    merges(HEAD MARK "log/level = error\n", "log/access = false\n",
           HEAD MARK "log/level = error\n" MARK "log/access = false\n");
    /* Once, whatever the spelling; who wrote last stands there. */
    merges("#! b@x 2020-01-01T00:00:00Z\nhttpServer/requestTimeout = 5s\n", "httpServer/request-timeout = 6s",
           HEAD MARK "httpServer/request-timeout = 6s\n");
    merges("", "log/level = error\nlog/level = info", HEAD MARK "log/level = info\n");
    /* Back to the file. */
    merges(HEAD MARK "log/level = error\n" MARK "log/access = false\n", "log/level",
           HEAD MARK "log/access = false\n");
    /* People's own comments stay. */
    merges("# mine\nlog/level = error\n", "log/level = info", HEAD "# mine\n" MARK "log/level = info\n");
}

static void test_merge_refuses(void **state)
{
    static const struct {
        const char *lines, *why;
    } rows[] = {
        { "", "refused: no change is given: write path/in/config=value" },
        { "log/directory=/etc",
          "refused: log/directory is not changed by command: write it into config.tdsl" },
        { "log/level=env('HOME')", "refused: log/level: env() is for config.tdsl only" },
        { "log/level= env( 'HOME')", "refused: log/level: env() is for config.tdsl only" },
        { "log/level=a\rb", "refused: log/level: the value is not UTF-8 or holds a control character" },
        { "log/level=\xff", "refused: log/level: the value is not UTF-8 or holds a control character" },
        { "log/lev\x01=1", "refused: the path is not UTF-8, holds a control character or is too long" },
        { "../../etc/passwd=1", "refused: '..' is not known in a configuration" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        merges("", rows[i].lines, rows[i].why);
}

/* What was merged is what is read: a value cannot become a second line or a comment. */
static void test_a_value_is_one_line(void **state)
{
    char *out = merge("", "http/realm = '# not a comment'");
    struct conf *conf;

    (void)state;
    conf = load_both("", out);
    is_good(conf);
    assert_string_equal(((const struct http_settings *)conf_section(conf, "http"))->realm, "# not a comment");
    conf_free(&conf);
    free(out);
    out = merge("", "http/realm = one\nprocesses/user = root");
    assert_non_null(strstr(out, "refused: processes/user"));
    free(out);
}

/* ---- masks ---- */

static void masks(const char *text, const char *wanted)
{
    struct buf out = { 0 };

    conf_mask(schema, span_of(text), &out);
    buf_char(&out, '\0');
    assert_string_equal(out.at, wanted);
    buf_free(&out);
}

static void test_masks(void **state)
{
    (void)state;
    masks("xmpp { host = a }\n", "xmpp { host = a }\n");
    masks("secret = 'x y'\nport = 1\n", "secret = '(hidden)'\nport = 1\n");
    masks("# secret: old # older\nb", "# secret = '(hidden)'\nb");
    masks("'secret' = x\n", "'secret = '(hidden)'\n");
    masks("secret = [ 'a',\n 'b' ]\nc", "secret = '(hidden)'\nc");
    masks("secret = 'it''s # not'\nc", "secret = '(hidden)'\nc");
    masks("secret =\n x\nc", "secret = '(hidden)'\nc");
    masks("xmpp/components/a.b/secret = s", "xmpp/components/a.b/secret = '(hidden)'");
    masks("secretary = 1, my-secret = 2", "secretary = 1, my-secret = 2");
    masks("secret", "secret");
    masks("secret =", "secret = '(hidden)'");
    masks("", "");
}

/* ---- the walk ---- */

static void list_one(void *data, const struct conf_view *view)
{
    struct buf *out = data;

    buf_printf(out, "%s%s\n", view->path, view->is_guarded ? " !" : "");
    for (const struct directive *row = view->table->directives; row && row->name; row++)
        if (strcmp(row->name, "realm") == 0) {
            buf_text(out, "= ");
            conf_value(row, view->base, false, out);
            buf_char(out, '\n');
        }
}

static void test_walk_finds_every_section_once(void **state)
{
    struct conf *conf = load("http { realm = 'a''b' }\nhttpServer { connections { 81 { } 82 { } } }\n"
                             "xmpp { components { 'a.b' { secret = x } } }");
    struct arena *arena = arena_new();
    struct buf out = { 0 };

    (void)state;
    is_good(conf);
    conf_walk(conf, arena, list_one, &out);
    buf_char(&out, '\0');
    assert_string_equal(out.at, "httpServer\nhttpServer/connections !\nhttpServer/connections/81 !\n"
                                "httpServer/connections/82 !\nhttpServer/executor\nxmpp\n"
                                "xmpp/components !\nxmpp/components/a.b !\nhttp\n= \"a'b\"\n"
                                "log\nprocesses !\n");
    buf_free(&out);
    arena_free(&arena);
    conf_free(&conf);
}

static int set_up(void **state)
{
    (void)state;
    schema = conf_schema_new();
    settings_register(schema);
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    conf_schema_free(&schema);
    (void)unlink(in_folder("config.tdsl"));
    (void)unlink(in_folder("changes.tdsl"));
    return rmdir(folder);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wins_over_the_file_and_not_over_the_command_line),
        cmocka_unit_test(test_is_named_after_the_configuration),
        cmocka_unit_test(test_says_the_line_of_what_is_wrong),
        cmocka_unit_test(test_does_not_trust_a_file_that_others_may_write),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_merge_refuses),
        cmocka_unit_test(test_a_value_is_one_line),
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_walk_finds_every_section_once),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
