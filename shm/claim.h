/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: claim.h - who fills which slot just now: one PUT at a time per slot, over all workers.
 *
 * A claim means something only while its owner lives: it names row and generation, so a dead worker's claims
 * are void by themselves and nothing has to be given back. See shm/README.md for why two racers cannot both
 * win. */
#ifndef STOA_SHM_CLAIM_H
#define STOA_SHM_CLAIM_H

#include "shm/board.h"

#define CLAIM_BUCKETS    1024
#define CLAIM_PER_BUCKET 8 /* one cache line */

/* A word is 0, or 44 bits of the id's hash, 8 bits of row, 12 bits of generation. */
struct claims {
    _Alignas(64) _Atomic uint64_t words[CLAIM_BUCKETS][CLAIM_PER_BUCKET];
};

enum claim_verdict { CLAIM_WON, CLAIM_TAKEN, CLAIM_TABLE_FULL };

enum claim_verdict claim_take(struct claims *claims, const struct board *board, const unsigned char id[16],
                              unsigned row, uint32_t generation);
void claim_drop(struct claims *claims, const unsigned char id[16], unsigned row, uint32_t generation);
/* Whether a living process fills it. */
bool claim_held(const struct claims *claims, const struct board *board, const unsigned char id[16]);

#endif
