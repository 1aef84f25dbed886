/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: arena.h - memory and other things that die together, with one call.
 *
 * One arena per request, stanza or configuration. Not for threads: an arena belongs to one. Allocation cannot
 * fail (the process ends instead, see must.h): callers bound what strangers can make them store. */
#ifndef STOA_BASE_ARENA_H
#define STOA_BASE_ARENA_H

#include "base/span.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena **arena); /* runs the on_free calls, last first; sets *arena to NULL */
void arena_reset(struct arena *arena); /* as arena_free, but keeps one block for the next use */

void *arena_alloc(struct arena *arena, size_t size);            /* zeroed, aligned to 16 bytes */
struct span arena_copy(struct arena *arena, struct span bytes); /* the copy has a NUL behind it */
char *arena_text(struct arena *arena, struct span bytes);       /* the same as a C string */
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
size_t arena_bytes(const struct arena *arena); /* handed out since the last reset */

#define arena_make(arena, type) ((type *)arena_alloc((arena), sizeof(type)))

/* Ties what is not memory (a descriptor, a timer) to the arena the moment it exists. */
void arena_on_free(struct arena *arena, void (*call)(void *data), void *data);

#endif
