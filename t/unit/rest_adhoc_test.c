/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_adhoc_test.c - session ids that are bound to their owner; errors that mean "not
 * here". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "modules/rest/adhoc.h"
#include "xmpp/ns.h"

static void test_sign(void **state)
{
    struct auth_cache *cache = must_alloc(sizeof(*cache));
    struct arena *arena = arena_new();
    const struct adhoc_owner alice = { "rest", SPAN("alice@localhost"), SPAN("localhost"), SPAN("node") };
    const struct adhoc_owner others[] = {
        { "admin", SPAN("alice@localhost"), SPAN("localhost"), SPAN("node") },
        { "rest", SPAN("bob@localhost"), SPAN("localhost"), SPAN("node") },
        { "rest", SPAN("alice@localhost"), SPAN("localhos"), SPAN("node") },
        { "rest", SPAN("alice@localhost"), SPAN("localhost"), SPAN("Node") },
        { "rest", SPAN("alice@localhostl"), SPAN("ocalhost"), SPAN("node") },
        { "rest", SPAN("alice@localhost"), SPAN("localhostn"), SPAN("ode") },
    };
    struct span text, sessionid = { NULL, 0 }, copy;

    (void)state;
    random_bytes(cache->key, sizeof(cache->key));
    text = adhoc_sign(cache, arena, &alice, SPAN("2026-11-22T16:53:51.9Z.x"));
    assert_true(span_ends(text, SPAN(".2026-11-22T16:53:51.9Z.x")));
    assert_true(adhoc_verify(cache, text, &alice, &sessionid));
    assert_true(span_is(sessionid, "2026-11-22T16:53:51.9Z.x"));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(adhoc_verify(cache, text, &others[i], &sessionid));
    /* Each byte counts, and so does the key. */
    for (size_t i = 0; i < text.size; i++) {
        copy = arena_copy(arena, text);
        ((char *)(uintptr_t)copy.at)[i] ^= 1;
        assert_false(adhoc_verify(cache, copy, &alice, &sessionid));
    }
    for (size_t i = 0; i < text.size; i++)
        assert_false(adhoc_verify(cache, span_head(text, i), &alice, &sessionid));
    assert_false(adhoc_verify(cache, SPAN(""), &alice, &sessionid));
    assert_false(adhoc_verify(cache, SPAN("."), &alice, &sessionid));
    cache->key[31] ^= 1;
    assert_false(adhoc_verify(cache, text, &alice, &sessionid));
    arena_free(&arena);
    free(cache);
}

static const struct {
    const char *inside;
    bool is_elsewhere;
} errors[] = {
    { "<error type='cancel'><service-unavailable xmlns='" NS_STANZA_ERRORS "'/></error>", true },
    { "<x xmlns='y'/><error><text xmlns='" NS_STANZA_ERRORS "'/><item-not-found xmlns='" NS_STANZA_ERRORS
      "'/></error>",
      true },
    { "<error type='auth'><forbidden xmlns='" NS_STANZA_ERRORS "'/></error>", false },
    { "<error><item-not-found xmlns='other'/></error>", false },
    { "<error/>", false },
    { "", false },
};

static void test_elsewhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct arena *arena = arena_new();
        struct buf text = { 0 };
        struct xml_element *iq;
        const char *why;

        buf_printf(&text, "<iq xmlns='jabber:client' type='error'>%s</iq>", errors[i].inside);
        assert_int_equal(xml_document(buf_span(&text), &xml_limits_component, arena, &iq, &why), 1);
        assert_int_equal(adhoc_is_elsewhere(iq), errors[i].is_elsewhere);
        buf_free(&text);
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sign),
        cmocka_unit_test(test_elsewhere),
    };

    xml_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
