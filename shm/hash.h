/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: hash.h - a seeded 64-bit hash of a name, the same in all processes of one segment.
 *
 * Strangers choose the names (their addresses, their JIDs) but see neither the seed nor a hash. */
#ifndef STOA_SHM_HASH_H
#define STOA_SHM_HASH_H

#include "base/span.h"

#include <stdint.h>

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_name(uint64_t seed, struct span name)
{
    uint64_t hash = seed ^ (name.size * UINT64_C(0x9e3779b97f4a7c15));

    while (name.size) {
        uint64_t word = 0;
        struct span piece = span_head(name, sizeof(word));

        memcpy(&word, piece.at, piece.size);
        hash = hash_fold(hash ^ word ^ UINT64_C(0xa0761d6478bd642f), seed | 1);
        hash = hash_fold(hash ^ UINT64_C(0xe7037ed1a0b428db), UINT64_C(0x8ebc6af09c88c6e3));
        name = span_from(name, piece.size);
    }
    return hash_fold(hash ^ UINT64_C(0x589965cc75374cc3), UINT64_C(0x1d8e4e27c47d124f) ^ seed);
}

#endif
