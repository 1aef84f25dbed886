/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: xmpp_iq_test.c - an answer counts once, in time, and from nobody but who was asked.
 */
#include "xmpp_fake.h"

#include "xmpp/iq.h"

static struct {
    unsigned results, failures;
    enum problem problem;
} seen;

static struct iq_wait *second;

static void done(struct iq_wait *wait, enum problem problem, const struct xml_element *answer)
{
    (void)wait;
    if (answer)
        seen.results++;
    else
        seen.failures++;
    seen.problem = problem;
}

static struct jid jid_of(struct arena *arena, const char *text)
{
    struct jid jid;

    assert_true(jid_parse(arena, span_of(text), &jid));
    return jid;
}

static void test_match(void **state)
{
    struct loop *loop = loop_new();
    struct iq_table *table = iq_table_new(loop), *other = iq_table_new(loop);
    struct arena *arena = arena_new();
    struct iq_wait wait = { 0 };
    struct xml_element *iq = xml_make(arena, "jabber:component:accept", "iq");
    char id[IQ_ID_SIZE];

    (void)state;
    memset(&seen, 0, sizeof(seen));
    iq_wait_start(table, &wait, jid_of(arena, "Alice@LocalHost/Phone"), clock_mono() + USEC_PER_SEC, done);
    memcpy(id, wait.id, sizeof(id));
    assert_int_equal(strlen(id), 32);
    assert_int_equal(iq_table_count(table), 1);
    /* The wrong sender, resource, id, component. */
    assert_false(iq_table_answer(table, span_of(id), jid_of(arena, "mallory@localhost/Phone"), iq, arena));
    assert_false(iq_table_answer(table, span_of(id), jid_of(arena, "alice@localhost/phone"), iq, arena));
    assert_false(iq_table_answer(table, span_of(id), jid_of(arena, "alice@localhost"), iq, arena));
    assert_false(iq_table_answer(table, SPAN("1"), jid_of(arena, "alice@localhost/Phone"), iq, arena));
    assert_false(iq_table_answer(other, span_of(id), jid_of(arena, "alice@localhost/Phone"), iq, arena));
    assert_int_equal(seen.results + seen.failures, 0);
    assert_true(iq_table_answer(table, span_of(id), jid_of(arena, "alice@localhost/Phone"), iq, arena));
    assert_int_equal(seen.results, 1);
    /* Not twice. */
    assert_false(iq_table_answer(table, span_of(id), jid_of(arena, "alice@localhost/Phone"), iq, arena));
    assert_int_equal(iq_table_count(table), 0);
    arena_free(&arena);
    iq_table_free(&table);
    iq_table_free(&other);
    loop_free(&loop);
}

static void test_ids(void **state)
{
    struct loop *loop = loop_new();
    struct iq_table *table = iq_table_new(loop);
    struct arena *arena = arena_new();
    static struct iq_wait waits[500];

    (void)state;
    for (size_t i = 0; i < 500; i++)
        iq_wait_start(table, &waits[i], jid_of(arena, "localhost"), INT64_MAX - 1, done);
    assert_int_equal(iq_table_count(table), 500); /* all different: the table would have refused */
    for (size_t i = 0; i < 500; i++)
        iq_wait_stop(&waits[i]);
    iq_wait_stop(&waits[0]); /* no harm */
    assert_int_equal(iq_table_count(table), 0);
    arena_free(&arena);
    iq_table_free(&table);
    loop_free(&loop);
}

static bool failed(void *data)
{
    (void)data;
    return seen.failures > 0;
}

static void test_deadline(void **state)
{
    struct loop *loop = loop_new();
    struct iq_table *table = iq_table_new(loop);
    struct arena *arena = arena_new();
    struct iq_wait wait = { 0 };

    (void)state;
    memset(&seen, 0, sizeof(seen));
    iq_wait_start(table, &wait, jid_of(arena, "localhost"), clock_mono() + 1000, done);
    assert_true(run_until(loop, failed, NULL));
    assert_int_equal(seen.problem, PROBLEM_server_silent);
    assert_int_equal(iq_table_count(table), 0);
    arena_free(&arena);
    iq_table_free(&table);
    loop_free(&loop);
}

/* A failure that asks again, and takes another one back. */
static void done_again(struct iq_wait *wait, enum problem problem, const struct xml_element *answer)
{
    struct arena *arena = arena_new();
    struct iq_table *table = second->table;

    done(wait, problem, answer);
    if (table) {
        iq_wait_stop(second);
        iq_wait_start(table, second, jid_of(arena, "localhost"), INT64_MAX - 1, done);
    }
    arena_free(&arena);
}

static void test_fail(void **state)
{
    struct loop *loop = loop_new();
    struct iq_table *table = iq_table_new(loop);
    struct arena *arena = arena_new();
    struct iq_wait first = { 0 }, other = { 0 };

    (void)state;
    memset(&seen, 0, sizeof(seen));
    second = &other;
    iq_wait_start(table, &first, jid_of(arena, "localhost"), INT64_MAX - 1, done_again);
    iq_wait_start(table, second, jid_of(arena, "localhost"), INT64_MAX - 1, done);
    iq_table_fail(table, PROBLEM_server_absent);
    assert_int_equal(seen.failures, 1);
    assert_int_equal(seen.problem, PROBLEM_server_absent);
    assert_int_equal(iq_table_count(table), 1); /* the one that was started meanwhile */
    iq_table_fail(table, PROBLEM_server_absent);
    assert_int_equal(iq_table_count(table), 0);
    arena_free(&arena);
    iq_table_free(&table);
    loop_free(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
