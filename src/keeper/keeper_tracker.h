/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 2 3 4 6: keeper_tracker.h - the files of those who are tracked (shm/tracker.h). */
#ifndef STOA_KEEPER_KEEPER_TRACKER_H
#define STOA_KEEPER_KEEPER_TRACKER_H

#include "module/module.h"

void keeper_tracker_start(struct segment *segment, const char *folder); /* of the logs; borrowed */
void keeper_tracker_line(struct span file, struct span line);           /* of a letter */
void keeper_tracker(struct errand *errand); /* the row "track" of the core's errands */

#endif
