/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: os_loop_test.c - proves os/loop.h, the wheel included, and os/disk.h on top of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "os/bell.h"
#include "os/disk.h"
#include "os/loop.h"
#include "os/timer.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct loop *the_loop;

static int set_up(void **state)
{
    (void)state;
    the_loop = loop_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    loop_free(&the_loop);
    assert_null(the_loop);
    return 0;
}

/* ---- descriptors ---- */

static struct watch pair_watch[2];
static unsigned calls;

static void on_first(struct watch *watch, uint32_t events)
{
    int fd = watch->fd;
    struct watch *other = watch == &pair_watch[0] ? &pair_watch[1] : &pair_watch[0];

    (void)events;
    calls++;
    watch_stop(watch);
    watch_stop(other); /* its event waits in the same batch and must not come */
    close(fd);
    close(other->fd);
    loop_stop(the_loop);
}

static void test_removal_within_a_batch(void **state)
{
    (void)state;
    calls = 0;
    for (int i = 0; i < 2; i++) {
        int bell = bell_new();

        bell_ring(bell);
        pair_watch[i] = (struct watch){ 0 };
        watch_start(the_loop, &pair_watch[i], bell, EPOLLIN, on_first);
    }
    loop_run(the_loop);
    assert_int_equal(calls, 1);
}

static void on_wrong(struct watch *watch, uint32_t events)
{
    (void)watch;
    (void)events;
    fail_msg("an event of a closed descriptor reached its successor");
}

/* The first to come closes the other and gives its struct and its number to a new descriptor. */
static void on_swap(struct watch *watch, uint32_t events)
{
    struct watch *other = watch == &pair_watch[0] ? &pair_watch[1] : &pair_watch[0];
    int old = other->fd, fresh;

    (void)events;
    watch_stop(watch);
    watch_stop(other);
    close(old);
    fresh = bell_new();
    assert_int_equal(fresh, old);
    watch_start(the_loop, other, fresh, EPOLLIN, on_wrong);
    loop_stop(the_loop);
}

static void test_descriptor_number_used_again(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        int bell = bell_new();

        bell_ring(bell);
        pair_watch[i] = (struct watch){ 0 };
        watch_start(the_loop, &pair_watch[i], bell, EPOLLIN, on_swap);
    }
    loop_run(the_loop);
    for (int i = 0; i < 2; i++) {
        watch_stop(&pair_watch[i]);
        close(pair_watch[i].fd);
    }
}

static void on_hangup(struct watch *watch, uint32_t events)
{
    assert_true(events & EPOLLHUP);
    watch_stop(watch);
    loop_stop(the_loop);
}

static void test_no_events_still_tell_hangup(void **state)
{
    int ends[2];
    struct watch watch = { 0 };

    (void)state;
    assert_int_equal(pipe(ends), 0);
    watch_start(the_loop, &watch, ends[0], EPOLLIN, on_hangup);
    watch_change(&watch, 0);
    watch_change(&watch, 0);
    close(ends[1]);
    loop_run(the_loop);
    watch_stop(&watch);
    close(ends[0]);
}

/* ---- timers ---- */

static struct timer timers[1000];
static unsigned fired;
static struct wheel wheel;

static void on_timer(struct timer *timer)
{
    assert_true(timer >= timers && timer < timers + 1000);
    assert_int_equal(timer->deadline, INT64_MAX);
    fired++;
}

/* The wheel by itself, with a clock of the test's own. */
static void put_timer(struct timer *timer, int64_t deadline)
{
    timer->deadline = deadline;
    timer->call = on_timer;
    wheel_put(&wheel, timer);
}

