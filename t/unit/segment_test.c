/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: segment_test.c - proves the tables of the segment: board, counters, buckets, links, ticket
 * keys, connections per address; and that a view of it is read-only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "shm/mail.h"
#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct segment *segment;
static int segment_fd;

static uint32_t live_row(unsigned row)
{
    uint32_t generation = board_born(&segment->board, row, PROCESS_worker);

    atomic_store(&segment->board.rows[row].state, ROW_LIVE);
    return generation;
}

static void test_view(void **state)
{
    const struct segment *view;
    char path[40];
    int fd, status;
    pid_t pid;

    (void)state;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", segment_fd);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    view = segment_view(fd);
    assert_non_null(view);
    count_attach(&segment->counts, 5);
    count_add(COUNT_requests, 3);
    count_attach(&segment->counts, 6);
    count_add(COUNT_requests, 4);
    assert_int_equal(count_sum(&view->counts, COUNT_requests), 7);
    assert_ptr_equal(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    assert_int_equal(ftruncate(segment_fd, 4096), -1);
    pid = fork();
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        *(volatile uint32_t *)(uintptr_t)&view->magic = 0;
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_not_equal(status, 0);
    assert_int_equal(view->magic, SEGMENT_MAGIC);
    segment->version++;
    assert_null(segment_view(fd));
    assert_int_equal(errno, EPROTO);
    segment->version--;
    close(fd);
}

static void test_board(void **state)
{
    uint32_t generation = board_born(&segment->board, 9, PROCESS_worker);

    (void)state;
    assert_int_equal(generation, 1);
    assert_true(board_lives(&segment->board, 9, 1));
    assert_false(board_lives(&segment->board, 9, 2));
    assert_false(board_lives(&segment->board, 9, 0));
    assert_false(board_lives(&segment->board, BOARD_ROWS, 0));
    atomic_store(&segment->board.rows[9].state, ROW_DEAD);
    assert_false(board_lives(&segment->board, 9, 1));
    assert_int_equal(board_born(&segment->board, 9, PROCESS_worker), 2);
    atomic_store(&segment->board.rows[9].generation, UINT32_MAX);
    assert_int_equal(board_born(&segment->board, 9, PROCESS_worker), 1); /* never 0 */
    assert_string_equal(board_kind_name(PROCESS_router), "router");
    assert_string_equal(board_kind_name((enum process_kind)99), "unknown");
    assert_string_equal(board_state_name(ROW_DRAINING), "draining");
    assert_string_equal(letter_name(LETTER_IQ_CALL), "IQ_CALL");
    assert_string_equal(count_name(COUNT_uploads), "uploads");
    assert_string_equal(count_unit(COUNT_upload_bytes), "bytes");
}

static void test_bucket(void **state)
{
    const struct bucket_rule rule = { .burst = 5, .interval = 10 * USEC_PER_SEC };
    int64_t now = INT64_C(1234567890), wait;

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(bucket_take(&segment->buckets, SPAN("put/192.0.2.1"), &rule, now), 0);
    wait = bucket_take(&segment->buckets, SPAN("put/192.0.2.1"), &rule, now);
    assert_true(wait > 9 * USEC_PER_SEC && wait <= 10 * USEC_PER_SEC);
    assert_int_equal(bucket_take(&segment->buckets, SPAN("put/192.0.2.2"), &rule, now), 0);
    assert_true(bucket_take(&segment->buckets, SPAN("put/192.0.2.1"), &rule, now + 9 * USEC_PER_SEC) > 0);
    now += 10 * USEC_PER_SEC;
    assert_int_equal(bucket_take(&segment->buckets, SPAN("put/192.0.2.1"), &rule, now), 0);
    assert_true(bucket_take(&segment->buckets, SPAN("put/192.0.2.1"), &rule, now) > 0);
    now += 3600 * USEC_PER_SEC; /* full again, and not fuller */
    for (int i = 0; i < 5; i++)
        assert_int_equal(bucket_take(&segment->buckets, SPAN("put/192.0.2.1"), &rule, now), 0);
    assert_true(bucket_take(&segment->buckets, SPAN("put/192.0.2.1"), &rule, now) > 0);
}

/* 100 a second is 0.64 of the table's unit: right on average. */
static void test_bucket_of_a_short_interval(void **state)
{
    const struct bucket_rule rule = { .burst = 10, .interval = 10 * USEC_PER_MSEC };
    unsigned taken = 0;

    (void)state;
    for (int64_t now = 0; now < 100 * USEC_PER_SEC; now += USEC_PER_MSEC)
        taken += bucket_take(&segment->buckets, SPAN("fast"), &rule, now + USEC_PER_SEC) == 0;
    assert_in_range(taken, 9000, 11000);
}

static void test_bucket_under_pressure(void **state)
{
    const struct bucket_rule rule = { .burst = 2, .interval = USEC_PER_SEC };
    char name[32];

    (void)state;
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof(name), "login/%d", i);
        assert_int_equal(bucket_take(&segment->buckets, span_of(name), &rule, 77 * USEC_PER_SEC), 0);
    }
}

