/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: address_count.h - open HTTP connections per client address, over all workers.
 *
 * A word is 0, or 32 bits of the address's hash, 7 bits of row, 12 of generation, 13 of count: what one
 * process has open from one address. Only that process changes it (others may take its place when that
 * process is dead), so a killed worker's connections are forgotten by themselves, and a count needs no lock.
 * The number of an address is the sum over the living words of its bucket. When a bucket has no free word,
 * connections of further addresses are let in and not counted. */
#ifndef STOA_SHM_ADDRESS_COUNT_H
#define STOA_SHM_ADDRESS_COUNT_H

#include "base/span.h"
#include "shm/board.h"

#define ADDRESS_BUCKETS    1024
#define ADDRESS_PER_BUCKET 16 /* two cache lines */

struct address_counts {
    _Alignas(64) _Atomic uint64_t words[ADDRESS_BUCKETS][ADDRESS_PER_BUCKET];
    uint64_t seed; /* of the hash; random; fixed before the first fork */
};

enum address_verdict {
    ADDRESS_COUNTED,   /* call address_leave when it closes */
    ADDRESS_UNCOUNTED, /* let it in; do not call address_leave */
    ADDRESS_REFUSED,   /* most are open already; nothing was counted */
};

/* name: the bytes that stand for the client (an IPv4 address; the first 8 bytes of an IPv6 one). most 0: no
 * limit, counted all the same. Two workers at the limit at once may both be refused, never both let in. */
enum address_verdict address_enter(struct address_counts *counts, const struct board *board, struct span name,
                                   unsigned row, uint32_t generation, uint64_t most);
void address_leave(struct address_counts *counts, struct span name, unsigned row, uint32_t generation);
uint64_t address_open(const struct address_counts *counts, const struct board *board, struct span name);

#endif
