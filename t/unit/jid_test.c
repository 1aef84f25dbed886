/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: jid_test.c - JIDs: what is one, and what it becomes. */
#include "parse/jid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

static const struct {
    const char *in, *local, *domain, *resource; /* domain NULL: refused */
} jids[] = {
    { "example.org", "", "example.org", "" },
    { "alice@example.org", "alice", "example.org", "" },
    { "Alice@Example.ORG/Home", "alice", "example.org", "Home" },
    { "example.org/a/b@c", "", "example.org", "a/b@c" },
    { "a@b/c d", "a", "b", "c d" },
    { "alice@example.org.", "alice", "example.org", "" },
    { "a!#$%()*+,-.;=?[]^_{|}~@b", "a!#$%()*+,-.;=?[]^_{|}~", "b", "" },
    { "J\xc3\x9cRGEN@b", "j\xc3\xbcrgen", "b", "" },
    { "stra\xc3\x9f"
      "e@b",
      "strasse", "b", "" },
    { "a@B\xc3\x9c"
      "CHER.example",
      "a",
      "b\xc3\xbc"
      "cher.example",
      "" },
    { "a@b/\xc3\x9c", "a", "b", "\xc3\x9c" },
    { "\xd8\xb9\xd9\x84\xd9\x8a@b", "\xd8\xb9\xd9\x84\xd9\x8a", "b", "" },
    { "a@[2001:DB8::1]", "a", "[2001:db8::1]", "" },
    { "a@192.0.2.1", "a", "192.0.2.1", "" },
    { "a@xn--bcher-kva.example", "a", "xn--bcher-kva.example", "" },
    { "", "", NULL, "" },
    { "@b", "", NULL, "" },
    { "a@", "", NULL, "" },
    { "a@b/", "", NULL, "" },
    { "/c", "", NULL, "" },
    { "a@/c", "", NULL, "" },
    { "a@b@c", "", NULL, "" },
    { "a b@c", "", NULL, "" },
    { "a\"b@c", "", NULL, "" },
    { "a&b@c", "", NULL, "" },
    { "a'b@c", "", NULL, "" },
    { "a:b@c", "", NULL, "" },
    { "a<b@c", "", NULL, "" },
    { "a@b c", "", NULL, "" },
    { "a@b\tc", "", NULL, "" },
    { "a@b/c\x01", "", NULL, "" },
    { "a@b/c\x7f", "", NULL, "" },
    { "a@b_c!", "", NULL, "" },
    { "a@b..c", "", NULL, "" },
    { "a@.b", "", NULL, "" },
    { "a@b..", "", NULL, "" },
    { "a@.", "", NULL, "" },
    { "a@-b", "", NULL, "" },
    { "a@b-.c", "", NULL, "" },
    { "a@[::1", "", NULL, "" },
    { "a@[b]", "", NULL, "" },
    { "a@[::ffff:192.0.2.1]", "", NULL, "" },
    { "a\xff@b", "", NULL, "" },
    { "a\xc0\xaf@b", "", NULL, "" },
    { "a\xef\xbc\xa0"
      "c@b",
      "", NULL, "" }, /* wide @ */
    { "a@b\xef\xbc\x8f"
      "c",
      "", NULL, "" }, /* wide slash */
    { "a@b\xe3\x80\x82"
      "c",
      "", NULL, "" }, /* ideographic full stop */
    { "\xd8\xb9"
      "a@b",
      "", NULL, "" },               /* mixed direction */
    { "a@\xc2\xad", "", NULL, "" }, /* a soft hyphen maps to nothing */
};

static void rows_are_split_and_prepared(void **state)
{
    struct arena *arena = arena_new();

    (void)state;
    for (size_t i = 0; i < sizeof(jids) / sizeof(jids[0]); i++) {
        struct jid jid, again;
        bool good = jid_parse(arena, span_of(jids[i].in), &jid);

        if (good != (jids[i].domain != NULL))
            fail_msg("%s", jids[i].in);
        if (!good) {
            assert_int_equal(jid.local.size + jid.domain.size + jid.resource.size, 0);
            continue;
        }
        if (!span_is(jid.local, jids[i].local) || !span_is(jid.domain, jids[i].domain) ||
            !span_is(jid.resource, jids[i].resource))
            fail_msg("%s is %s", jids[i].in, jid_text(arena, jid).at);
        assert_true(jid_parse(arena, jid_text(arena, jid), &again) && jid_equal(jid, again));
        assert_true(jid_parse(arena, jid_bare_text(arena, jid), &again) && jid_equal_bare(jid, again));
        assert_int_equal(again.resource.size, 0);
    }
    arena_free(&arena);
}

static void nul_is_refused(void **state)
{
    struct arena *arena = arena_new();
    struct jid jid;

    (void)state;
    assert_false(jid_parse(arena, SPAN("a\0b@c"), &jid));
    assert_false(jid_parse(arena, SPAN("\xc3\xa4\0b@c"), &jid));
    assert_false(jid_parse(arena, SPAN("a@c/\xc3\xa4\0b"), &jid));
    arena_free(&arena);
}

static void parts_end_at_1023_bytes(void **state)
{
    struct arena *arena = arena_new();
    char text[4000];
    struct jid jid;

    (void)state;
    memset(text, 'a', sizeof(text));
    text[1023] = '@';
    assert_true(jid_parse(arena, span_make(text, 1030), &jid));
    text[1026] = '/';
    assert_true(jid_parse(arena, span_make(text, 1027 + 1023), &jid));
    assert_false(jid_parse(arena, span_make(text, 1027 + 1024), &jid));
    text[1023] = 'a', text[1024] = '@', text[1026] = 'a';
    assert_false(jid_parse(arena, span_make(text, 1030), &jid));
    assert_false(jid_parse(arena, span_make(text, sizeof(text)), &jid));
    for (size_t i = 0; i < 1022; i += 2)
        memcpy(text + i, "\xc3\xa4", 2);
    memcpy(text + 1022, "@b", 2);
    assert_true(jid_parse(arena, span_make(text, 1024), &jid));
    memcpy(text + 1022, "\xc3\xa4@b", 4);
    assert_false(jid_parse(arena, span_make(text, 1026), &jid));
    arena_free(&arena);
}

static void single_parts(void **state)
{
    struct arena *arena = arena_new();
    struct span part;

    (void)state;
    assert_true(jid_prepare_local(arena, SPAN("Bob"), &part) && span_is(part, "bob"));
    assert_false(jid_prepare_local(arena, SPAN("b@b"), &part));
    assert_false(jid_prepare_local(arena, SPAN(""), &part));
    assert_true(jid_prepare_domain(arena, SPAN("A.B."), &part) && span_is(part, "a.b"));
    assert_false(jid_prepare_domain(arena, SPAN("a/b"), &part));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_split_and_prepared),
        cmocka_unit_test(nul_is_refused),
        cmocka_unit_test(parts_end_at_1023_bytes),
        cmocka_unit_test(single_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
