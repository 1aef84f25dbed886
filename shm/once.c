/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: once.c - see once.h; why no name is ever taken twice: shm/README.md. */
#include "shm/once.h"

#include "base/digest.h"

#define TRIES_MOST 1000 /* lost races before a name is refused: others win them, so it ends long before */

static uint32_t born_of(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

static void forget_until(struct once_set *set, int64_t born)
{
    int64_t oldest = atomic_load(&set->oldest);

    while (oldest < born && !atomic_compare_exchange_weak(&set->oldest, &oldest, born))
        ;
}

/* How often the word stands in the set; *place_r: where a new one may go, a free place before that of the
 * oldest name; *held_r: what is there. */
static unsigned look(struct once_set *set, uint64_t word, size_t *place_r, uint64_t *held_r)
{
    unsigned found = 0;

    *place_r = 0;
    *held_r = UINT64_MAX;
    for (size_t i = 0; i < ONCE_PER_SET; i++) {
        uint64_t held = atomic_load(&set->names[i]);

        found += held == word;
        if (held < *held_r) {
            *place_r = i;
            *held_r = held;
        }
    }
    return found;
}

static bool claim(struct once_set *set, uint64_t word)
{
    size_t place;
    uint64_t held;

    for (unsigned tries = 0; tries < TRIES_MOST; tries++) {
        if (look(set, word, &place, &held) > 0)
            return false;
        if (held != 0) { /* full: what gives way is refused from now on, and all that is as old */
            if (born_of(held) >= born_of(word))
                return false;
            forget_until(set, born_of(held));
        }
        if (born_of(word) <= atomic_load(&set->oldest))
            return false;
        if (atomic_compare_exchange_strong(&set->names[place], &held, word))
            /* Another may have written the same word elsewhere, and may have been displaced since. */
            return look(set, word, &place, &held) == 1 && born_of(word) > atomic_load(&set->oldest);
    }
    return false;
}

bool once_use(struct once *once, struct span name, int64_t born, int64_t life, int64_t now)
{
    unsigned char digest[SHA256_BYTES];
    uint64_t hash;

    if (born <= 0 || born > UINT32_MAX || now - born >= life)
        return false;
    digest_hmac(span_make((const char *)once->key, sizeof(once->key)), name, digest);
    memcpy(&hash, digest, sizeof(hash));
    return claim(&once->sets[(hash >> 32) % ONCE_SETS], (uint64_t)born << 32 | (hash & UINT32_MAX));
}
