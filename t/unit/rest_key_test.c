/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_key_test.c - API keys: entries of the configuration, rows of LMDB, scopes, and the
 * commands that make them. */
#include "rest_env.h"

#include "base/clock.h"
#include "modules/rest/keys_entry.h"
#include "modules/rest/keys_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct env env;

/* ---- entries ---- */

static void is_list(const char *const *texts, const char *wanted)
{
    struct buf all = { 0 };

    for (; texts != NULL && *texts != NULL; texts++)
        buf_printf(&all, "[%s]", *texts);
    buf_char(&all, '\0');
    assert_string_equal(all.at, wanted);
    buf_free(&all);
}

static void test_entries_are_taken_apart(void **state)
{
    static const struct {
        const char *text, *key, *hosts, *paths;
    } rows[] = {
        { "test1", "test1", "", "" },
        { "test2:domain=api.example.com;rest.example.com:regex=/rest/*", "test2",
          "[api.example.com][rest.example.com]", "[/rest/*]" },
        { "open_access:regex=/rest/test/.*", "open_access", "", "[/rest/test/.*]" },
        { "k:regex=/a;/b:domain=h", "k", "[h]", "[/a][/b]" },
        { "k:regex=/rest/(?:adhoc|user)/.*", "k", "", "[/rest/(?:adhoc|user)/.*]" },
        { "k:regex=/a=b", "k", "", "[/a=b]" },
        { "k:regex=/a\\;b;/c", "k", "", "[/a\\;b][/c]" },
        { "k:domain=h", "k", "[h]", "" },
        { "k:domain=h;;i;", "k", "[h][i]", "" },
        { "domain", "domain", "", "" },
    };
    struct arena *arena = arena_new();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct key_entry entry;
        const char *why = key_entry_parse(span_of(rows[i].text), arena, &entry);

        if (why != NULL)
            fail_msg("%s: %s", rows[i].text, why);
        assert_true(span_is(entry.key, rows[i].key));
        is_list(entry.hosts, rows[i].hosts);
        is_list(entry.paths, rows[i].paths);
        assert_null(keys_check_entry(rows[i].text));
    }
    arena_free(&arena);
}

static void test_bad_entries_are_refused(void **state)
{
    static const char *const texts[] = { "",
                                         ":regex=/a",
                                         "k:",
                                         "k:regexp=/a",
                                         "k:regex=",
                                         "k:domain=;",
                                         "k:domain=a:domain=b",
                                         "k:regex=(",
                                         "k:regex=/a;[",
                                         "k:regex=/a\\",
                                         "k:regex=/a:domain=b:regex=/c" };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (keys_check_entry(texts[i]) == NULL)
            fail_msg("'%s' was taken", texts[i]);
    assert_true(keys_entry_misses_star("k:regex=/rest/*"));
    assert_true(keys_entry_misses_star("k:regex=/a;/rest/adhoc/*"));
    assert_false(keys_entry_misses_star("k:regex=/rest/.*"));
    assert_false(keys_entry_misses_star("k"));
    assert_true(keys_entry_is_short("test1"));
    assert_true(keys_entry_is_short("test1:regex=/a-long-expression"));
    assert_false(keys_entry_is_short("0123456789abcdef"));
    assert_false(keys_entry_is_short("open_access"));
}

static void test_a_check_warns_and_never_shows_a_key(void **state)
{
    struct buf text = { 0 };

    (void)state;
    env_load(&env,
             "http { rest { open-access = true\n api-keys = [ 'SeCrEt1', 'SeCrEt2:regex=/rest/*' ] } }\n",
             NULL);
    assert_int_equal(conf_errors(env.conf), 0);
    for (size_t i = 0; i < conf_problem_count(env.conf); i++)
        conf_problem_print(conf_problem(env.conf, i), &text);
    conf_print(env.conf, &text);
    buf_char(&text, '\0');
    assert_non_null(strstr(text.at, "expression of entry 2 ends in /*"));
    assert_non_null(strstr(text.at, "open-access lets everybody"));
    assert_null(strstr(text.at, "SeCrEt"));
    env_close(&env);
    buf_clear(&text);
    env_load(&env, "http { rest { api-keys = [ 'SeCrEt:regex=(' ] } }\n", NULL);
    assert_int_equal(conf_errors(env.conf), 1);
    env_print_problems(&env);
    conf_problem_print(conf_problem(env.conf, 0), &text);
    buf_char(&text, '\0');
    assert_null(strstr(text.at, "SeCrEt"));
    env_close(&env);
    buf_free(&text);
}

