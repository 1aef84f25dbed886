/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: catalog.c - see catalog.h. */
#include "catalog.h"

#include "base/text.h"
#include "xmpp/ns.h"

#include <stdlib.h>

#define NODE_MOST  2048 /* bytes; a command with a longer one is left out */
#define NAME_MOST  200  /* a longer name is cut */
#define GROUP_MOST 64
#define USERS_MOST 64 /* whose catalogs are remembered; then the oldest goes */

struct catalog *catalog_new(void)
{
    struct arena *arena = arena_new();
    struct catalog *catalog = arena_make(arena, struct catalog);

    OBJECT_BORN(catalog, catalog);
    catalog->arena = arena;
    return catalog;
}

void catalog_free(struct catalog **catalog)
{
    struct arena *arena;

    if (*catalog == NULL)
        return;
    arena = OBJECT(*catalog, catalog)->arena;
    OBJECT_DEAD(*catalog);
    *catalog = NULL;
    arena_free(&arena);
}

/* ---- filling ---- */

static struct catalog_command *add(struct catalog *catalog)
{
    if (catalog->count == CATALOG_COMMANDS_MOST) {
        catalog->is_cut = true;
        return NULL;
    }
    if (catalog->count == catalog->room) {
        struct catalog_command *more;

        catalog->room = catalog->room ? 2 * catalog->room : 32;
        more = arena_alloc(catalog->arena, catalog->room * sizeof(*more));
        if (catalog->count > 0)
            memcpy(more, catalog->commands, catalog->count * sizeof(*more));
        catalog->commands = more;
    }
    return &catalog->commands[catalog->count++];
}

static void take_item(struct catalog *catalog, struct jid asked, const struct xml_element *item)
{
    struct span node = xml_attribute(item, "node"), name = span_trim(xml_attribute(item, "name"));
    struct span group = span_trim(xml_attribute(item, "group")), to = xml_attribute(item, "jid");
    struct catalog_command *command;
    struct jid jid = asked;

    if (node.size == 0 || node.size > NODE_MOST)
        return;
    if (to.size > 0 && (!jid_parse(catalog->arena, to, &jid) || !span_eq(jid.domain, asked.domain)))
        return;
    if (catalog_find(catalog, jid_text(catalog->arena, jid), node) != NULL)
        return;
    command = add(catalog);
    if (command == NULL)
        return;
    command->fact = fact_of(node);
    command->jid = jid_text(catalog->arena, jid);
    command->node = arena_copy(catalog->arena, node);
    command->name = arena_copy(catalog->arena, text_head(name.size > 0 ? name : node, NAME_MOST));
    command->group = arena_copy(catalog->arena, group.size > 0 ? text_head(group, GROUP_MOST)
                                                               : span_of(command->fact->group));
}

void catalog_take(struct catalog *catalog, struct jid asked, const struct xml_element *iq)
{
    const struct xml_element *query = xml_child(iq, NS_DISCO_ITEMS, "query");
    const struct xml_element *item = query ? xml_child(query, NS_DISCO_ITEMS, "item") : NULL;

    for (; item && !catalog->is_cut; item = xml_next(item, NS_DISCO_ITEMS, "item"))
        take_item(catalog, asked, item);
}

void catalog_fail(struct catalog *catalog, struct span jid, struct span why)
{
    struct catalog_failure *failure;

    if (catalog->failure_count == CATALOG_FAILURES_MOST)
        return;
    failure = &catalog->failures[catalog->failure_count++];
    failure->jid = arena_copy(catalog->arena, jid);
    failure->why = arena_copy(catalog->arena, why);
}

static int compare_nocase(struct span a, struct span b)
{
    size_t least = a.size < b.size ? a.size : b.size;
    int order = least ? strncasecmp(a.at, b.at, least) : 0;

    if (order == 0)
        order = (a.size > b.size) - (a.size < b.size);
    return order ? order : span_compare(a, b);
}

static int compare(const void *left, const void *right)
{
    const struct catalog_command *a = left, *b = right;
    int order = compare_nocase(a->group, b->group);

    if (order == 0)
        order = compare_nocase(a->name, b->name);
    if (order == 0)
        order = span_compare(a->jid, b->jid);
    return order ? order : span_compare(a->node, b->node);
}

void catalog_close(struct catalog *catalog, int64_t now)
{
    if (catalog->count > 1)
        qsort(catalog->commands, catalog->count, sizeof(*catalog->commands), compare);
    catalog->made = now;
}

/* ---- looking ---- */

const struct catalog_command *catalog_find(const struct catalog *catalog, struct span jid, struct span node)
{
    for (size_t i = 0; i < catalog->count; i++) {
        const struct catalog_command *command = &catalog->commands[i];

        if (span_eq(command->jid, jid) && span_eq(command->node, node))
            return command;
    }
    return NULL;
}

static bool holds(struct span text, struct span word)
{
    for (; text.size >= word.size; text = span_from(text, 1))
        if (span_eq_nocase(span_head(text, word.size), word))
            return true;
    return false;
}

bool catalog_matches(const struct catalog_command *command, struct span query)
{
    while (query.size > 0) {
        struct span word = span_cut(&query, ' ');

        if (word.size > 0 && !holds(command->name, word) && !holds(command->group, word) &&
            !holds(command->jid, word) && !holds(command->node, word))
            return false;
    }
    return true;
}

/* ---- remembered ---- */

struct catalog_cache {
    struct map *by_user; /* owned, with the catalogs in it */
};

struct catalog_cache *catalog_cache_new(void)
{
    struct catalog_cache *cache = must_alloc(sizeof(*cache));

    cache->by_user = map_new();
    return cache;
}

void catalog_cache_free(struct catalog_cache **cache)
{
    struct span user;
    size_t at = 0;
    void *value;

    while (map_next((*cache)->by_user, &at, &user, &value)) {
        struct catalog *catalog = value;

        catalog_free(&catalog);
    }
    map_free(&(*cache)->by_user);
    free(*cache);
    *cache = NULL;
}

static void drop_oldest(struct catalog_cache *cache)
{
    struct span user, oldest = { NULL, 0 };
    int64_t made = INT64_MAX;
    size_t at = 0;
    void *value;

    while (map_next(cache->by_user, &at, &user, &value)) {
        const struct catalog *catalog = value;

        if (catalog->made < made) {
            made = catalog->made;
            oldest = user;
        }
    }
    catalog_cache_drop(cache, oldest);
}

void catalog_cache_put(struct catalog_cache *cache, struct span user, struct catalog *catalog)
{
    catalog_cache_drop(cache, user);
    if (map_count(cache->by_user) == USERS_MOST)
        drop_oldest(cache);
    map_set(cache->by_user, user, catalog);
}

const struct catalog *catalog_cache_get(const struct catalog_cache *cache, struct span user, int64_t now,
                                        int64_t age)
{
    const struct catalog *catalog = map_get(cache->by_user, user);

    return catalog != NULL && now - catalog->made <= age ? catalog : NULL;
}

void catalog_cache_drop(struct catalog_cache *cache, struct span user)
{
    struct catalog *catalog = map_remove(cache->by_user, user);

    catalog_free(&catalog);
}
