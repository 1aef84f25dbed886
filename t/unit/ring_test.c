/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: ring_test.c - proves shm/ring.h: order, wrapping, room, sleep, nonsense, a killed producer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/bell.h"
#include "shm/ring.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ring *ring; /* shared with children */
static struct ring_writer writer;
static struct ring_reader reader;

static int set_up(void **state)
{
    (void)state;
    ring_reset(ring);
    ring_write_open(&writer, ring);
    ring_read_open(&reader, ring);
    return 0;
}

static bool put(const char *bytes, size_t size, uint32_t flags)
{
    struct span part = span_make(bytes, size);

    return ring_put(&writer, flags, &part, 1);
}

static void test_parts_and_flags(void **state)
{
    const struct span parts[] = { SPAN("ab"), { NULL, 0 }, SPAN("cde") };
    struct buf out = { 0 };
    uint32_t flags;

    (void)state;
    assert_int_equal(ring_take(&reader, &flags, &out), RING_EMPTY);
    assert_true(ring_put(&writer, 7, parts, 3));
    assert_true(ring_put(&writer, 0, NULL, 0));
    assert_false(ring_is_empty(&reader));
    assert_int_equal(ring_take(&reader, &flags, &out), RING_TAKEN);
    assert_int_equal(flags, 7);
    assert_true(span_is(buf_span(&out), "abcde"));
    assert_int_equal(ring_take(&reader, &flags, &out), RING_TAKEN);
    assert_int_equal(out.size, 5);
    assert_int_equal(ring_take(&reader, &flags, &out), RING_EMPTY);
    assert_true(ring_is_empty(&reader));
    buf_free(&out);
}

/* All sizes, many times round, filled to the brim and emptied again. */
static void test_wrapping(void **state)
{
    static char body[RING_RECORD];
    uint32_t put_count = 0, taken = 0, flags;
    struct buf out = { 0 };

    (void)state;
    for (uint32_t i = 0; i < RING_RECORD; i++)
        body[i] = (char)(i * 31);
    while (taken < 3000) {
        while (put(body, (put_count * 977) % (RING_RECORD + 1), put_count))
            put_count++;
        while (taken < put_count) {
            uint32_t size = (taken * 977) % (RING_RECORD + 1);

            buf_clear(&out);
            assert_int_equal(ring_take(&reader, &flags, &out), RING_TAKEN);
            assert_int_equal(flags, taken);
            assert_int_equal(out.size, size);
            assert_memory_equal(out.at ? out.at : body, body, size);
            taken++;
        }
    }
    buf_free(&out);
}

static void test_counters_wrap_over_32_bits(void **state)
{
    static char body[4000];
    uint32_t flags, start = 0u - RING_BYTES / 2;
    struct buf out = { 0 };

    (void)state;
    atomic_store(&ring->head, start);
    atomic_store(&ring->tail, start);
    writer.head = writer.tail_seen = reader.tail = reader.head_seen = start;
    for (uint32_t i = 0; i < 1000; i++) {
        buf_clear(&out);
        assert_true(put((const char *)&i, sizeof(i), i));
        assert_int_equal(ring_take(&reader, &flags, &out), RING_TAKEN);
        assert_memory_equal(out.at, &i, sizeof(i));
        assert_true(put(body, sizeof(body), i));
        assert_int_equal(ring_take(&reader, &flags, &out), RING_TAKEN);
    }
    assert_true(reader.tail < start);
    buf_free(&out);
}

static void test_room(void **state)
{
    static char body[RING_RECORD];
    unsigned count = 0;
    struct buf out = { 0 };
    uint32_t flags;

    (void)state;
    while (put(body, sizeof(body), 0))
        count++;
    assert_int_equal(count, RING_BYTES / (RING_RECORD + 8));
    assert_false(ring_want_room(&writer));
    assert_int_equal(ring_take(&reader, &flags, &out), RING_TAKEN);
    assert_true(ring_must_feed(&reader)); /* once */
    assert_false(ring_must_feed(&reader));
    while (ring_take(&reader, &flags, &out) == RING_TAKEN)
        ;
    assert_true(ring_want_room(&writer));
    assert_true(put(body, sizeof(body), 0));
    buf_free(&out);
}

