/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: letter.h - a letter as bytes, and what mail.tbl allows; for post.c alone. */
#ifndef STOA_SHM_LETTER_H
#define STOA_SHM_LETTER_H

#include "shm/mail.h"

/* The same machine and the same program on both ends: no byte order, no versions. */
struct letter_head {
    uint32_t kind, number;
    uint64_t call;
    uint32_t count, sizes[LETTER_PARTS];
    uint32_t unused; /* 0 */
};

/* Whether the table lets a process of kind from send it to one of kind to, with that many parts. */
bool letter_allowed(const struct letter *letter, enum process_kind from, enum process_kind to);
size_t letter_size(const struct letter *letter); /* as bytes, head included; parts are borrowed, not copied */
void letter_make_head(const struct letter *letter, struct letter_head *head_r);
/* The parts point into bytes. false: not a letter. */
bool letter_open(struct span bytes, struct letter *letter_r);

#endif
