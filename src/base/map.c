/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: map.c - see map.h. Linear probing; a removed entry leaves a mark until the next growth.
 */
#include "base/map.h"

#include "base/must.h"
#include "base/random.h"

#include <stdint.h>
#include <stdlib.h>

struct entry {
    char *key; /* owned; NULL: never used */
    size_t key_size;
    uint64_t hash;
    void *value; /* NULL with a key: removed */
};

struct map {
    struct entry *entries;   /* owned */
    size_t room, used, live; /* room is a power of two; used counts removed marks too */
    uint64_t seed;
};

/* A keyed multiply-and-mix hash: enough against chosen keys, as the seed never leaves the process. */
static uint64_t hash_of(const struct map *map, struct span key)
{
    uint64_t hash = map->seed ^ (key.size * 0x9e3779b97f4a7c15u);

    for (size_t i = 0; i < key.size; i++) {
        hash = (hash ^ (unsigned char)key.at[i]) * 0xff51afd7ed558ccdu;
        hash ^= hash >> 29;
    }
    hash *= 0xc4ceb9fe1a85ec53u;
    return hash ^ (hash >> 32);
}

struct map *map_new(void)
{
    struct map *map = must_alloc(sizeof(*map));

    random_bytes(&map->seed, sizeof(map->seed));
    map->room = 16;
    map->entries = must_alloc(map->room * sizeof(struct entry));
    return map;
}

void map_free(struct map **map)
{
    if (*map == NULL)
        return;
    for (size_t i = 0; i < (*map)->room; i++)
        free((*map)->entries[i].key);
    free((*map)->entries);
    free(*map);
    *map = NULL;
}

/* The entry of that key, or the never-used one where the search ended. */
static struct entry *entry_at(const struct map *map, struct span key, uint64_t hash)
{
    size_t at = hash & (map->room - 1);

    for (;; at = (at + 1) & (map->room - 1)) {
        struct entry *entry = &map->entries[at];

        if (entry->key == NULL)
            return entry;
        if (entry->hash == hash && span_eq(span_make(entry->key, entry->key_size), key))
            return entry;
    }
}

static void grow(struct map *map)
{
    struct entry *old = map->entries;
    size_t room = map->room;

    if (map->live * 2 >= map->room)
        map->room *= 2;
    map->entries = must_alloc(map->room * sizeof(struct entry));
    map->used = map->live;
    for (size_t i = 0; i < room; i++) {
        if (old[i].value)
            *entry_at(map, span_make(old[i].key, old[i].key_size), old[i].hash) = old[i];
        else
            free(old[i].key);
    }
    free(old);
}

void *map_get(const struct map *map, struct span key)
{
    struct entry *entry = entry_at(map, key, hash_of(map, key));

    return entry->key ? entry->value : NULL;
}

void *map_set(struct map *map, struct span key, void *value)
{
    uint64_t hash = hash_of(map, key);
    struct entry *entry;
    void *old;

    must(value != NULL);
    if ((map->used + 1) * 4 > map->room * 3)
        grow(map);
    entry = entry_at(map, key, hash);
    if (entry->key == NULL) {
        entry->key = must_alloc(key.size + 1);
        if (key.size)
            memcpy(entry->key, key.at, key.size);
        entry->key_size = key.size;
        entry->hash = hash;
        map->used++;
    }
    old = entry->value;
    if (old == NULL)
        map->live++;
    entry->value = value;
    return old;
}

void *map_remove(struct map *map, struct span key)
{
    struct entry *entry = entry_at(map, key, hash_of(map, key));
    void *old = entry->key ? entry->value : NULL;

    if (old) {
        entry->value = NULL;
        map->live--;
    }
    return old;
}

size_t map_count(const struct map *map)
{
    return map->live;
}

bool map_next(const struct map *map, size_t *at, struct span *key_r, void **value_r)
{
    for (; *at < map->room; (*at)++) {
        const struct entry *entry = &map->entries[*at];

        if (entry->value == NULL)
            continue;
        *key_r = span_make(entry->key, entry->key_size);
        *value_r = entry->value;
        (*at)++;
        return true;
    }
    return false;
}
