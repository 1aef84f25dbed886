/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: board.c - see board.h. */
#include "shm/board.h"

const char *board_kind_name(enum process_kind kind)
{
    static const char *const names[] = {
        [PROCESS_NONE] = "none",
#define PROCESS(kind, how_many, rows, reborn) [PROCESS_##kind] = #kind,
#include "shm/process.tbl"
#undef PROCESS
    };

    return (unsigned)kind < PROCESS_KINDS ? names[kind] : "unknown";
}

const char *board_state_name(enum row_state state)
{
    static const char *const names[] = {
        [ROW_FREE] = "free",         [ROW_STARTING] = "starting", [ROW_LIVE] = "live",
        [ROW_DRAINING] = "draining", [ROW_DEAD] = "dead",
    };

    return (unsigned)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

/* Master raises the generation before it says STARTING: a state between two equal generations is that one's.
 */
bool board_lives(const struct board *board, unsigned row, uint32_t generation)
{
    const struct board_row *at = &board->rows[row];
    uint32_t state;

    if (row >= BOARD_ROWS || atomic_load(&at->generation) != generation)
        return false;
    state = atomic_load(&at->state);
    return (state == ROW_STARTING || state == ROW_LIVE || state == ROW_DRAINING) &&
           atomic_load(&at->generation) == generation;
}

uint32_t board_born(struct board *board, unsigned row, enum process_kind kind)
{
    struct board_row *at = &board->rows[row];
    uint32_t generation = atomic_load(&at->generation) + 1;

    if (generation == 0)
        generation = 1;
    atomic_store(&at->kind, kind);
    atomic_store(&at->acknowledged, 0);
    atomic_store(&at->connections, 0);
    atomic_store(&at->busy, 0);
    atomic_store(&at->generation, generation);
    atomic_store(&at->state, ROW_STARTING);
    return generation;
}
