/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: cors.c - what scripts of other sites may do here (web clients live elsewhere), and what
 * browsers must not do with a stranger's file.
 *
 * Any origin may read: a file is open to whoever has its address, and no cookie counts here. That is also why
 * credentials are not allowed along with the star, which browsers would refuse. */
#include "upload.h"

#include "http/reply.h"
#include "resume.h"

#define METHODS        "GET, HEAD, PUT, OPTIONS"
#define RESUME_METHODS METHODS ", PATCH, DELETE"
#define EXPOSED                                                                                              \
    "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, Content-Type, ETag, Last-Modified, " \
    "Retry-After, X-Request-Id"
#define RESUME_EXPOSED                                                                                       \
    EXPOSED ", Location, Accept-Patch, Upload-Offset, Upload-Complete, Upload-Length, Upload-Limit, "        \
            "Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size"
#define ALLOWED                                                                                              \
    "Authorization, Content-Type, Range, If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, "  \
    "If-Range"
#define RESUME_ALLOWED                                                                                       \
    ALLOWED ", Upload-Offset, Upload-Complete, Upload-Length, Upload-Draft-Interop-Version, Tus-Resumable, " \
            "X-HTTP-Method-Override, X-Requested-With"

static bool is_offered(const struct http_request *request)
{
    const struct upload *upload = OBJECT(request->state, upload);

    return resume_is_offered(upload->conf);
}

void cors_fields(struct http_request *request)
{
    reply_field(request, "Access-Control-Allow-Origin", SPAN("*"));
    reply_field(request, "Access-Control-Expose-Headers",
                is_offered(request) ? SPAN(RESUME_EXPOSED) : SPAN(EXPOSED));
}

void safety_fields(struct http_request *request)
{
    reply_field(request, "Content-Security-Policy",
                SPAN("default-src 'none'; frame-ancestors 'none'; sandbox"));
}

static struct span methods(const struct http_request *request)
{
    return is_offered(request) ? SPAN(RESUME_METHODS) : SPAN(METHODS);
}

void upload_options(struct http_request *request)
{
    cors_fields(request);
    safety_fields(request);
    reply_field(request, "Allow", methods(request));
    reply_field(request, "Access-Control-Allow-Methods", methods(request));
    reply_field(request, "Access-Control-Allow-Headers",
                is_offered(request) ? SPAN(RESUME_ALLOWED) : SPAN(ALLOWED));
    resume_offer_fields(request, OBJECT(request->state, upload)->conf);
    reply_field(request, "Access-Control-Max-Age", SPAN("86400"));
    reply_empty(request, 204);
}

void upload_refuse_method(struct http_request *request, bool is_resumable)
{
    reply_field(request, "Allow", is_resumable ? SPAN(RESUME_METHODS) : SPAN(METHODS));
    reply_problem(request, PROBLEM_method_not_allowed, NULL);
}

void upload_other(struct http_request *request)
{
    cors_fields(request);
    upload_refuse_method(request, is_offered(request));
}
