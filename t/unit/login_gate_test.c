/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: login_gate_test.c - whatever strangers try, a server that counts as ejabberd's mod_fail2ban
 * does never comes to its ban; and who knows his password is not kept out by them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "shm/login_gate.h"

#define MOST   16u
#define BAN    20u
#define MINUTE (60 * USEC_PER_SEC)
#define HOUR   (60 * MINUTE)

static struct login_gate gate;

/* The server's side of it. */
static struct {
    unsigned failures, worst, tries;
    int64_t last;
} server;

static int set_up(void **state)
{
    (void)state;
    gate = (struct login_gate){ 0 };
    server.failures = server.worst = server.tries = 0;
    server.last = 0;
    return 0;
}

static void server_fails(int64_t now)
{
    if (now - server.last >= HOUR)
        server.failures = 0;
    server.failures++;
    server.tries++;
    server.last = now;
    if (server.failures > server.worst)
        server.worst = server.failures;
    login_gate_failed(&gate, now);
}

static void server_takes(void)
{
    server.failures = 0;
    login_gate_proved(&gate);
}

static bool may(bool known, int64_t now)
{
    return login_gate_wait(&gate, MOST, known, 0, now) == 0;
}

static void test_burst_then_trickle_then_stop(void **state)
{
    int64_t now = 1000 * HOUR, wait;

    (void)state;
    for (unsigned i = 0; i < MOST / 2; i++) {
        assert_true(may(false, now));
        server_fails(now);
    }
    for (unsigned i = MOST / 2; i < MOST; i++) {
        wait = login_gate_wait(&gate, MOST, false, 0, now);
        assert_true(wait == 6 * MINUTE);
        assert_false(may(false, now + wait - 1));
        now += wait;
        assert_true(may(false, now));
        server_fails(now);
    }
    wait = login_gate_wait(&gate, MOST, false, 0, now);
    assert_true(wait > HOUR && wait < 2 * HOUR);
    assert_true(may(false, now + wait));
    server_takes();
    assert_true(may(false, now));
}

/* Who was right lately is let in behind the limit, but not without end either. */
static void test_reserve(void **state)
{
    int64_t now = 1000 * HOUR;

    (void)state;
    for (unsigned i = 0; i < MOST; i++)
        server_fails(now);
    assert_false(may(false, now));
    for (unsigned i = 0; i < MOST / 8; i++) {
        assert_true(may(true, now));
        server_fails(now);
    }
    assert_false(may(true, now));
    assert_true(server.worst < BAN);
}

/* Three days of wrong passwords, one each second, and somebody who is right now and then. */
static void test_siege(void **state)
{
    static const int64_t rights[] = {
        0, 5 * MINUTE, HOUR / 2, 59 * MINUTE, 61 * MINUTE, 71 * MINUTE, 5 * HOUR
    };

    (void)state;
    for (size_t row = 0; row < sizeof(rights) / sizeof(rights[0]); row++) {
        int64_t begin = 1000 * HOUR, next = begin + rights[row];

        set_up(NULL);
        for (int64_t now = begin; now < begin + 72 * HOUR; now += USEC_PER_SEC) {
            if (rights[row] && now >= next && may(true, now)) {
                server_takes();
                next = now + rights[row];
            }
            if (may(false, now))
                server_fails(now);
        }
        assert_true(server.worst <= MOST);
        assert_true(server.tries >= MOST);
        if (rights[row] == 0) /* nobody is ever right: some 16 in two and a half hours */
            assert_true(server.tries <= 72 * MOST);
    }
}

/* Many at once: none is begun that could, if all of them failed, go beyond what is allowed. */
static void test_under_way(void **state)
{
    int64_t now = 1000 * HOUR;
    unsigned under_way = 0;

    (void)state;
    while (login_gate_wait(&gate, MOST, false, under_way, now) == 0)
        under_way++;
    assert_int_equal(under_way, MOST / 2);
    assert_int_equal(login_gate_wait(&gate, MOST, false, under_way, now), LOGIN_GATE_QUEUE);
    for (unsigned i = 0; i < under_way; i++)
        server_fails(now);
    assert_true(login_gate_wait(&gate, MOST, false, 0, now) > 0);
    now += 6 * MINUTE; /* one at a time from here on */
    assert_int_equal(login_gate_wait(&gate, MOST, false, 0, now), 0);
    assert_int_equal(login_gate_wait(&gate, MOST, false, 1, now), LOGIN_GATE_QUEUE);
}

static void test_no_limit(void **state)
{
    int64_t now = 1000 * HOUR;

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        server_fails(now);
    assert_int_equal(login_gate_wait(&gate, 0, false, 100, now), 0);
}

/* The clock of a machine that has just started begins near 0. */
static void test_young_clock(void **state)
{
    (void)state;
    assert_true(may(false, 5));
    server_fails(5);
    assert_true(may(false, 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_burst_then_trickle_then_stop, set_up),
        cmocka_unit_test_setup(test_reserve, set_up),
        cmocka_unit_test_setup(test_siege, set_up),
        cmocka_unit_test_setup(test_under_way, set_up),
        cmocka_unit_test_setup(test_no_limit, set_up),
        cmocka_unit_test_setup(test_young_clock, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
