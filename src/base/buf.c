/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: buf.c - see buf.h. */
#include "base/buf.h"

#include "base/must.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define LEAST_ROOM 256

void buf_free(struct buf *buf)
{
    free(buf->at);
    *buf = (struct buf){ 0 };
}

char *buf_reserve(struct buf *buf, size_t more)
{
    must(more < SIZE_MAX / 4);
    if (buf->room - buf->size < more) {
        size_t room = buf->room ? buf->room : LEAST_ROOM;

        while (room - buf->size < more)
            room *= 2;
        buf->at = must_realloc(buf->at, room);
        buf->room = room;
    }
    return buf->at + buf->size;
}

void buf_add(struct buf *buf, struct span bytes)
{
    if (bytes.size == 0)
        return;
    memcpy(buf_reserve(buf, bytes.size), bytes.at, bytes.size);
    buf->size += bytes.size;
}

void buf_text(struct buf *buf, const char *text)
{
    buf_add(buf, span_of(text));
}

void buf_char(struct buf *buf, char c)
{
    *buf_reserve(buf, 1) = c;
    buf->size++;
}

void buf_number(struct buf *buf, unsigned long long number)
{
    char digits[24];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    buf_add(buf, span_make(digits + at, sizeof(digits) - at));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    must(size >= 0);
    buf_reserve(buf, (size_t)size + 1);
    va_start(args, format);
    vsnprintf(buf->at + buf->size, (size_t)size + 1, format, args);
    va_end(args);
    buf->size += (size_t)size;
}

void buf_eat(struct buf *buf, size_t count)
{
    must(count <= buf->size);
    buf->size -= count;
    if (buf->size && count)
        memmove(buf->at, buf->at + count, buf->size);
}
