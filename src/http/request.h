/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: request.h - one HTTP request as a handler sees it, and the ways to take its body.
 *
 * A request lives until its reply has been sent whole or its connection is gone, and then with it its arena
 * and all that was tied to it. Nothing in it assumes that it is the only one on its connection. A handler
 * runs on the loop and never blocks; it answers at once, or returns without answering ("parks") and answers
 * from a callback. Exactly one reply per request: see reply.h. */
#ifndef STOA_HTTP_REQUEST_H
#define STOA_HTTP_REQUEST_H

#include "base/arena.h"
#include "base/problem.h"
#include "base/span.h"
#include "parse/http_head.h"

#include <stdint.h>

struct http_conn;
struct http_route;
struct loop;
struct web_visit;

#define REQUEST_ID_TEXT 17 /* 16 hex digits and NUL */

struct http_request {
    struct arena *arena;            /* dies with the request, and all below with it */
    struct loop *loop;              /* borrowed */
    struct http_conn *conn;         /* borrowed; opaque to handlers */
    const struct http_route *route; /* borrowed; NULL before ROUTE */
    void *state;                    /* of the route's module, as its worker_up gave it */

    enum http_method method;
    struct span method_text;
    struct span path;     /* decoded once, normalised, checked (uri_path_decode); begins with '/' */
    struct span below;    /* the part of path behind the context path: "" or begins with '/' */
    struct span raw_path; /* as sent, without query */
    struct span query;    /* as sent, without '?'; empty when there is none */
    struct span host;     /* as the client named it (after trusted forwarding): lower case, without port */
    const struct http_head *head; /* all fields, as sent; spans stay valid as long as the request */
    bool is_relayed; /* a proxy that we do not trust says that it asks for somebody: client is that proxy */
    bool secure;     /* the client's own connection is TLS (after trusted forwarding) */
    const char
        *client; /* its address as text, without port (after trusted forwarding); "unix" for a local one */
    char id[REQUEST_ID_TEXT]; /* in every log line about it and in X-Request-Id */
    const char *doing;        /* static text for logs: "waiting for the disk" */

    struct span user;        /* ACCESS_USER and ACCESS_ADMIN: bare JID of who is logged in; else empty */
    bool user_is_admin;      /* ACCESS_ADMIN; of a browser's session also ACCESS_USER */
    struct web_visit *visit; /* of floor 6 (web.c): cookies and forms; NULL when nobody asked for them yet */

    bool has_body;     /* a Content-Length above 0, or chunked */
    int64_t body_size; /* stated Content-Length (0 when none was stated); -1: chunked */

    /* Called at most once, instead of everything that waits: the client is gone or the request timed out. No
     * reply may follow; the arena dies right after it, so whatever a thread still uses must not be in it. */
    void (*on_cancel)(struct http_request *request);
    void *handler_data; /* the handler's own */
};

/* First field of that lower-case name; .at is NULL when absent. */
struct span request_field(const struct http_request *request, const char *name);
/* First query parameter of that name, decoded, in the arena; .at NULL when absent. */
struct span request_parameter(struct http_request *request, const char *name);

/* ---- taking the body; at most one of these, before the reply; sends 100 Continue first when expected ----
 */

struct body_sink {
    /* A piece, in order. It is the sink's only during the call. */
    void (*bytes)(struct http_request *request, struct span piece);
    /* All have come (exactly body_size, when it was stated). */
    void (*done)(struct http_request *request);
};

/* A client that goes away or is too slow ends in on_cancel. No piece comes while paused. A reply sent before
 * done ends the taking: the rest is read and thrown away if it is small, else the connection closes after it.
 */
void request_take_body(struct http_request *request, const struct body_sink *sink);
void request_pause_body(struct http_request *request);
void request_resume_body(struct http_request *request);

/* The whole body at once, in the arena. Larger than most: 413 is answered and done is not called. */
void request_read_body(struct http_request *request, size_t most,
                       void (*done)(struct http_request *request, struct span body));

#endif