/* ---- the check ---- */

struct shown {
    const char *key, *method, *host, *path, *client;
};

static char why[256];

static enum key_verdict check(struct shown shown)
{
    struct http_request request = { .arena = arena_new(),
                                    .path = span_of(shown.path),
                                    .method_text = span_of(shown.method ? shown.method : "GET"),
                                    .host = span_of(shown.host ? shown.host : "h"),
                                    .client = shown.client ? shown.client : "192.0.2.1" };
    const struct key *key = NULL;
    enum key_verdict verdict;

    why[0] = '\0';
    verdict = keys_check(env.rest->keys, &request, span_of(shown.key), &key, why, sizeof(why));
    assert_int_equal(verdict == KEY_GOOD, key != NULL);
    assert_int_equal(verdict == KEY_GOOD, why[0] == '\0');
    if (shown.key != NULL && strlen(shown.key) > 3)
        assert_null(strstr(why, shown.key));
    arena_free(&request.arena);
    return verdict;
}

static void test_the_guides_keys(void **state)
{
    (void)state;
    env_open(
        &env,
        "http { rest { api-keys = [ 'test1', 'test2:domain=api.example.com;rest.example.com:regex=/rest/.*', "
        "'test2:regex=/rest/b', 'open_access:regex=/rest/test/.*' ] } }\n",
        NULL);
    assert_int_equal(check((struct shown){ .key = "test1", .path = "/rest/a" }), KEY_GOOD);
    assert_int_equal(check((struct shown){ .key = "Test1", .path = "/rest/a" }), KEY_UNKNOWN);
    assert_int_equal(check((struct shown){ .key = "test", .path = "/rest/a" }), KEY_UNKNOWN);
    assert_int_equal(check((struct shown){ .key = "", .path = "/rest/test/a" }), KEY_UNKNOWN);
    assert_int_equal(check((struct shown){ .key = "open_access", .path = "/rest/test/a" }), KEY_UNKNOWN);
    assert_int_equal(check((struct shown){ .key = "wrong", .path = "/rest/test/a" }), KEY_UNKNOWN);
    assert_int_equal(check((struct shown){ .path = "/rest/test/a" }), KEY_GOOD);
    assert_int_equal(check((struct shown){ .path = "/rest/test" }), KEY_MISSING);
    assert_non_null(strstr(why, "Api-Key"));
    assert_int_equal(check((struct shown){ .key = "test2", .path = "/rest/a", .host = "api.example.com" }),
                     KEY_GOOD);
    assert_int_equal(check((struct shown){ .key = "test2", .path = "/api/a", .host = "api.example.com" }),
                     KEY_NOT_HERE);
    assert_string_equal(why, "This key does not cover this path");
    /* a second entry of the same key adds to the first */
    assert_int_equal(check((struct shown){ .key = "test2", .path = "/rest/b", .host = "h" }), KEY_GOOD);
    assert_true(keys_allow(env.rest->keys, SPAN("test2"), SPAN("rest.example.com"), SPAN("/rest/x")));
    assert_false(keys_allow(env.rest->keys, SPAN("test2"), SPAN("other"), SPAN("/rest/x")));
    assert_false(keys_allow(env.rest->keys, (struct span){ 0 }, SPAN("h"), SPAN("/rest/x")));
    env_close(&env);
}

