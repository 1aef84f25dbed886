/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: link.c - see link.h.
 *
 * The router may be killed between the two stores to sequence. Its successor makes it odd again and then
 * even; until then a reader gives up after some looks and says what it has, cut to whole texts. */
#include "shm/link.h"

#include "base/clock.h"

#include <sched.h>

#define LOOKS 100

static void copy_text(char *into, size_t size, struct span text)
{
    text = span_head(text, size - 1);
    if (text.size)
        memcpy(into, text.at, text.size);
    memset(into + text.size, 0, size - text.size);
}

void link_write(struct link *link, enum link_state state, struct span name, const char *trouble)
{
    uint32_t odd = atomic_load_explicit(&link->sequence, memory_order_relaxed) | 1, before;

    atomic_store_explicit(&link->sequence, odd, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    copy_text(link->name, sizeof(link->name), name);
    copy_text(link->trouble, sizeof(link->trouble), span_of(trouble));
    before = atomic_load_explicit(&link->state, memory_order_relaxed);
    if (before == LINK_UNUSED || (before == LINK_UP) != (state == LINK_UP))
        atomic_store_explicit(&link->since, clock_wall(), memory_order_relaxed);
    atomic_store_explicit(&link->state, state, memory_order_relaxed);
    atomic_store_explicit(&link->sequence, odd + 1, memory_order_release);
}

static bool read_once(const struct link *link, struct link_view *view_r)
{
    uint32_t before = atomic_load_explicit(&link->sequence, memory_order_acquire);

    view_r->state = atomic_load_explicit(&link->state, memory_order_relaxed);
    view_r->since = atomic_load_explicit(&link->since, memory_order_relaxed);
    memcpy(view_r->name, link->name, sizeof(view_r->name));
    memcpy(view_r->trouble, link->trouble, sizeof(view_r->trouble));
    atomic_thread_fence(memory_order_acquire);
    return before % 2 == 0 && atomic_load_explicit(&link->sequence, memory_order_relaxed) == before;
}

void link_read(const struct link *link, struct link_view *view_r)
{
    for (int look = 0; look < LOOKS && !read_once(link, view_r); look++)
        sched_yield();
    view_r->stanzas_in = atomic_load_explicit(&link->stanzas_in, memory_order_relaxed);
    view_r->stanzas_out = atomic_load_explicit(&link->stanzas_out, memory_order_relaxed);
    view_r->name[sizeof(view_r->name) - 1] = '\0';
    view_r->trouble[sizeof(view_r->trouble) - 1] = '\0';
}

const char *link_state_name(enum link_state state)
{
    static const char *const names[] = {
        [LINK_UNUSED] = "unused",
        [LINK_DOWN] = "down",
        [LINK_CONNECTING] = "connecting",
        [LINK_UP] = "up",
    };

    return (unsigned)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}