static void test_wheel_fires_in_time(void **state)
{
    const int64_t start = INT64_C(1000) * WHEEL_SLOT_USEC + 17;
    int64_t now = start;

    (void)state;
    wheel_init(&wheel, start);
    assert_int_equal(wheel_next(&wheel), INT64_MAX);
    fired = 0;
    for (int i = 0; i < 1000; i++) /* up to 100 s: three rounds of the wheel */
        put_timer(&timers[i], start + i * 100 * USEC_PER_MSEC);
    while (fired < 1000) {
        int64_t next = wheel_next(&wheel);
        unsigned due = 0, late = 0;

        assert_true(next > now);
        now = next;
        wheel_turn(&wheel, now);
        for (int i = 0; i < 1000; i++) {
            due += start + i * 100 * USEC_PER_MSEC <= now;
            late += start + i * 100 * USEC_PER_MSEC <= now - WHEEL_SLOT_USEC;
        }
        assert_true(fired <= due && fired >= late);
    }
    assert_int_equal(wheel_next(&wheel), INT64_MAX);
}

static void test_wheel_after_a_long_sleep(void **state)
{
    const int64_t start = 5;

    (void)state;
    wheel_init(&wheel, start);
    fired = 0;
    for (int i = 0; i < 1000; i++)
        put_timer(&timers[i], start + i * USEC_PER_SEC);
    wheel_turn(&wheel, 500 * USEC_PER_SEC + start);
    assert_int_equal(fired, 501);
    wheel_turn(&wheel, 2000 * USEC_PER_SEC);
    assert_int_equal(fired, 1000);
}

static void test_timer_moved_and_stopped(void **state)
{
    (void)state;
    wheel_init(&wheel, 0);
    fired = 0;
    for (int i = 0; i < 3; i++)
        timers[i] = (struct timer){ 0 };
    put_timer(&timers[0], USEC_PER_SEC);
    put_timer(&timers[1], USEC_PER_SEC);
    timers[0].deadline = 9 * USEC_PER_SEC; /* as timer_set does for a later one */
    timer_stop(&timers[1]);
    timer_stop(&timers[2]); /* never set */
    wheel_turn(&wheel, 2 * USEC_PER_SEC);
    assert_int_equal(fired, 0);
    wheel_turn(&wheel, 10 * USEC_PER_SEC);
    assert_int_equal(fired, 1);
}

static unsigned order;

static void on_second_timer(struct timer *timer)
{
    (void)timer;
    assert_int_equal(order++, 1);
    loop_stop(the_loop);
}

static void on_first_timer(struct timer *timer)
{
    assert_int_equal(order++, 0);
    timer_set(the_loop, &timers[1], loop_now(the_loop), on_second_timer);
    timer_stop(&timers[2]); /* due in the same turn, and its struct may go now */
    memset(&timers[2], 0, sizeof(timers[2]));
    timer_set(the_loop, timer, INT64_MAX, on_first_timer);
}

static void on_no_timer(struct timer *timer)
{
    (void)timer;
    fail();
}

static void test_timer_calls_change_timers(void **state)
{
    (void)state;
    memset(timers, 0, sizeof(timers));
    order = 0;
    timer_set(the_loop, &timers[0], loop_now(the_loop), on_first_timer);
    timer_set(the_loop, &timers[2], loop_now(the_loop), on_no_timer);
    timer_set(the_loop, &timers[1], loop_now(the_loop) + USEC_PER_SEC * 60, on_no_timer);
    loop_run(the_loop);
    assert_int_equal(order, 2);
}

/* ---- tasks and turns ---- */

static struct task tasks[2];
static struct turn turns[2];
static unsigned task_calls, turn_calls;

static void on_task_again(struct task *task)
{
    task_calls++;
    if (task_calls < 5)
        task_defer(the_loop, task, on_task_again);
}

static void on_turn_remove(struct turn *turn)
{
    turn_calls++;
    assert_int_equal(task_calls, 5); /* tasks come first, all of them */
    turn_remove(turn);
    turn_remove(turn == &turns[0] ? &turns[1] : &turns[0]);
    loop_stop(the_loop);
}

