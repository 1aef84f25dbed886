/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3: head.c - READ: from bytes to one parsed head; the input buffer and its sizes. */
#include "http/inside.h"

#include "base/must.h"
#include "shm/count.h"

#include <errno.h>
#include <stdlib.h>

/* Bytes behind a chunked body become the input, once what lay before them is used up. */
static void unspill(struct http_conn *conn)
{
    struct span rest = span_from(buf_span(&conn->spill), conn->spill_at);

    if (conn->in_at < conn->in_size || conn->spill.size == 0)
        return;
    server_input_put(conn->server, &conn->in, conn->in_room);
    conn->in_at = conn->in_size = conn->in_room = 0;
    if (rest.size) {
        conn->in = conn->spill.at;
        conn->in_room = conn->spill.room;
        conn->in_at = conn->spill_at;
        conn->in_size = conn->spill.size;
        conn->spill = (struct buf){ 0 };
    }
    buf_free(&conn->spill);
    conn->spill_at = 0;
}

/* Some room behind the last byte. The buffer is moved only here, where no request points into it. */
static void make_room(struct http_conn *conn)
{
    size_t most = (size_t)conn->server->settings->max_head_size + INPUT_BYTES;

    if (conn->in == NULL) {
        conn->in = server_input_take(conn->server);
        conn->in_room = INPUT_BYTES;
        conn->in_at = conn->in_size = 0;
    }
    if (conn->in_at > 0) {
        conn->in_size -= conn->in_at;
        memmove(conn->in, conn->in + conn->in_at, conn->in_size);
        conn->in_at = 0;
    }
    if (conn->in_size < conn->in_room)
        return;
    must(conn->in_room < most); /* the parser has refused such a head before */
    conn->in_room = conn->in_room * 2 < most ? conn->in_room * 2 : most;
    conn->in = must_realloc(conn->in, conn->in_room);
}

static enum step parse_head(struct http_conn *conn, bool *more_r)
{
    const struct http_server_settings *settings = conn->server->settings;
    const struct http_limits limits = { (size_t)settings->max_head_size, (unsigned)settings->max_headers };
    struct exchange *exchange = exchange_take(conn->server);
    enum problem problem = PROBLEM_none;
    enum verdict verdict = http_head_parse(span_make(conn->in + conn->in_at, conn->in_size - conn->in_at),
                                           &limits, &exchange->head, &problem);

    *more_r = verdict == PARSE_MORE;
    if (verdict == PARSE_MORE) {
        exchange->head.field_count = 0;
        exchange_put(&exchange);
        return STEP_WAIT;
    }
    conn->exchange = exchange;
    exchange->request.conn = conn;
    conn->last = conn->client_last = conn->has_body = false;
    if (verdict == PARSE_BAD) {
        count_add(COUNT_requests_malformed, 1);
        exchange->head = (struct http_head){ .minor = 1 };
        phase_refuse(conn, problem, NULL);
        return STEP_AGAIN;
    }
    conn->in_at += exchange->head.size;
    phase_run(conn);
    return STEP_AGAIN;
}

/* Nothing of a request is there: the buffer goes back, so that idle connections are cheap. */
static enum step idle(struct http_conn *conn)
{
    if (conn->in_at == conn->in_size) {
        server_input_put(conn->server, &conn->in, conn->in_room);
        conn->in_at = conn->in_size = conn->in_room = 0;
    } else if (conn->state == CONN_IDLE) {
        conn->state = CONN_HEAD;
        conn_deadline(conn, conn->server->settings->header_timeout);
    }
    return STEP_WAIT;
}

enum step head_step(struct http_conn *conn)
{
    unspill(conn);
    for (;;) {
        size_t room;
        ssize_t got;
        bool more = true;

        if (conn->in_at < conn->in_size) {
            enum step step = parse_head(conn, &more);

            if (!more)
                return step;
        }
        if (conn->read_empty)
            return idle(conn);
        make_room(conn);
        if (conn->turn_bytes >= TURN_BYTES) {
            conn->again = true;
            return idle(conn);
        }
        room = conn->in_room - conn->in_size;
        got = conn_recv(conn, conn->in + conn->in_size, room);
        if (got < 0 && errno == EAGAIN)
            return idle(conn);
        if (got <= 0)
            return STEP_CLOSE;
        conn->in_size += (size_t)got;
        conn->turn_bytes += (size_t)got;
        /* A short read means that the socket is empty. What TLS holds back epoll would not tell. */
        if (conn->stream)
            conn->read_empty = !h2_pending(conn);
        else
            conn->read_empty = conn->tls ? !tls_pending(conn->tls) : (size_t)got < room;
    }
}
