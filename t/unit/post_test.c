/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0, os/bell, os/log, os/loop: post_test.c - proves shm/mail.h and the join protocol: this
 * program plays master, its children a router and two workers that talk all the time and are killed in turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "os/bell.h"
#include "os/log.h"
#include "shm/mail.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS  2
#define KILLS    200
#define IN_HAND  40                  /* letters a worker has under way */
#define HANG     (60 * USEC_PER_SEC) /* never reached by what works */
#define BIG_EACH 37                  /* every so many letters one of several pieces */

/* What children tell the test. */
static struct shared {
    _Atomic uint64_t answered[BOARD_ROWS]; /* by row: answers that came to that worker, over all lives */
    _Atomic uint64_t joined, lost;         /* over all */
    _Atomic uint64_t served;               /* letters that the routers took */
    _Atomic uint32_t refused;              /* post_send said no */
    _Atomic uint32_t wrong;                /* line of this file; 0: all was well */
} * shared;

static struct heritage heritage; /* the children's; kind, row and generation are set before each fork */
static pid_t pids[BOARD_ROWS];

/* For children, whose asserts nobody would see. */
#define expect(condition) ((condition) ? (void)0 : (void)atomic_store(&shared->wrong, __LINE__))

/* ---- letters: a body that can be checked ---- */

static char pattern[LETTER_MOST];

static size_t body_size(uint64_t call)
{
    return call % BIG_EACH == 0 ? 50000 + call % 300000 : call % 700;
}

static struct letter make_letter(enum letter_kind kind, uint64_t call)
{
    struct letter letter = { .kind = kind, .call = call, .number = (uint32_t)(call * 3), .count = 1 };

    letter.parts[0] = span_make(pattern + call % 251, body_size(call));
    if (kind == LETTER_IQ_CALL) {
        letter.count = 4;
        letter.parts[1] = SPAN("to");
        letter.parts[2] = SPAN("");
        letter.parts[3] = letter.parts[0];
    } else {
        letter.count = 2;
        letter.parts[1] = SPAN("answer");
    }
    return letter;
}

static void check_letter(const struct letter *letter, enum letter_kind kind)
{
    struct letter wanted = make_letter(kind, letter->call);

    expect(letter->kind == kind && letter->number == wanted.number && letter->count == wanted.count);
    for (unsigned i = 0; i < wanted.count; i++)
        expect(span_eq(letter->parts[i], wanted.parts[i]));
}

/* ---- a child: counts who is joined, keeps letters going ---- */

static struct child {
    struct loop *loop;
    struct post *post;
    uint32_t joined[BOARD_ROWS]; /* generation; 0: not */
    uint64_t next, last;         /* calls made, call that was answered last */
    unsigned in_hand;
} child;

static void call_once(unsigned row)
{
    struct letter letter = make_letter(LETTER_IQ_CALL, child.next + 1);

    if (!post_send(child.post, row, child.joined[row], &letter)) {
        atomic_fetch_add(&shared->refused, 1);
        return;
    }
    child.next++;
    child.in_hand++;
}

static void on_letter(void *data, unsigned row, uint32_t generation, const struct letter *letter)
{
    struct letter answer;

    expect(data == &child && row < BOARD_ROWS && generation == child.joined[row]);
    if (heritage.kind == PROCESS_router) {
        check_letter(letter, LETTER_IQ_CALL);
        answer = make_letter(LETTER_IQ_ANSWER, letter->call);
        expect(post_send(child.post, row, generation, &answer));
        atomic_fetch_add(&shared->served, 1);
        return;
    }
    check_letter(letter, LETTER_IQ_ANSWER);
    expect(letter->call == child.last + 1); /* none lost, none twice, none of the dead */
    child.last = letter->call;
    child.in_hand--;
    atomic_fetch_add(&shared->answered[heritage.row], 1);
    call_once(row);
}

static void on_joined(void *data, unsigned row, uint32_t generation)
{
    (void)data;
    expect(child.joined[row] == 0 && generation != 0);
    child.joined[row] = generation;
    atomic_fetch_add(&shared->joined, 1);
    if (heritage.kind == PROCESS_router)
        return;
    child.last = child.next;
    child.in_hand = 0;
    while (child.in_hand < IN_HAND)
        call_once(row);
}

static void on_lost(void *data, unsigned row, uint32_t generation)
{
    (void)data;
    expect(child.joined[row] == generation && generation != 0);
    child.joined[row] = 0;
    atomic_fetch_add(&shared->lost, 1);
}

static const struct post_calls calls = { .letter = on_letter, .joined = on_joined, .lost = on_lost };

static _Noreturn void live(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    child.loop = loop_new();
    child.post = post_new(&heritage, child.loop, &calls, &child);
    loop_run(child.loop);
    _exit(0);
}

/* ---- master ---- */

static struct board *board(void)
{
    return &heritage.segment->board;
}

static void ring_all(void)
{
    atomic_fetch_add(&board()->changes, 1);
    for (unsigned row = 0; row < BOARD_ROWS; row++)
        bell_ring(heritage.bell_fd[row]);
}

