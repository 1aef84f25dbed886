/* SPDX-License-Identifier: ISC */
/* once_test.c - shm/once.h: nothing is used twice, whatever is full, races or was killed. */
#include "base/random.h"
#include "shm/once.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LIFE    1000
#define HAMMERS 4
#define NAMES   100000

static struct shared {
    struct once once;
    _Atomic uint32_t go, at;
    _Atomic unsigned char uses[NAMES];
} * shared;

static int set_up(void **state)
{
    (void)state;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    random_bytes(shared->once.key, sizeof(shared->once.key));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return munmap(shared, sizeof(*shared));
}

static bool use(unsigned number, int64_t born, int64_t now)
{
    char name[32];
    int size = snprintf(name, sizeof(name), "name-%u", number);

    return once_use(&shared->once, span_make(name, (size_t)size), born, LIFE, now);
}

static void test_once_and_not_again(void **state)
{
    (void)state;
    assert_true(use(1, 100, 100));
    assert_false(use(1, 100, 100));
    assert_false(use(1, 100, 500));
    assert_true(use(2, 100, 500));
}

static void test_too_old_is_refused(void **state)
{
    (void)state;
    assert_false(use(1, 100, 100 + LIFE));
    assert_true(use(1, 100, 99 + LIFE));
    assert_false(use(2, 0, 1));
    assert_false(use(2, -5, 1));
}

/* Far more names than there is room for: old ones may be refused, none is taken twice. */
static void test_full_table_refuses_rather_than_repeats(void **state)
{
    unsigned taken = 0;

    (void)state;
    for (unsigned i = 0; i < 3 * ONCE_SETS * ONCE_PER_SET; i++) {
        int64_t born = 100 + i / 100;

        taken += use(i, born, 600);
    }
    assert_true(taken > 2 * ONCE_SETS * ONCE_PER_SET);
    for (unsigned i = 0; i < 3 * ONCE_SETS * ONCE_PER_SET; i++)
        assert_false(use(i, 100 + i / 100, 600));
}

static void test_many_of_one_second_in_a_full_set(void **state)
{
    unsigned taken = 0;

    (void)state;
    for (unsigned i = 0; i < 2 * ONCE_SETS * ONCE_PER_SET; i++)
        taken += use(i, 100, 100);
    assert_true(taken <= ONCE_SETS * ONCE_PER_SET);
    for (unsigned i = 0; i < 2 * ONCE_SETS * ONCE_PER_SET; i++)
        assert_false(use(i, 100, 100));
    assert_true(use(1000000, 101, 101)); /* what is younger finds its place */
}

static void hammer(void)
{
    while (!atomic_load(&shared->go))
        sched_yield();
    for (unsigned i = 0; i < NAMES; i++) {
        atomic_store(&shared->at, i);
        if (use(i, 100 + i / 400, 300))
            atomic_fetch_add(&shared->uses[i], 1);
    }
}

/* Four processes try the same names at the same time, through several times the room of the table. */
static void test_never_twice_under_four_processes(void **state)
{
    pid_t children[HAMMERS];
    unsigned used = 0;

    (void)state;
    for (unsigned i = 0; i < HAMMERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            hammer();
            _exit(0);
        }
    }
    atomic_store(&shared->go, 1);
    for (unsigned i = 0; i < HAMMERS; i++) {
        int status;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    for (unsigned i = 0; i < NAMES; i++) {
        assert_true(shared->uses[i] <= 1);
        used += shared->uses[i];
    }
    assert_true(used > NAMES / 2);
}

/* Whoever is killed in the middle may have spent a name, and has left nothing that can be used again. */
static void test_killed_user(void **state)
{
    (void)state;
    atomic_store(&shared->go, 1);
    for (unsigned round = 0; round < 40; round++) {
        pid_t child = fork();
        uint32_t begun;

        assert_true(child >= 0);
        if (child == 0)
            for (;;)
                hammer();
        begun = atomic_load(&shared->at);
        while (atomic_load(&shared->at) == begun)
            sched_yield();
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        for (unsigned i = 0; i < 50; i++)
            if (use(2 * NAMES + round * 50 + i, 400, 400))
                assert_false(use(2 * NAMES + round * 50 + i, 400, 400));
    }
    for (unsigned i = 0; i < NAMES; i++)
        assert_true(shared->uses[i] <= 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_once_and_not_again),
        TEST(test_too_old_is_refused),
        TEST(test_full_table_refuses_rather_than_repeats),
        TEST(test_many_of_one_second_in_a_full_set),
        TEST(test_never_twice_under_four_processes),
        TEST(test_killed_user),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
