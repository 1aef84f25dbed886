/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0, os/bell, os/log, os/loop: peer.h - one post's end of one pair of rings; for post.c alone.
 *
 * Knows rings, queues and pieces of letters; nothing of the board: who is a peer and since when is post.c's.
 */
#ifndef STOA_SHM_PEER_H
#define STOA_SHM_PEER_H

#include "shm/letter.h"
#include "shm/ring.h"

struct peer {
    enum process_kind kind;
    uint32_t generation; /* of the process at the other end, while joined */
    uint32_t cut;        /* the generation that was cut off, for it never joins again; 0: none */
    int bell_fd;         /* borrowed; wakes the other end */
    bool joined;
    bool unrung; /* letters went into out since its bell was looked at */
    struct ring_writer out;
    struct ring_reader in;
    struct buf waiting; /* letters that did not fit into out: each a uint32_t size and its bytes */
    size_t begun;       /* offset of the first of them in waiting */
    size_t sent;        /* bytes of that one that are in the ring already */
    struct buf partial; /* a letter whose pieces are not all here, or the one that was told last */
    bool told;          /* the latter */
};

void peer_open(struct peer *peer, struct ring *out, struct ring *in, uint32_t generation);
void peer_close(struct peer *peer); /* forgets all that waits */

/* false: more than POST_QUEUE_BYTES would wait. */
bool peer_send(struct peer *peer, const struct letter *letter);
/* Rings the other end's bell if it sleeps and was sent something: once for all letters of a turn. */
void peer_wake(struct peer *peer);
/* Moves what waits into the ring, as far as there is room. */
void peer_pump(struct peer *peer);
/* RING_TAKEN: *letter_r was told by a process of that kind to one of kind own; its parts are good until the
 * next call. */
enum ring_verdict peer_take(struct peer *peer, enum process_kind own, struct letter *letter_r);
/* Tells a sender that waited for room, after peer_takes. */
void peer_feed(struct peer *peer);
bool peer_has_work(struct peer *peer); /* letters came, or room for those that wait */

#endif
