/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: history_test.c - proves shm/histogram.h and shm/history.h: buckets and quantiles, what a
 * killed writer leaves, the ring's turn, jumps of the wall clock, and that no reader sees a torn sample. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "shm/segment.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct segment *segment; /* shared with children */

static int set_up(void **state)
{
    (void)state;
    segment = mmap(NULL, sizeof(*segment), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return segment == MAP_FAILED ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    return munmap(segment, sizeof(*segment));
}

/* ---- histogram ---- */

static void test_buckets(void **state)
{
    struct histogram_view view;

    (void)state;
    histogram_attach(&segment->durations, 3);
    histogram_add(-5); /* a clock that went back: counted as no time */
    histogram_add(500);
    histogram_add(501);
    histogram_attach(&segment->durations, 4);
    histogram_add(histogram_bounds[HISTOGRAM_BOUNDS - 1]);
    histogram_add(INT64_C(3600) * USEC_PER_SEC);
    histogram_read(&segment->durations, &view);
    assert_int_equal(view.buckets[0], 2);
    assert_int_equal(view.buckets[1], 1);
    assert_int_equal(view.buckets[HISTOGRAM_BOUNDS - 1], 1);
    assert_int_equal(view.buckets[HISTOGRAM_BOUNDS], 1);
    assert_int_equal(view.usec, 1001 + histogram_bounds[HISTOGRAM_BOUNDS - 1] + 3600 * USEC_PER_SEC);
}

static void test_bounds_rise(void **state)
{
    (void)state;
    for (unsigned i = 1; i < HISTOGRAM_BOUNDS; i++)
        assert_true(histogram_bounds[i] > histogram_bounds[i - 1]);
}

static void test_quantile(void **state)
{
    uint64_t buckets[HISTOGRAM_BUCKETS] = { 0 };

    (void)state;
    assert_int_equal(histogram_quantile(buckets, 0.5), -1);
    buckets[1] = 100; /* from 500 to 1000 us */
    assert_int_equal(histogram_quantile(buckets, 0.5), 750);
    assert_int_equal(histogram_quantile(buckets, 1.0), 1000);
    buckets[4] = 1; /* the hundred and first, below 10 ms */
    assert_int_equal(histogram_quantile(buckets, 0.5), 752);
    assert_true(histogram_quantile(buckets, 0.999) > 5000);
    buckets[HISTOGRAM_BOUNDS] = 1000;
    assert_int_equal(histogram_quantile(buckets, 0.99), histogram_bounds[HISTOGRAM_BOUNDS - 1]);
}

/* ---- history ---- */

static struct history_sample sample_of(uint64_t number)
{
    struct history_sample sample = { .mono = (int64_t)number, .wall = (int64_t)number * 2 };

    for (unsigned i = 0; i < HISTORY_VALUES; i++)
        sample.values[i] = number * 1000 + i;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        sample.buckets[i] = number * 7777 + i;
    return sample;
}

static void check_sample(const struct history_sample *sample)
{
    struct history_sample wanted = sample_of((uint64_t)sample->mono);

    assert_memory_equal(sample, &wanted, sizeof(wanted));
}

static void write_number(struct history_ring *ring, uint64_t number)
{
    struct history_sample sample = sample_of(number);

    history_write(ring, &sample);
}

static void test_ring_turns(void **state)
{
    struct history_ring *ring = &segment->history.fine;
    struct history_sample samples[HISTORY_SLOTS];

    (void)state;
    assert_int_equal(history_read(ring, samples), 0);
    for (uint64_t number = 0; number < 3 * HISTORY_SLOTS + 5; number++) {
        size_t count;

        write_number(ring, number);
        count = history_read(ring, samples);
        assert_int_equal(count, number + 1 < HISTORY_SLOTS ? number + 1 : HISTORY_SLOTS);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(samples[i].mono, number + 1 - count + i);
            check_sample(&samples[i]);
        }
    }
}