static void test_wake_is_told_once(void **state)
{
    (void)state;
    assert_true(put("x", 1, 0));
    assert_false(ring_must_wake(&writer));
    ring_announce_sleep(&reader);
    ring_fence();
    assert_false(ring_is_empty(&reader)); /* the last look */
    assert_true(ring_must_wake(&writer));
    assert_false(ring_must_wake(&writer));
    ring_announce_sleep(&reader);
    ring_awake(&reader);
    assert_false(ring_must_wake(&writer));
}

static void expect_nonsense(uint32_t head, uint32_t length)
{
    struct buf out = { 0 };
    uint32_t flags;

    set_up(NULL);
    memcpy(ring->data, &length, sizeof(length));
    atomic_store(&ring->head, head);
    assert_int_equal(ring_take(&reader, &flags, &out), RING_NONSENSE);
    assert_int_equal(out.size, 0);
    buf_free(&out);
}

static void test_nonsense(void **state)
{
    (void)state;
    expect_nonsense(RING_BYTES + 8, 0);      /* more than the ring holds */
    expect_nonsense(0u - 8u, 0);             /* went back */
    expect_nonsense(12, 0);                  /* not a multiple of 8 */
    expect_nonsense(16, 9);                  /* longer than what was published */
    expect_nonsense(RING_BYTES, RING_BYTES); /* longer than a record */
    expect_nonsense(RING_BYTES, UINT32_MAX - 1);
    expect_nonsense(16, UINT32_MAX);         /* skips what was not published */
    expect_nonsense(RING_BYTES, UINT32_MAX); /* skips, and nothing follows */
}

static void test_hostile_consumer(void **state)
{
    static char body[RING_RECORD];

    (void)state;
    atomic_store(&ring->tail, 4096); /* took what never was */
    for (int i = 0; i < 20; i++)
        put(body, sizeof(body), 0); /* no more than the ring holds, whatever it says */
    assert_false(put(body, sizeof(body), 0));
    assert_true(atomic_load(&ring->head) <= RING_BYTES);
}

/* A record of n bytes that says n in each of them, so a torn one is seen. */
static _Noreturn void produce(int bell)
{
    static char body[2048];

    for (uint32_t i = 0;; i++) {
        uint32_t size = i * 37 % sizeof(body);

        memset(body, (int)(size % 251), size);
        while (!put(body, size, i))
            sched_yield();
        if (ring_must_wake(&writer))
            bell_ring(bell);
    }
}

static uint32_t consume(int bell, uint32_t next, uint32_t wanted)
{
    struct buf out = { 0 };
    uint32_t flags;

    for (;;) {
        struct pollfd ready = { .fd = bell, .events = POLLIN };
        enum ring_verdict verdict;

        bell_clear(bell);
        while ((verdict = ring_take(&reader, &flags, &out)) == RING_TAKEN) {
            assert_int_equal(flags, next);
            assert_int_equal(out.size, next * 37 % 2048);
            for (size_t i = 0; i < out.size; i++)
                assert_int_equal((unsigned char)out.at[i], out.size % 251);
            buf_clear(&out);
            next++;
        }
        assert_int_equal(verdict, RING_EMPTY);
        if (next >= wanted)
            break;
        ring_announce_sleep(&reader);
        ring_fence();
        if (ring_is_empty(&reader))
            assert_int_equal(poll(&ready, 1, 30000), 1); /* a lost wake-up would end here */
        ring_awake(&reader);
    }
    buf_free(&out);
    return next;
}

static void test_killed_producer_leaves_no_torn_record(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 60; round++) {
        int bell = bell_new(), status;
        uint32_t taken;
        pid_t pid;

        set_up(NULL);
        pid = fork();
        if (pid == 0)
            produce(bell);
        taken = consume(bell, 0, round * 100);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        consume(bell, taken, taken); /* what it left is whole too */
        close(bell);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_parts_and_flags, set_up),
        cmocka_unit_test_setup(test_wrapping, set_up),
        cmocka_unit_test_setup(test_counters_wrap_over_32_bits, set_up),
        cmocka_unit_test_setup(test_room, set_up),
        cmocka_unit_test_setup(test_wake_is_told_once, set_up),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test_setup(test_hostile_consumer, set_up),
        cmocka_unit_test(test_killed_producer_leaves_no_torn_record),
    };

    ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (ring == MAP_FAILED)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
