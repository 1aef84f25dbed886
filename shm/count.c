/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: count.c - see count.h. */
#include "shm/count.h"

static _Atomic uint64_t private_values[COUNTS]; /* before count_attach: counted, never read */
static _Atomic uint64_t *own = private_values;

static const struct {
    const char *name, *unit, *help;
} facts[COUNTS] = {
#define COUNT(symbol, unit, help) { #symbol, unit, help },
#include "shm/count.tbl"
#undef COUNT
};

void count_attach(struct counts *counts, unsigned row)
{
    own = counts->rows[row].value;
}

/* An addition all the same, not a load and a store: disk threads may count too. */
void count_add(enum count count, uint64_t more)
{
    atomic_fetch_add_explicit(&own[count], more, memory_order_relaxed);
}

uint64_t count_sum(const struct counts *counts, enum count count)
{
    uint64_t sum = 0;

    for (unsigned row = 0; row < BOARD_ROWS; row++)
        sum += atomic_load_explicit(&counts->rows[row].value[count], memory_order_relaxed);
    return sum;
}

const char *count_name(enum count count)
{
    return facts[count].name;
}

const char *count_unit(enum count count)
{
    return facts[count].unit;
}

const char *count_help(enum count count)
{
    return facts[count].help;
}
