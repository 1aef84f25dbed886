/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: desk_test.c - what modules ask, and how it ends: a worker's desk and the keeper's, each
 * with a real post, and this test as the router at the other end of their rings. */
#include "xmpp_fake.h"

#include "conf/settings.h"
#include "module/call.h"
#include "module/host.h"
#include "os/bell.h"

#include <sys/mman.h>

static struct loop *loop;
static struct heritage heritage, worker_heritage, keeper_heritage;
static struct settings settings;
static struct hosts worker_hosts, keeper_hosts;
static struct desk *worker_desk, *keeper_desk;
static struct post *router, *worker, *keeper;
static struct arena *arena;
static struct modules modules;

/* What the router heard last. */
static struct {
    unsigned row, count;
    struct letter letter;
    struct buf parts[LETTER_PARTS];
} heard;

static struct errand *errand; /* in the keeper's hand */

static void run_errand(struct errand *given)
{
    errand = given;
}

static const struct errand_row errands[] = { { "fetch", run_errand }, { NULL, NULL } };
static const struct stoa_module module = { .abi = STOA_MODULE_ABI, .name = "test", .errands = errands };

static void on_letter(void *data, unsigned row, uint32_t generation, const struct letter *letter)
{
    (void)data;
    (void)generation;
    if (letter->kind == LETTER_READY)
        return;
    heard.row = row;
    heard.count++;
    heard.letter = *letter;
    for (unsigned i = 0; i < letter->count; i++) {
        buf_clear(&heard.parts[i]);
        buf_add(&heard.parts[i], letter->parts[i]);
        heard.letter.parts[i] = buf_span(&heard.parts[i]);
    }
}

static bool joined[BOARD_ROWS];

static void on_joined(void *data, unsigned row, uint32_t generation)
{
    (void)data;
    (void)generation;
    joined[row] = true;
}

static void on_lost(void *data, unsigned row, uint32_t generation)
{
    (void)data;
    (void)generation;
    joined[row] = false;
}

static const struct post_calls router_calls = { on_letter, on_joined, on_lost };

static void give_row(struct heritage *child, unsigned row, enum process_kind kind)
{
    struct board_row *at = &heritage.segment->board.rows[row];

    atomic_store(&at->kind, (uint32_t)kind);
    atomic_fetch_add(&at->generation, 1);
    atomic_store(&at->state, ROW_STARTING);
    *child = heritage;
    child->settings = &settings;
    child->row = row;
    child->kind = kind;
    child->generation = atomic_load(&at->generation);
}

static bool has_joined(void *data)
{
    return joined[*(unsigned *)data];
}

/* A process joins before the router does, so letters pass in both directions then. */
static void settle(unsigned row)
{
    assert_true(run_until(loop, has_joined, &row));
}

