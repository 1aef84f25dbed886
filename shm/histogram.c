/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: histogram.c - see histogram.h. */
#include "shm/histogram.h"

/* From what a page from memory takes to what no client waits for. */
const int64_t histogram_bounds[HISTOGRAM_BOUNDS] = { 500,     1000,    2500,    5000,     10000,
                                                     25000,   50000,   100000,  250000,   500000,
                                                     1000000, 2500000, 5000000, 10000000, 30000000 };

static _Atomic uint64_t private_buckets[HISTOGRAM_BUCKETS], private_usec; /* before histogram_attach */
static _Atomic uint64_t *own_buckets = private_buckets, *own_usec = &private_usec;

void histogram_attach(struct histogram *histogram, unsigned row)
{
    own_buckets = histogram->rows[row].buckets;
    own_usec = &histogram->rows[row].usec;
}

void histogram_add(int64_t usec)
{
    unsigned at = 0;

    if (usec < 0)
        usec = 0;
    while (at < HISTOGRAM_BOUNDS && usec > histogram_bounds[at])
        at++;
    atomic_fetch_add_explicit(&own_buckets[at], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(own_usec, (uint64_t)usec, memory_order_relaxed);
}

void histogram_read(const struct histogram *histogram, struct histogram_view *view_r)
{
    *view_r = (struct histogram_view){ 0 };
    for (unsigned row = 0; row < BOARD_ROWS; row++) {
        for (unsigned at = 0; at < HISTOGRAM_BUCKETS; at++)
            view_r->buckets[at] +=
                atomic_load_explicit(&histogram->rows[row].buckets[at], memory_order_relaxed);
        view_r->usec += atomic_load_explicit(&histogram->rows[row].usec, memory_order_relaxed);
    }
}

int64_t histogram_quantile(const uint64_t buckets[HISTOGRAM_BUCKETS], double share)
{
    uint64_t sum = 0;
    double wanted, below = 0;

    for (unsigned at = 0; at < HISTOGRAM_BUCKETS; at++)
        sum += buckets[at];
    if (sum == 0)
        return -1;
    wanted = share * (double)sum;
    for (unsigned at = 0; at < HISTOGRAM_BOUNDS; at++) {
        double here = (double)buckets[at], from = at ? (double)histogram_bounds[at - 1] : 0;

        if (here > 0 && below + here >= wanted)
            return (int64_t)(from + ((double)histogram_bounds[at] - from) * (wanted - below) / here);
        below += here;
    }
    return histogram_bounds[HISTOGRAM_BOUNDS - 1];
}
