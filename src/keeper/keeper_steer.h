/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 2 3 4 6: keeper_steer.h - the keeper's line to master, for what administrators ask of it. */
#ifndef STOA_KEEPER_KEEPER_STEER_H
#define STOA_KEEPER_KEEPER_STEER_H

#include "module/module.h"

/* fd: of heritage; -1: whoever asks is told that it cannot be done. */
void keeper_steer_start(struct loop *loop, int fd);
void keeper_steer_stop(void);
void keeper_steer(struct errand *errand); /* the row "steer" of the core's errands */

#endif
