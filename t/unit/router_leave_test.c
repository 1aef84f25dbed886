/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_leave_test.c - processes that come and go: workers that leave, last
 * letters of the dead, errands for a keeper. */
#include "router_slot.h"

/* ---- workers ---- */

/* The last one that leaves serves until a successor is ready: a reload refuses nobody. */
static void test_leaving_worker_serves_until_its_successor_is_ready(void **state)
{
    unsigned zero = 0, one = 1;

    (void)state;
    begin(1);
    atomic_store(&heritage.segment->board.rows[ROW_WORKER_0].state, ROW_DRAINING);
    send_letter(&workers[0], &(struct letter){ .kind = LETTER_LEAVING });
    ask_worker();
    assert_int_not_equal(workers[0].last, LETTER_LET_GO);
    worker_up(1);
    assert_true(run_until(loop, ready, &one));
    assert_true(run_until(loop, let_go, &zero));
}

/* When none comes it is let go all the same, and nobody is there. */
static void test_last_worker_is_let_go(void **state)
{
    unsigned zero = 0;

    (void)state;
    begin(1);
    send_letter(&workers[0], &(struct letter){ .kind = LETTER_LEAVING });
    assert_true(run_until(loop, let_go, &zero));
    fake_ask(&fake, SLOT_ASKED, REFUSED("wait", "resource-constraint"));
}

/* An answer that a worker wrote before it died was given. */
static void test_last_letters_of_the_dead_are_read(void **state)
{
    (void)state;
    begin(1);
    ask_worker();
    send_letter(&workers[0],
                &(struct letter){ .kind = LETTER_IQ_RESULT, .call = workers[0].call, .count = 1 });
    worker_dies(0); /* before the router's loop turns */
    fake_expect(&fake, "<iq type='result'" TO_ALICE);
    assert_false(fake_heard(&fake, "resource-constraint"));
}

/* ---- errands ---- */

static struct worker keeper;

static void no_change(void *data, unsigned row, uint32_t generation)
{
    (void)data;
    (void)row;
    (void)generation;
}

static const struct post_calls keeper_calls = { on_letter, no_change, no_change };

static void keeper_up(void)
{
    give_row(ROW_KEEPER, PROCESS_keeper);
    keeper.heritage = heritage;
    keeper.heritage.row = ROW_KEEPER;
    keeper.heritage.kind = PROCESS_keeper;
    keeper.heritage.generation = atomic_load(&heritage.segment->board.rows[ROW_KEEPER].generation);
    keeper.post = post_new(&keeper.heritage, loop, &keeper_calls, &keeper);
}

static void keeper_dies(void)
{
    post_free(&keeper.post);
    atomic_store(&heritage.segment->board.rows[ROW_KEEPER].state, ROW_DEAD);
    tell_router();
}

static bool heard(void *data)
{
    struct worker *worker = data;

    return worker->last == LETTER_ERRAND || worker->last == LETTER_ERRAND_DONE;
}

static void send_errand(uint64_t call)
{
    workers[0].last = keeper.last = LETTER_NONE;
    send_letter(&workers[0], &(struct letter){ .kind = LETTER_ERRAND,
                                               .call = call,
                                               .number = 1000,
                                               .count = 3,
                                               .parts = { SPAN("rest"), SPAN("fetch"), SPAN("body") } });
}

/* It waits for a keeper, finds it, and comes back to who asked; a keeper that dies with it fails it. */
static void test_errand(void **state)
{
    (void)state;
    memset(&keeper, 0, sizeof(keeper));
    begin(1);
    send_errand(77);
    keeper_up();
    assert_true(run_until(loop, heard, &keeper));
    assert_part(&keeper, 0, "rest");
    assert_part(&keeper, 1, "fetch");
    assert_part(&keeper, 2, "body");
    assert_int_equal(keeper.number, 1000);
    send_letter(&keeper, &(struct letter){ .kind = LETTER_ERRAND_DONE,
                                           .call = keeper.call,
                                           .number = PROBLEM_not_found,
                                           .count = 1,
                                           .parts = { SPAN("came back") } });
    assert_true(run_until(loop, heard, &workers[0]));
    assert_int_equal(workers[0].call, 77);
    assert_int_equal(workers[0].number, PROBLEM_not_found);
    assert_part(&workers[0], 0, "came back");
    send_errand(78);
    assert_true(run_until(loop, heard, &keeper));
    keeper_dies();
    assert_true(run_until(loop, heard, &workers[0]));
    assert_int_equal(workers[0].call, 78);
    assert_int_equal(workers[0].number, PROBLEM_unavailable);
    assert_int_equal(router->errand_count, 0);
    for (unsigned part = 0; part < LETTER_PARTS; part++)
        buf_free(&keeper.parts[part]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_leaving_worker_serves_until_its_successor_is_ready),
        TEST(test_last_worker_is_let_go),
        TEST(test_last_letters_of_the_dead_are_read),
        TEST(test_errand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
