/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: http_head.h - the head of one HTTP/1 request, from bytes to spans (RFC 9112 2 to 6).
 *
 * Strict on purpose: whatever two implementations could read in two ways is refused, as smuggling lives from
 * such differences. Allocates nothing, blocks on nothing, keeps nothing between calls. */
#ifndef STOA_PARSE_HTTP_HEAD_H
#define STOA_PARSE_HTTP_HEAD_H

#include "base/problem.h"
#include "base/span.h"
#include "parse/verdict.h"

#include <stdint.h>

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_PATCH,
    HTTP_OTHER, /* any other token but CONNECT, which is refused; method_text has it */
};

struct http_field {
    struct span name;  /* as sent: compare without case */
    struct span value; /* without OWS around it; may be empty */
};

#define HTTP_FIELDS_MOST 128 /* hard end of limits.fields_most: 4 KiB of spans a connection */

struct http_limits {
    size_t head_most;     /* bytes of a head, request line and empty line included */
    unsigned fields_most; /* field lines; more than HTTP_FIELDS_MOST counts as that */
};

/* All spans point into the bytes that were parsed, so they live as long as those stay where they are. */
struct http_head {
    struct span method_text; /* as sent; methods are case-sensitive (RFC 9110 9.1) */
    enum http_method method;
    struct span target; /* as sent: origin-form, absolute-form, or "*" with OPTIONS; see uri_target_split() */
    unsigned minor;     /* HTTP/1.minor: 0 or 1 */
    struct http_field fields[HTTP_FIELDS_MOST]; /* in order of arrival; only field_count are set */
    unsigned field_count;
    size_t size;             /* bytes of the head: skipped empty lines, and the empty line that ends it */
    bool has_length;         /* a Content-Length was there */
    uint64_t content_length; /* 0 without one */
    bool chunked;            /* Transfer-Encoding: chunked; never together with has_length */
    bool keep_alive;         /* by version and Connection (RFC 9112 9.3) */
    bool expect_continue;    /* Expect: 100-continue; never from HTTP/1.0 */
    struct span host; /* authority of an absolute-form target, else Host; valid for uri_host_parse(); at is
                         NULL when HTTP/1.0 sent none */
};

/* One request head at the front of in.
 * PARSE_DONE: *head_r is filled; head_r->size bytes of in belong to it.
 * PARSE_MORE: call again from the start with more bytes; *head_r holds nothing of use.
 * PARSE_BAD:  *problem_r says what to answer: bad_request 400, target_too_long 414, expectation_failed 417,
 *             head_too_large 431, not_implemented 501 (CONNECT, unknown transfer coding),
 *             version_unsupported 505. The connection must close after the answer, whatever it is.
 * Limits are applied to what has come, so an endless line is refused when it crosses them, not at its end. */
enum verdict http_head_parse(struct span in, const struct http_limits *limits, struct http_head *head_r,
                             enum problem *problem_r);

/* Value of the first field of that name (given in any case); at == NULL when absent. */
struct span http_head_find(const struct http_head *head, const char *name);

/* The next field of that name from *at on (start with 0); false when there is no more. For fields whose lines
 * make one list (RFC 9110 5.3). */
bool http_head_next(const struct http_head *head, const char *name, unsigned *at, struct span *value_r);

#endif
