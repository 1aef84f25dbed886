/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0 and os/log: complaints_test.c - proves shm/complaints.h: the last lines, whole or not at
 * all, whoever writes and dies; repetitions are counted; and what the log hands over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "os/log.h"
#include "shm/complaints.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct complaints *complaints; /* shared with children */
static struct complaint list[COMPLAINTS_MOST];

static int set_up(void **state)
{
    (void)state;
    complaints = mmap(NULL, sizeof(*complaints), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (complaints == MAP_FAILED)
        return -1;
    complaints->seed = 12345;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return munmap(complaints, sizeof(*complaints));
}

static void add(const char *text, int64_t now)
{
    complaints_add(complaints, true, "worker", 77, span_of(text), now);
}

static void test_latest_first(void **state)
{
    char text[40];

    (void)state;
    assert_int_equal(complaints_read(complaints, list), 0);
    for (int i = 0; i < 3 * COMPLAINTS_MOST; i++) {
        size_t count, wanted = i + 1 < COMPLAINTS_MOST ? (size_t)i + 1 : COMPLAINTS_MOST;

        snprintf(text, sizeof(text), "line %d", i);
        add(text, 1000 + i);
        count = complaints_read(complaints, list);
        assert_int_equal(count, wanted);
        assert_string_equal(list[0].text, text);
        for (size_t k = 0; k < count; k++)
            assert_int_equal(list[k].last, 1000 + i - (int)k);
    }
    assert_string_equal(list[0].kind, "worker");
    assert_int_equal(list[0].pid, 77);
    assert_int_equal(list[0].times, 1);
}

static void test_repetitions(void **state)
{
    (void)state;
    add("the disk is full", 1000);
    add("something else", 1001);
    for (int i = 0; i < 500; i++)
        add("the disk is full", 2000 + i);
    complaints_add(complaints, false, "worker", 77, SPAN("the disk is full"), 3000); /* only a warning */
    complaints_add(complaints, true, "router", 78, SPAN("the disk is full"), 3001);  /* and another's */
    assert_int_equal(complaints_read(complaints, list), 4);
    assert_int_equal(list[2].times, 501);
    assert_int_equal(list[2].first, 1000);
    assert_int_equal(list[2].last, 2499);
    assert_true(list[2].is_error);
    assert_false(list[1].is_error);
    assert_string_equal(list[0].kind, "router");
    assert_int_equal(list[3].times, 1);
}

static void test_long_lines(void **state)
{
    char text[COMPLAINT_TEXT + 40], kind[40];

    (void)state;
    memset(text, 'x', sizeof(text));
    memset(kind, 'k', sizeof(kind));
    kind[sizeof(kind) - 1] = '\0';
    memcpy(text + COMPLAINT_TEXT - 1, "ü", 2); /* half of it would still fit */
    complaints_add(complaints, true, kind, 1, span_make(text, sizeof(text)), 5);
    complaints_add(complaints, true, "", 1, span_make(NULL, 0), 6);
    assert_int_equal(complaints_read(complaints, list), 2);
    assert_string_equal(list[0].text, "");
    assert_int_equal(strlen(list[1].text), COMPLAINT_TEXT - 1);
    assert_true(text_is_utf8(span_of(list[1].text)));
    assert_int_equal(strlen(list[1].kind), COMPLAINT_KIND - 1);
}

/* A writer that was overtaken by a whole turn of the ring, or killed inside: what it left is passed over. */
static void test_torn(void **state)
{
    struct complaint_slot *slot = &complaints->slots[1];

    (void)state;
    add("first", 1);
    atomic_fetch_xor(&slot->words[4], 1);
    assert_int_equal(complaints_read(complaints, list), 0);
    atomic_fetch_xor(&slot->words[4], 1);
    assert_int_equal(complaints_read(complaints, list), 1);
    atomic_store(&slot->number, 1 + COMPLAINTS_MOST); /* another's number, but not its words */
    assert_int_equal(complaints_read(complaints, list), 0);
    atomic_store(&slot->number, 0);
    assert_int_equal(complaints_read(complaints, list), 0);
    for (int i = 0; i < COMPLAINTS_MOST; i++) {
        char text[20];

        snprintf(text, sizeof(text), "after %d", i);
        add(text, 10 + i);
    }
    assert_int_equal(complaints_read(complaints, list), COMPLAINTS_MOST);
}

/* Texts that tell whether they are whole: one letter, as often as the number before it says. */
static void shout(unsigned seed)
{
    for (unsigned i = seed;; i++) {
        char text[COMPLAINT_TEXT + 1];
        unsigned size = i * 2654435761u >> 24;
        int head = snprintf(text, sizeof(text), "%u ", size % 200);

        memset(text + head, 'a' + (int)(i % 26), size % 200);
        complaints_add(complaints, true, "worker", 1, span_make(text, (size_t)head + size % 200), i);
    }
}

static void test_many_writers_are_killed(void **state)
{
    size_t seen = 0;

    (void)state;
    for (unsigned life = 0; life < 15; life++) {
        pid_t writers[3];

        for (unsigned i = 0; i < 3; i++) {
            writers[i] = fork();
            if (writers[i] == 0)
                shout(life * 1000 + i * 100000);
        }
        for (int look = 0; look < 200; look++) {
            size_t count = complaints_read(complaints, list);

            for (size_t i = 0; i < count; i++) {
                char *rest;
                unsigned long size = strtoul(list[i].text, &rest, 10);

                assert_int_equal(*rest, ' ');
                assert_int_equal(strlen(rest + 1), size);
                assert_int_equal(strspn(rest + 1, (char[]){ rest[1], '\0' }), size);
                assert_true(list[i].times >= 1);
            }
            seen += count;
        }
        for (unsigned i = 0; i < 3; i++) {
            kill(writers[i], SIGKILL);
            assert_int_equal(waitpid(writers[i], NULL, 0), writers[i]);
        }
    }
    assert_true(seen > 0);
    for (int i = 0; i < 2 * COMPLAINTS_MOST; i++) { /* all that the dead left is overwritten in the end */
        char text[20];

        snprintf(text, sizeof(text), "calm %d", i);
        add(text, INT64_MAX - 1000 + i);
    }
    assert_int_equal(complaints_read(complaints, list), COMPLAINTS_MOST);
}

static void test_log(void **state)
{
    int null = open("/dev/null", O_WRONLY), old = dup(2);

    (void)state;
    dup2(null, 2);
    complaints_attach(complaints);
    log_identity("keeper", 1);
    assert_int_equal(log_open(NULL, LOG_LEVEL_ERROR, false), 0);
    log_error("it is %s\n", "forged");
    log_warn("heard though it is not written");
    log_notice("nobody complains here");
    complaints_attach(NULL);
    log_error("not heard any more");
    dup2(old, 2);
    close(old);
    close(null);
    assert_int_equal(complaints_read(complaints, list), 2);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(list[i].text,
                            list[i].is_error ? "it is forged\\x0a" : "heard though it is not written");
        assert_string_equal(list[i].kind, "keeper");
        assert_int_equal(list[i].pid, getpid());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_latest_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_repetitions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_torn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_writers_are_killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_log, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
