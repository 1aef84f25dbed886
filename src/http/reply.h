/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: reply.h - the one writer of HTTP replies.
 *
 * HEAD gets the same head and no body, a 204 or 304 no body, HTTP/1.0 no chunks: handlers need not care.
 * Date, Server, Connection, Content-Length, X-Request-Id and X-Content-Type-Options are the writer's own. */
#ifndef STOA_HTTP_REPLY_H
#define STOA_HTTP_REPLY_H

#include "http/request.h"

/* Adds a field to the reply to come. Control characters in value are replaced by spaces (R13); name is ours.
 */
void reply_field(struct http_request *request, const char *name, struct span value);
void reply_field_printf(struct http_request *request, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Whether a field of that name was added before. */
bool reply_says(const struct http_request *request, const char *name);
/* What was said of the content that the handler had in mind is not true of an error: caching, validators ...
 */
void reply_drop_content_fields(struct http_request *request);
/* Content-Disposition with filename (ASCII fallback, quoted) and filename* (RFC 8187), always both (RFC
 * 6266). */
void reply_disposition(struct http_request *request, bool is_inline, struct span filename);

/* An informational reply (RFC 9110 15.2), at any time before the final one; count fields. Not to HTTP/1.0. */
struct reply_field_line {
    const char *name;
    struct span value;
};
void reply_informational(struct http_request *request, int status, const struct reply_field_line *fields,
                         size_t count);

/* Sends. body is copied into the arena. type NULL: no Content-Type. */
void reply_send(struct http_request *request, int status, const char *type, struct span body);
void reply_empty(struct http_request *request, int status); /* Content-Length: 0 where a body might be */

/* An error that a human can read: HTML when the Accept field prefers text/html, JSON when it asks for
 * application/json (RFC 9457 members), else text/plain; with the request id; 401, 405, 429, 503 get their
 * fields by reply_field first. detail NULL: problem_text(problem). Strict CSP and nosniff on all of them
 * (C.11). */
void reply_problem(struct http_request *request, enum problem problem, const char *detail);

/* An open file, or a part of it; fd becomes the request's. status 200 or 206. Sent by sendfile, kTLS or
 * copies. */
void reply_file(struct http_request *request, int status, const char *type, int fd, int64_t offset,
                int64_t size);

/* Several parts of a file, each with bytes before it (multipart/byteranges). fd becomes the request's; parts
 * and what they point at stay the caller's in the arena. */
struct reply_part {
    struct span before;
    int64_t offset, size;
};
void reply_file_parts(struct http_request *request, int status, const char *type, int fd,
                      const struct reply_part *parts, size_t count, struct span after);

const char *http_reason(int status); /* the phrase behind it: "Not Found" */

bool reply_begun(const struct http_request *request); /* one of the above was called */

/* ---- range.h's job in one call: conditional requests and ranges over a file (RFC 9110 13, 14) ---- */
struct range_file {
    int fd;            /* becomes the request's, whatever the answer; -1: bytes are the file */
    struct span bytes; /* the whole of it, when it is in memory; copied before range_reply returns */
    int64_t size;
    struct span etag; /* strong, with its quotes */
    int64_t modified; /* unix seconds */
    const char *type;
};
/* GET and HEAD: 200, 206 (single or multipart), 304, 412 or 416. *status_r is what was answered. The caller
 * has added its own fields (Content-Disposition, Cache-Control, CORS) before. */
void range_reply(struct http_request *request, const struct range_file *file, int *status_r);

#endif
