/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: object.h - a magic number for what crosses a void pointer.
 *
 * Put OBJECT_MAGIC first in the struct, OBJECT_BORN(p, name) where it is made, OBJECT_DEAD(p) where it ends,
 * and take it back with OBJECT(data, name): a freed or foreign pointer aborts at once. */
#ifndef STOA_BASE_OBJECT_H
#define STOA_BASE_OBJECT_H

#include "base/must.h"

#include <stdint.h>

#define OBJECT_MAGIC uint32_t object_magic;

/* Different for each name: a djb-like fold over its letters, computed by the compiler. */
#define OBJECT_CODE(name)                                                                                    \
    ((uint32_t)(sizeof(name) * 2654435761u + (uint32_t)(name)[0] * 40503u +                                  \
                (uint32_t)(name)[sizeof(name) / 2] * 69069u +                                                \
                (uint32_t)(name)[sizeof(name) - 2] * 1566083941u))

#define OBJECT_BORN(pointer, name) ((void)((pointer)->object_magic = OBJECT_CODE(#name)))
#define OBJECT_DEAD(pointer)       ((void)((pointer)->object_magic = 0xdeadbeefu))
#define OBJECT(data, name)         ((struct name *)object_checked((data), OBJECT_CODE(#name)))

/* Every object has its magic at offset 0. */
static inline void *object_checked(void *data, uint32_t code)
{
    must(data != 0 && *(const uint32_t *)data == code);
    return data;
}

#endif
