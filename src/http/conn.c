/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 2 3: conn.c - the life of one connection: events and timers in, steps until nothing more can
 * be done. */
#include "http/inside.h"

#include "base/must.h"
#include "os/log.h"
#include "shm/address_count.h"
#include "shm/count.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

static void on_event(struct watch *watch, uint32_t events);
static void on_timeout(struct timer *timer);

static int64_t now_of(const struct http_conn *conn)
{
    return loop_now(conn->server->loop);
}

void conn_deadline(struct http_conn *conn, int64_t wait)
{
    int64_t now = now_of(conn);

    timer_set(conn->server->loop, &conn->timer, wait > 0 ? now + wait : INT64_MAX, on_timeout);
}

/* ---- birth ---- */

static void peer_of(const struct sock_address *peer, struct client *client_r)
{
    *client_r = (struct client){ 0 };
    if (peer->bytes.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)&peer->bytes;

        client_r->address.bytes[10] = client_r->address.bytes[11] = 0xff;
        memcpy(client_r->address.bytes + 12, &in->sin_addr, 4);
    } else if (peer->bytes.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const void *)&peer->bytes;

        memcpy(client_r->address.bytes, &in->sin6_addr, 16);
    } else {
        client_r->is_local = true;
    }
}

/* A household has one IPv4 address, or a /64 of IPv6. */
static struct span address_name(const struct ip_address *address)
{
    const char *bytes = (const void *)address->bytes;

    return ip_address_is4(address) ? span_make(bytes + 12, 4) : span_make(bytes, 8);
}

static bool admit(struct http_conn *conn)
{
    const struct heritage *heritage = conn->server->heritage;
    int64_t most = conn->server->settings->max_connections_per_address;
    enum address_verdict verdict;

    if (most <= 0 || conn->peer.is_local || trusted_has(&conn->server->trusted, &conn->peer))
        return true;
    conn->counted = conn->peer.address;
    verdict =
        address_enter(&heritage->segment->addresses, &heritage->segment->board, address_name(&conn->counted),
                      heritage->row, heritage->generation, (uint64_t)most);
    conn->is_counted = verdict == ADDRESS_COUNTED;
    return verdict != ADDRESS_REFUSED;
}