static void give_birth(enum process_kind kind, unsigned row, void (*live_as)(void))
{
    heritage.kind = kind;
    heritage.row = row;
    heritage.generation = board_born(board(), row, kind);
    ring_all();
    pids[row] = fork();
    if (pids[row] == 0)
        live_as();
}

static bool router_lives(void)
{
    return board_lives(board(), ROW_ROUTER, atomic_load(&board()->rows[ROW_ROUTER].generation));
}

static void bury(unsigned row)
{
    int status;

    assert_int_equal(kill(pids[row], SIGKILL), 0);
    assert_int_equal(waitpid(pids[row], &status, 0), pids[row]);
    pids[row] = 0;
    atomic_store(&board()->rows[row].state, ROW_DEAD);
    if (!router_lives())
        post_clean_dead_rows(heritage.segment);
    ring_all();
}

static void wait_until(bool (*happened)(unsigned row, uint64_t than), unsigned row, uint64_t than)
{
    int64_t end = clock_mono() + HANG;

    while (!happened(row, than)) {
        assert_int_equal(atomic_load(&shared->wrong), 0);
        assert_true(clock_mono() < end);
        sched_yield();
    }
}

static bool has_answers(unsigned row, uint64_t more)
{
    return atomic_load(&shared->answered[row]) >= more;
}

static bool is_free(unsigned row, uint64_t ignored)
{
    (void)ignored;
    return atomic_load(&board()->rows[row].state) == ROW_FREE;
}

static void let_work(unsigned row, uint64_t letters)
{
    wait_until(has_answers, row, atomic_load(&shared->answered[row]) + letters);
}

static int set_up(void **state)
{
    static int segment_fd;

    (void)state;
    memset(&heritage, 0, sizeof(heritage));
    memset(shared, 0, sizeof(*shared));
    heritage.segment = segment_create(&segment_fd);
    heritage.master_pid = getpid();
    for (unsigned row = 0; row < BOARD_ROWS; row++)
        heritage.bell_fd[row] = bell_new();
    return heritage.segment == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    for (unsigned row = 0; row < BOARD_ROWS; row++) {
        if (pids[row])
            bury(row);
        close(heritage.bell_fd[row]);
    }
    return munmap(heritage.segment, sizeof(*heritage.segment));
}

/* ---- tests ---- */

static void test_letters_flow_and_kills_are_survived(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WORKERS; i++) /* before the router: nobody waits for anybody */
        give_birth(PROCESS_worker, ROW_WORKER_0 + i, live);
    give_birth(PROCESS_router, ROW_ROUTER, live);
    let_work(ROW_WORKER_0, 2000);
    for (unsigned i = 0; i < KILLS; i++) {
        unsigned victim = i % 3 == 0 ? ROW_ROUTER : ROW_WORKER_0 + i % WORKERS;

        let_work(ROW_WORKER_0 + i % WORKERS, i * 7 % 90);
        bury(victim);
        if (victim == ROW_ROUTER && i % 2 == 0) /* both are dead at once */
            bury(ROW_WORKER_0);
        if (victim == ROW_ROUTER)
            give_birth(PROCESS_router, ROW_ROUTER, live);
        for (unsigned row = ROW_WORKER_0; row < ROW_WORKER_0 + WORKERS; row++)
            if (pids[row] == 0) {
                wait_until(is_free, row, 0);
                give_birth(PROCESS_worker, row, live);
            }
    }
    for (unsigned i = 0; i < WORKERS; i++)
        let_work(ROW_WORKER_0 + i, 200);
    assert_int_equal(atomic_load(&shared->wrong), 0);
    assert_true(atomic_load(&shared->lost) < atomic_load(&shared->joined));
    assert_int_equal(atomic_load(&shared->refused), 0);
}

/* Newborns of both sides at once, killed before they could say anything. */
static void test_killed_at_birth(void **state)
{
    (void)state;
    give_birth(PROCESS_router, ROW_ROUTER, live);
    for (unsigned i = 0; i < 60; i++) {
        give_birth(PROCESS_worker, ROW_WORKER_0, live);
        if (i % 4 == 0)
            sched_yield();
        bury(ROW_WORKER_0);
        if (i % 3 == 0) {
            bury(ROW_ROUTER);
            give_birth(PROCESS_router, ROW_ROUTER, live);
        }
        wait_until(is_free, ROW_WORKER_0, 0);
    }
    give_birth(PROCESS_worker, ROW_WORKER_0, live);
    let_work(ROW_WORKER_0, 500);
    assert_int_equal(atomic_load(&shared->wrong), 0);
}

/* ---- one who does not keep the rules ---- */

static void be_quiet(void)
{
    int null = open("/dev/null", O_WRONLY);

    dup2(null, 2);
    close(null);
}

static _Noreturn void live_as_router_quietly(void)
{
    be_quiet();
    live();
}

