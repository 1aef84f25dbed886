/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: address_count.c - see address_count.h. */
#include "shm/address_count.h"

#include "base/must.h"
#include "shm/hash.h"

#define COUNT_BITS      13
#define COUNT_MASK      ((UINT64_C(1) << COUNT_BITS) - 1)
#define GENERATION_BITS 12
#define GENERATION_MASK ((1u << GENERATION_BITS) - 1)
#define ROW_MASK        0x7fu

_Static_assert(BOARD_ROWS <= ROW_MASK + 1, "a word has room for any row");

/* The word of that process for that address, with count 0; never 0 itself, since a generation never is... but
 * its low 12 bits may be: the hash is kept from being 0 instead. */
static uint64_t word_of(uint64_t hash, unsigned row, uint32_t generation)
{
    uint64_t name = hash >> 32 ? hash >> 32 : 1;

    return name << 32 | (uint64_t)row << (GENERATION_BITS + COUNT_BITS) |
           (uint64_t)(generation & GENERATION_MASK) << COUNT_BITS;
}

static bool is_live(const struct board *board, uint64_t word)
{
    unsigned row = (unsigned)(word >> (GENERATION_BITS + COUNT_BITS)) & ROW_MASK;
    uint32_t generation;

    if (word == 0 || row >= BOARD_ROWS)
        return false;
    generation = atomic_load(&board->rows[row].generation);
    return (generation & GENERATION_MASK) == (uint32_t)(word >> COUNT_BITS & GENERATION_MASK) &&
           board_lives(board, row, generation);
}

static uint64_t hash_of(const struct address_counts *counts, struct span name)
{
    return hash_name(counts->seed, name);
}

static uint64_t sum(const _Atomic uint64_t *bucket, const struct board *board, uint64_t word)
{
    uint64_t open = 0;

    for (unsigned i = 0; i < ADDRESS_PER_BUCKET; i++) {
        uint64_t at = atomic_load(&bucket[i]);

        if (at >> 32 == word >> 32 && is_live(board, at))
            open += at & COUNT_MASK;
    }
    return open;
}

/* Ours, whatever it counts; NULL: we have none. */
static _Atomic uint64_t *find_ours(_Atomic uint64_t *bucket, uint64_t word)
{
    for (unsigned i = 0; i < ADDRESS_PER_BUCKET; i++)
        if ((atomic_load_explicit(&bucket[i], memory_order_relaxed) & ~COUNT_MASK) == word)
            return &bucket[i];
    return NULL;
}

/* A free or dead word, made ours with count 1; NULL: the bucket is full. */
static _Atomic uint64_t *take_word(_Atomic uint64_t *bucket, const struct board *board, uint64_t word)
{
    for (unsigned i = 0; i < ADDRESS_PER_BUCKET; i++) {
        uint64_t old = atomic_load(&bucket[i]);

        if (!is_live(board, old) && atomic_compare_exchange_strong(&bucket[i], &old, word + 1))
            return &bucket[i];
    }
    return NULL;
}

static void count_down(_Atomic uint64_t *ours)
{
    uint64_t left = atomic_load_explicit(ours, memory_order_relaxed) - 1;

    atomic_store(ours, left & COUNT_MASK ? left : 0);
}

/* Counted first, looked at after: whoever comes second of two sees the first. */
enum address_verdict address_enter(struct address_counts *counts, const struct board *board, struct span name,
                                   unsigned row, uint32_t generation, uint64_t most)
{
    uint64_t hash = hash_of(counts, name), word = word_of(hash, row, generation);
    _Atomic uint64_t *bucket = counts->words[hash % ADDRESS_BUCKETS];
    _Atomic uint64_t *ours = find_ours(bucket, word);

    must(row < BOARD_ROWS);
    if (ours == NULL) {
        ours = take_word(bucket, board, word);
        if (ours == NULL)
            return ADDRESS_UNCOUNTED;
    } else {
        if ((atomic_load_explicit(ours, memory_order_relaxed) & COUNT_MASK) == COUNT_MASK)
            return most ? ADDRESS_REFUSED : ADDRESS_UNCOUNTED;
        atomic_fetch_add(ours, 1);
    }
    if (most == 0 || sum(bucket, board, word) <= most)
        return ADDRESS_COUNTED;
    count_down(ours);
    return ADDRESS_REFUSED;
}

void address_leave(struct address_counts *counts, struct span name, unsigned row, uint32_t generation)
{
    uint64_t hash = hash_of(counts, name);
    _Atomic uint64_t *ours = find_ours(counts->words[hash % ADDRESS_BUCKETS], word_of(hash, row, generation));

    must(ours != NULL);
    count_down(ours);
}

uint64_t address_open(const struct address_counts *counts, const struct board *board, struct span name)
{
    uint64_t hash = hash_of(counts, name);

    return sum(counts->words[hash % ADDRESS_BUCKETS], board, word_of(hash, 0, 0));
}
