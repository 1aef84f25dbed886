/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: ring_fuzz.c - a consumer against a ring and letters that a hostile process wrote.
 *
 * The input is the ring: 4 bytes of tail, 4 of head, the rest its bytes. Nothing outside the ring may be
 * read, the consumer's counter may never pass the producer's, and what comes out must be letters or a cut. */
#include "base/must.h"
#include "shm/letter.h"
#include "shm/ring.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void take_all(struct ring *ring, uint32_t tail, uint32_t head)
{
    struct ring_reader reader = { .ring = ring, .tail = tail, .head_seen = tail };
    enum ring_verdict verdict;
    struct letter letter;
    struct buf out = { 0 };
    uint32_t flags;

    for (;;) {
        uint32_t before = reader.tail;

        buf_clear(&out);
        verdict = ring_take(&reader, &flags, &out);
        if (verdict != RING_TAKEN)
            break;
        must(reader.tail - before >= 8 && reader.tail - before <= head - before);
        must(out.size <= RING_RECORD);
        if (!letter_open(buf_span(&out), &letter))
            continue;
        for (unsigned i = 0; i < letter.count; i++)
            must(letter.parts[i].at >= out.at &&
                 letter.parts[i].at + letter.parts[i].size <= out.at + out.size);
        (void)letter_allowed(&letter, PROCESS_worker, PROCESS_router);
    }
    must(verdict == RING_NONSENSE || reader.tail == head);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct ring *ring;
    uint32_t counters[2] = { 0, 0 };

    if (size < sizeof(counters))
        return 0;
    memcpy(counters, bytes, sizeof(counters));
    counters[0] &= ~7u; /* the consumer's own counter is good */
    bytes += sizeof(counters);
    size -= sizeof(counters);
    ring = aligned_alloc(64, sizeof(*ring));
    must(ring != NULL);
    memset(ring, 0, sizeof(*ring));
    for (size_t i = 0; i < size && i < RING_BYTES; i++)
        ring->data[(counters[0] + i) % RING_BYTES] = bytes[i];
    atomic_store(&ring->tail, counters[0]);
    atomic_store(&ring->head, counters[1]);
    take_all(ring, counters[0], counters[1]);
    free(ring);
    return 0;
}
