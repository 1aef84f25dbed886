/* SPDX-License-Identifier: ISC */
/* auth_cache_test.c - what was proved is known, nothing else is; also after writers were killed. */
#include "base/random.h"
#include "shm/auth_cache.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ALICE SPAN("alice@localhost")
#define BOB   SPAN("bob@localhost")
#define GOOD  SPAN("secret")

static struct auth_cache *cache;

static int set_up(void **state)
{
    (void)state;
    cache = mmap(NULL, sizeof(*cache), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(cache != MAP_FAILED);
    random_bytes(cache->key, sizeof(cache->key));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return munmap(cache, sizeof(*cache));
}

static void test_only_the_pair_that_was_proved_is_known(void **state)
{
    (void)state;
    assert_int_equal(auth_cache_find(cache, ALICE, GOOD, 0), AUTH_UNPROVED);
    auth_cache_keep(cache, ALICE, GOOD, AUTH_USER, 1000);
    assert_int_equal(auth_cache_find(cache, ALICE, GOOD, 999), AUTH_USER);
    assert_int_equal(auth_cache_find(cache, ALICE, GOOD, 1000), AUTH_UNPROVED);
    assert_int_equal(auth_cache_find(cache, ALICE, SPAN("secre"), 0), AUTH_UNPROVED);
    assert_int_equal(auth_cache_find(cache, BOB, GOOD, 0), AUTH_UNPROVED);
    assert_int_equal(auth_cache_find(cache, SPAN("alice@localhosts"), SPAN("ecret"), 0), AUTH_UNPROVED);
    assert_int_equal(auth_cache_find(cache, ALICE, SPAN(""), 0), AUTH_UNPROVED);
}

static void test_role_is_added_but_no_time(void **state)
{
    (void)state;
    auth_cache_role(cache, ALICE, GOOD, AUTH_ADMIN, 0);
    assert_int_equal(auth_cache_find(cache, ALICE, GOOD, 0), AUTH_UNPROVED);
    auth_cache_keep(cache, ALICE, GOOD, AUTH_USER, 1000);
    auth_cache_role(cache, ALICE, GOOD, AUTH_ADMIN, 500);
    assert_int_equal(auth_cache_find(cache, ALICE, GOOD, 999), AUTH_ADMIN);
    assert_int_equal(auth_cache_find(cache, ALICE, GOOD, 1000), AUTH_UNPROVED);
}

static void test_tampered_row_matches_nothing(void **state)
{
    (void)state;
    auth_cache_keep(cache, ALICE, GOOD, AUTH_PLAIN, 1000);
    for (size_t i = 0; i < AUTH_SETS; i++)
        for (size_t j = 0; j < AUTH_PER_SET; j++)
            if (atomic_load(&cache->rows[i][j].account))
                atomic_store(&cache->rows[i][j].role, AUTH_ADMIN);
    assert_int_equal(auth_cache_find(cache, ALICE, GOOD, 0), AUTH_UNPROVED);
}

static void test_all_of_an_account_is_forgotten(void **state)
{
    (void)state;
    auth_cache_keep(cache, ALICE, GOOD, AUTH_USER, 1000);
    auth_cache_keep(cache, ALICE, SPAN("other"), AUTH_USER, 1000);
    auth_cache_keep(cache, BOB, GOOD, AUTH_USER, 1000);
    auth_cache_forget(cache, ALICE);
    assert_int_equal(auth_cache_find(cache, ALICE, GOOD, 0), AUTH_UNPROVED);
    assert_int_equal(auth_cache_find(cache, ALICE, SPAN("other"), 0), AUTH_UNPROVED);
    assert_int_equal(auth_cache_find(cache, BOB, GOOD, 0), AUTH_USER);
}

static void test_full_set_gives_up_what_expires_first(void **state)
{
    char password[2] = "a";

    (void)state;
    for (int i = 0; i <= AUTH_PER_SET; i++) {
        password[0] = (char)('a' + i);
        auth_cache_keep(cache, ALICE, span_of(password), AUTH_USER, 1000 + i);
    }
    assert_int_equal(auth_cache_find(cache, ALICE, SPAN("a"), 0), AUTH_UNPROVED);
    for (int i = 1; i <= AUTH_PER_SET; i++) {
        password[0] = (char)('a' + i);
        assert_int_equal(auth_cache_find(cache, ALICE, span_of(password), 0), AUTH_USER);
    }
}

/* A writer that is killed anywhere leaves a row that says nothing wrong and can be used again. */
static void test_killed_writer(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0)
            for (int64_t until = 1000;; until++)
                auth_cache_keep(cache, ALICE, GOOD, until % 2 ? AUTH_PLAIN : AUTH_USER, until);
        for (int look = 0; look < 2000; look++) {
            assert_int_not_equal(auth_cache_find(cache, ALICE, GOOD, 0), AUTH_ADMIN);
            assert_int_equal(auth_cache_find(cache, ALICE, SPAN("wrong"), 0), AUTH_UNPROVED);
        }
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        auth_cache_keep(cache, ALICE, GOOD, AUTH_USER, 1000);
        assert_int_equal(auth_cache_find(cache, ALICE, GOOD, 0), AUTH_USER);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_only_the_pair_that_was_proved_is_known), TEST(test_role_is_added_but_no_time),
        TEST(test_tampered_row_matches_nothing),           TEST(test_all_of_an_account_is_forgotten),
        TEST(test_full_set_gives_up_what_expires_first),   TEST(test_killed_writer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
