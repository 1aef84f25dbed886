/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: histogram.h - how long requests took: each process counts in its own row, readers add up.
 *
 * Fixed bounds, so rows can be added, and two moments subtracted: what lies between them is the histogram of
 * that time. Counts only rise and stay when a process dies, as those of count.h. */
#ifndef STOA_SHM_HISTOGRAM_H
#define STOA_SHM_HISTOGRAM_H

#include "shm/board.h"

#define HISTOGRAM_BOUNDS  15
#define HISTOGRAM_BUCKETS (HISTOGRAM_BOUNDS + 1) /* the last: beyond all bounds */

extern const int64_t histogram_bounds[HISTOGRAM_BOUNDS]; /* microseconds; a bucket holds up to its bound */

/* Added to by the row's living owner only (relaxed). */
struct histogram {
    struct {
        _Alignas(64) _Atomic uint64_t buckets[HISTOGRAM_BUCKETS];
        _Atomic uint64_t usec; /* all durations together */
    } rows[BOARD_ROWS];
};

struct histogram_view {
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t usec;
};

/* Once at birth; before it histogram_add goes to a private place. */
void histogram_attach(struct histogram *histogram, unsigned row);
void histogram_add(int64_t usec);

void histogram_read(const struct histogram *histogram, struct histogram_view *view_r);
/* The duration, in microseconds, that this share (0..1) of them did not exceed, taken as evenly spread
 * within its bucket; beyond all bounds: the last bound. -1: there are none. */
int64_t histogram_quantile(const uint64_t buckets[HISTOGRAM_BUCKETS], double share);

#endif
