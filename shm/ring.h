/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: ring.h - one-way records of bytes between two processes, without a lock.
 *
 * Callers: post.c only. Not here: who may open a ring and when (post.c), waking a sleeper (os/bell), what a
 * record says (mail.tbl). The story of synchronisation stands over the struct; why it holds, in
 * shm/README.md. */
#ifndef STOA_SHM_RING_H
#define STOA_SHM_RING_H

#include "base/buf.h"
#include "base/span.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define RING_BYTES  65536u /* a power of two */
#define RING_RECORD 16384u /* most bytes of one record's body: any record fits into an empty ring */

/* head: written by the producer only, a release after the record was copied in; loaded by both.
 * tail: written by the consumer only, a release after the record was copied out; loaded by both.
 *   Both run freely over 32 bits; always 0 <= head - tail <= RING_BYTES, both multiples of 8. What lies in
 *   [tail, head) belongs to the consumer, all other bytes to the producer: the data needs no lock.
 * sleeping: set by the consumer before it looks a last time and sleeps; taken back by the producer that rings
 *   its bell, or by the consumer itself. hungry: the same the other way round, for a producer that waits for
 *   room. Between a store to one's own flag and the look at the other's counter stands a full fence, on both
 *   sides; so of two that act at once at least one sees the other.
 * gone: 0 to 1 once, by whoever found nonsense; the ring is dead then until ring_reset.
 * ring_reset: only by one who knows that nobody else has it open (post.c says who). */
struct ring {
    _Alignas(64) _Atomic uint32_t head;
    _Atomic uint32_t hungry;
    _Alignas(64) _Atomic uint32_t tail;
    _Atomic uint32_t sleeping;
    _Alignas(64) _Atomic uint32_t gone;
    _Alignas(64) unsigned char data[RING_BYTES];
};

struct ring_pair {
    struct ring to_router, from_router;
};

/* One process's end. Its own counter is kept here and never read back: the peer cannot move it. */
struct ring_writer {
    struct ring *ring;  /* borrowed: in the segment */
    uint32_t head;      /* as published last */
    uint32_t tail_seen; /* the consumer's counter as loaded last: saves a cache miss */
};

struct ring_reader {
    struct ring *ring; /* borrowed: in the segment */
    uint32_t tail;     /* as published last */
    uint32_t head_seen;
};

enum ring_verdict {
    RING_EMPTY,
    RING_TAKEN,
    RING_NONSENSE, /* the producer broke the rules, or is not what it seems: cut it off */
};

void ring_reset(struct ring *ring);
void ring_cut(struct ring *ring);
bool ring_is_cut(const struct ring *ring);

/* On a ring that is as ring_reset left it, seen from this end. */
void ring_write_open(struct ring_writer *writer, struct ring *ring);
void ring_read_open(struct ring_reader *reader, struct ring *ring);

/* One record of all parts, one after the other; together at most RING_RECORD. false: no room. */
bool ring_put(struct ring_writer *writer, uint32_t flags, const struct span *parts, unsigned count);
/* Copies the next record behind what is in out, and only then looks at it: the peer may write meanwhile. */
enum ring_verdict ring_take(struct ring_reader *reader, uint32_t *flags_r, struct buf *out);
bool ring_is_empty(const struct ring_reader *reader); /* one load; also false when the head is nonsense */

/* Before sleeping: announce on all rings, one ring_fence, then look at all again. */
void ring_announce_sleep(struct ring_reader *reader);
void ring_awake(struct ring_reader *reader);
/* After a put: true when the consumer sleeps and the caller must ring its bell (it is told to one caller). */
bool ring_must_wake(struct ring_writer *writer);
/* The same for room: want announces, and says whether there is room for a record now after all. */
bool ring_want_room(struct ring_writer *writer);
bool ring_must_feed(struct ring_reader *reader); /* after takes: true when the producer waits for room */
void ring_fence(void);

#endif
