/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: tracker.h - whose doings are written to a file of their own, for an operator who looks for
 * a fault: lost when the daemon ends, as it is meant for a while.
 *
 * Written by the keeper only, each row under a sequence counter (odd: being written); read by workers and the
 * router for each request and stanza, which costs one load while nobody is tracked. */
#ifndef STOA_SHM_TRACKER_H
#define STOA_SHM_TRACKER_H

#include "base/span.h"

#include <stdatomic.h>
#include <stdint.h>

#define TRACKED_MOST    16
#define TRACK_JID_SIZE  3072 /* a full JID is 3071 bytes at most */
#define TRACK_FILE_SIZE 65

struct tracked {
    _Atomic uint32_t sequence;
    _Atomic uint32_t used;
    _Atomic int64_t since;      /* clock_wall */
    char jid[TRACK_JID_SIZE];   /* bare: all its resources */
    char file[TRACK_FILE_SIZE]; /* without .0 */
};

struct trackers {
    _Atomic uint32_t count;
    struct tracked rows[TRACKED_MOST];
};

struct tracked_view {
    int64_t since;
    char jid[TRACK_JID_SIZE], file[TRACK_FILE_SIZE];
};

static inline bool trackers_any(const struct trackers *trackers)
{
    return atomic_load_explicit(&trackers->count, memory_order_relaxed) != 0;
}

/* Letters, digits, dots, hyphens and underscores, not beginning with a dot; not one of the logs' own names.
 */
bool tracker_is_file(struct span name);
bool tracker_read(const struct trackers *trackers, unsigned row,
                  struct tracked_view *view_r); /* false: free */
/* Whether what jid does (full or bare) belongs into that row. */
bool tracker_fits(const struct tracked_view *view, struct span jid);

/* In the keeper. add: -1: no room, or the file or the JID is taken. */
int tracker_add(struct trackers *trackers, struct span jid, struct span file);
bool tracker_remove(struct trackers *trackers, struct span jid);

#endif
