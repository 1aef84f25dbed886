/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: segment.h - the one piece of memory that all processes share: a sealed memfd, mapped by
 * master before any fork, at the same address everywhere; stoactl maps it read-only by the descriptor that
 * master hands out. Holds no pointer. */
#ifndef STOA_SHM_SEGMENT_H
#define STOA_SHM_SEGMENT_H

#include "shm/address_count.h"
#include "shm/auth_cache.h"
#include "shm/board.h"
#include "shm/bucket.h"
#include "shm/claim.h"
#include "shm/complaints.h"
#include "shm/count.h"
#include "shm/histogram.h"
#include "shm/history.h"
#include "shm/link.h"
#include "shm/login_gate.h"
#include "shm/once.h"
#include "shm/ring.h"
#include "shm/route_book.h"
#include "shm/ticket.h"
#include "shm/tracker.h"
#include "shm/web_session.h"

#define SEGMENT_MAGIC 0x73746f61u

struct segment {
    uint32_t magic, version; /* version: sizeof(struct segment) folded; stoactl refuses another */
    struct board board;
    struct counts counts;
    struct histogram
        durations; /* of HTTP requests, from the first byte of the head to the last of the reply */
    struct history history;
    struct complaints complaints;
    struct buckets buckets; /* policy of modules, by name: "put/192.0.2.1" */
    struct claims claims;
    struct links links;
    struct tickets tickets;
    struct address_counts addresses;
    struct auth_cache auth;
    struct login_gate logins;
    struct trackers trackers;
    struct web_sessions web_sessions;
    struct once once;
    struct route_book routes;
    struct ring_pair rings[BOARD_ROWS]; /* [row]: between that row and the router; [ROW_ROUTER] unused */
};

/* Creates, maps and seeds; *fd_r is the memfd. Untouched pages cost nothing. NULL with errno. */
struct segment *segment_create(int *fd_r);
/* Read-only view for stoactl; NULL with errno (EPROTO: another version). */
const struct segment *segment_view(int fd);

#endif