/* No parser, no buffer, no promise that it arrives. */
static void refuse(const struct http_conn *conn)
{
    static const char answer[] = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 10\r\nContent-Length: 0\r\n"
                                 "Connection: close\r\n\r\n";

    count_add(COUNT_connections_refused, 1);
    if (conn->listener->tls)
        return;
    (void)!send(conn->fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
    (void)!recv(conn->fd, server_shared(conn->server), SHARED_BYTES,
                0); /* unread bytes would make it a reset */
}

bool conn_begin(struct http_conn *conn)
{
    const struct http_listener *listener = conn->listener;

    if (!admit(conn)) {
        refuse(conn);
        return false;
    }
    conn->state = CONN_IDLE;
    conn->since = now_of(conn);
    if (listener->tls) {
        conn->tls = tls_new(conn->server->tls->store, conn->fd, listener->settings->domain);
        conn->state = CONN_HANDSHAKE;
        if (conn->tls && conn->server->settings->http2 && listener->settings->use_http2)
            tls_offer_http2(conn->tls);
        conn_deadline(conn, conn->server->settings->header_timeout);
        return conn->tls != NULL;
    }
    conn_deadline(conn, conn->server->settings->idle_timeout);
    return true;
}

void conn_new(const struct http_listener *listener, int fd, const struct sock_address *peer)
{
    struct http_server *server = listener->server;
    struct http_conn *conn = must_alloc(sizeof(*conn));
    bool good;

    OBJECT_BORN(conn, http_conn);
    conn->server = server;
    conn->listener = listener;
    conn->fd = fd;
    peer_of(peer, &conn->peer);
    list_append(&server->conns, &conn->node);
    server->conn_count++;
    count_add(COUNT_connections, 1);
    if (listener->settings->proxy_protocol) {
        good = trusted_has(&server->trusted, &conn->peer);
        conn->state = CONN_PROXY;
        conn_deadline(conn, server->settings->header_timeout);
        if (!good)
            count_add(COUNT_connections_refused, 1);
    } else {
        good = conn_begin(conn);
    }
    if (good)
        conn_run(conn); /* the first request is often there already */
    else
        conn_close(&conn);
}

/* Carries one request. It is counted nowhere: its carrier is. */
struct http_conn *conn_new_virtual(const struct http_conn *carrier, struct h2_stream *stream)
{
    struct http_conn *conn = must_alloc(sizeof(*conn));

    OBJECT_BORN(conn, http_conn);
    conn->server = carrier->server;
    conn->listener = carrier->listener;
    conn->peer = carrier->peer;
    conn->tls = carrier->tls;
    conn->stream = stream;
    conn->fd = -1;
    conn->state = CONN_IDLE;
    conn->since = now_of(conn);
    conn_deadline(conn, conn->server->settings->header_timeout);
    return conn;
}

/* ---- driving ---- */

static enum step handler_step(struct http_conn *conn)
{
    if (!conn->exchange->replied)
        return body_step(conn);
    conn->state = CONN_REPLY;
    conn->since = now_of(conn);
    conn->rate_usec = conn->rate_bytes = 0;
    return STEP_AGAIN;
}

enum step linger_step(struct http_conn *conn)
{
    for (;;) {
        ssize_t dropped = conn_drop(conn, SHARED_BYTES);

        if (dropped < 0 && errno == EINTR)
            continue;
        if (dropped < 0 && errno == EAGAIN)
            break;
        if (dropped <= 0)
            return STEP_CLOSE;
        conn->rate_bytes += dropped;
        conn->turn_bytes += (size_t)dropped;
        if (conn->rate_bytes > LINGER_BYTES)
            return STEP_CLOSE;
        if (conn->turn_bytes >= TURN_BYTES)
            break;
    }
    if (now_of(conn) - conn->since > LINGER_MOST_USEC)
        return STEP_CLOSE;
    conn_deadline(conn, LINGER_WAIT_USEC);
    return STEP_WAIT;
}

static enum step take_step(struct http_conn *conn)
{
    switch (conn->state) {
    case CONN_PROXY:
        return proxy_step(conn);
    case CONN_HANDSHAKE:
        return handshake_step(conn);
    case CONN_IDLE:
    case CONN_HEAD:
        return head_step(conn);
    case CONN_HANDLER:
        return handler_step(conn);
    case CONN_REPLY:
        return send_step(conn);
    case CONN_DISCARD:
        return discard_step(conn);
    case CONN_LINGER:
        return linger_step(conn);
    case CONN_H2:
        return h2_step(conn);
    }
    return STEP_CLOSE;
}

static bool wants_input(const struct http_conn *conn)
{
    const struct exchange *exchange = conn->exchange;

    switch (conn->state) {
    case CONN_HANDLER:
        return exchange->sink && !exchange->paused && !exchange->body_done;
    case CONN_REPLY:
        return false;
    default:
        return true;
    }
}

static bool wants_output(const struct http_conn *conn)
{
    if (conn->again || conn->state == CONN_REPLY)
        return true; /* again: writable at once, so it is called in the next turn, after the others */
    if (conn->state == CONN_H2)
        return h2_wants_write(conn);
    return conn->tls && conn->state == CONN_HANDSHAKE && tls_wants_write(conn->tls);
}

/* Interest in input is left in force while a request is served: taking it out and in again would cost two
 * system calls for each. If input does come then, on_event takes it out. */
static void watch_conn(struct http_conn *conn)
{
    uint32_t events = conn->watch.loop ? conn->watch.events & ~(uint32_t)EPOLLOUT : (uint32_t)EPOLLRDHUP;

    if (conn->stream) { /* its stream wakes it */
        if (conn->again)
            conn_later(conn);
        return;
    }
    if (wants_input(conn))
        events = EPOLLIN | (conn->half_closed ? 0u : (uint32_t)EPOLLRDHUP);
    if (wants_output(conn))
        events |= EPOLLOUT;
    if (conn->watch.loop)
        watch_change(&conn->watch, events);
    else
        watch_start(conn->server->loop, &conn->watch, conn->fd, events, on_event);
}

void conn_run(struct http_conn *conn)
{
    enum step step;

    if (conn->driving)
        return;
    conn->driving = true;
    conn->turn_bytes = 0;
    conn->read_empty = conn->again = false;
    do
        step = take_step(conn);
    while (step == STEP_AGAIN && !conn->gone);
    conn->driving = false;
    if (step == STEP_CLOSE || conn->gone)
        conn_close(&conn);
    else
        watch_conn(conn);
}

static void on_task(struct task *task)
{
    conn_run(OBJECT(LIST_OF(task, struct http_conn, task), http_conn));
}

void conn_later(struct http_conn *conn)
{
    if (!conn->driving)
        task_defer(conn->server->loop, &conn->task, on_task);
}

static void on_event(struct watch *watch, uint32_t events)
{
    struct http_conn *conn = OBJECT(LIST_OF(watch, struct http_conn, watch), http_conn);

    if (events & (EPOLLERR | EPOLLHUP)) {
        conn_close(&conn);
        return;
    }
    if (!wants_input(conn) && (events & (EPOLLIN | EPOLLRDHUP))) {
        if ((events & EPOLLRDHUP) && !conn->half_closed) {
            conn->half_closed = true;
            if (conn->state == CONN_HANDLER) /* it may have gone, or only have said all: nobody can tell */
                conn_deadline(conn, HALF_CLOSED_USEC);
        }
        watch_change(watch, watch->events & ~(uint32_t)(EPOLLIN | (conn->half_closed ? EPOLLRDHUP : 0)));
    }
    conn_run(conn);
}

/* ---- time ---- */

bool conn_too_slow(const struct http_conn *conn)
{
    int64_t rate = conn->server->settings->min_body_rate;
    int64_t usec = conn->rate_usec + now_of(conn) - conn->since;

    return rate > 0 && usec > RATE_GRACE_USEC && conn->rate_bytes < rate * (usec / USEC_PER_SEC);
}

static void time_out_handler(struct http_conn *conn)
{
    struct exchange *exchange = conn->exchange;

    if (wants_input(conn)) {
        count_add(COUNT_requests_timed_out, 1);
        conn_cancel(conn);
        phase_refuse(conn, PROBLEM_request_timeout, NULL);
    } else {
        log_warn("request %s, %.*s, timed out after %lld s while %s", exchange->request.id,
                 SPAN_ARG(exchange->request.raw_path),
                 (long long)((now_of(conn) - exchange->began) / USEC_PER_SEC), exchange->request.doing);
        conn_cancel(conn);
        phase_refuse(conn, PROBLEM_server_silent, "The answer took too long");
    }
}

static void on_timeout(struct timer *timer)
{
    struct http_conn *conn = OBJECT(LIST_OF(timer, struct http_conn, timer), http_conn);

    switch (conn->state) {
    case CONN_HEAD:
        count_add(COUNT_requests_timed_out, 1);
        phase_refuse(conn, PROBLEM_request_timeout, NULL);
        conn_run(conn);
        return;
    case CONN_HANDLER:
        time_out_handler(conn);
        conn_run(conn);
        return;
    case CONN_H2:
        if (h2_time_out(conn)) {
            conn_run(conn);
            return;
        }
        break;
    case CONN_REPLY:
        if (conn->stream && h2_waits_for_others(conn)) {
            conn_deadline(conn, conn->server->settings->body_timeout);
            return;
        }
        count_add(COUNT_requests_timed_out, 1);
        break;
    case CONN_IDLE:
    case CONN_LINGER:
        break;
    default:
        count_add(COUNT_requests_timed_out, 1);
    }
    conn_close(&conn);
}

/* ---- ends ---- */

/* The handler did not say how to stop it: the request lives on without a connection until it answers. */
static void orphan(struct http_conn *conn)
{
    struct exchange *old = conn->exchange;
    struct exchange *fresh = exchange_take(conn->server);

    memcpy(fresh->request.id, old->request.id, sizeof(fresh->request.id));
    memcpy(fresh->client, old->client, sizeof(fresh->client));
    fresh->began = old->began;
    fresh->request.method = old->request.method;
    fresh->head.minor = old->head.minor;
    fresh->head.keep_alive = old->head.keep_alive;
    fresh->head.method_text = arena_copy(fresh->request.arena, old->head.method_text);
    fresh->head.target = arena_copy(fresh->request.arena, old->head.target);
    fresh->request.conn = conn;
    old->request.conn = NULL;
    old->input = conn->in;
    old->input_spill = conn->spill;
    conn->in = NULL;
    conn->in_room = conn->in_size = conn->in_at = 0;
    conn->spill = (struct buf){ 0 };
    conn->spill_at = 0;
    list_append(&conn->server->orphans, &old->node);
    conn->exchange = fresh;
}

void conn_cancel(struct http_conn *conn)
{
    struct exchange *exchange = conn->exchange;

    conn->last = true;
    if (conn->state != CONN_HANDLER || exchange->replied)
        return;
    if (exchange->request.on_cancel) {
        exchange->cancelled = true;
        exchange->request.on_cancel(&exchange->request);
        exchange_renew(exchange);
    } else if (exchange->request.route) {
        orphan(conn);
    }
}

void conn_close(struct http_conn **closed)
{
    struct http_conn *conn = *closed;
    struct http_server *server = conn->server;
    const struct heritage *heritage = server->heritage;
    bool is_virtual = conn->stream != NULL, is_between = conn->exchange == NULL;

    must(!conn->driving);
    *closed = NULL;
    watch_stop(&conn->watch);
    timer_stop(&conn->timer);
    if (conn->exchange) {
        conn->driving = true; /* what the handler still calls shall not run us */
        conn_cancel(conn);
        access_line(conn);
        exchange_put(&conn->exchange);
    }
    task_cancel(&conn->task);
    if (conn->is_counted)
        address_leave(&heritage->segment->addresses, address_name(&conn->counted), heritage->row,
                      heritage->generation);
    if (conn->h2)
        h2_free(conn);
    if (is_virtual)
        h2_detach(conn);
    if (conn->tls && is_between)
        tls_shut(conn->tls); /* RFC 8446 6.1; a reply that breaks off must not look whole */
    tls_free(&conn->tls);
    if (conn->fd >= 0)
        close(conn->fd);
    server_input_put(server, &conn->in, conn->in_room);
    buf_free(&conn->spill);
    list_remove(&conn->node);
    OBJECT_DEAD(conn);
    free(conn);
    if (!is_virtual)
        server_conn_gone(server);
}

/* The reply is out whole. What comes next depends on what the client may still be sending. */
enum step request_end(struct http_conn *conn)
{
    access_line(conn);
    exchange_put(&conn->exchange);
    conn->requests++;
    conn->since = now_of(conn);
    conn->rate_usec = conn->rate_bytes = 0;
    if (conn->last) {
        if (conn->stream)
            return STEP_CLOSE;
        if (conn->client_last && !conn->has_body && conn->in_at == conn->in_size)
            return STEP_CLOSE;
        conn_shut(conn);
        conn->state = CONN_LINGER;
        return STEP_AGAIN;
    }
    conn->state = conn->has_body ? CONN_DISCARD : CONN_IDLE;
    conn_deadline(conn, conn->has_body ? conn->server->settings->body_timeout
                                       : conn->server->settings->idle_timeout);
    return STEP_AGAIN;
}