static void test_default_is_deny(void **state)
{
    (void)state;
    env_open(&env, "", NULL);
    assert_int_equal(check((struct shown){ .path = "/rest/a" }), KEY_MISSING);
    assert_int_equal(check((struct shown){ .key = "any", .path = "/rest/a" }), KEY_UNKNOWN);
    assert_int_equal(check((struct shown){ .key = "stoa_any", .path = "/rest/a" }), KEY_UNKNOWN);
    env_close(&env);
    env_open(&env, "http { rest { open-access = true } }", NULL);
    assert_int_equal(check((struct shown){ .path = "/rest/a" }), KEY_GOOD);
    assert_int_equal(check((struct shown){ .key = "any", .path = "/rest/a" }), KEY_GOOD);
    env_close(&env);
}

/* ---- LMDB ---- */

static const char *const paths[] = { "/rest/adhoc/.*", "/rest/u/[a-z]+", NULL },
                         *const methods[] = { "GET", NULL }, *const hosts[] = { "api.example.org", NULL },
                         *const nodes[] = { "ping", "http://jabber.org/protocol/admin#*", NULL },
                         *const from[] = { "bot@example.org", "example.com", "a@b/r", NULL },
                         *const networks[] = { "10.0.0.0/8", "unix", NULL };

static void add(const char *key, struct key_row row)
{
    struct key_add adding;

    key_add_begin(&adding, REST_TABLE_KEY, span_of(key), &row);
    assert_int_equal(store_write_now(env.rest->store, &adding.write), 0);
}

static struct shown good(const char *key)
{
    return (
        struct shown){ .key = key, .host = "api.example.org", .path = "/rest/adhoc/x", .client = "10.1.2.3" };
}

static void test_a_row_is_what_it_was(void **state)
{
    struct key_row row = { .label = "the bot \xc3\xa4\"",
                           .scope = { paths, methods, hosts, nodes, from, networks },
                           .created = 1700000000,
                           .expires = 1800000000 },
                   again;
    struct arena *arena = arena_new();
    struct buf text = { 0 };

    (void)state;
    memset(row.digest, 0xa5, sizeof(row.digest));
    key_row_encode(&row, &text);
    assert_true(key_row_decode(buf_span(&text), arena, &again));
    assert_string_equal(again.label, row.label);
    assert_true(again.created == row.created && again.expires == row.expires);
    assert_memory_equal(again.digest, row.digest, sizeof(row.digest));
    is_list(again.scope.paths, "[/rest/adhoc/.*][/rest/u/[a-z]+]");
    is_list(again.scope.methods, "[GET]");
    is_list(again.scope.hosts, "[api.example.org]");
    is_list(again.scope.nodes, "[ping][http://jabber.org/protocol/admin#*]");
    is_list(again.scope.from, "[bot@example.org][example.com][a@b/r]");
    is_list(again.scope.networks, "[10.0.0.0/8][unix]");
    for (size_t i = 0; i < text.size; i++)
        assert_false(key_row_decode(span_head(buf_span(&text), i), arena, &again));
    buf_free(&text);
    arena_free(&arena);
}

