/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: text.h - characters: UTF-8, escaping by context, numbers and dates as text. */
#ifndef STOA_BASE_TEXT_H
#define STOA_BASE_TEXT_H

#include "base/buf.h"
#include "base/span.h"

#include <stdint.h>

bool text_is_utf8(struct span text); /* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF */
bool text_has_control(struct span text); /* U+0000..U+001F or U+007F */
/* Bytes of the good sequence at the front of a text that is not empty, 0 when there is none; *code_r is its
 * code point. */
size_t text_utf8_take(struct span text, uint32_t *code_r);

/* The first bytes, at most so many, cut at the end of a character. */
struct span text_head(struct span text, size_t most);
/* Escaping. Whatever is foreign goes through the one that fits where it lands. */
void text_add_xml(struct buf *out,
                  struct span text); /* & < > ' " as entities; what XML 1.0 forbids as U+FFFD */
void text_add_html(struct buf *out, struct span text); /* the same five, in text and quoted attributes */
void text_add_json(struct buf *out, struct span text); /* without the quotes; broken UTF-8 becomes U+FFFD */
void text_add_log(struct buf *out,
                  struct span text); /* printable ASCII and good UTF-8 stay; all else, " and \ as \xHH */

/* Decimal digits only, 1 to 19 of them; false: anything else, or too large. */
bool text_to_u64(struct span text, uint64_t *number_r);

#define HTTP_DATE_SIZE 30
void text_http_date(int64_t unix_seconds, char text_r[HTTP_DATE_SIZE]); /* RFC 9110 5.6.7 IMF-fixdate */
bool text_to_http_date(struct span text, int64_t *unix_seconds_r);      /* all three forms of 5.6.7 */

#define STAMP_SIZE 28
void text_stamp(int64_t usec, char text_r[STAMP_SIZE]); /* XEP-0082 DateTime: 2026-11-22T18:14:24Z */
bool text_to_stamp(struct span text, int64_t *usec_r);  /* with fraction and any offset */

#endif
