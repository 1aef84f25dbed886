/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: admin_catalog_test.c - what is known of commands, and the list of them: groups, order,
 * who may speak for whom, limits, search, and what is remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "modules/admin/catalog.h"
#include "xmpp/ns.h"

static void test_facts(void **state)
{
    static const struct {
        const char *node, *group;
        enum command_start start;
        bool has_danger;
    } rows[] = {
        { NS_ADMIN "#add-user", "Users", ASKS, false },
        { NS_ADMIN "#delete-user", "Users", ASKS, true },
        { NS_ADMIN "#get-active-users-num", "Statistics", TELLS, false },
        { NS_ADMIN "#announce-all-allhosts", "Notifications", ASKS, false },
        { NS_ADMIN "#delete-motd-allhosts", "Configuration", ASKS, true },
        { NS_ADMIN "#set-motd", "Configuration", ASKS, false },
        { "http://prosody.im/protocol/modules#global-unload", "Configuration", ASKS, true },
        { "http://prosody.im/protocol/config#reload", "Configuration", ACTS, false },
        { "running nodes/ejabberd@host/restart", "Configuration", ASKS, true },
        { "running nodes/nonode@nohost/DB", "Configuration", ASKS, false },
        { "groovy-example", "Example scripts", ASKS, false },
        { "Add-User", "Other", ACTS, false },
        { "x" NS_ADMIN "#add-user", "Other", ACTS, false },
        { "", "Other", ACTS, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct command_fact *fact = fact_of(span_of(rows[i].node));

        assert_string_equal(fact->group, rows[i].group);
        assert_int_equal(fact->start, rows[i].start);
        assert_int_equal(fact->danger != NULL, rows[i].has_danger);
    }
}

static void test_patterns(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool fits;
    } rows[] = {
        { "a*c", "abc", true },   { "a*c", "ac", true },      { "a*c", "abcd", false },
        { "*", "", true },        { "a*b*c", "aXbYc", true }, { "a*b*c", "acb", false },
        { "", "", true },         { "", "a", false },         { "*aab", "aaaab", true },
        { "a**b", "axxb", true }, { "ab", "a", false },       { "a", "ab", false },
        { "*b", "a*b", true },    { "x*y*", "xaybyc", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (fact_fits(span_of(rows[i].pattern), span_of(rows[i].text)) != rows[i].fits)
            fail_msg("%s against %s", rows[i].text, rows[i].pattern);
}

static void take(struct catalog *catalog, const char *asked, const char *items)
{
    struct xml_element *iq;
    struct buf text = { 0 };
    const char *why;
    struct jid jid;

    buf_printf(&text,
               "<iq xmlns='jabber:client' type='result'><query xmlns='" NS_DISCO_ITEMS "'>%s</query></iq>",
               items);
    assert_int_equal(xml_document(buf_span(&text), &xml_limits_component, catalog->arena, &iq, &why), 1);
    assert_true(jid_parse(catalog->arena, span_of(asked), &jid));
    catalog_take(catalog, jid, iq);
    buf_free(&text);
}

static void test_order_and_groups(void **state)
{
    struct catalog *catalog = catalog_new();

    (void)state;
    take(catalog, "localhost",
         "<item jid='localhost' node='z' name='Zebra' group='Scripts'/>"
         "<item jid='localhost' node='uptime' name='Get uptime'/>"
         "<item jid='localhost' node='" NS_ADMIN "#delete-user' name='delete user'/>"
         "<item jid='localhost' node='" NS_ADMIN "#add-user' name='Add User'/>"
         "<item jid='localhost' node='nameless'/><item jid='localhost' name='no node'/>"
         "<item jid='localhost' node='uptime' name='twice'/>");
    catalog_close(catalog, 7);
    assert_int_equal(catalog->count, 5);
    assert_true(span_is(catalog->commands[0].node, "nameless") &&
                span_is(catalog->commands[0].name, "nameless"));
    assert_true(span_is(catalog->commands[0].group, "Other"));
    assert_true(span_is(catalog->commands[1].group, "Scripts"));
    assert_true(span_is(catalog->commands[2].name, "Get uptime"));
    assert_true(span_is(catalog->commands[3].name, "Add User"));
    assert_true(span_is(catalog->commands[4].name, "delete user"));
    assert_non_null(catalog_find(catalog, SPAN("localhost"), SPAN("uptime")));
    assert_null(catalog_find(catalog, SPAN("localhos"), SPAN("uptime")));
    assert_null(catalog_find(catalog, SPAN("localhost"), SPAN("uptim")));
    catalog_free(&catalog);
    assert_null(catalog);
}

/* A component of somebody else must not be able to put commands of the server under other names. */
static void test_nobody_speaks_for_others(void **state)
{
    struct catalog *catalog = catalog_new();

    (void)state;
    take(catalog, "rooms.localhost",
         "<item jid='localhost' node='" NS_ADMIN "#delete-user' name='See how many are online'/>"
         "<item jid='sess-man@rooms.localhost' node='a'/><item node='b'/><item jid='not a jid@@' node='c'/>");
    assert_int_equal(catalog->count, 2);
    assert_true(span_is(catalog->commands[0].jid, "sess-man@rooms.localhost"));
    assert_true(span_is(catalog->commands[1].jid, "rooms.localhost"));
    catalog_free(&catalog);
}

static void test_limits(void **state)
{
    struct catalog *catalog = catalog_new();
    struct buf items = { 0 };

    (void)state;
    buf_printf(&items, "<item node='n' group='%0300d' name='%0199d\xc3\xa4'/>", 1, 2);
    for (unsigned i = 0; i < CATALOG_COMMANDS_MOST + 10; i++)
        buf_printf(&items, "<item node='%u'/>", i);
    buf_char(&items, '\0');
    take(catalog, "localhost", items.at);
    assert_int_equal(catalog->count, CATALOG_COMMANDS_MOST);
    assert_true(catalog->is_cut);
    assert_int_equal(catalog->commands[0].group.size, 64);
    assert_int_equal(catalog->commands[0].name.size, 199); /* not in the middle of a character */
    for (unsigned i = 0; i < CATALOG_FAILURES_MOST + 10; i++)
        catalog_fail(catalog, SPAN("x"), SPAN("y"));
    assert_int_equal(catalog->failure_count, CATALOG_FAILURES_MOST);
    buf_free(&items);
    catalog_free(&catalog);
}

static void test_search(void **state)
{
    const struct catalog_command command = { .jid = SPAN("pubsub.localhost"),
                                             .node = SPAN(NS_ADMIN "#add-user"),
                                             .name = SPAN("Benutzer hinzuf\xc3\xbcgen"),
                                             .group = SPAN("Users") };

    (void)state;
    assert_true(catalog_matches(&command, SPAN("")));
    assert_true(catalog_matches(&command, SPAN("USER")));
    assert_true(catalog_matches(&command, SPAN(" add  pubsub ")));
    assert_true(catalog_matches(&command, SPAN("hinzuf\xc3\xbcgen")));
    assert_false(catalog_matches(&command, SPAN("add nothing")));
}

static void test_remembered(void **state)
{
    struct catalog_cache *cache = catalog_cache_new();

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        struct catalog *catalog = catalog_new();
        char user[20];

        snprintf(user, sizeof(user), "%u@localhost", i);
        catalog_close(catalog, 1000 + i);
        catalog_cache_put(cache, span_of(user), catalog);
    }
    assert_null(catalog_cache_get(cache, SPAN("0@localhost"), 1100, 1000));
    assert_non_null(catalog_cache_get(cache, SPAN("99@localhost"), 1100, 1));
    assert_null(catalog_cache_get(cache, SPAN("98@localhost"), 1100, 1));
    assert_non_null(catalog_cache_get(cache, SPAN("98@localhost"), 1100, 2));
    catalog_cache_drop(cache, SPAN("99@localhost"));
    catalog_cache_drop(cache, SPAN("nobody@localhost"));
    assert_null(catalog_cache_get(cache, SPAN("99@localhost"), 1100, 1000));
    catalog_cache_free(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_order_and_groups),
        cmocka_unit_test(test_nobody_speaks_for_others),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_remembered),
    };

    xml_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
