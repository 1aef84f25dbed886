/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: buf.h - bytes that grow at the end and are eaten from the front.
 *
 * All zero is a good empty buf. Growth cannot fail (must.h): whoever fills it from strangers bounds it first.
 */
#ifndef STOA_BASE_BUF_H
#define STOA_BASE_BUF_H

#include "base/span.h"

struct buf {
    char *at;    /* owned; NULL before the first byte */
    size_t size; /* bytes in use */
    size_t room; /* bytes allocated */
};

void buf_free(struct buf *buf);                  /* leaves a good empty buf */
char *buf_reserve(struct buf *buf, size_t more); /* room for that many behind the last byte; where it is */
void buf_add(struct buf *buf, struct span bytes);
void buf_text(struct buf *buf, const char *text);
void buf_char(struct buf *buf, char c);
void buf_number(struct buf *buf, unsigned long long number);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_eat(struct buf *buf, size_t count); /* forgets the first bytes, moves the rest to the front */

static inline void buf_clear(struct buf *buf)
{
    buf->size = 0;
}

static inline struct span buf_span(const struct buf *buf)
{
    return span_make(buf->at, buf->size);
}

#endif