static int set_up(void **state)
{
    int fd;

    (void)state;
    memset(joined, 0, sizeof(joined));
    loop = loop_new();
    arena = arena_new();
    memset(&heritage, 0, sizeof(heritage));
    heritage.segment = segment_create(&fd);
    assert_non_null(heritage.segment);
    close(fd);
    for (unsigned i = 0; i < BOARD_ROWS; i++)
        heritage.bell_fd[i] = i < 4 ? bell_new() : heritage.bell_fd[3];
    modules.count = 1;
    modules.items[0] = &module;
    give_row(&worker_heritage, ROW_WORKER_0, PROCESS_worker);
    hosts_make(&worker_hosts, &modules, &worker_heritage, loop);
    worker_desk = desk_new(&worker_hosts, loop);
    worker = post_new(&worker_heritage, loop, &desk_post_calls, worker_desk);
    desk_attach(worker_desk, worker);
    give_row(&keeper_heritage, ROW_KEEPER, PROCESS_keeper);
    hosts_make(&keeper_hosts, &modules, &keeper_heritage, loop);
    keeper_desk = desk_new(&keeper_hosts, loop);
    keeper = post_new(&keeper_heritage, loop, &desk_post_calls, keeper_desk);
    desk_attach(keeper_desk, keeper);
    give_row(&heritage, ROW_ROUTER, PROCESS_router);
    router = post_new(&heritage, loop, &router_calls, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    desk_free(&worker_desk);
    desk_free(&keeper_desk);
    post_free(&worker);
    post_free(&keeper);
    post_free(&router);
    for (unsigned i = 0; i < 4; i++)
        close(heritage.bell_fd[i]);
    for (unsigned i = 0; i < LETTER_PARTS; i++)
        buf_free(&heard.parts[i]);
    munmap(heritage.segment, sizeof(*heritage.segment));
    arena_free(&arena);
    loop_free(&loop);
    return 0;
}

/* ---- the asker ---- */

static unsigned done_count;

static void on_done(struct ask *ask)
{
    (void)ask;
    done_count++;
}

static bool is_done(void *data)
{
    (void)data;
    return done_count > 0;
}

static bool is_heard(void *data)
{
    (void)data;
    return heard.count > 0;
}

static void begin(struct ask *ask)
{
    *ask = (struct ask){ .done = on_done };
    done_count = heard.count = 0;
}

static void ask_ping(struct ask *ask)
{
    begin(ask);
    ask_iq(&worker_hosts.items[0], ask, arena, SPAN("http.localhost"), SPAN("localhost"), IQ_GET,
           SPAN("<ping xmlns='urn:xmpp:ping'/>"), 5 * USEC_PER_SEC);
    assert_int_equal(done_count, 0);
    assert_true(run_until(loop, is_heard, NULL));
}

static void answer(unsigned row, struct letter letter)
{
    letter.call = heard.letter.call;
    assert_true(post_send(router, row, atomic_load(&heritage.segment->board.rows[row].generation), &letter));
}

static void test_iq_is_asked_and_answered(void **state)
{
    struct ask ask;

    (void)state;
    settle(ROW_WORKER_0);
    ask_ping(&ask);
    assert_int_equal(heard.letter.kind, LETTER_IQ_CALL);
    assert_int_equal(heard.letter.number, 5000);
    assert_true(span_is(heard.letter.parts[0], "http.localhost"));
    assert_true(span_is(heard.letter.parts[1], "localhost"));
    assert_true(span_is(heard.letter.parts[2], "get"));
    assert_int_equal(desk_open(worker_desk), 1);
    answer(ROW_WORKER_0, (struct letter){ .kind = LETTER_IQ_ANSWER,
                                          .count = 2,
                                          .parts = { SPAN("error"), SPAN("<iq type='error' id='1'/>") } });
    assert_true(run_until(loop, is_done, NULL));
    assert_int_equal(ask.problem, PROBLEM_none);
    assert_true(ask.is_error);
    assert_true(span_is(ask.answer->name, "iq"));
    assert_int_equal(desk_open(worker_desk), 0);
}

static void test_failure_has_its_reason(void **state)
{
    struct ask ask;

    (void)state;
    settle(ROW_WORKER_0);
    ask_ping(&ask);
    answer(ROW_WORKER_0, (struct letter){ .kind = LETTER_IQ_FAILED, .number = PROBLEM_no_session });
    assert_true(run_until(loop, is_done, NULL));
    assert_int_equal(ask.problem, PROBLEM_no_session);
}

static void test_cancelled_ask_is_never_done(void **state)
{
    struct ask cancelled, ask;
    uint64_t call;

    (void)state;
    settle(ROW_WORKER_0);
    ask_ping(&cancelled);
    call = heard.letter.call;
    ask_cancel(&cancelled);
    ask_cancel(&cancelled);
    assert_int_equal(desk_open(worker_desk), 0);
    assert_true(post_send(router, ROW_WORKER_0, worker_heritage.generation,
                          &(struct letter){ .kind = LETTER_IQ_FAILED, .call = call }));
    ask_ping(&ask);
    assert_int_not_equal(heard.letter.call, call);
    answer(ROW_WORKER_0, (struct letter){ .kind = LETTER_SENT });
    assert_true(run_until(loop, is_done, NULL));
    assert_int_equal(done_count, 1);
}

static void test_login_says_how_long_to_wait(void **state)
{
    struct ask ask;

    (void)state;
    settle(ROW_WORKER_0);
    begin(&ask);
    ask_login(&worker_hosts.items[0], &ask, arena, SPAN("a@localhost"), SPAN("p"), "192.0.2.1");
    assert_true(run_until(loop, is_heard, NULL));
    assert_true(span_is(heard.letter.parts[2], "192.0.2.1"));
    answer(ROW_WORKER_0, (struct letter){ .kind = LETTER_LOGIN_DONE,
                                          .number = PROBLEM_too_many_requests,
                                          .count = 2,
                                          .parts = { SPAN("slower"), SPAN("42") } });
    assert_true(run_until(loop, is_done, NULL));
    assert_int_equal(ask.problem, PROBLEM_too_many_requests);
    assert_int_equal(ask.retry_after, 42);
    assert_true(span_is(ask.text, "slower"));
}

static void test_without_a_router_all_fails_at_once(void **state)
{
    struct ask waiting, ask;
    struct board_row *row = &heritage.segment->board.rows[ROW_ROUTER];

    (void)state;
    settle(ROW_WORKER_0);
    ask_ping(&waiting);
    post_free(&router);
    atomic_store(&row->state, ROW_DEAD);
    atomic_fetch_add(&heritage.segment->board.changes, 1);
    bell_ring(heritage.bell_fd[ROW_WORKER_0]);
    assert_true(run_until(loop, is_done, NULL));
    assert_int_equal(waiting.problem, PROBLEM_unavailable);
    begin(&ask);
    ask_send(&worker_hosts.items[0], &ask, arena, SPAN("http.localhost"), SPAN("<message/>"));
    assert_int_equal(done_count, 0); /* never from within */
    assert_true(run_until(loop, is_done, NULL));
    assert_int_equal(ask.problem, PROBLEM_unavailable);
}

static bool has_errand(void *data)
{
    (void)data;
    return errand != NULL;
}

static void test_errand_runs_in_the_keeper(void **state)
{
    struct ask ask;
    struct letter letter;

    (void)state;
    errand = NULL;
    settle(ROW_WORKER_0);
    settle(ROW_KEEPER);
    begin(&ask);
    ask_errand(&worker_hosts.items[0], &ask, arena, "fetch", SPAN("what"), USEC_PER_SEC);
    assert_true(run_until(loop, is_heard, NULL));
    letter = heard.letter;
    heard.count = 0;
    answer(ROW_KEEPER, letter);
    assert_true(run_until(loop, has_errand, NULL));
    assert_true(span_is(errand->body, "what"));
    assert_ptr_equal(errand->host, &keeper_hosts.items[0]);
    assert_int_equal(desk_errands(keeper_desk), 1);
    errand_done(errand, PROBLEM_gone, SPAN("result"));
    assert_int_equal(desk_errands(keeper_desk), 0);
    assert_true(run_until(loop, is_heard, NULL));
    assert_int_equal(heard.letter.kind, LETTER_ERRAND_DONE);
    letter = heard.letter;
    answer(ROW_WORKER_0, letter);
    assert_true(run_until(loop, is_done, NULL));
    assert_int_equal(ask.problem, PROBLEM_gone);
    assert_true(span_is(ask.text, "result"));
}

static bool is_let_go(void *data)
{
    (void)data;
    return desk_open(worker_desk) == 0;
}

static void test_leaving_worker_waits_to_be_let_go(void **state)
{
    (void)state;
    settle(ROW_WORKER_0);
    heard.count = 0;
    desk_leave(worker_desk);
    assert_int_equal(desk_open(worker_desk), 1);
    assert_true(run_until(loop, is_heard, NULL));
    assert_int_equal(heard.letter.kind, LETTER_LEAVING);
    answer(ROW_WORKER_0, (struct letter){ .kind = LETTER_LET_GO });
    assert_true(run_until(loop, is_let_go, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_iq_is_asked_and_answered),           TEST(test_failure_has_its_reason),
        TEST(test_cancelled_ask_is_never_done),        TEST(test_login_says_how_long_to_wait),
        TEST(test_without_a_router_all_fails_at_once), TEST(test_errand_runs_in_the_keeper),
        TEST(test_leaving_worker_waits_to_be_let_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
