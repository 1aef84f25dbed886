/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: keys_entry.h - one entry of api-keys in the configuration, taken apart. */
#ifndef STOA_REST_KEYS_ENTRY_H
#define STOA_REST_KEYS_ENTRY_H

#include "base/arena.h"

#define KEY_OPEN_ACCESS "open_access"

struct key_entry {
    struct span key;
    const char *const *hosts, *const *paths; /* NULL: none are named */
};

/* Texts are in arena. NULL when good, else what to write instead (static). Expressions are not looked at. */
const char *key_entry_parse(struct span text, struct arena *arena, struct key_entry *entry_r);

#endif
