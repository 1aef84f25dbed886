/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: history.h - what the counters were during the last hour, for the charts of the status page.
 *
 * Samples hold totals, not rates: a reader takes the difference of two. So a writer needs no memory of its
 * own: one that was killed leaves a gap, over which the difference still is right, and its successor goes on.
 * Written by one process (master); each slot under a sequence number: a reader never sees a torn one. Time
 * is measured by the monotonic clock; the wall clock is only told, and may jump. */
#ifndef STOA_SHM_HISTORY_H
#define STOA_SHM_HISTORY_H

#include "shm/histogram.h"

#include <stddef.h>

struct segment;

#define HISTORY_SLOTS        121 /* 120 differences */
#define HISTORY_FINE_USEC    (5 * INT64_C(1000000))
#define HISTORY_FINE_PER_ONE 6 /* fine samples for each coarse one: every 30 s, an hour in all */

enum history_value {
    HISTORY_requests, /* totals, of count.tbl */
    HISTORY_replies_4xx,
    HISTORY_replies_5xx,
    HISTORY_bytes_in,
    HISTORY_bytes_out,
    HISTORY_uploads,
    HISTORY_upload_bytes,
    HISTORY_iqs_asked,
    HISTORY_connections, /* open at that moment */
    HISTORY_busy,        /* calls and IQs in hand at that moment */
    HISTORY_VALUES
};

struct history_sample {
    int64_t mono, wall; /* microseconds */
    uint64_t values[HISTORY_VALUES];
    uint64_t buckets[HISTOGRAM_BUCKETS]; /* of durations, totals */
};

#define HISTORY_WORDS (sizeof(struct history_sample) / sizeof(uint64_t))

struct history_ring {
    _Atomic uint64_t written; /* samples so far: number n lies in slot n % HISTORY_SLOTS */
    struct history_slot {
        _Atomic uint64_t sequence; /* 2n + 1 while sample n is being written, 2n + 2 when it is whole */
        _Atomic uint64_t words[HISTORY_WORDS];
    } slots[HISTORY_SLOTS];
};

struct history {
    struct history_ring fine, coarse;
};

/* How things stand now. */
void history_look(const struct segment *segment, int64_t mono, int64_t wall, struct history_sample *sample_r);
/* By the one writer. */
void history_write(struct history_ring *ring, const struct history_sample *sample);
/* The writer's turn, every HISTORY_FINE_USEC: into fine, and when its time has come into coarse. */
void history_take(struct segment *segment, int64_t mono, int64_t wall);

/* Whole samples, oldest first; returns how many. */
size_t history_read(const struct history_ring *ring, struct history_sample samples_r[HISTORY_SLOTS]);

#endif
