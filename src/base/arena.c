/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: arena.c - see arena.h. Blocks in a chain; the newest is carved from its front. */
#include "base/arena.h"

#include "base/must.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_BYTES 4000 /* with malloc's own words just under a page */
#define ALIGNMENT   16u

struct block {
    struct block *older;
    size_t used, room;
    _Alignas(ALIGNMENT) char bytes[];
};

struct cleanup {
    struct cleanup *older; /* in the same arena */
    void (*call)(void *data);
    void *data;
};

struct arena {
    struct block *newest; /* owned, with the chain below it */
    struct cleanup *cleanups;
    size_t bytes;
};

static struct block *block_new(size_t room)
{
    struct block *block = malloc(sizeof(*block) + room);

    must(block != NULL);
    block->older = NULL;
    block->used = 0;
    block->room = room;
    return block;
}

struct arena *arena_new(void)
{
    return must_alloc(sizeof(struct arena));
}

static void run_cleanups(struct arena *arena)
{
    while (arena->cleanups) {
        struct cleanup *cleanup = arena->cleanups;

        arena->cleanups = cleanup->older;
        cleanup->call(cleanup->data);
    }
}

void arena_reset(struct arena *arena)
{
    struct block *kept = NULL;

    run_cleanups(arena);
    while (arena->newest) {
        struct block *block = arena->newest;

        arena->newest = block->older;
        if (kept == NULL && block->room == BLOCK_BYTES)
            kept = block;
        else
            free(block);
    }
    if (kept) {
        kept->older = NULL;
        kept->used = 0;
    }
    arena->newest = kept;
    arena->bytes = 0;
}

void arena_free(struct arena **arena)
{
    struct arena *old = *arena;

    if (old == NULL)
        return;
    /* Before the bytes go: the pointer may itself lie in the arena, as the state of a request does. */
    *arena = NULL;
    arena_reset(old);
    free(old->newest);
    free(old);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct block *block = arena->newest;
    char *at;

    must(size < SIZE_MAX / 2);
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (block == NULL || block->room - block->used < size) {
        struct block *fresh = block_new(size > BLOCK_BYTES / 4 ? size : BLOCK_BYTES);

        if (block && fresh->room != BLOCK_BYTES) { /* a big one goes below: the newest keeps its room */
            fresh->older = block->older;
            block->older = fresh;
        } else {
            fresh->older = block;
            arena->newest = fresh;
        }
        block = fresh;
    }
    at = block->bytes + block->used;
    block->used += size;
    arena->bytes += size;
    return memset(at, 0, size);
}

struct span arena_copy(struct arena *arena, struct span bytes)
{
    char *at = arena_alloc(arena, bytes.size + 1);

    if (bytes.size)
        memcpy(at, bytes.at, bytes.size);
    return span_make(at, bytes.size);
}

char *arena_text(struct arena *arena, struct span bytes)
{
    char *at = arena_alloc(arena, bytes.size + 1);

    if (bytes.size)
        memcpy(at, bytes.at, bytes.size);
    return at;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    int size;
    char *at;

    va_start(args, format);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    must(size >= 0);
    at = arena_alloc(arena, (size_t)size + 1);
    va_start(args, format);
    vsnprintf(at, (size_t)size + 1, format, args);
    va_end(args);
    return at;
}

size_t arena_bytes(const struct arena *arena)
{
    return arena->bytes;
}

void arena_on_free(struct arena *arena, void (*call)(void *data), void *data)
{
    struct cleanup *cleanup = arena_make(arena, struct cleanup);

    cleanup->call = call;
    cleanup->data = data;
    cleanup->older = arena->cleanups;
    arena->cleanups = cleanup;
}
