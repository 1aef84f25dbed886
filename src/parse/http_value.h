/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: http_value.h - what stands in field values: lists, ranges, validators, media types,
 * credentials, forwarding (RFC 9110, RFC 7239, RFC 7617).
 *
 * Spans given back point into the value that was parsed. Nothing here allocates, but where a buf is asked
 * for. */
#ifndef STOA_PARSE_HTTP_VALUE_H
#define STOA_PARSE_HTTP_VALUE_H

#include "base/buf.h"
#include "base/span.h"
#include "parse/ip.h"

#include <stdint.h>

/* --- words and lists (RFC 9110 5.6) --- */

bool http_is_token(struct span text); /* 5.6.2; the empty text is none */

/* Appends what a quoted-string (with its quotes) means. false: it is none; out is as before. */
bool http_quoted_decode(struct span text, struct buf *out);
/* Appends text as a quoted-string, quotes and all, " and \ escaped. false: a control character or DEL (but
 * tab), which no header may carry; out is as before. */
bool http_quoted_encode(struct span text, struct buf *out);

/* Takes the next non-empty element off a comma list, trimmed; commas inside quoted strings do not count.
 * false at the end. */
bool http_list_next(struct span *rest, struct span *item_r);
/* Whether a list of tokens has this one, without case. */
bool http_list_has(struct span list, const char *token);

/* Takes ";name=value" off the front of *rest; value is a token or a quoted-string with its quotes.
 * 1: taken. 0: the end. -1: malformed. */
int http_parameter_next(struct span *rest, struct span *name_r, struct span *value_r);

/* --- ranges and validators (RFC 9110 13, 14) --- */

#define HTTP_RANGES_MOST 16

struct http_range {
    uint64_t first, last; /* both within the representation, first <= last */
};

enum http_range_answer {
    HTTP_RANGE_WHOLE, /* no bytes-range, malformed, or more than HTTP_RANGES_MOST: send all with 200 (14.2) */
    HTTP_RANGE_PARTS, /* *count_r ranges that overlap the representation, in the order asked */
    HTTP_RANGE_NONE,  /* well-formed, but none overlaps: 416 */
};

/* size: bytes of the representation. Overlapping ranges are given as asked. */
enum http_range_answer http_range_parse(struct span value, uint64_t size,
                                        struct http_range ranges_r[HTTP_RANGES_MOST], unsigned *count_r);

enum http_comparison { HTTP_STRONG, HTTP_WEAK }; /* 8.8.3.2 */

/* An If-Match (strong) or If-None-Match (weak) list against our entity-tag, which is given as it is sent:
 * "..." or W/"...", quotes and all; an empty one means that there is no representation. "*" matches any
 * representation. A malformed list matches nothing from the mistake on. */
bool http_etag_matches(struct span list, struct span etag, enum http_comparison comparison);
/* Whether If-Range holds (13.1.5): the same strong entity-tag, or exactly our modification date. */
bool http_if_range_holds(struct span value, struct span etag, int64_t modified_unix);

/* --- media types and negotiation (RFC 9110 8.3, 12.5) --- */

struct media_type {
    struct span type, subtype; /* tokens, as sent */
    struct span parameters;    /* from the first ';' on; for http_parameter_next() */
};

bool media_type_parse(struct span text,
                      struct media_type *type_r); /* false: malformed, parameters included */
/* Whether both are media types of the same type and subtype, without case and without parameters. */
bool media_type_same(struct span a, struct span b);

/* Quality, 0..1000, that an Accept value gives to a type such as "text/html": of the most specific range that
 * matches. An empty or absent Accept gives 1000; malformed elements are passed over. */
unsigned http_accept_quality(struct span accept, const char *type);
/* The same for Accept-Encoding and Accept-Language style lists, by exact name or "*"; absent names give 0,
 * but "identity" gives 1 unless refused. */
unsigned http_word_quality(struct span list, const char *word);

/* --- credentials (RFC 9110 11, RFC 7617, RFC 6750) --- */

/* "Scheme credentials": true when the scheme is that, without case; credentials_r is what follows it. */
bool http_credentials(struct span authorization, const char *scheme, struct span *credentials_r);
/* Basic: appends the user-id and the password. false: not Basic, not base64, no colon, not UTF-8, or a
 * control character; both are as before. */
bool http_basic_parse(struct span authorization, struct buf *user, struct buf *password);

/* --- forwarding (RFC 7239) --- */

#define HTTP_FORWARDED_MOST 32

/* One element: what one proxy said. Quotes are taken off; an absent pair has at == NULL. */
struct http_forwarded {
    struct span for_node, by_node, host, proto;
};

/* All elements of a Forwarded value in order: the last was written by the proxy next to us, so walk from the
 * end and stop at the first that is not trusted. Returns how many; -1: malformed (a pair twice, an escape
 * inside a quoted value, more than room): then believe none. */
int http_forwarded_parse(struct span value, struct http_forwarded *elements_r, unsigned room);
/* The address of a node ("192.0.2.43:47011", "[2001:db8::1]:80"), or of an X-Forwarded-For element (IPv6
 * without brackets too). false for "unknown", obfuscated names and nonsense. port_r: 0 when none; may be
 * NULL. */
bool http_node_address(struct span node, struct ip_address *address_r, uint16_t *port_r);

#endif