/* Killed inside a sample: a gap where it was, and the next writer goes on in its place. */
static void test_killed_writer(void **state)
{
    struct history_ring *ring = &segment->history.fine;
    struct history_sample samples[HISTORY_SLOTS];

    (void)state;
    for (uint64_t number = 0; number < HISTORY_SLOTS + 10; number++)
        write_number(ring, number);
    atomic_store(&ring->slots[(HISTORY_SLOTS + 10) % HISTORY_SLOTS].sequence, 2 * (HISTORY_SLOTS + 10) + 1);
    assert_int_equal(history_read(ring, samples), HISTORY_SLOTS - 1); /* the oldest is being overwritten */
    write_number(ring, HISTORY_SLOTS + 10);
    assert_int_equal(history_read(ring, samples), HISTORY_SLOTS);
    assert_int_equal(samples[HISTORY_SLOTS - 1].mono, HISTORY_SLOTS + 10);
    /* Killed between the sample and the count of samples: the next one takes its place. */
    atomic_fetch_sub(&ring->written, 1);
    assert_int_equal(history_read(ring, samples), HISTORY_SLOTS - 1);
    write_number(ring, HISTORY_SLOTS + 11);
    assert_int_equal(samples[HISTORY_SLOTS - 2].mono, HISTORY_SLOTS + 9);
    assert_int_equal(history_read(ring, samples), HISTORY_SLOTS);
    assert_int_equal(samples[HISTORY_SLOTS - 1].mono, HISTORY_SLOTS + 11);
}

/* In bursts, or no reader would ever catch up with it. */
static _Noreturn void write_on(struct history_ring *ring)
{
    static const struct timespec breath = { .tv_nsec = 50000 };

    for (uint64_t number = atomic_load(&ring->written);; number++) {
        write_number(ring, number);
        if (number % 16 == 0)
            nanosleep(&breath, NULL);
    }
}

/* A busy writer is killed again and again; what is read is always whole and in order. */
static void test_nothing_torn(void **state)
{
    struct history_ring *ring = &segment->history.coarse;
    struct history_sample samples[HISTORY_SLOTS];

    (void)state;
    for (int life = 0; life < 20; life++) {
        pid_t writer = fork();

        if (writer == 0)
            write_on(ring);
        for (size_t seen = 0; seen < 100 * HISTORY_SLOTS;) {
            size_t count = history_read(ring, samples);

            for (size_t i = 0; i < count; i++) {
                check_sample(&samples[i]);
                assert_true(i == 0 || samples[i].mono > samples[i - 1].mono);
            }
            seen += count;
        }
        kill(writer, SIGKILL);
        assert_int_equal(waitpid(writer, NULL, 0), writer);
    }
}

static void test_take(void **state)
{
    struct history_sample samples[HISTORY_SLOTS];
    int64_t wall = INT64_C(1000000) * USEC_PER_SEC;

    (void)state;
    for (int64_t turn = 0; turn < 4 * HISTORY_FINE_PER_ONE; turn++) {
        count_attach(&segment->counts, (unsigned)turn % BOARD_ROWS); /* each in another process */
        count_add(COUNT_requests, 5);
        histogram_attach(&segment->durations, (unsigned)turn % BOARD_ROWS);
        histogram_add(700);
        atomic_store(&segment->board.rows[turn % BOARD_ROWS].connections, 1);
        history_take(segment, turn * HISTORY_FINE_USEC, turn == 10 ? wall / 2 : wall);
    }
    assert_int_equal(history_read(&segment->history.fine, samples), 4 * HISTORY_FINE_PER_ONE);
    for (int i = 0; i < 4 * HISTORY_FINE_PER_ONE; i++) { /* in order, whatever the wall clock did */
        assert_int_equal(samples[i].mono, i * HISTORY_FINE_USEC);
        assert_int_equal(samples[i].wall, i == 10 ? wall / 2 : wall);
        assert_int_equal(samples[i].values[HISTORY_requests], 5 * (i + 1));
        assert_int_equal(samples[i].values[HISTORY_connections], i + 1);
        assert_int_equal(samples[i].buckets[1], i + 1);
    }
    assert_int_equal(history_read(&segment->history.coarse, samples), 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(samples[i].mono, i * HISTORY_FINE_PER_ONE * HISTORY_FINE_USEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_buckets, set_up, tear_down),
        cmocka_unit_test(test_bounds_rise),
        cmocka_unit_test(test_quantile),
        cmocka_unit_test_setup_teardown(test_ring_turns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed_writer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_torn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_take, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
