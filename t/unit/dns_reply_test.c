/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: dns_reply_test.c - what name servers say, and what they must not make us believe. */
#include "dns_wire.h"
#include "parse/dns_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#define NAME    "x.example.org"
#define FOUR(d) SPAN("\300\0\2" d)

static struct arena *arena;
static struct buf reply;
static struct dns_records records;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    reply = (struct buf){ 0 };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    buf_free(&reply);
    return 0;
}

static enum dns_verdict read_as(enum dns_type type)
{
    return dns_reply_read(arena, buf_span(&reply), SPAN(NAME), type, &records);
}

static void addresses_and_the_least_ttl(void **state)
{
    char text[IP_TEXT];

    (void)state;
    wire_begin(&reply, NAME, DNS_A, 0, 4, 0);
    wire_record(&reply, NAME, DNS_A, 300, FOUR("\1"));
    wire_record(&reply, "X.Example.ORG", DNS_A, 60, FOUR("\2"));
    wire_record(&reply, "y.example.org", DNS_A, 5, FOUR("\3"));       /* nobody asked for it */
    wire_record(&reply, NAME, DNS_AAAA, 5, SPAN("0123456789abcdef")); /* nor for this */
    assert_int_equal(read_as(DNS_A), DNS_FOUND);
    assert_int_equal(records.count, 2);
    assert_int_equal(records.ttl, 60);
    ip_address_text(&records.items[1].address, text);
    assert_string_equal(text, "192.0.2.2");
}

static void aliases_lead_on_and_end(void **state)
{
    (void)state;
    wire_begin(&reply, NAME, DNS_A, 0, 3, 0);
    wire_record(&reply, "real.example.net", DNS_A, 300, FOUR("\1")); /* in any order */
    wire_alias(&reply, "pool.example.net", 30, "real.example.net");
    wire_alias(&reply, NAME, 300, "pool.example.net");
    assert_int_equal(read_as(DNS_A), DNS_FOUND);
    assert_int_equal(records.ttl, 30);

    buf_clear(&reply);
    wire_begin(&reply, NAME, DNS_A, 0, 2, 0);
    wire_alias(&reply, NAME, 300, "pool.example.net");
    wire_alias(&reply, "pool.example.net", 300, NAME);
    assert_int_equal(read_as(DNS_A), DNS_NOTHING);
}

static void services(void **state)
{
    (void)state;
    wire_begin(&reply, NAME, DNS_SRV, 0, 3, 0);
    wire_service(&reply, NAME, 60, 5, 7, 5222, "Xmpp.Example.org");
    wire_service(&reply, NAME, 60, 5, 7, 5222, "");
    wire_service(&reply, NAME, 60, 5, 7, 5222, "<script>.example.org"); /* no host has such a name */
    assert_int_equal(read_as(DNS_SRV), DNS_FOUND);
    assert_int_equal(records.count, 2);
    assert_int_equal(records.items[0].priority, 5);
    assert_int_equal(records.items[0].weight, 7);
    assert_int_equal(records.items[0].port, 5222);
    assert_true(span_is(records.items[0].target, "xmpp.example.org"));
    assert_int_equal(records.items[1].target.size, 0);
}

static void texts_are_joined_and_bounded(void **state)
{
    struct buf large = { 0 };

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        buf_char(&large, '\377');
        memset(buf_reserve(&large, 255), 'x', 255);
        large.size += 255;
    }
    wire_begin(&reply, NAME, DNS_TXT, 0, 4, 0);
    wire_record(&reply, NAME, DNS_TXT, 60, SPAN("\3abc\0\2de"));
    wire_record(&reply, NAME, DNS_TXT, 60, SPAN(""));
    wire_record(&reply, NAME, DNS_TXT, 60, SPAN("\5abc"));
    wire_record(&reply, NAME, DNS_TXT, 60, buf_span(&large));
    assert_int_equal(read_as(DNS_TXT), DNS_FOUND);
    assert_int_equal(records.count, 2);
    assert_true(span_is(records.items[0].text, "abcde"));
    buf_free(&large);
}

static void nothing_for_as_long_as_the_zone_says(void **state)
{
    (void)state;
    wire_begin(&reply, NAME, DNS_A, 3, 0, 1);
    wire_authority(&reply, 3600, 42);
    assert_int_equal(read_as(DNS_A), DNS_NOTHING);
    assert_int_equal(records.ttl, 42);

    buf_clear(&reply);
    wire_begin(&reply, NAME, DNS_A, 0, 0, 0);
    assert_int_equal(read_as(DNS_A), DNS_NOTHING);
    assert_int_equal(records.ttl, 0);
}

static void trouble_is_not_nothing(void **state)
{
    (void)state;
    for (unsigned code = 1; code < 16; code++) {
        buf_clear(&reply);
        wire_begin(&reply, NAME, DNS_A, code, 0, 0);
        assert_int_equal(read_as(DNS_A), code == 3 ? DNS_NOTHING : DNS_TROUBLE);
    }
}

