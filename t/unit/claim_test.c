/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: claim_test.c - proves shm/claim.h: one winner of two processes, dead owners are void. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shm/claim.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 20000

static struct shared {
    struct board board;
    struct claims claims;
    _Atomic uint32_t ready[2], won[2], holders, broken;
} * shared;

static unsigned char id[16];

static void make_id(uint32_t number)
{
    memset(id, 0x5a, sizeof(id));
    memcpy(id, &number, sizeof(number));
}

static uint32_t live_row(unsigned row)
{
    uint32_t generation = board_born(&shared->board, row, PROCESS_worker);

    atomic_store(&shared->board.rows[row].state, ROW_LIVE);
    return generation;
}

static int set_up(void **state)
{
    (void)state;
    memset(shared, 0, sizeof(*shared));
    live_row(2);
    live_row(3);
    return 0;
}

static void test_take_and_drop(void **state)
{
    (void)state;
    make_id(1);
    assert_false(claim_held(&shared->claims, &shared->board, id));
    assert_int_equal(claim_take(&shared->claims, &shared->board, id, 2, 1), CLAIM_WON);
    assert_int_equal(claim_take(&shared->claims, &shared->board, id, 3, 1), CLAIM_TAKEN);
    assert_int_equal(claim_take(&shared->claims, &shared->board, id, 2, 1), CLAIM_TAKEN);
    assert_true(claim_held(&shared->claims, &shared->board, id));
    claim_drop(&shared->claims, id, 3, 1); /* not the owner's */
    assert_true(claim_held(&shared->claims, &shared->board, id));
    claim_drop(&shared->claims, id, 2, 1);
    assert_false(claim_held(&shared->claims, &shared->board, id));
    assert_int_equal(claim_take(&shared->claims, &shared->board, id, 3, 1), CLAIM_WON);
}

static void test_dead_owner_is_void(void **state)
{
    (void)state;
    make_id(1);
    assert_int_equal(claim_take(&shared->claims, &shared->board, id, 2, 1), CLAIM_WON);
    atomic_store(&shared->board.rows[2].state, ROW_DEAD);
    assert_false(claim_held(&shared->claims, &shared->board, id));
    assert_int_equal(claim_take(&shared->claims, &shared->board, id, 3, 1), CLAIM_WON);
    claim_drop(&shared->claims, id, 3, 1);
    assert_int_equal(live_row(2), 2); /* its successor has not inherited it */
    assert_false(claim_held(&shared->claims, &shared->board, id));
}

/* Fills the table until some bucket is full; that must be said, and be over when one goes. */
static void test_full_bucket(void **state)
{
    uint32_t number = 0;

    (void)state;
    for (;; number++) {
        enum claim_verdict verdict;

        make_id(number);
        verdict = claim_take(&shared->claims, &shared->board, id, 2, 1);
        assert_int_not_equal(verdict, CLAIM_TAKEN);
        if (verdict == CLAIM_TABLE_FULL)
            break;
    }
    assert_true(number >= CLAIM_PER_BUCKET);
    atomic_store(&shared->board.rows[2].state, ROW_DEAD);
    assert_int_equal(claim_take(&shared->claims, &shared->board, id, 3, 1), CLAIM_WON);
}

static void meet(unsigned self, uint32_t round)
{
    atomic_store(&shared->ready[self], round + 1);
    while (atomic_load(&shared->ready[1 - self]) <= round)
        sched_yield();
}

/* Both try for the same id at once. Old claims of other ids fill the bucket and go, so that the two often
 * choose different words. */
static void race(unsigned self)
{
    for (uint32_t round = 0; round < ROUNDS; round++) {
        meet(self, round * 2);
        make_id(round % 7);
        if (claim_take(&shared->claims, &shared->board, id, 2 + self, 1) == CLAIM_WON) {
            atomic_fetch_add(&shared->won[self], 1);
            if (atomic_fetch_add(&shared->holders, 1) != 0)
                atomic_fetch_add(&shared->broken, 1);
            for (volatile unsigned spin = 0; spin < round % 200; spin++)
                ;
            atomic_fetch_sub(&shared->holders, 1);
            claim_drop(&shared->claims, id, 2 + self, 1);
        }
        meet(self, round * 2 + 1);
    }
}

static void test_race_of_two_processes(void **state)
{
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        race(0);
        _exit(0);
    }
    race(1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(atomic_load(&shared->broken), 0);
    assert_true(atomic_load(&shared->won[0]) + atomic_load(&shared->won[1]) > 0);
}

/* Two who both wrote before either looked: played by hand, in both orders of their words. */
static void test_writer_between_scan_and_word(void **state)
{
    _Atomic uint64_t *bucket = NULL;

    (void)state;
    make_id(9);
    assert_int_equal(claim_take(&shared->claims, &shared->board, id, 3, 1), CLAIM_WON);
    for (unsigned i = 0; i < CLAIM_BUCKETS && bucket == NULL; i++)
        if (atomic_load(&shared->claims.words[i][0]) != 0)
            bucket = shared->claims.words[i];
    assert_non_null(bucket);
    atomic_store(&bucket[5],
                 atomic_load(&bucket[0])); /* the winner stands higher than where we would write */
    atomic_store(&bucket[0], 0);
    assert_int_equal(claim_take(&shared->claims, &shared->board, id, 2, 1), CLAIM_TAKEN);
    assert_int_equal(atomic_load(&bucket[0]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_take_and_drop, set_up),
        cmocka_unit_test_setup(test_dead_owner_is_void, set_up),
        cmocka_unit_test_setup(test_full_bucket, set_up),
        cmocka_unit_test_setup(test_race_of_two_processes, set_up),
        cmocka_unit_test_setup(test_writer_between_scan_and_word, set_up),
    };

    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
