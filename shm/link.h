/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: link.h - how each component stream stands, for status, readiness and 503s.
 *
 * Written by the router only; text fields under a sequence counter (odd: being written; readers look again).
 */
#ifndef STOA_SHM_LINK_H
#define STOA_SHM_LINK_H

#include "base/span.h"

#include <stdatomic.h>
#include <stdint.h>

#define LINKS_MOST     32
#define LINK_NAME_SIZE 256
#define LINK_WORD_SIZE 200

enum link_state { LINK_UNUSED, LINK_DOWN, LINK_CONNECTING, LINK_UP };

struct link {
    _Atomic uint32_t sequence;
    _Atomic uint32_t state; /* enum link_state */
    _Atomic int64_t
        since; /* clock_wall: when it came up, or ceased to be up; tries to connect do not count */
    _Atomic uint64_t stanzas_in, stanzas_out;
    char name[LINK_NAME_SIZE];    /* component JID */
    char trouble[LINK_WORD_SIZE]; /* why it is down, a sentence; empty when up */
};

struct links {
    struct link links[LINKS_MOST];
};

struct link_view {
    enum link_state state;
    int64_t since;
    uint64_t stanzas_in, stanzas_out;
    char name[LINK_NAME_SIZE], trouble[LINK_WORD_SIZE];
};

void link_write(struct link *link, enum link_state state, struct span name, const char *trouble);
void link_read(const struct link *link, struct link_view *view_r);
const char *link_state_name(enum link_state state);

#endif
