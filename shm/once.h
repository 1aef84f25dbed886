/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: once.h - names that may be used once, over all workers: tokens of forms, steps of commands.
 *
 * Sets of a hash table, claimed by compare-and-swap. A set that is full forgets its oldest name and then
 * refuses every name that is as old: so nothing can ever be used twice; at worst an old one not even once.
 * A name is one word, its moment in the upper half and a keyed hash in the lower: so it stands there whole or
 * not at all, whoever is killed (shm/README.md). */
#ifndef STOA_SHM_ONCE_H
#define STOA_SHM_ONCE_H

#include "base/span.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define ONCE_SETS    1024
#define ONCE_PER_SET 16

struct once_set {
    _Alignas(64) _Atomic uint64_t names[ONCE_PER_SET]; /* born << 32 | hash; 0: free */
    _Atomic int64_t oldest;                            /* names born then or before are refused */
};

struct once {
    struct once_set sets[ONCE_SETS];
    unsigned char key[32]; /* random */
};

/* name: of any length, unguessable; born: when it was made, unix seconds (the caller has checked its MAC).
 * life: seconds after which it is refused anyway. true: this is the first use. */
bool once_use(struct once *once, struct span name, int64_t born, int64_t life, int64_t now);

#endif
