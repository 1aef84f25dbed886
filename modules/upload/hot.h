/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: hot.h - small files that were asked for lately, kept in a worker's memory.
 *
 * A stored file never changes, and each request still looks its record up first: so what lies here can
 * neither be stale nor outlive its slot. The least lately used goes first. */
#ifndef STOA_UPLOAD_HOT_H
#define STOA_UPLOAD_HOT_H

#include "slot.h"

#define HOT_FILE_MOST (64u * 1024) /* bytes; a larger file is sent by the kernel at no cost of ours */

struct hot;

/* most: bytes of all files together; 0: nothing is kept. */
struct hot *hot_new(int64_t most);
void hot_free(struct hot **hot);

/* The bytes of that slot's file, valid until the next call; .at NULL: not here. */
struct span hot_find(struct hot *hot, const struct slot *slot);
/* Reads them from fd, which stays the caller's; .at NULL: too large, or it cannot be read whole. */
struct span hot_keep(struct hot *hot, const struct slot *slot, int fd);
void hot_drop(struct hot *hot, const unsigned char id[SLOT_ID]);

#endif
