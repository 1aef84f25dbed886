/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0 and json-c: json.h - strict RFC 8259 text into json-c's objects, and back.
 *
 * json-c's own tokener takes the last of duplicate keys, NaN, comments and more: strangers' text is read by
 * our own reader, which builds the same objects. */
#ifndef STOA_PARSE_JSON_H
#define STOA_PARSE_JSON_H

#include "base/buf.h"
#include "base/span.h"

#include <json-c/json_object.h>
#include <stdint.h>

struct json_limits {
    size_t size_most;    /* bytes of the text */
    unsigned depth_most; /* levels of arrays and objects; <= 200 */
    unsigned items_most; /* values in all: what a small text of "[[],[],..." can make us allocate */
};

extern const struct json_limits json_limits_body; /* 64 KiB, 32 levels, 8192 values */

/* 1: *json_r is the value (NULL stands for JSON's null, as json-c has it); release with json_object_put().
 * 0: refused, *why_r is static text. Refused are: duplicate keys, bytes behind the value, bad UTF-8, lone
 * surrogates, U+0000, numbers beyond double's range, whatever RFC 8259 does not allow. Whole numbers become
 * int64 or uint64 where they fit, else double. */
int json_parse(struct span text, const struct json_limits *limits, struct json_object **json_r,
               const char **why_r);
/* The same; *at_r: how many bytes were read when it was refused. */
int json_parse_at(struct span text, const struct json_limits *limits, struct json_object **json_r,
                  const char **why_r, size_t *at_r);

/* Appends it as text; safe inside HTML too (R20): < > & and U+2028/9 are escaped. */
void json_write(struct buf *out, struct json_object *json);

/* Looking. A missing member, a wrong type or json == NULL: NULL, or false with *_r as it was. Borrowed. */
struct json_object *json_member(struct json_object *json, const char *name);
bool json_text(struct json_object *json, struct span *text_r);
bool json_whole(struct json_object *json, int64_t *number_r);

#endif
