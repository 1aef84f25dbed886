/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0: disposition.c - the one writer of Content-Disposition (RFC 6266, RFC 8187). */
#include "http/inside.h"

#include "base/codec.h"
#include "base/text.h"

/* What old clients get: printable ASCII without the characters that they read in different ways ('%' and '\'
 * among them, RFC 6266 appendix D); every other character, of one byte or four, becomes one '_'. */
static void add_fallback(struct buf *out, struct span filename)
{
    for (size_t i = 0; i < filename.size; i++) {
        unsigned char c = (unsigned char)filename.at[i];

        if ((c & 0xc0) == 0x80)
            continue; /* its first byte was written */
        if (c < 0x20 || c > 0x7e || strchr("\"\\%/;", c))
            buf_char(out, '_');
        else
            buf_char(out, (char)c);
    }
}

/* Broken UTF-8 would make the whole parameter worthless: such bytes become '_'. */
static void add_extended(struct buf *out, struct span filename)
{
    if (text_is_utf8(filename)) {
        codec_percent(out, filename, "!#$&+^`|"); /* attr-char of RFC 8187 3.2.1 */
        return;
    }
    for (size_t i = 0; i < filename.size; i++) {
        bool plain = (unsigned char)filename.at[i] < 0x80;

        codec_percent(out, plain ? span_make(filename.at + i, 1) : SPAN("_"), "!#$&+^`|");
    }
}

void reply_disposition(struct http_request *request, bool is_inline, struct span filename)
{
    struct buf value = { 0 };

    buf_text(&value, is_inline ? "inline; filename=\"" : "attachment; filename=\"");
    add_fallback(&value, filename);
    buf_text(&value, "\"; filename*=UTF-8''");
    add_extended(&value, filename);
    reply_field(request, "Content-Disposition", buf_span(&value));
    buf_free(&value);
}