static void test_tasks_and_turns(void **state)
{
    (void)state;
    task_calls = turn_calls = 0;
    task_defer(the_loop, &tasks[0], on_task_again);
    task_defer(the_loop, &tasks[0], on_task_again);
    task_defer(the_loop, &tasks[1], on_task_again);
    task_cancel(&tasks[1]);
    task_cancel(&tasks[1]);
    turn_add(the_loop, &turns[0], on_turn_remove);
    turn_add(the_loop, &turns[1], on_turn_remove);
    loop_run(the_loop);
    assert_int_equal(task_calls, 5);
    assert_int_equal(turn_calls, 1);
}

static void on_turn_stop_at_second(struct turn *turn)
{
    if (++turn_calls == 2) {
        turn_remove(turn);
        loop_stop(the_loop);
    }
}

static void wake_from_signal(int number)
{
    (void)number;
    loop_wake(the_loop);
}

static void test_wake_from_signal_handler(void **state)
{
    (void)state;
    turn_calls = 0;
    signal(SIGUSR1, wake_from_signal);
    turn_add(the_loop, &turns[0], on_turn_stop_at_second);
    raise(SIGUSR1);
    loop_run(the_loop); /* would sleep for ever without the wake */
    signal(SIGUSR1, SIG_DFL);
    assert_int_equal(turn_calls, 2);
}

/* ---- disk ---- */

#define JOBS 500

struct sum_job {
    struct disk_job job;
    unsigned number, result;
};

static struct sum_job jobs[JOBS];
static unsigned jobs_done, batches, biggest;
static struct disk_queue *queue;

static void run_sum(struct disk_job *job)
{
    struct sum_job *sum = LIST_OF(job, struct sum_job, job);

    sum->result = sum->number * 2;
}

static void on_sum(struct disk_job *job)
{
    struct sum_job *sum = LIST_OF(job, struct sum_job, job);

    assert_int_equal(sum->result, sum->number * 2);
    if (++jobs_done == JOBS)
        loop_stop(the_loop);
}

static void submit_all(void)
{
    jobs_done = 0;
    for (unsigned i = 0; i < JOBS; i++) {
        jobs[i] = (struct sum_job){ .job = { .run = run_sum, .done = on_sum }, .number = i };
        disk_submit(queue, &jobs[i].job);
    }
    assert_int_equal(disk_waiting(queue), JOBS);
}

static void test_disk_threads(void **state)
{
    (void)state;
    queue = disk_queue_new(the_loop, 3, NULL, NULL);
    submit_all();
    loop_run(the_loop);
    assert_int_equal(disk_waiting(queue), 0);
    disk_queue_free(&queue);
    assert_null(queue);
}

static void run_batch(struct list *batch, void *data)
{
    unsigned size = 0, last = 0;

    assert_ptr_equal(data, &batches);
    LIST_EACH (node, batch) {
        struct sum_job *sum = LIST_OF(node, struct sum_job, job.node);

        assert_true(size == 0 || sum->number == last + 1);
        last = sum->number;
        sum->result = sum->number * 2;
        size++;
    }
    batches++;
    biggest = size > biggest ? size : biggest;
}

static void test_disk_batch_and_free_waits(void **state)
{
    (void)state;
    batches = biggest = 0;
    queue = disk_queue_new(the_loop, 1, run_batch, &batches);
    submit_all();
    disk_queue_free(&queue); /* without the loop: free itself waits and tells */
    assert_int_equal(jobs_done, JOBS);
    assert_true(batches >= 1 && batches <= JOBS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_removal_within_a_batch),
        TEST(test_descriptor_number_used_again),
        TEST(test_no_events_still_tell_hangup),
        cmocka_unit_test(test_wheel_fires_in_time),
        cmocka_unit_test(test_wheel_after_a_long_sleep),
        cmocka_unit_test(test_timer_moved_and_stopped),
        TEST(test_timer_calls_change_timers),
        TEST(test_tasks_and_turns),
        TEST(test_wake_from_signal_handler),
        TEST(test_disk_threads),
        TEST(test_disk_batch_and_free_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
