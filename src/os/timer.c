/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: timer.c - see timer.h. */
#include "os/timer.h"

static unsigned index_of(int64_t slot)
{
    return (unsigned)(slot % WHEEL_SLOTS);
}

void wheel_init(struct wheel *wheel, int64_t now)
{
    wheel->next = now / WHEEL_SLOT_USEC;
    for (unsigned i = 0; i < WHEEL_SLOTS; i++)
        list_init(&wheel->slots[i]);
}

void wheel_put(struct wheel *wheel, struct timer *timer)
{
    int64_t slot = timer->deadline / WHEEL_SLOT_USEC;
    unsigned index;

    if (slot < wheel->next)
        slot = wheel->next;
    if (slot >= wheel->next + WHEEL_SLOTS)
        slot = wheel->next + WHEEL_SLOTS - 1;
    index = index_of(slot);
    list_remove(&timer->node);
    list_append(&wheel->slots[index], &timer->node);
    wheel->used[index / 64] |= UINT64_C(1) << (index % 64);
    timer->slot_time = slot * WHEEL_SLOT_USEC;
}

static void move_all(struct list *from, struct list *to)
{
    struct list *node;

    while ((node = list_take(from)))
        list_append(to, node);
}

/* Out of the wheel first, then called: a timer that is set again by a call lands in a slot that is not over,
 * so a turn always ends; one that is stopped by a call leaves the list of the due. */
void wheel_turn(struct wheel *wheel, int64_t now)
{
    int64_t end = now / WHEEL_SLOT_USEC; /* this slot is not over */
    int64_t slot = wheel->next;
    struct list due, *node;

    if (slot >= end)
        return;
    list_init(&due);
    if (end - slot > WHEEL_SLOTS)
        slot = end - WHEEL_SLOTS; /* we slept for more than a round: each slot once is all of them */
    for (; slot < end; slot++) {
        unsigned index = index_of(slot);
        uint64_t bit = UINT64_C(1) << (index % 64);

        if (wheel->used[index / 64] & bit) {
            wheel->used[index / 64] &= ~bit;
            move_all(&wheel->slots[index], &due);
        }
    }
    wheel->next = end;
    while ((node = list_take(&due))) {
        struct timer *timer = LIST_OF(node, struct timer, node);

        if (timer->deadline > now) {
            wheel_put(wheel, timer);
            continue;
        }
        timer->deadline = INT64_MAX;
        timer->call(timer);
    }
}

int64_t wheel_next(struct wheel *wheel)
{
    for (int64_t slot = wheel->next; slot < wheel->next + WHEEL_SLOTS;) {
        unsigned index = index_of(slot);
        uint64_t word = wheel->used[index / 64] >> (index % 64);

        if (word == 0) {
            slot += 64 - index % 64;
            continue;
        }
        slot += __builtin_ctzll(word);
        if (slot >= wheel->next + WHEEL_SLOTS)
            break;
        index = index_of(slot);
        if (!list_empty(&wheel->slots[index]))
            return (slot + 1) * WHEEL_SLOT_USEC;
        wheel->used[index / 64] &= ~(UINT64_C(1) << (index % 64)); /* its timers were stopped */
        slot++;
    }
    return INT64_MAX;
}

void timer_stop(struct timer *timer)
{
    list_remove(&timer->node);
    timer->deadline = INT64_MAX;
}