static void another_question_is_not_ours(void **state)
{
    (void)state;
    wire_begin(&reply, "y.example.org", DNS_A, 0, 0, 0);
    assert_int_equal(read_as(DNS_A), DNS_BROKEN);
    buf_clear(&reply);
    wire_begin(&reply, NAME, DNS_AAAA, 0, 0, 0);
    assert_int_equal(read_as(DNS_A), DNS_BROKEN);
    buf_clear(&reply);
    wire_begin(&reply, NAME, DNS_A, 0, 0, 0);
    reply.at[2] = 1; /* a question, not a reply */
    assert_int_equal(read_as(DNS_A), DNS_BROKEN);
}

static void every_cut_is_noticed(void **state)
{
    size_t whole;

    (void)state;
    wire_begin(&reply, NAME, DNS_SRV, 0, 2, 1);
    wire_alias(&reply, "z.example.org", 60, "y.example.org");
    wire_service(&reply, NAME, 60, 5, 7, 5222, "xmpp.example.org");
    wire_authority(&reply, 60, 60);
    whole = reply.size;
    for (size_t size = 0; size < whole; size++) {
        char *exact = memcpy(malloc(size > 0 ? size : 1), reply.at, size); /* so that a read beyond is seen */

        assert_int_equal(dns_reply_read(arena, span_make(exact, size), SPAN(NAME), DNS_SRV, &records),
                         DNS_BROKEN);
        free(exact);
    }
    assert_int_equal(read_as(DNS_SRV), DNS_FOUND);
}

static void pointers_lead_back_only(void **state)
{
    static const struct {
        unsigned pointer; /* in place of the target's name; 0: points at itself */
        enum dns_verdict want;
    } rows[] = { { 0xc00c, DNS_FOUND }, { 0, DNS_BROKEN }, { 0xffff, DNS_BROKEN }, { 0x800c, DNS_BROKEN } };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf_clear(&reply);
        wire_begin(&reply, NAME, DNS_SRV, 0, 1, 0);
        wire_service(&reply, NAME, 60, 1, 1, 1, "a");
        reply.size -= 3;
        reply.at[reply.size - 7] = 8; /* the length of the data: six bytes and a pointer */
        wire_16(&reply, rows[i].pointer ? rows[i].pointer : 0xc000u | (unsigned)(reply.size));
        assert_int_equal(read_as(DNS_SRV), rows[i].want);
    }
}

static void no_more_records_than_there_is_room_for(void **state)
{
    (void)state;
    wire_begin(&reply, NAME, DNS_A, 0, 100, 0);
    for (unsigned i = 0; i < 100; i++)
        wire_record(&reply, NAME, DNS_A, 60, FOUR("\1"));
    assert_int_equal(read_as(DNS_A), DNS_FOUND);
    assert_int_equal(records.count, DNS_RECORDS_MOST);
}

/* ---- names ---- */

static void names_as_people_write_them(void **state)
{
    static const struct {
        const char *text, *domain, *name; /* domain NULL: refused */
    } rows[] = {
        { "Example.ORG", "example.org", "example.org" },
        { "example.org.", "example.org", "example.org" },
        { "B\303\234CHER.example", "b\303\274cher.example", "xn--bcher-kva.example" },
        { "_xmpp.example.org", "_xmpp.example.org", "_xmpp.example.org" },
        { "localhost", "localhost", "localhost" },
        { "", NULL, NULL },
        { ".", NULL, NULL },
        { "a..b", NULL, NULL },
        { "-a.org", NULL, NULL },
        { "a-.org", NULL, NULL },
        { "192.0.2.1", NULL, NULL },
        { "1.2", NULL, NULL },
        { "2001:db8::1", NULL, NULL },
        { "[2001:db8::1]", NULL, NULL },
        { "a b.org", NULL, NULL },
        { "a@b.org", NULL, NULL },
        { "a'b.org", NULL, NULL },
        { "a:5222", NULL, NULL },
        { "\377.org", NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span domain, name;
        bool good = dns_name_prepare(arena, span_of(rows[i].text), &domain, &name);

        if (good != (rows[i].domain != NULL) ||
            (good && (!span_is(domain, rows[i].domain) || !span_is(name, rows[i].name))))
            fail_msg("%s", rows[i].text);
    }
}

static void lengths_of_names(void **state)
{
    char text[300];
    struct span domain, name;

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_true(dns_name_prepare(arena, span_make(text, 63), &domain, &name));
    assert_false(dns_name_prepare(arena, span_make(text, 64), &domain, &name));
    for (size_t i = 49; i < sizeof(text); i += 50)
        text[i] = '.';
    assert_true(dns_name_prepare(arena, span_make(text, 253), &domain, &name));
    assert_false(dns_name_prepare(arena, span_make(text, 254), &domain, &name));
}

static void private_names(void **state)
{
    static const char *const rows[] = { "server",     "localhost", "a.local", "1.0.10.in-addr.arpa",
                                        "x.internal", "abc.onion" };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_true(dns_name_is_private(span_of(rows[i])));
    assert_false(dns_name_is_private(SPAN("local.example.org")));
    assert_false(dns_name_is_private(SPAN("notlocal.org")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(addresses_and_the_least_ttl, set_up, tear_down),
        cmocka_unit_test_setup_teardown(aliases_lead_on_and_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(services, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_are_joined_and_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_for_as_long_as_the_zone_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(trouble_is_not_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_question_is_not_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_cut_is_noticed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pointers_lead_back_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_more_records_than_there_is_room_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_as_people_write_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lengths_of_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(private_names, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
