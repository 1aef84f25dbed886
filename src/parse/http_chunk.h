/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: http_chunk.h - the chunked transfer coding, decoded in place as it arrives (RFC 9112 7.1).
 *
 * Extensions and trailers are checked, bounded and dropped. Line ends are CRLF and nothing else. */
#ifndef STOA_PARSE_HTTP_CHUNK_H
#define STOA_PARSE_HTTP_CHUNK_H

#include "base/span.h"
#include "parse/verdict.h"

#include <stdint.h>

#define HTTP_CHUNK_DIGITS_MOST    16   /* hex digits of a size: 64 bits */
#define HTTP_CHUNK_EXTENSION_MOST 8192 /* bytes of all extensions of one body: they are pure overhead */
#define HTTP_CHUNK_TRAILER_MOST   8192 /* bytes of the trailer section */

enum http_chunk_state {
    HTTP_CHUNK_SIZE,          /* a size is due, or some of its digits are read */
    HTTP_CHUNK_BLANK,         /* blanks after the size: only ';' or more blanks may follow */
    HTTP_CHUNK_EXTENSION,     /* inside the extensions of a size line */
    HTTP_CHUNK_SIZE_LF,       /* CR of a size line read */
    HTTP_CHUNK_DATA,          /* left bytes of data are to come */
    HTTP_CHUNK_DATA_CR,       /* data complete, its CR is due */
    HTTP_CHUNK_DATA_LF,       /* and its LF */
    HTTP_CHUNK_TRAILER,       /* at the start of a trailer line, or of the last, empty one */
    HTTP_CHUNK_TRAILER_NAME,  /* inside a trailer field's name */
    HTTP_CHUNK_TRAILER_VALUE, /* behind its colon */
    HTTP_CHUNK_TRAILER_LF,    /* CR of a trailer line read */
    HTTP_CHUNK_END_LF,        /* CR of the last line read */
    HTTP_CHUNK_END,           /* all read */
    HTTP_CHUNK_BROKEN,        /* PARSE_BAD was given and will be for ever */
};

/* All zero is a decoder that waits for the first chunk. Nothing to free. */
struct http_chunk {
    enum http_chunk_state state;
    unsigned digits;     /* hex digits of the present size so far */
    uint64_t left;       /* bytes of the present chunk still to come; while digits are read: the size */
    uint64_t total;      /* data bytes given out so far */
    uint32_t extensions; /* bytes of extensions so far */
    uint32_t trailers;   /* bytes of trailer lines so far */
    bool finished;       /* the whole body was read; *in then stands at the byte behind it */
};

/* Eats from the front of *in.
 * PARSE_DONE with data_r->size > 0: that data (a span into *in's bytes); call again.
 * PARSE_DONE with data_r->size == 0: the end, chunk->finished is set.
 * PARSE_MORE: *in is used up (and empty), come back with more.
 * PARSE_BAD: malformed, or over a bound: answer 400 and close. */
enum verdict http_chunk_next(struct http_chunk *chunk, struct span *in, struct span *data_r);

#endif
