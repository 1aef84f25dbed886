/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: http_chunk.c - see http_chunk.h. Framing goes byte by byte, data in one span. */
#include "parse/http_chunk.h"

#include "base/codec.h"
#include "parse/http_chars.h"

/* What may follow the digits of a size, or blanks behind them. */
static enum http_chunk_state behind_size(char c, bool blanks_seen)
{
    if (c == ';')
        return HTTP_CHUNK_EXTENSION;
    if (c == ' ' || c == '\t')
        return HTTP_CHUNK_BLANK;
    return c == '\r' && !blanks_seen ? HTTP_CHUNK_SIZE_LF : HTTP_CHUNK_BROKEN;
}

static enum http_chunk_state size_byte(struct http_chunk *chunk, char c)
{
    int digit = codec_hex_digit(c);

    if (digit < 0)
        return chunk->digits ? behind_size(c, false) : HTTP_CHUNK_BROKEN;
    if (++chunk->digits > HTTP_CHUNK_DIGITS_MOST)
        return HTTP_CHUNK_BROKEN;
    chunk->left = chunk->left << 4 | (uint64_t)digit;
    return HTTP_CHUNK_SIZE;
}

static enum http_chunk_state extension_byte(struct http_chunk *chunk, char c)
{
    if (c == '\r' && chunk->state == HTTP_CHUNK_EXTENSION)
        return HTTP_CHUNK_SIZE_LF;
    if (++chunk->extensions > HTTP_CHUNK_EXTENSION_MOST)
        return HTTP_CHUNK_BROKEN;
    if (chunk->state == HTTP_CHUNK_BLANK)
        return behind_size(c, true);
    return http_chars[(unsigned char)c] & HTTP_VALUE ? HTTP_CHUNK_EXTENSION : HTTP_CHUNK_BROKEN;
}

static enum http_chunk_state trailer_byte(struct http_chunk *chunk, char c)
{
    unsigned kinds = http_chars[(unsigned char)c];

    if (c == '\r' && chunk->state == HTTP_CHUNK_TRAILER)
        return HTTP_CHUNK_END_LF;
    if (++chunk->trailers > HTTP_CHUNK_TRAILER_MOST)
        return HTTP_CHUNK_BROKEN;
    if (chunk->state == HTTP_CHUNK_TRAILER_VALUE) {
        if (c == '\r')
            return HTTP_CHUNK_TRAILER_LF;
        return kinds & HTTP_VALUE ? HTTP_CHUNK_TRAILER_VALUE : HTTP_CHUNK_BROKEN;
    }
    if (c == ':' && chunk->state == HTTP_CHUNK_TRAILER_NAME)
        return HTTP_CHUNK_TRAILER_VALUE;
    return kinds & HTTP_TCHAR ? HTTP_CHUNK_TRAILER_NAME : HTTP_CHUNK_BROKEN;
}

/* The size line is complete: data follow, or behind a size of 0 the trailer section. */
static enum http_chunk_state size_done(struct http_chunk *chunk)
{
    chunk->digits = 0;
    if (chunk->left == 0)
        return HTTP_CHUNK_TRAILER;
    return chunk->left > UINT64_MAX - chunk->total ? HTTP_CHUNK_BROKEN : HTTP_CHUNK_DATA;
}

static enum http_chunk_state next_state(struct http_chunk *chunk, char c)
{
    switch (chunk->state) {
    case HTTP_CHUNK_SIZE:
        return size_byte(chunk, c);
    case HTTP_CHUNK_BLANK:
    case HTTP_CHUNK_EXTENSION:
        return extension_byte(chunk, c);
    case HTTP_CHUNK_SIZE_LF:
        return c == '\n' ? size_done(chunk) : HTTP_CHUNK_BROKEN;
    case HTTP_CHUNK_DATA_CR:
        return c == '\r' ? HTTP_CHUNK_DATA_LF : HTTP_CHUNK_BROKEN;
    case HTTP_CHUNK_DATA_LF:
        return c == '\n' ? HTTP_CHUNK_SIZE : HTTP_CHUNK_BROKEN;
    case HTTP_CHUNK_TRAILER:
    case HTTP_CHUNK_TRAILER_NAME:
    case HTTP_CHUNK_TRAILER_VALUE:
        return trailer_byte(chunk, c);
    case HTTP_CHUNK_TRAILER_LF:
        return c == '\n' ? HTTP_CHUNK_TRAILER : HTTP_CHUNK_BROKEN;
    case HTTP_CHUNK_END_LF:
        return c == '\n' ? HTTP_CHUNK_END : HTTP_CHUNK_BROKEN;
    case HTTP_CHUNK_DATA:
    case HTTP_CHUNK_END:
    case HTTP_CHUNK_BROKEN:
        break;
    }
    return HTTP_CHUNK_BROKEN;
}

static void take_data(struct http_chunk *chunk, struct span *in, struct span *data_r)
{
    size_t size = chunk->left < in->size ? (size_t)chunk->left : in->size;

    *data_r = span_head(*in, size);
    *in = span_from(*in, size);
    chunk->total += size;
    chunk->left -= size;
    if (chunk->left == 0)
        chunk->state = HTTP_CHUNK_DATA_CR;
}

enum verdict http_chunk_next(struct http_chunk *chunk, struct span *in, struct span *data_r)
{
    *data_r = span_make(in->at, 0);
    while (in->size > 0 && chunk->state != HTTP_CHUNK_END && chunk->state != HTTP_CHUNK_BROKEN) {
        if (chunk->state == HTTP_CHUNK_DATA) {
            take_data(chunk, in, data_r);
            return PARSE_DONE;
        }
        chunk->state = next_state(chunk, in->at[0]);
        *in = span_from(*in, 1);
    }
    if (chunk->state == HTTP_CHUNK_BROKEN)
        return PARSE_BAD;
    if (chunk->state != HTTP_CHUNK_END)
        return PARSE_MORE;
    chunk->finished = true;
    return PARSE_DONE;
}
