/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: bucket.c - see bucket.h.
 *
 * What is stored is the moment when the bucket will be full again ("virtual scheduling"): how far it lies
 * ahead is how much was taken. A token moves it by one interval; it may not lie more than burst intervals
 * ahead. */
#include "shm/bucket.h"

#include "base/clock.h"
#include "base/must.h"
#include "shm/hash.h"

#define UNITS_PER_SEC 64
#define FIXED         1024 /* an interval is not a whole number of units: rounded by chance, right on average */
#define LEVEL_MOST    (INT64_C(1) << 30) /* units: moments are compared over 32 bits that wrap (2 years) */
#define TRIES         16

static uint32_t moment_of(int64_t now)
{
    return (uint32_t)((uint64_t)now * UNITS_PER_SEC / USEC_PER_SEC);
}

/* Units until full; 0: full, or a moment of long ago. */
static int64_t level_of(uint64_t word, uint32_t moment)
{
    int32_t ahead = (int32_t)((uint32_t)word - moment);

    return word == 0 || ahead < 0 ? 0 : ahead;
}

/* The name's word, else a free one, else the fullest: whoever took least loses least by being forgotten. */
static _Atomic uint64_t *find_word(_Atomic uint64_t *set, uint32_t hash, uint32_t moment, uint64_t *old_r)
{
    _Atomic uint64_t *best = NULL;
    int64_t best_level = INT64_MAX;

    for (unsigned i = 0; i < BUCKET_PER_SET; i++) {
        uint64_t word = atomic_load(&set[i]);
        int64_t level = level_of(word, moment);

        if (word != 0 && word >> 32 == hash) {
            *old_r = word;
            return &set[i];
        }
        if (level < best_level) {
            best_level = level;
            best = &set[i];
            *old_r = word;
        }
    }
    return best;
}

static int64_t cost_of(int64_t interval_fixed, uint64_t chance)
{
    return interval_fixed / FIXED + ((int64_t)(chance % FIXED) < interval_fixed % FIXED);
}

/* A name and a rule in the units of the words. */
struct reckoning {
    _Atomic uint64_t *set;
    uint32_t hash, moment;
    int64_t interval, most; /* interval: 1/FIXED units */
};

static struct reckoning reckon(struct buckets *buckets, struct span name, const struct bucket_rule *rule,
                               int64_t now)
{
    uint64_t full = hash_name(buckets->seed, name);
    struct reckoning reckoning = { .set = buckets->words[full % BUCKET_SETS],
                                   .hash = (uint32_t)(full >> 32) ? (uint32_t)(full >> 32) : 1,
                                   .moment = moment_of(now),
                                   .interval = rule->interval * UNITS_PER_SEC * FIXED / USEC_PER_SEC };

    must(rule->burst >= 1 && rule->interval >= 0 && rule->interval < 1000000 * USEC_PER_SEC);
    reckoning.most = reckoning.interval * (rule->burst - 1) / FIXED;
    if (reckoning.most > LEVEL_MOST)
        reckoning.most = LEVEL_MOST;
    if (reckoning.interval % FIXED != 0)
        reckoning.most++; /* what chance may have rounded up */
    return reckoning;
}

static int64_t level_in(const struct reckoning *reckoning, uint64_t word)
{
    return word >> 32 == reckoning->hash ? level_of(word, reckoning->moment) : 0;
}

int64_t bucket_take(struct buckets *buckets, struct span name, const struct bucket_rule *rule, int64_t now)
{
    struct reckoning reckoning = reckon(buckets, name, rule, now);

    for (int try = 0; try < TRIES; try++) {
        uint64_t old = 0, word;
        _Atomic uint64_t *at = find_word(reckoning.set, reckoning.hash, reckoning.moment, &old);
        int64_t level = level_in(&reckoning, old);

        if (level > reckoning.most)
            return (level - reckoning.most) * USEC_PER_SEC / UNITS_PER_SEC;
        level += cost_of(reckoning.interval, hash_fold(old ^ (uint64_t)now, buckets->seed | 1));
        word = (uint64_t)reckoning.hash << 32 | (uint32_t)(reckoning.moment + (uint32_t)level);
        if (atomic_compare_exchange_strong(at, &old, word))
            return 0;
    }
    return 0; /* so many at once on one line: better one token too many than to spin */
}

int64_t bucket_wait(struct buckets *buckets, struct span name, const struct bucket_rule *rule, int64_t now)
{
    struct reckoning reckoning = reckon(buckets, name, rule, now);
    uint64_t word = 0;
    int64_t level;

    (void)find_word(reckoning.set, reckoning.hash, reckoning.moment, &word);
    level = level_in(&reckoning, word);
    return level > reckoning.most ? (level - reckoning.most) * USEC_PER_SEC / UNITS_PER_SEC : 0;
}

void bucket_give_back(struct buckets *buckets, struct span name, const struct bucket_rule *rule, int64_t now)
{
    struct reckoning reckoning = reckon(buckets, name, rule, now);

    for (int try = 0; try < TRIES; try++) {
        uint64_t old = 0, word;
        _Atomic uint64_t *at = find_word(reckoning.set, reckoning.hash, reckoning.moment, &old);
        int64_t level = level_in(&reckoning, old) - reckoning.interval / FIXED;

        if (old >> 32 != reckoning.hash)
            return;
        word =
            level > 0 ? (uint64_t)reckoning.hash << 32 | (uint32_t)(reckoning.moment + (uint32_t)level) : 0;
        if (atomic_compare_exchange_strong(at, &old, word))
            return;
    }
}

void bucket_fill(struct buckets *buckets, struct span name)
{
    uint64_t full = hash_name(buckets->seed, name);
    uint32_t hash = (uint32_t)(full >> 32) ? (uint32_t)(full >> 32) : 1;
    _Atomic uint64_t *set = buckets->words[full % BUCKET_SETS];

    for (unsigned i = 0; i < BUCKET_PER_SET; i++) {
        uint64_t old = atomic_load(&set[i]);

        if (old >> 32 == hash)
            atomic_compare_exchange_strong(&set[i], &old, 0);
    }
}