static void test_bucket_waits_and_returns(void **state)
{
    const struct bucket_rule rule = { .burst = 2, .interval = 10 * USEC_PER_SEC };
    struct buckets *buckets = &segment->buckets;
    int64_t now = INT64_C(9876543210);

    (void)state;
    assert_int_equal(bucket_wait(buckets, SPAN("who"), &rule, now), 0);
    bucket_give_back(buckets, SPAN("who"), &rule, now); /* nothing was taken: a bucket is never overfull */
    for (int i = 0; i < 2; i++)
        assert_int_equal(bucket_take(buckets, SPAN("who"), &rule, now), 0);
    assert_true(bucket_wait(buckets, SPAN("who"), &rule, now) > 9 * USEC_PER_SEC);
    assert_int_equal(bucket_wait(buckets, SPAN("who else"), &rule, now), 0);
    bucket_give_back(buckets, SPAN("who"), &rule, now);
    assert_int_equal(bucket_wait(buckets, SPAN("who"), &rule, now), 0);
    assert_int_equal(bucket_take(buckets, SPAN("who"), &rule, now), 0);
    assert_true(bucket_take(buckets, SPAN("who"), &rule, now) > 0);
    bucket_fill(buckets, SPAN("who else"));
    assert_true(bucket_wait(buckets, SPAN("who"), &rule, now) > 0);
    bucket_fill(buckets, SPAN("who"));
    for (int i = 0; i < 2; i++)
        assert_int_equal(bucket_take(buckets, SPAN("who"), &rule, now), 0);
    assert_true(bucket_take(buckets, SPAN("who"), &rule, now) > 0);
}

static void test_link(void **state)
{
    struct link *link = &segment->links.links[3];
    struct link_view view;
    char big[400];

    (void)state;
    link_read(link, &view);
    assert_int_equal(view.state, LINK_UNUSED);
    link_write(link, LINK_DOWN, SPAN("upload.example.org"), "the server refused the secret");
    link_read(link, &view);
    assert_int_equal(view.state, LINK_DOWN);
    assert_string_equal(view.name, "upload.example.org");
    assert_string_equal(view.trouble, "the server refused the secret");
    assert_true(view.since > 0);
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    link_write(link, LINK_UP, span_of(big), "");
    link_read(link, &view);
    assert_int_equal(strlen(view.name), LINK_NAME_SIZE - 1);
    assert_string_equal(view.trouble, "");
    atomic_fetch_add(&link->sequence, 1); /* its writer was killed */
    link_read(link, &view);               /* gives up, and does not hang */
    link_write(link, LINK_CONNECTING, SPAN("a"), "");
    link_read(link, &view);
    assert_string_equal(view.name, "a");
    assert_int_equal(atomic_load(&link->sequence) % 2, 0);
    assert_string_equal(link_state_name(LINK_CONNECTING), "connecting");
}

