/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 3 4: phase.c - what happens between a parsed head and the handler: GUARD, ROUTE, ACCESS,
 * CONTENT.
 *
 * Access is decided on the row that was found and on nothing else; a row that says nothing is closed. */
#include "http/inside.h"

#include "base/must.h"

static const char *const method_names[] = {
    [HTTP_GET] = "GET",       [HTTP_HEAD] = "HEAD",       [HTTP_POST] = "POST",   [HTTP_PUT] = "PUT",
    [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS", [HTTP_PATCH] = "PATCH",
};

/* ---- READ's second half: the head as a request ---- */

static void take_body_facts(struct http_conn *conn, struct http_request *request)
{
    const struct http_head *head = request->head;

    conn->chunked = head->chunked;
    conn->has_body = head->chunked || head->content_length > 0;
    conn->expect = conn->has_body && head->expect_continue;
    conn->body_left = head->content_length;
    conn->chunk = (struct http_chunk){ 0 };
    conn->discarded = 0;
    request->has_body = conn->has_body;
    request->body_size = head->chunked ? -1 : (int64_t)head->content_length;
}

static bool says_forwarded(const struct http_head *head)
{
    return http_head_find(head, "forwarded").at || http_head_find(head, "x-forwarded-for").at ||
           http_head_find(head, "x-real-ip").at || http_head_find(head, "via").at;
}

/* Who asked, how, and for which host, as far as trusted proxies know better than the connection does. */
static void take_origin(struct http_conn *conn, struct exchange *exchange)
{
    struct http_request *request = &exchange->request;
    struct span host = request->head->host;
    struct forwarded forwarded = { .client = conn->peer };

    if (trusted_has(&conn->server->trusted, &conn->peer))
        forwarded_find(&conn->server->trusted, &conn->peer, request->head, &forwarded);
    else
        request->is_relayed = says_forwarded(request->head);
    client_text(&forwarded.client, exchange->client);
    request->secure = conn->tls != NULL;
    if (span_eq_nocase(forwarded.proto, SPAN("https")) || span_eq_nocase(forwarded.proto, SPAN("http2")))
        request->secure = true;
    else if (span_eq_nocase(forwarded.proto, SPAN("http")))
        request->secure = false;
    if (forwarded.host.at && uri_host_parse(forwarded.host, &exchange->host))
        request->host = span_of(exchange->host.name);
    else if (host.at && uri_host_parse(host, &exchange->host))
        request->host = span_of(exchange->host.name);
}

static bool take_target(struct exchange *exchange, enum problem *problem_r)
{
    struct http_request *request = &exchange->request;
    struct uri_target target;

    *problem_r = PROBLEM_bad_request;
    if (!uri_target_split(request->head->target, &target))
        return false;
    request->raw_path = target.path;
    request->query = target.query;
    if (span_is(target.path, "*")) {
        request->path = target.path;
        return true;
    }
    if (!uri_path_decode(target.path, &exchange->path, problem_r))
        return false;
    request->path = buf_span(&exchange->path);
    return true;
}

/* ---- GUARD ---- */

/* One certificate was asked for by SNI, another site by Host: somebody mixes up two sites (RFC 9110 7.4). A
 * proxy that we trust may well do so. */
static bool is_misdirected(const struct http_conn *conn, const struct exchange *exchange)
{
    const char *named = conn->tls ? tls_server_name(conn->tls) : NULL;

    if (named == NULL || conn->listener->settings->domain || exchange->request.host.size == 0 ||
        exchange->host.is_ip || trusted_has(&conn->server->trusted, &conn->peer))
        return false;
    return !tls_store_same(conn->server->tls->store, named, exchange->host.name);
}

static bool is_redirected(const struct connection_settings *settings, const struct http_request *request)
{
    if (settings->redirect_uri == NULL)
        return false;
    switch (settings->redirect_condition) {
    case REDIRECT_ALWAYS:
        return true;
    case REDIRECT_HTTP:
        return !request->secure;
    case REDIRECT_HTTPS:
        return request->secure;
    default:
        return false;
    }
}

/* 302 to the configured address, with {host} filled in, and the path and query of the request behind it
 * (contract 1.12). */
static void redirect(const struct http_conn *conn, struct exchange *exchange)
{
    struct http_request *request = &exchange->request;
    struct span uri = span_of(conn->listener->settings->redirect_uri);
    struct buf *location = &exchange->collected;

    buf_clear(location);
    while (uri.size) {
        if (!span_starts(uri, SPAN("{host}"))) {
            buf_char(location, *uri.at);
            uri = span_from(uri, 1);
            continue;
        }
        if (exchange->host.is_ip6)
            buf_char(location, '[');
        buf_add(location, request->host);
        if (exchange->host.is_ip6)
            buf_char(location, ']');
        uri = span_from(uri, 6);
    }
    if (location->size && location->at[location->size - 1] == '/')
        location->size--;
    buf_add(location, request->raw_path);
    if (request->query.at && request->query.size) {
        buf_char(location, '?');
        buf_add(location, request->query);
    }
    reply_field(request, "Location", buf_span(location));
    reply_empty(request, 302);
}

/* true: answered here. */
static bool guard(struct http_conn *conn, struct exchange *exchange)
{
    struct http_request *request = &exchange->request;

    if (is_redirected(conn->listener->settings, request)) {
        redirect(conn, exchange);
    } else if (is_misdirected(conn, exchange)) {
        reply_problem(request, PROBLEM_misdirected, NULL);
    } else if (span_is(request->path, "*")) { /* OPTIONS alone may ask that: what the whole server can do */
        reply_field(request, "Allow", SPAN("GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"));
        reply_empty(request, 204);
    } else {
        return false;
    }
    return true;
}

/* ---- ROUTE, ACCESS, CONTENT ---- */

static void allow_field(struct http_request *request, unsigned allow)
{
    char text[128];
    size_t size = 0;

    allow |= METHOD_BIT(HTTP_OPTIONS);
    for (unsigned method = 0; method < HTTP_OTHER; method++) {
        size_t name = strlen(method_names[method]);

        if (!(allow & METHOD_BIT(method)))
            continue;
        if (size) {
            memcpy(text + size, ", ", 2);
            size += 2;
        }
        must(size + name <= sizeof(text));
        memcpy(text + size, method_names[method], name);
        size += name;
    }
    reply_field(request, "Allow", span_make(text, size));
}

static void content(struct http_request *request)
{
    request->doing = "working on the request";
    request->route->handle(request);
}

static void access(struct http_conn *conn, struct http_request *request)
{
    const struct http_server *server = conn->server;

    switch (request->route->access) {
    case ACCESS_OPEN:
        content(request);
        return;
    case ACCESS_USER:
    case ACCESS_ADMIN:
        if (server->guard == NULL)
            break;
        request->doing = "waiting for the login";
        server->guard(server->guard_data, request, request->route->access, content);
        return;
    case ACCESS_DENIED:
        break;
    }
    reply_problem(request, PROBLEM_forbidden, NULL);
}

static void route(struct http_conn *conn, struct http_request *request)
{
    unsigned allow;

    switch (router_table_find(conn->server->table, request, &allow)) {
    case ROUTE_FOUND:
        access(conn, request);
        return;
    case ROUTE_NO_METHOD:
        allow_field(request, allow);
        if (request->method == HTTP_OPTIONS)
            reply_empty(request, 204);
        else
            reply_problem(request, PROBLEM_method_not_allowed, NULL);
        return;
    case ROUTE_NO_PATH:
        reply_problem(request, PROBLEM_not_found, NULL);
    }
}

void phase_run(struct http_conn *conn)
{
    struct exchange *exchange = conn->exchange;
    struct http_request *request = &exchange->request;
    enum problem problem;

    conn->state = CONN_HANDLER;
    exchange->parked = loop_now(conn->server->loop);
    request->method = exchange->head.method;
    request->method_text = exchange->head.method_text;
    take_body_facts(conn, request);
    take_origin(conn, exchange);
    if (!take_target(exchange, &problem))
        reply_problem(request, problem, NULL);
    else if (!guard(conn, exchange))
        route(conn, request);
}

void phase_refuse(struct http_conn *conn, enum problem problem, const char *detail)
{
    if (conn->exchange == NULL) {
        conn->exchange = exchange_take(conn->server);
        conn->exchange->head = (struct http_head){ .minor = 1 };
        conn->exchange->request.conn = conn;
    }
    if (conn->exchange->client[0] == '\0')
        client_text(&conn->peer, conn->exchange->client);
    conn->last = true;
    conn->client_last = false;
    conn->state = CONN_HANDLER;
    reply_problem(&conn->exchange->request, problem, detail);
}
