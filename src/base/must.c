/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: must.c - see must.h. */
#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void must_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "stoa: %s:%d: must hold: %s\n", file, line, condition);
    abort();
}

void *must_alloc(unsigned long size)
{
    void *block = calloc(1, size ? size : 1);

    must(block != NULL);
    return block;
}

void *must_realloc(void *block, unsigned long size)
{
    void *moved = realloc(block, size ? size : 1);

    must(moved != NULL);
    return moved;
}

char *must_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = must_alloc(size);

    memcpy(copy, text, size);
    return copy;
}