static void test_tickets(void **state)
{
    struct ticket_key first, second, found;
    bool newest;

    (void)state;
    tickets_rotate(&segment->tickets);
    tickets_newest(&segment->tickets, &first);
    tickets_rotate(&segment->tickets);
    tickets_newest(&segment->tickets, &second);
    assert_memory_not_equal(&first, &second, sizeof(first));
    assert_true(tickets_find(&segment->tickets, first.name, &found, &newest));
    assert_memory_equal(&found, &first, sizeof(first));
    assert_false(newest);
    assert_true(tickets_find(&segment->tickets, second.name, &found, &newest));
    assert_true(newest);
    tickets_rotate(&segment->tickets);
    assert_false(tickets_find(&segment->tickets, first.name, &found, &newest));
}

static void test_addresses(void **state)
{
    struct address_counts *counts = &segment->addresses;
    const struct span name = SPAN("\xc0\x00\x02\x01");
    uint32_t a = live_row(20), b = live_row(21);

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(address_enter(counts, &segment->board, name, 20, a, 4), ADDRESS_COUNTED);
        assert_int_equal(address_enter(counts, &segment->board, name, 21, b, 4), ADDRESS_COUNTED);
    }
    assert_int_equal(address_enter(counts, &segment->board, name, 21, b, 4), ADDRESS_REFUSED);
    assert_int_equal(address_enter(counts, &segment->board, SPAN("\xc0\x00\x02\x02"), 21, b, 4),
                     ADDRESS_COUNTED);
    assert_int_equal(address_open(counts, &segment->board, name), 4);
    address_leave(counts, name, 21, b);
    assert_int_equal(address_enter(counts, &segment->board, name, 20, a, 4), ADDRESS_COUNTED);
    atomic_store(&segment->board.rows[20].state, ROW_DEAD); /* killed with three open */
    assert_int_equal(address_open(counts, &segment->board, name), 1);
    assert_int_equal(live_row(20), a + 1);
    assert_int_equal(address_open(counts, &segment->board, name), 1);
    assert_int_equal(address_enter(counts, &segment->board, name, 20, a + 1, 0), ADDRESS_COUNTED);
    address_leave(counts, name, 20, a + 1);
    address_leave(counts, name, 21, b);
    assert_int_equal(address_open(counts, &segment->board, name), 0);
}

/* More addresses than words: nobody is refused, and what was counted can be taken back. */
static void test_addresses_under_pressure(void **state)
{
    struct address_counts *counts = &segment->addresses;
    uint32_t generation = live_row(22);
    static unsigned char counted[40000];
    unsigned uncounted = 0;

    (void)state;
    for (uint32_t i = 0; i < sizeof(counted); i++) {
        enum address_verdict verdict =
            address_enter(counts, &segment->board, span_make((const char *)&i, sizeof(i)), 22, generation, 1);

        assert_int_not_equal(verdict, ADDRESS_REFUSED);
        counted[i] = verdict == ADDRESS_COUNTED;
        uncounted += verdict == ADDRESS_UNCOUNTED;
    }
    assert_true(uncounted >= sizeof(counted) - ADDRESS_BUCKETS * ADDRESS_PER_BUCKET);
    for (uint32_t i = 0; i < sizeof(counted); i++)
        if (counted[i])
            address_leave(counts, span_make((const char *)&i, sizeof(i)), 22, generation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view),
        cmocka_unit_test(test_board),
        cmocka_unit_test(test_bucket),
        cmocka_unit_test(test_bucket_waits_and_returns),
        cmocka_unit_test(test_bucket_of_a_short_interval),
        cmocka_unit_test(test_bucket_under_pressure),
        cmocka_unit_test(test_link),
        cmocka_unit_test(test_tickets),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_addresses_under_pressure),
    };

    segment = segment_create(&segment_fd);
    if (segment == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
