/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: ticket.c - see ticket.h.
 *
 * Only master writes, and no process outlives master; so a reader that finds the sequence odd waits for an
 * end that comes. A key leaves the segment when the next but one is made. */
#include "shm/ticket.h"

#include "base/random.h"

#include <sched.h>
#include <string.h>

void tickets_rotate(struct tickets *tickets)
{
    uint32_t odd = atomic_load_explicit(&tickets->sequence, memory_order_relaxed) | 1;
    struct ticket_key fresh;

    random_bytes(&fresh, sizeof(fresh));
    atomic_store_explicit(&tickets->sequence, odd, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    memmove(&tickets->keys[1], &tickets->keys[0], sizeof(fresh) * (TICKET_KEYS - 1));
    tickets->keys[0] = fresh;
    atomic_store_explicit(&tickets->sequence, odd + 1, memory_order_release);
    explicit_bzero(&fresh, sizeof(fresh));
}

static void read_keys(const struct tickets *tickets, struct ticket_key keys_r[TICKET_KEYS])
{
    for (;;) {
        uint32_t before = atomic_load_explicit(&tickets->sequence, memory_order_acquire);

        memcpy(keys_r, tickets->keys, sizeof(tickets->keys));
        atomic_thread_fence(memory_order_acquire);
        if (before % 2 == 0 && atomic_load_explicit(&tickets->sequence, memory_order_relaxed) == before)
            return;
        sched_yield();
    }
}

void tickets_newest(const struct tickets *tickets, struct ticket_key *key_r)
{
    struct ticket_key keys[TICKET_KEYS];

    read_keys(tickets, keys);
    *key_r = keys[0];
    explicit_bzero(keys, sizeof(keys));
}

bool tickets_find(const struct tickets *tickets, const unsigned char name[16], struct ticket_key *key_r,
                  bool *newest_r)
{
    struct ticket_key keys[TICKET_KEYS];
    bool found = false;

    read_keys(tickets, keys);
    for (int i = 0; i < TICKET_KEYS && !found; i++) {
        if (memcmp(keys[i].name, name, sizeof(keys[i].name)) != 0)
            continue;
        *key_r = keys[i];
        *newest_r = i == 0;
        found = true;
    }
    explicit_bzero(keys, sizeof(keys));
    return found;
}
