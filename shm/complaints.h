/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0 and os/log: complaints.h - the last errors and warnings of all processes, for who asks how
 * things stand.
 *
 * Anybody may write at any moment and be killed at any moment, threads too: a digest over each entry tells a
 * whole one from a torn one, which readers pass over. A line that is there already is counted, not listed
 * again. */
#ifndef STOA_SHM_COMPLAINTS_H
#define STOA_SHM_COMPLAINTS_H

#include "base/span.h"

#include <stdatomic.h>
#include <stdint.h>

#define COMPLAINTS_MOST 64
#define COMPLAINT_KIND  16  /* bytes with NUL */
#define COMPLAINT_TEXT  240 /* bytes without; a longer line is cut between two characters */

struct complaint {       /* all but times and last stay as they were first written */
    int64_t first, last; /* clock_wall */
    uint32_t is_error;   /* else a warning */
    int32_t pid;
    uint64_t times;
    char kind[COMPLAINT_KIND]; /* "worker" */
    char text[COMPLAINT_TEXT + 8];
};

#define COMPLAINT_WORDS (sizeof(struct complaint) / sizeof(uint64_t))

struct complaints {
    uint64_t seed;         /* fixed before the first fork */
    _Atomic uint64_t next; /* numbers given out */
    struct complaint_slot {
        _Atomic uint64_t number; /* of the entry in words, from 1 on; 0: none, or being written */
        _Atomic uint64_t check;  /* digest of number and words */
        _Atomic uint64_t name;   /* digest of level, kind and text: who says the same again finds it */
        _Atomic uint64_t again;  /* low half of number above, times below: nobody counts another's */
        _Atomic int64_t last;
        _Atomic uint64_t words[COMPLAINT_WORDS];
    } slots[COMPLAINTS_MOST];
};

/* What the log of this process, and of those it forks, warns of goes there from now on. */
void complaints_attach(struct complaints *complaints);
void complaints_add(struct complaints *complaints, bool is_error, const char *kind, int pid, struct span text,
                    int64_t now);
/* Whole ones, the latest first; returns how many. */
size_t complaints_read(const struct complaints *complaints, struct complaint list_r[COMPLAINTS_MOST]);

#endif
