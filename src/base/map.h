/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: map.h - from bytes to a pointer. Keys are copied; values stay the caller's.
 *
 * Open addressing, seeded per process with random bytes so that strangers cannot choose collisions. */
#ifndef STOA_BASE_MAP_H
#define STOA_BASE_MAP_H

#include "base/span.h"

struct map;

struct map *map_new(void);
void map_free(struct map **map);                       /* values are not touched */
void *map_get(const struct map *map, struct span key); /* NULL when absent */
void *map_set(struct map *map, struct span key,
              void *value);                         /* value not NULL; returns the one it replaced */
void *map_remove(struct map *map, struct span key); /* returns what was there */
size_t map_count(const struct map *map);
/* Walk: start with *at = 0; false at the end. The map may not change meanwhile, except by map_remove of the
 * entry just given. */
bool map_next(const struct map *map, size_t *at, struct span *key_r, void **value_r);

#endif
