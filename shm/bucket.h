/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: bucket.h - token buckets by any name (an address, a JID): floods and brute force.
 *
 * A fixed table of words; a bucket that is full again is free again. Lock-free, may forget under pressure the
 * bucket that is fullest, never blocks a name that took nothing. */
#ifndef STOA_SHM_BUCKET_H
#define STOA_SHM_BUCKET_H

#include "base/span.h"

#include <stdatomic.h>
#include <stdint.h>

#define BUCKET_SETS    4096
#define BUCKET_PER_SET 8

/* A word: 32 bits of the name's hash, 32 bits of the moment (in 1/64 s since boot) when it will be full again
 * ("virtual scheduling", so that one CAS updates it). 0 is free. */
struct buckets {
    _Alignas(64) _Atomic uint64_t words[BUCKET_SETS][BUCKET_PER_SET];
    uint64_t seed; /* of the hash; random; fixed before the first fork */
};

struct bucket_rule {
    uint32_t burst;   /* tokens of a full bucket; at least 1 */
    int64_t interval; /* microseconds until one token comes back */
};

/* Takes one token. 0: taken. >0: none left; microseconds until one is there. now is clock_mono(). */
int64_t bucket_take(struct buckets *buckets, struct span name, const struct bucket_rule *rule, int64_t now);
/* Whether one could be taken: 0, or microseconds until one is there. */
int64_t bucket_wait(struct buckets *buckets, struct span name, const struct bucket_rule *rule, int64_t now);
/* A token that was taken for nothing. */
void bucket_give_back(struct buckets *buckets, struct span name, const struct bucket_rule *rule, int64_t now);
void bucket_fill(struct buckets *buckets, struct span name); /* as if nothing had ever been taken */

#endif
