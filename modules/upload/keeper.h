/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: keeper.h - the keeper's jobs at work. */
#ifndef STOA_UPLOAD_KEEPER_H
#define STOA_UPLOAD_KEEPER_H

#include "upload.h"

/* A run over all repositories, one batch after the other. */
struct sweeping {
    struct upload *upload; /* borrowed */
    struct slot_sweep sweep;
    struct slot_repository *repository; /* of the batch */
    size_t at;                          /* index of it */
    unsigned waits;                     /* answers that have not come yet */
    int64_t done, failed;               /* in this run */
    bool is_running;
};

struct orphan_search;

struct keeping {
    struct sweeping expired, unused, tombstones;
    struct orphan_search *orphans; /* owned */
};

int keeping_start(struct upload *upload);
/* Only when nothing is under way any more: after the upload's files and pool were closed. */
void keeping_end(struct keeping **keeping);

/* orphan.c */
struct orphan_search *orphan_search_new(struct upload *upload);
void orphan_search_free(struct orphan_search **search);
int64_t orphan_step(struct orphan_search *search); /* as keeper_job.step */

#endif
