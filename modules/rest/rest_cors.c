/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_cors.c - what scripts of other web sites may do here.
 *
 * Nothing, unless http/rest/cors-origins names the site. Keys and logins travel in fields that the script
 * must know itself, never in cookies, so credentials in the sense of CORS are not allowed. */
#include "rest.h"

#define EXPOSED                                                                                              \
    "Allow, Content-Length, Content-Type, ETag, Location, Retry-After, WWW-Authenticate, X-Request-Id"
#define ALLOWED "Accept, Api-Key, Authorization, Content-Type, If-None-Match"

enum origin { ORIGIN_NONE, ORIGIN_ANY, ORIGIN_NAMED, ORIGIN_FOREIGN };

static enum origin origin_of(const struct http_request *request, const struct rest_conf *conf,
                             struct span *origin_r)
{
    *origin_r = request_field(request, "origin");
    if (origin_r->at == NULL)
        return ORIGIN_NONE;
    for (size_t i = 0; i < conf->cors_origins.count; i++) {
        struct span one = span_of(conf->cors_origins.texts[i]);

        if (span_is(one, "*"))
            return ORIGIN_ANY;
        if (span_eq_nocase(one, *origin_r))
            return ORIGIN_NAMED;
    }
    return ORIGIN_FOREIGN;
}

void rest_cors_fields(struct http_request *request, const struct rest_conf *conf)
{
    struct span origin;
    enum origin kind = origin_of(request, conf, &origin);

    if (conf->cors_origins.count > 0)
        reply_field(request, "Vary", SPAN("Origin"));
    if (kind != ORIGIN_ANY && kind != ORIGIN_NAMED)
        return;
    reply_field(request, "Access-Control-Allow-Origin", kind == ORIGIN_ANY ? SPAN("*") : origin);
    reply_field(request, "Access-Control-Expose-Headers", SPAN(EXPOSED));
}

void rest_cors_options(struct rest_call *call, struct span methods)
{
    struct http_request *request = call->request;
    struct span origin;
    enum origin kind = origin_of(request, call->rest->conf, &origin);

    if (kind == ORIGIN_FOREIGN && request_field(request, "access-control-request-method").at != NULL) {
        rest_problem(call, PROBLEM_forbidden,
                     "Scripts of that web site may not ask here: http/rest/cors-origins does not name it");
        return;
    }
    if (kind == ORIGIN_ANY || kind == ORIGIN_NAMED) {
        reply_field(request, "Access-Control-Allow-Methods", methods);
        reply_field(request, "Access-Control-Allow-Headers", SPAN(ALLOWED));
        reply_field(request, "Access-Control-Max-Age", SPAN("86400"));
    }
    reply_empty(request, 204);
}
