/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: cors.c - what scripts of other sites may do here (web clients live elsewhere), and what
 * browsers must not do with a stranger's file.
 *
 * Any origin may read: a file is open to whoever has its address, and no cookie counts here. That is also why
 * credentials are not allowed along with the star, which browsers would refuse. */
#include "upload.h"

#include "http/reply.h"

#define METHODS "GET, HEAD, PUT, OPTIONS"

void cors_fields(struct http_request *request)
{
    reply_field(request, "Access-Control-Allow-Origin", SPAN("*"));
    reply_field(request, "Access-Control-Expose-Headers",
                SPAN("Accept-Ranges, Content-Disposition, Content-Length, Content-Range, Content-Type, ETag, "
                     "Last-Modified, Retry-After, X-Request-Id"));
}

void safety_fields(struct http_request *request)
{
    reply_field(request, "Content-Security-Policy",
                SPAN("default-src 'none'; frame-ancestors 'none'; sandbox"));
}

void upload_options(struct http_request *request)
{
    cors_fields(request);
    safety_fields(request);
    reply_field(request, "Allow", SPAN(METHODS));
    reply_field(request, "Access-Control-Allow-Methods", SPAN(METHODS));
    reply_field(request, "Access-Control-Allow-Headers",
                SPAN("Authorization, Content-Type, Range, If-Match, If-None-Match, If-Modified-Since, "
                     "If-Unmodified-Since, If-Range"));
    reply_field(request, "Access-Control-Max-Age", SPAN("86400"));
    reply_empty(request, 204);
}

void upload_other(struct http_request *request)
{
    cors_fields(request);
    reply_field(request, "Allow", SPAN(METHODS));
    reply_problem(request, PROBLEM_method_not_allowed, NULL);
}
