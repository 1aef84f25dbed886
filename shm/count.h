/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: count.h - counters in the segment: each process writes its own row, readers add the rows
 * up. */
#ifndef STOA_SHM_COUNT_H
#define STOA_SHM_COUNT_H

#include "shm/board.h"

enum count {
#define COUNT(symbol, unit, help) COUNT_##symbol,
#include "shm/count.tbl"
#undef COUNT
    COUNTS
};

/* value: added to by the row's living owner only (relaxed); kept when the process dies, so totals never fall.
 */
struct counts {
    struct {
        _Alignas(64) _Atomic uint64_t value[COUNTS];
    } rows[BOARD_ROWS];
};

/* Called once at birth; before it count_add goes to a private place, so that any code may count. */
void count_attach(struct counts *counts, unsigned row);
void count_add(enum count count, uint64_t more);

uint64_t count_sum(const struct counts *counts, enum count count);
const char *count_name(enum count count);
const char *count_unit(enum count count);
const char *count_help(enum count count);

#endif