static void test_keys_of_lmdb_and_their_scopes(void **state)
{
    char key[KEY_TEXT], other[KEY_TEXT], expired[KEY_TEXT];
    struct shown shown;

    (void)state;
    env_open(&env, "http { rest { api-keys = [ 'open_access' ] } }", NULL);
    key_make(key);
    key_make(other);
    key_make(expired);
    assert_true(strlen(key) == 48 && strncmp(key, KEY_START, 5) == 0 && strcmp(key, other) != 0);
    assert_int_equal(check(good(key)), KEY_UNKNOWN); /* although nobody needs one */
    add(key, (struct key_row){ .id = "00000000000a",
                               .label = "bot",
                               .scope = { paths, methods, hosts, nodes, from, networks } });
    add(other, (struct key_row){ .id = "00000000000b", .label = "all" });
    add(expired, (struct key_row){ .id = "00000000000c", .label = "old", .expires = 1700000000 });
    assert_int_equal(check(good(key)), KEY_GOOD);
    assert_int_equal(check(good(other)), KEY_GOOD);
    assert_int_equal(check(good(expired)), KEY_EXPIRED);
    assert_string_equal(why, "This key expired on 2023-11-14");
    shown = good(key);
    shown.method = "HEAD";
    assert_int_equal(check(shown), KEY_GOOD);
    shown.method = "PUT";
    assert_int_equal(check(shown), KEY_NOT_HERE);
    assert_string_equal(why, "This key does not cover PUT");
    shown = good(key);
    shown.path = "/rest/u/ab";
    assert_int_equal(check(shown), KEY_GOOD);
    shown.path = "/rest/u/ab1";
    assert_int_equal(check(shown), KEY_NOT_HERE);
    assert_string_equal(why, "This key does not cover this path");
    shown = good(key);
    shown.host = "example.org";
    assert_int_equal(check(shown), KEY_NOT_HERE);
    assert_string_equal(why, "This key does not cover the host example.org");
    shown = good(key);
    shown.client = "11.0.0.1";
    assert_int_equal(check(shown), KEY_NOT_HERE);
    assert_string_equal(why, "This key does not cover requests from 11.0.0.1");
    shown.client = "unix";
    assert_int_equal(check(shown), KEY_GOOD);
    shown.client = "::1";
    assert_int_equal(check(shown), KEY_NOT_HERE);
    env_close(&env);
}

static int64_t last_use(const char *id)
{
    struct store_view *view = store_view(env.rest->store);
    int64_t moment = key_last_use(view, REST_TABLE_KEY, id);

    store_view_end(env.rest->store, view);
    return moment;
}

static void test_revoked_is_over_at_once_and_the_last_use_is_kept(void **state)
{
    struct key_revoke revoke;
    char key[KEY_TEXT];
    int64_t now;

    (void)state;
    env_open(&env, "", NULL);
    key_make(key);
    add(key, (struct key_row){ .id = "00000000000a", .label = "bot", .scope = { .methods = methods } });
    assert_true(last_use("00000000000a") == 0);
    assert_int_equal(check((struct shown){ .key = key, .method = "PUT", .path = "/" }), KEY_NOT_HERE);
    assert_true(last_use("00000000000a") == 0);
    now = clock_wall() / USEC_PER_SEC;
    assert_int_equal(check((struct shown){ .key = key, .path = "/" }), KEY_GOOD);
    assert_true(last_use("00000000000a") >= now);
    key_revoke_begin(&revoke, REST_TABLE_KEY, "00000000000a");
    assert_int_equal(store_write_now(env.rest->store, &revoke.write), 0);
    assert_int_equal(check((struct shown){ .key = key, .path = "/" }), KEY_UNKNOWN);
    assert_true(last_use("00000000000a") == 0);
    key_revoke_begin(&revoke, REST_TABLE_KEY, "00000000000a");
    assert_int_equal(store_write_now(env.rest->store, &revoke.write), KEY_ABSENT);
    key_used(env.rest->store, REST_TABLE_KEY, "00000000000a", now, false); /* told too late */
    assert_true(last_use("00000000000a") == 0);
    env_close(&env);
}

static void test_nothing_of_a_key_is_stored(void **state)
{
    struct store_cursor *cursor = NULL;
    struct store_view *view;
    struct span name, value;
    char key[KEY_TEXT];
    unsigned rows = 0;

    (void)state;
    env_open(&env, "", NULL);
    key_make(key);
    add(key, (struct key_row){ .id = "00000000000a", .label = "bot" });
    view = store_view(env.rest->store);
    while (store_walk(view, REST_TABLE_KEY, SPAN(""), &cursor, &name, &value) == 1) {
        assert_null(memmem(value.at, value.size, key + 5, 8));
        assert_null(memmem(name.at, name.size, key + 5, 8));
        rows++;
    }
    store_view_end(env.rest->store, view);
    assert_int_equal(rows, 3);
    env_close(&env);
}

