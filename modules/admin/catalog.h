/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: catalog.h - the commands that one user is offered: who has them, in which group, and who
 * did not answer. Filled by discover.c; remembered for a while, as a page for each click would otherwise ask
 * everybody again. */
#ifndef STOA_ADMIN_CATALOG_H
#define STOA_ADMIN_CATALOG_H

#include "base/arena.h"
#include "base/map.h"
#include "base/object.h"
#include "facts.h"
#include "parse/jid.h"
#include "parse/xml.h"

#include <stdint.h>

#define CATALOG_COMMANDS_MOST 2000
#define CATALOG_FAILURES_MOST 50

struct catalog_command { /* texts in the catalog's arena */
    struct span jid, node, name, group;
    const struct command_fact *fact;
};

struct catalog_failure {
    struct span jid;
    struct span why; /* a sentence without full stop, that begins after the JID */
};

struct catalog {
    OBJECT_MAGIC
    struct arena *arena;              /* owned; holds all below */
    struct catalog_command *commands; /* sorted by group, name and JID once it is closed */
    size_t count, room;
    bool is_cut; /* there were more than CATALOG_COMMANDS_MOST */
    struct catalog_failure failures[CATALOG_FAILURES_MOST];
    size_t failure_count;
    int64_t made; /* clock_mono */
};

struct catalog *catalog_new(void);
void catalog_free(struct catalog **catalog);

/* query: the answer to disco#items of the commands node of that JID, or its parent; takes the items in it.
 * What lies in another domain than the one that was asked is left out: nobody speaks for others. */
void catalog_take(struct catalog *catalog, struct jid asked, const struct xml_element *iq);
void catalog_fail(struct catalog *catalog, struct span jid, struct span why);
void catalog_close(struct catalog *catalog, int64_t now);

/* NULL: not among them. */
const struct catalog_command *catalog_find(const struct catalog *catalog, struct span jid, struct span node);
/* Whether each word of query is somewhere in its name, group, JID or node; ASCII letters in either case. */
bool catalog_matches(const struct catalog_command *command, struct span query);

/* ---- remembered, by user ---- */
struct catalog_cache;
struct catalog_cache *catalog_cache_new(void);
void catalog_cache_free(struct catalog_cache **cache);
/* Takes the catalog; what was there for that user is freed. */
void catalog_cache_put(struct catalog_cache *cache, struct span user, struct catalog *catalog);
/* Made no longer ago than age; NULL: none. Borrowed until the next turn. */
const struct catalog *catalog_cache_get(const struct catalog_cache *cache, struct span user, int64_t now,
                                        int64_t age);
void catalog_cache_drop(struct catalog_cache *cache, struct span user);

#endif
