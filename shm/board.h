/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: board.h - a row per process: who lives, since when, how busy.
 *
 * Rows are given out by master and written by master and their owner as said field by field. Readers need no
 * lock: each field is one atomic, and whoever acts on a row first compares its generation. */
#ifndef STOA_SHM_BOARD_H
#define STOA_SHM_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BOARD_ROWS   66 /* router, keeper, and four generations of 16 workers */
#define ROW_ROUTER   0u
#define ROW_KEEPER   1u
#define ROW_WORKER_0 2u

enum process_kind {
    PROCESS_NONE,
#define PROCESS(kind, how_many, rows, reborn) PROCESS_##kind,
#include "shm/process.tbl"
#undef PROCESS
    PROCESS_KINDS
};

enum row_state {
    ROW_FREE,     /* nobody; its rings are clean; master may give it out */
    ROW_STARTING, /* forked, has not joined its peers yet */
    ROW_LIVE,     /* serves */
    ROW_DRAINING, /* takes nothing new, finishes what it has, then exits */
    ROW_DEAD,     /* reaped; its peer has not yet put the rings in order */
};

struct board_row {
    _Alignas(64) _Atomic uint32_t kind; /* enum process_kind; master, before the fork */
    _Atomic uint32_t state;      /* enum row_state; master, but STARTING->LIVE->DRAINING by its owner, and
                                  * DEAD->FREE      by the router while one lives */
    _Atomic uint32_t generation; /* +1 by master at each birth in this row; never 0 once used */
    _Atomic uint32_t conf_generation; /* which configuration it runs; master */
    _Atomic int32_t pid;              /* master, after the fork; 0 when nobody */
    _Atomic uint32_t acknowledged; /* generation of the peer for which the rings are in order; see post.c */
    _Atomic int64_t born;          /* clock_wall; master */
    _Atomic int64_t beat;          /* clock_mono of its loop's last turn; owner, at most once in 100 ms */
    _Atomic uint32_t connections;  /* open HTTP connections; owner */
    _Atomic uint32_t busy;         /* calls and IQs in hand: the router picks the least; owner */
};

struct board {
    _Atomic uint32_t conf_generation; /* the newest; master */
    _Atomic uint32_t
        changes; /* +1 by whoever changed a row's state, generation or acknowledged; then bells */
    _Atomic int32_t master_pid;
    _Atomic int64_t started;  /* clock_wall of master's start */
    _Atomic int64_t reloaded; /* clock_wall of the last good reload; 0: none */
    struct board_row rows[BOARD_ROWS];
};

const char *board_kind_name(enum process_kind kind);
const char *board_state_name(enum row_state state);

/* Whether that very process (not a later one in the same row) is there: STARTING, LIVE or DRAINING. */
bool board_lives(const struct board *board, unsigned row, uint32_t generation);

/* Master, just before it forks into a row that is FREE (or the router's, DEAD): fills the row, STARTING, and
 * gives its new generation. The order of the stores is what board_lives and post.c rely on. */
uint32_t board_born(struct board *board, unsigned row, enum process_kind kind);

#endif
