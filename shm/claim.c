/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: claim.c - see claim.h; why two cannot win: shm/README.md. */
#include "shm/claim.h"

#include "base/must.h"
#include "base/span.h"
#include "shm/hash.h"

#define ROW_BITS        8
#define GENERATION_BITS 12
#define GENERATION_MASK ((1u << GENERATION_BITS) - 1)
#define LOOKS           256 /* how long the lower of two racers waits for the higher to step back */

_Static_assert(BOARD_ROWS <= 1 << ROW_BITS, "a word has room for any row");

/* The id is random already; the fold only spreads what a caller might have fixed in it (a UUID's version). */
static uint64_t hash_of(const unsigned char id[16])
{
    return hash_name(UINT64_C(0x2d358dccaa6c78a5), span_make((const char *)id, 16));
}

static uint64_t word_of(uint64_t hash, unsigned row, uint32_t generation)
{
    return hash >> (ROW_BITS + GENERATION_BITS) << (ROW_BITS + GENERATION_BITS) |
           (uint64_t)row << GENERATION_BITS | (generation & GENERATION_MASK);
}

static bool same_hash(uint64_t word, uint64_t hash)
{
    return word >> (ROW_BITS + GENERATION_BITS) == hash >> (ROW_BITS + GENERATION_BITS);
}

/* Whether the process that wrote the word is still there. Twelve bits of generation: a word could be taken
 * for a later process's only if it had lain there for exactly 4,096 lives of its row. */
static bool is_live(const struct board *board, uint64_t word)
{
    unsigned row = (unsigned)(word >> GENERATION_BITS) & ((1u << ROW_BITS) - 1);
    uint32_t generation;

    if (word == 0 || row >= BOARD_ROWS)
        return false;
    generation = atomic_load(&board->rows[row].generation);
    return (generation & GENERATION_MASK) == (word & GENERATION_MASK) && board_lives(board, row, generation);
}

static _Atomic uint64_t *bucket_of(struct claims *claims, uint64_t hash)
{
    return claims->words[hash % CLAIM_BUCKETS];
}

/* Index of a living claim on that id but the one at except; -1: none. */
static int find_other(const _Atomic uint64_t *bucket, const struct board *board, uint64_t hash, int except)
{
    for (int i = 0; i < CLAIM_PER_BUCKET; i++) {
        uint64_t word = atomic_load(&bucket[i]);

        if (i != except && same_hash(word, hash) && is_live(board, word))
            return i;
    }
    return -1;
}

/* Index of the word that is ours now; -1: all are in use; -2: somebody was faster, look again. */
static int write_word(_Atomic uint64_t *bucket, const struct board *board, uint64_t word)
{
    for (int i = 0; i < CLAIM_PER_BUCKET; i++) {
        uint64_t old = atomic_load(&bucket[i]);

        if (!is_live(board, old))
            return atomic_compare_exchange_strong(&bucket[i], &old, word) ? i : -2;
    }
    return -1;
}

/* Whoever sees, after writing, no other claim has won. Of two racers the one at the higher index steps back
 * at once; the lower waits a moment for that. What stands for longer has won before: we step back. */
static bool stands_alone(const _Atomic uint64_t *bucket, const struct board *board, uint64_t hash, int ours)
{
    for (int look = 0; look < LOOKS; look++) {
        int other = find_other(bucket, board, hash, ours);

        if (other < 0)
            return true;
        if (other < ours)
            return false;
    }
    return false;
}

enum claim_verdict claim_take(struct claims *claims, const struct board *board, const unsigned char id[16],
                              unsigned row, uint32_t generation)
{
    uint64_t hash = hash_of(id), word = word_of(hash, row, generation);
    _Atomic uint64_t *bucket = bucket_of(claims, hash);
    int ours;

    must(word != 0 && row < BOARD_ROWS);
    do {
        if (find_other(bucket, board, hash, -1) >= 0)
            return CLAIM_TAKEN;
        ours = write_word(bucket, board, word);
    } while (ours == -2);
    if (ours < 0)
        return CLAIM_TABLE_FULL;
    if (stands_alone(bucket, board, hash, ours))
        return CLAIM_WON;
    atomic_store(&bucket[ours], 0); /* nobody else touches a living process's word */
    return CLAIM_TAKEN;
}

void claim_drop(struct claims *claims, const unsigned char id[16], unsigned row, uint32_t generation)
{
    uint64_t hash = hash_of(id), word = word_of(hash, row, generation);
    _Atomic uint64_t *bucket = bucket_of(claims, hash);

    for (int i = 0; i < CLAIM_PER_BUCKET; i++) {
        uint64_t expected = word;

        if (atomic_compare_exchange_strong(&bucket[i], &expected, 0))
            return;
    }
}

bool claim_held(const struct claims *claims, const struct board *board, const unsigned char id[16])
{
    uint64_t hash = hash_of(id);

    return find_other(claims->words[hash % CLAIM_BUCKETS], board, hash, -1) >= 0;
}
