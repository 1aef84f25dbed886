/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: history.c - see history.h. */
#include "shm/history.h"

#include "shm/segment.h"

_Static_assert(sizeof(struct history_sample) % sizeof(uint64_t) == 0, "a sample is copied by words");

void history_look(const struct segment *segment, int64_t mono, int64_t wall, struct history_sample *sample_r)
{
    static const enum count totals[] = {
        [HISTORY_requests] = COUNT_requests,         [HISTORY_replies_4xx] = COUNT_replies_4xx,
        [HISTORY_replies_5xx] = COUNT_replies_5xx,   [HISTORY_bytes_in] = COUNT_bytes_in,
        [HISTORY_bytes_out] = COUNT_bytes_out,       [HISTORY_uploads] = COUNT_uploads,
        [HISTORY_upload_bytes] = COUNT_upload_bytes, [HISTORY_iqs_asked] = COUNT_iqs_asked,
    };
    struct histogram_view durations;

    *sample_r = (struct history_sample){ .mono = mono, .wall = wall };
    for (unsigned i = 0; i < sizeof(totals) / sizeof(totals[0]); i++)
        sample_r->values[i] = count_sum(&segment->counts, totals[i]);
    for (unsigned row = 0; row < BOARD_ROWS; row++) {
        sample_r->values[HISTORY_connections] += atomic_load(&segment->board.rows[row].connections);
        sample_r->values[HISTORY_busy] += atomic_load(&segment->board.rows[row].busy);
    }
    histogram_read(&segment->durations, &durations);
    memcpy(sample_r->buckets, durations.buckets, sizeof(sample_r->buckets));
}

/* A writer that was killed between the last two stores is followed by one that writes the same number again.
 */
void history_write(struct history_ring *ring, const struct history_sample *sample)
{
    uint64_t number = atomic_load_explicit(&ring->written, memory_order_relaxed);
    struct history_slot *slot = &ring->slots[number % HISTORY_SLOTS];
    uint64_t words[HISTORY_WORDS];

    memcpy(words, sample, sizeof(words));
    atomic_store_explicit(&slot->sequence, 2 * number + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (size_t i = 0; i < HISTORY_WORDS; i++)
        atomic_store_explicit(&slot->words[i], words[i], memory_order_relaxed);
    atomic_store_explicit(&slot->sequence, 2 * number + 2, memory_order_release);
    atomic_store_explicit(&ring->written, number + 1, memory_order_release);
}

void history_take(struct segment *segment, int64_t mono, int64_t wall)
{
    struct history *history = &segment->history;
    uint64_t before = atomic_load_explicit(&history->fine.written, memory_order_relaxed);
    struct history_sample sample;

    history_look(segment, mono, wall, &sample);
    history_write(&history->fine, &sample);
    if (before % HISTORY_FINE_PER_ONE == 0)
        history_write(&history->coarse, &sample);
}

/* false: it was overwritten meanwhile, or its writer was killed. */
static bool read_one(const struct history_ring *ring, uint64_t number, struct history_sample *sample_r)
{
    const struct history_slot *slot = &ring->slots[number % HISTORY_SLOTS];
    uint64_t words[HISTORY_WORDS];

    if (atomic_load_explicit(&slot->sequence, memory_order_acquire) != 2 * number + 2)
        return false;
    for (size_t i = 0; i < HISTORY_WORDS; i++)
        words[i] = atomic_load_explicit(&slot->words[i], memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&slot->sequence, memory_order_relaxed) != 2 * number + 2)
        return false;
    memcpy(sample_r, words, sizeof(words));
    return true;
}

size_t history_read(const struct history_ring *ring, struct history_sample samples_r[HISTORY_SLOTS])
{
    uint64_t written = atomic_load_explicit(&ring->written, memory_order_acquire);
    uint64_t number = written > HISTORY_SLOTS ? written - HISTORY_SLOTS : 0;
    size_t count = 0;

    for (; number < written; number++)
        count += read_one(ring, number, &samples_r[count]);
    return count;
}
