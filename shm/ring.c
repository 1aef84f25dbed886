/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: ring.c - see ring.h.
 *
 * A record is a head of 8 bytes (length, flags) and the body, padded to 8; it never wraps: where it would,
 * the rest of the ring is skipped by a head whose length is SKIP. Since every record begins at a multiple of
 * 8 there is always room for such a head. */
#include "shm/ring.h"

#include "base/must.h"

#define SKIP UINT32_MAX
#define HEAD 8u

_Static_assert((RING_BYTES & (RING_BYTES - 1)) == 0, "counters run freely over 32 bits");
_Static_assert(2 * (RING_RECORD + HEAD) <= RING_BYTES, "an empty ring holds any record and what it skips");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2, "atomics that cross processes");

struct record_head {
    uint32_t length, flags;
};
_Static_assert(sizeof(struct record_head) == HEAD, "as the ring counts it");

static uint32_t place(uint32_t counter)
{
    return counter & (RING_BYTES - 1);
}

static uint32_t padded(uint32_t length)
{
    return HEAD + ((length + 7) & ~7u);
}

void ring_reset(struct ring *ring)
{
    atomic_store_explicit(&ring->head, 0, memory_order_relaxed);
    atomic_store_explicit(&ring->hungry, 0, memory_order_relaxed);
    atomic_store_explicit(&ring->tail, 0, memory_order_relaxed);
    atomic_store_explicit(&ring->sleeping, 0, memory_order_relaxed);
    atomic_store_explicit(&ring->gone, 0, memory_order_release);
}

void ring_cut(struct ring *ring)
{
    atomic_store(&ring->gone, 1);
}

bool ring_is_cut(const struct ring *ring)
{
    return atomic_load_explicit(&ring->gone, memory_order_acquire) != 0;
}

void ring_write_open(struct ring_writer *writer, struct ring *ring)
{
    *writer = (struct ring_writer){ .ring = ring };
}

void ring_read_open(struct ring_reader *reader, struct ring *ring)
{
    *reader = (struct ring_reader){ .ring = ring };
}

/* A consumer that says it took more than there was gets nothing more: then used is huge, and there is no
 * room. */
static bool has_room(struct ring_writer *writer, uint32_t need)
{
    for (int look = 0; look < 2; look++) {
        uint32_t used = writer->head - writer->tail_seen;

        if (used <= RING_BYTES && RING_BYTES - used >= need)
            return true;
        writer->tail_seen = atomic_load_explicit(&writer->ring->tail, memory_order_acquire);
    }
    return false;
}

static void write_head(struct ring *ring, uint32_t at, uint32_t length, uint32_t flags)
{
    struct record_head head = { length, flags };

    memcpy(ring->data + at, &head, HEAD);
}

bool ring_put(struct ring_writer *writer, uint32_t flags, const struct span *parts, unsigned count)
{
    uint32_t at = place(writer->head), rest = RING_BYTES - at, skip, need;
    size_t length = 0;

    for (unsigned i = 0; i < count; i++)
        length += parts[i].size;
    must(length <= RING_RECORD);
    need = padded((uint32_t)length);
    skip = need > rest ? rest : 0;
    if (!has_room(writer, skip + need))
        return false;
    if (skip) {
        write_head(writer->ring, at, SKIP, 0);
        at = 0;
    }
    write_head(writer->ring, at, (uint32_t)length, flags);
    at += HEAD;
    for (unsigned i = 0; i < count; i++) {
        if (parts[i].size)
            memcpy(writer->ring->data + at, parts[i].at, parts[i].size);
        at += (uint32_t)parts[i].size;
    }
    writer->head += skip + need;
    atomic_store_explicit(&writer->ring->head, writer->head, memory_order_release);
    return true;
}

static struct record_head read_head(const struct ring *ring, uint32_t at)
{
    struct record_head head;

    memcpy(&head, ring->data + at, HEAD); /* once: what is checked is what is used */
    return head;
}

static void publish_tail(struct ring_reader *reader, uint32_t more)
{
    reader->tail += more;
    atomic_store_explicit(&reader->ring->tail, reader->tail, memory_order_release);
}

enum ring_verdict ring_take(struct ring_reader *reader, uint32_t *flags_r, struct buf *out)
{
    uint32_t ready = reader->head_seen - reader->tail, at = place(reader->tail), skip = 0;
    struct record_head head;

    if (ready == 0) {
        reader->head_seen = atomic_load_explicit(&reader->ring->head, memory_order_acquire);
        ready = reader->head_seen - reader->tail;
        if (ready == 0)
            return RING_EMPTY;
    }
    if (ready > RING_BYTES || ready % 8 != 0)
        return RING_NONSENSE;
    head = read_head(reader->ring, at);
    if (head.length == SKIP) {
        skip = RING_BYTES - at;
        at = 0;
        if (ready < skip + HEAD) /* what was skipped for comes with it */
            return RING_NONSENSE;
        head = read_head(reader->ring, at);
    }
    if (head.length > RING_RECORD || skip + padded(head.length) > ready ||
        at + padded(head.length) > RING_BYTES)
        return RING_NONSENSE;
    buf_add(out, span_make((const char *)reader->ring->data + at + HEAD, head.length));
    *flags_r = head.flags;
    publish_tail(reader, skip + padded(head.length));
    return RING_TAKEN;
}

bool ring_is_empty(const struct ring_reader *reader)
{
    return atomic_load_explicit(&reader->ring->head, memory_order_acquire) == reader->tail;
}

void ring_fence(void)
{
    atomic_thread_fence(memory_order_seq_cst);
}

void ring_announce_sleep(struct ring_reader *reader)
{
    atomic_store_explicit(&reader->ring->sleeping, 1, memory_order_relaxed); /* the caller's fence follows */
}

void ring_awake(struct ring_reader *reader)
{
    atomic_store_explicit(&reader->ring->sleeping, 0, memory_order_relaxed);
}

static bool take_back(_Atomic uint32_t *flag)
{
    ring_fence();
    return atomic_load_explicit(flag, memory_order_relaxed) && atomic_exchange(flag, 0);
}

bool ring_must_wake(struct ring_writer *writer)
{
    return take_back(&writer->ring->sleeping);
}

bool ring_want_room(struct ring_writer *writer)
{
    atomic_store_explicit(&writer->ring->hungry, 1, memory_order_relaxed);
    ring_fence();
    return has_room(writer, 2 * (RING_RECORD + HEAD));
}

bool ring_must_feed(struct ring_reader *reader)
{
    return take_back(&reader->ring->hungry);
}
