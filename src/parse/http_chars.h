/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: http_chars.h - which byte may stand where in HTTP and URIs: one table, one look. */
#ifndef STOA_PARSE_HTTP_CHARS_H
#define STOA_PARSE_HTTP_CHARS_H

#include "base/span.h"

enum {
    HTTP_TCHAR = 1,  /* token (RFC 9110 5.6.2) */
    HTTP_VALUE = 2,  /* field value: VCHAR, obs-text, SP, HTAB (5.5) */
    HTTP_TARGET = 4, /* request target: visible ASCII but # " < > (RFC 9112 3.2; browsers send { | } raw) */
    HTTP_HOST = 8,   /* host name: letters, digits, - . _ */
    HTTP_ETAG = 16,  /* entity-tag: VCHAR but ", and obs-text (RFC 9110 8.8.3) */
};

extern const unsigned char http_chars[256];

/* Bytes at the front that have the property. */
static inline size_t http_chars_span(struct span text, unsigned property)
{
    size_t n = 0;

    while (n < text.size && (http_chars[(unsigned char)text.at[n]] & property))
        n++;
    return n;
}

static inline bool http_chars_all(struct span text, unsigned property)
{
    return http_chars_span(text, property) == text.size;
}

#endif