static void test_nodes_and_senders(void **state)
{
    const struct key_scope scope = { .nodes = nodes, .from = from }, free_scope = { 0 };

    (void)state;
    assert_true(key_allows_node(&scope, SPAN("ping")));
    assert_false(key_allows_node(&scope, SPAN("ping2")));
    assert_true(key_allows_node(&scope, SPAN("http://jabber.org/protocol/admin#add-user")));
    assert_false(key_allows_node(&scope, SPAN("http://jabber.org/protocol/admin")));
    assert_true(key_allows_node(&free_scope, SPAN("any")));
    assert_true(key_allows_from(&scope, SPAN("bot@example.org")));
    assert_true(key_allows_from(&scope, SPAN("BOT@Example.ORG/phone")));
    assert_false(key_allows_from(&scope, SPAN("bob@example.org")));
    assert_false(key_allows_from(&scope, SPAN("example.org")));
    assert_true(key_allows_from(&scope, SPAN("anybody@example.com")));
    assert_true(key_allows_from(&scope, SPAN("example.com/r")));
    assert_false(key_allows_from(&scope, SPAN("sub.example.com")));
    assert_true(key_allows_from(&scope, SPAN("a@b/r")));
    assert_false(key_allows_from(&scope, SPAN("a@b/R")));
    assert_false(key_allows_from(&scope, SPAN("a@b")));
    assert_false(key_allows_from(&scope, SPAN("@")));
    assert_true(key_allows_from(&free_scope, SPAN("any@where")));
}

/* ---- stoactl ---- */

static void closes_nothing(const char *arguments, int wanted)
{
    char text[512], *argv[32];
    struct span rest;
    int argc = 0;

    snprintf(text, sizeof(text), "%s", arguments);
    rest = span_of(text);
    while (rest.size > 0) {
        struct span word = span_cut(&rest, ' ');

        argv[argc] = text + (word.at - text);
        argv[argc++][word.size] = '\0';
    }
    assert_int_equal(keys_ctl_add(&env.host, argc, argv), wanted);
}

static void test_the_command_refuses_what_means_nothing(void **state)
{
    static const char *const bad[] = {
        "",
        "--label",
        "--label a --path (",
        "--label a --path rest",
        "--label a --method PATCH",
        "--label a --method get",
        "--label a --host http://x",
        "--label a --from @",
        "--label a --network 10.0.0.1/8",
        "--label a --network net",
        "--label a --expires 30",
        "--label a --expires never",
        "--label a --expires 2001-01-01T00:00:00Z",
        "--label a --expires 0s",
        "--label a more",
        "--label a --colour blue",
    };

    (void)state;
    env_load(&env, "", NULL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        closes_nothing(bad[i], 2);
    closes_nothing(
        "--label a --path /rest/adhoc/.* --path /rest/x --method GET --method POST --host h --node n* "
        "--from a@b --network ::1 --expires 30d",
        0);
    closes_nothing("--label b --expires PT6H", 0);
    env_close(&env);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_are_taken_apart),
        cmocka_unit_test(test_bad_entries_are_refused),
        cmocka_unit_test(test_a_check_warns_and_never_shows_a_key),
        cmocka_unit_test(test_the_guides_keys),
        cmocka_unit_test(test_default_is_deny),
        cmocka_unit_test(test_a_row_is_what_it_was),
        cmocka_unit_test(test_keys_of_lmdb_and_their_scopes),
        cmocka_unit_test(test_revoked_is_over_at_once_and_the_last_use_is_kept),
        cmocka_unit_test(test_nothing_of_a_key_is_stored),
        cmocka_unit_test(test_nodes_and_senders),
        cmocka_unit_test(test_the_command_refuses_what_means_nothing),
    };

    return cmocka_run_group_tests_name("rest_key", tests, NULL, NULL);
}
