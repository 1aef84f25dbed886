/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: timer.h - the wheel behind loop.h's timers; for loop.c alone.
 *
 * A slot is a moment of 64 ms, the wheel holds the next 512 of them (about 33 s). A timer lies in the slot of
 * its deadline, or in the last one when that is farther off, or, if its deadline was moved later since, still
 * where it was: when a slot is over, whoever is not due is put where it belongs now. So the usual timer, an
 * idle time-out that every request moves and that never fires, costs one store. */
#ifndef STOA_OS_TIMER_H
#define STOA_OS_TIMER_H

#include "os/loop.h"

#define WHEEL_SLOTS     512
#define WHEEL_SLOT_USEC INT64_C(64000)

struct wheel {
    int64_t next; /* number of the first slot that is not over; slot n begins at n * 64 ms */
    uint64_t
        used[WHEEL_SLOTS / 64]; /* a bit per slot: may hold timers; set bits of empty slots are harmless */
    struct list slots[WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel, int64_t now);
void wheel_put(struct wheel *wheel, struct timer *timer);
void wheel_turn(struct wheel *wheel, int64_t now); /* calls all that are due */
/* The moment at which wheel_turn has something to look at; INT64_MAX: never. */
int64_t wheel_next(struct wheel *wheel);

#endif
