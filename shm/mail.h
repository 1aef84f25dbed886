/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0 and os/bell, os/log, os/loop: mail.h - letters between a process and the router.
 *
 * A post is a process's end of all its rings. Workers and the keeper have one peer, the router; the router
 * has them all. mail.tbl says which letter may go where, and is checked when sending (must: our fault) and
 * when receiving (the peer's fault: logged, and its ring cut). A large letter goes in pieces by itself. */
#ifndef STOA_SHM_MAIL_H
#define STOA_SHM_MAIL_H

#include "base/span.h"
#include "os/loop.h"
#include "shm/heritage.h"

enum letter_kind {
    LETTER_NONE,
#define LETTER(symbol, from, to, parts, meaning) LETTER_##symbol,
#include "shm/mail.tbl"
#undef LETTER
    LETTER_KINDS
};

#define LETTER_PARTS 6
#define LETTER_MOST  (1024 * 1024) /* bytes of all parts */

struct letter {
    enum letter_kind kind;
    uint64_t call; /* book-keeping number of who began the exchange; unique in that process's life */
    uint32_t number;
    unsigned count;
    struct span parts[LETTER_PARTS]; /* when received: valid until the callback returns */
};

struct post;

struct post_calls {
    void (*letter)(void *data, unsigned row, uint32_t generation, const struct letter *letter);
    /* From now on letters can be sent to that process; called before its first letter is given. */
    void (*joined)(void *data, unsigned row, uint32_t generation);
    /* It is gone; nothing more comes from it, every call that waits for it fails now. */
    void (*lost)(void *data, unsigned row, uint32_t generation);
};

/* Watches heritage->bell_fd[own row] in the loop; letters are given in the turn. A process that is ready to
 * hear its peers calls this once; its row becomes LIVE. */
struct post *post_new(const struct heritage *heritage, struct loop *loop, const struct post_calls *calls,
                      void *data);
void post_free(struct post **post);
/* true: it will arrive or the peer will be lost. false: no such peer now, or more than POST_QUEUE_BYTES wait
 * for it: fail the request with PROBLEM_unavailable. Never waits. */
bool post_send(struct post *post, unsigned row, uint32_t generation, const struct letter *letter);
#define POST_QUEUE_BYTES (4 * 1024 * 1024)
/* Whether every letter that was sent lies in its ring: the other end reads it even after our death. */
bool post_idle(const struct post *post);

/* Master, when the router was reaped and whenever another dies before the next is born: what the router would
 * have done for the rows that are DEAD. They are FREE then. */
void post_clean_dead_rows(struct segment *segment);

const char *letter_name(enum letter_kind kind);

#endif