static void send_nonsense(struct task *task)
{
    struct ring_writer writer = { .ring = &heritage.segment->rings[heritage.row].to_router };
    struct letter forbidden = make_letter(LETTER_IQ_ANSWER, 1); /* only a router may say that */
    char bytes[48] = { 0 };
    struct span part = span_make(bytes, sizeof(bytes));

    (void)task;
    memcpy(bytes, &forbidden.kind, sizeof(uint32_t));
    writer.head = writer.tail_seen = atomic_load(&writer.ring->head);
    ring_put(&writer, 0, &part, 1);
    bell_ring(heritage.bell_fd[ROW_ROUTER]);
}

static struct task hostile;

static void on_joined_hostile(void *data, unsigned row, uint32_t generation)
{
    (void)data;
    child.joined[row] = generation;
    task_defer(child.loop, &hostile, send_nonsense);
}

static const struct post_calls hostile_calls = { .letter = on_letter,
                                                 .joined = on_joined_hostile,
                                                 .lost = on_lost };

static _Noreturn void live_as_hostile(void)
{
    be_quiet();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    child.loop = loop_new();
    child.post = post_new(&heritage, child.loop, &hostile_calls, &child);
    loop_run(child.loop);
    _exit(0);
}

static void test_nonsense_cuts_the_ring(void **state)
{
    int status;

    (void)state;
    give_birth(PROCESS_router, ROW_ROUTER, live_as_router_quietly);
    give_birth(PROCESS_worker, ROW_WORKER_0 + 1, live);
    let_work(ROW_WORKER_0 + 1, 100);
    give_birth(PROCESS_worker, ROW_WORKER_0, live_as_hostile);
    assert_int_equal(waitpid(pids[ROW_WORKER_0], &status, 0), pids[ROW_WORKER_0]); /* ends by itself */
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    pids[ROW_WORKER_0] = 0;
    atomic_store(&board()->rows[ROW_WORKER_0].state, ROW_DEAD);
    ring_all();
    wait_until(is_free, ROW_WORKER_0, 0);
    give_birth(PROCESS_worker, ROW_WORKER_0, live); /* and is reborn whole */
    let_work(ROW_WORKER_0, 100);
    let_work(ROW_WORKER_0 + 1, 100); /* whom nothing of this has touched */
    assert_int_equal(atomic_load(&shared->wrong), 0);
}

/* ---- a peer that does not read ---- */

static void fill_until_refused(struct task *task)
{
    struct letter letter = make_letter(LETTER_IQ_CALL, BIG_EACH);
    uint64_t sent = 0;

    (void)task;
    while (post_send(child.post, ROW_ROUTER, child.joined[ROW_ROUTER], &letter))
        sent += body_size(BIG_EACH) * 2;
    expect(sent > POST_QUEUE_BYTES / 2 && sent < POST_QUEUE_BYTES * 2);
    letter.parts[0] = span_make(pattern, LETTER_MOST);
    expect(!post_send(child.post, ROW_ROUTER, child.joined[ROW_ROUTER], &letter));
    expect(!post_send(child.post, ROW_ROUTER, child.joined[ROW_ROUTER] + 1, &letter));
    atomic_store(&shared->refused, 1);
}

static void on_joined_filler(void *data, unsigned row, uint32_t generation)
{
    (void)data;
    child.joined[row] = generation;
    task_defer(child.loop, &hostile, fill_until_refused);
}

static void on_letter_filler(void *data, unsigned row, uint32_t generation, const struct letter *letter)
{
    (void)data;
    (void)row;
    (void)generation;
    check_letter(letter, LETTER_IQ_ANSWER);
    atomic_fetch_add(&shared->answered[heritage.row], 1);
}

static const struct post_calls filler_calls = { .letter = on_letter_filler,
                                                .joined = on_joined_filler,
                                                .lost = on_lost };

static _Noreturn void live_as_filler(void)
{
    be_quiet();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    child.loop = loop_new();
    child.post = post_new(&heritage, child.loop, &filler_calls, &child);
    loop_run(child.loop);
    _exit(0);
}

static bool was_refused(unsigned row, uint64_t ignored)
{
    (void)row;
    (void)ignored;
    return atomic_load(&shared->refused) == 1;
}

static void test_full_queue_refuses_and_drains(void **state)
{
    (void)state;
    give_birth(PROCESS_router, ROW_ROUTER, live);
    kill(pids[ROW_ROUTER], SIGSTOP);
    give_birth(PROCESS_worker, ROW_WORKER_0, live_as_filler);
    wait_until(was_refused, 0, 0);
    kill(pids[ROW_ROUTER], SIGCONT);
    wait_until(has_answers, ROW_WORKER_0, 20); /* all that was taken arrives once it reads again */
    assert_int_equal(atomic_load(&shared->wrong), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_letters_flow_and_kills_are_survived),
        TEST(test_killed_at_birth),
        TEST(test_nonsense_cuts_the_ring),
        TEST(test_full_queue_refuses_and_drains),
    };

    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = (char)(i * 7 % 253);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
