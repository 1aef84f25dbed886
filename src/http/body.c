/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3: body.c - request bodies: from the socket to the handler's sink, or away.
 *
 * Bytes are taken first from the input buffer (what came with the head), then from spill (what came behind a
 * chunk that was not wanted yet), then by large reads into the worker's one shared buffer. A stated length is
 * never read beyond, so only chunked bodies can spill. */
#include "http/inside.h"

#include "base/must.h"
#include "shm/count.h"

#include <errno.h>
#include <stdlib.h>

enum pull {
    PULL_PIECE, /* *piece_r; valid until the next pull */
    PULL_END,   /* all of the body was given */
    PULL_WAIT,  /* nothing more just now */
    PULL_BAD,   /* not chunked coding */
    PULL_GONE,  /* the client ended in the middle */
};

bool body_fits_discard(const struct http_conn *conn)
{
    if (!conn->has_body)
        return true;
    if (conn->expect)
        return false; /* it may send the body or not: nobody can tell where the next request begins */
    return conn->chunked ? false : conn->body_left <= DISCARD_BYTES + conn->in_size - conn->in_at;
}

/* The stored bytes that come next; at NULL: none, read. */
static struct span stored(const struct http_conn *conn)
{
    if (conn->in_at < conn->in_size)
        return span_make(conn->in + conn->in_at, conn->in_size - conn->in_at);
    if (conn->spill_at < conn->spill.size)
        return span_make(conn->spill.at + conn->spill_at, conn->spill.size - conn->spill_at);
    return (struct span){ 0 };
}

static void eat_stored(struct http_conn *conn, size_t count)
{
    if (conn->in_at < conn->in_size)
        conn->in_at += count;
    else
        conn->spill_at += count;
}

static enum pull read_more(struct http_conn *conn, size_t most, struct span *got_r)
{
    char *shared = server_shared(conn->server);
    ssize_t got;

    if (conn->turn_bytes >= TURN_BYTES) {
        conn->again = true;
        return PULL_WAIT;
    }
    if (conn->read_empty)
        return PULL_WAIT;
    got = conn_recv(conn, shared, most);
    if (got < 0 && errno == EAGAIN)
        return PULL_WAIT;
    if (got <= 0)
        return PULL_GONE;
    /* A short read means that the socket is empty: epoll will tell when it is not. */
    conn->read_empty = conn->tls == NULL && conn->stream == NULL && (size_t)got < most;
    *got_r = span_make(shared, (size_t)got);
    return PULL_PIECE;
}

static void account(struct http_conn *conn, size_t size)
{
    conn->turn_bytes += size;
    conn->rate_bytes += (int64_t)size;
    count_add(COUNT_bytes_in, size);
}

static enum pull pull_length(struct http_conn *conn, struct span *piece_r)
{
    enum pull pull;

    if (conn->body_left == 0)
        return PULL_END;
    *piece_r = stored(conn);
    if (piece_r->at) {
        *piece_r = span_head(*piece_r, conn->body_left < SIZE_MAX ? (size_t)conn->body_left : SIZE_MAX);
        eat_stored(conn, piece_r->size);
    } else {
        pull =
            read_more(conn, conn->body_left < SHARED_BYTES ? (size_t)conn->body_left : SHARED_BYTES, piece_r);
        if (pull != PULL_PIECE)
            return pull;
    }
    conn->body_left -= piece_r->size;
    return PULL_PIECE;
}

/* rest: what was read in this step and is not decoded yet; it lies in the shared buffer. */
static enum pull pull_chunked(struct http_conn *conn, struct span *rest, struct span *piece_r)
{
    for (;;) {
        struct span in = stored(conn);
        bool from_store = in.at != NULL;
        size_t size;
        enum verdict verdict;

        if (conn->chunk.finished)
            return PULL_END;
        if (!from_store && rest->size == 0) {
            enum pull pull = read_more(conn, CHUNKED_READ_BYTES, rest);

            if (pull != PULL_PIECE)
                return pull;
        }
        if (!from_store)
            in = *rest;
        size = in.size;
        verdict = http_chunk_next(&conn->chunk, &in, piece_r);
        if (from_store)
            eat_stored(conn, size - in.size);
        else
            *rest = in;
        if (verdict == PARSE_BAD)
            return PULL_BAD;
        if (verdict == PARSE_DONE && piece_r->size)
            return PULL_PIECE;
    }
}

static enum pull pull(struct http_conn *conn, struct span *rest, struct span *piece_r)
{
    enum pull pulled;

    if (!conn->has_body)
        return PULL_END;
    if (conn->spill_at == conn->spill.size && conn->spill.size) {
        buf_free(&conn->spill);
        conn->spill_at = 0;
    }
    pulled = conn->chunked ? pull_chunked(conn, rest, piece_r) : pull_length(conn, piece_r);
    if (pulled == PULL_PIECE)
        account(conn, piece_r->size);
    if (pulled == PULL_END)
        conn->has_body = false;
    return pulled;
}

/* The shared buffer is another connection's in a moment. */
static void keep_rest(struct http_conn *conn, struct span rest)
{
    if (rest.size == 0)
        return;
    if (conn->spill_at == conn->spill.size) {
        buf_clear(&conn->spill);
        conn->spill_at = 0;
    }
    buf_add(&conn->spill, rest);
}

/* ---- to the handler ---- */

static bool wanted(const struct exchange *exchange)
{
    return exchange->sink && !exchange->paused && !exchange->body_done && !exchange->replied;
}

static enum step body_over(struct http_conn *conn)
{
    struct exchange *exchange = conn->exchange;

    exchange->body_done = true;
    exchange->parked = loop_now(conn->server->loop);
    exchange->request.doing = "working on the request";
    exchange->sink->done(&exchange->request);
    return STEP_AGAIN;
}

static enum step body_wait(struct http_conn *conn)
{
    const struct exchange *exchange = conn->exchange;
    const struct http_server_settings *settings = conn->server->settings;

    if (!wanted(exchange)) {
        int64_t due = exchange->parked + settings->request_timeout - loop_now(conn->server->loop);

        if (!conn->half_closed)
            conn_deadline(conn, due > 0 ? due : 1);
        return STEP_WAIT;
    }
    if (conn_too_slow(conn)) {
        count_add(COUNT_requests_timed_out, 1);
        conn_cancel(conn);
        phase_refuse(conn, PROBLEM_request_timeout, "The body comes too slowly");
        return STEP_AGAIN;
    }
    conn_deadline(conn, settings->body_timeout);
    return STEP_WAIT;
}

enum step body_step(struct http_conn *conn)
{
    struct exchange *exchange = conn->exchange;
    struct span rest = { 0 }, piece = { 0 };
    enum pull pulled = PULL_WAIT;

    while (wanted(exchange)) {
        pulled = pull(conn, &rest, &piece);
        if (pulled != PULL_PIECE)
            break;
        exchange->sink->bytes(&exchange->request, piece);
    }
    keep_rest(conn, rest);
    if (exchange->replied)
        return STEP_AGAIN;
    switch (pulled) {
    case PULL_END:
        return wanted(exchange) ? body_over(conn) : body_wait(conn);
    case PULL_BAD:
        count_add(COUNT_requests_malformed, 1);
        conn_cancel(conn);
        phase_refuse(conn, PROBLEM_bad_request, "The chunked coding of the body is broken");
        return STEP_AGAIN;
    case PULL_GONE:
        return STEP_CLOSE;
    default:
        return body_wait(conn);
    }
}

enum step discard_step(struct http_conn *conn)
{
    struct span rest = { 0 }, piece = { 0 };
    enum pull pulled;

    while ((pulled = pull(conn, &rest, &piece)) == PULL_PIECE) {
        conn->discarded += piece.size;
        if (conn->discarded > 2 * DISCARD_BYTES)
            return STEP_CLOSE;
    }
    keep_rest(conn, rest);
    if (pulled == PULL_WAIT)
        return conn_too_slow(conn) ? STEP_CLOSE : STEP_WAIT;
    if (pulled != PULL_END)
        return STEP_CLOSE;
    conn->state = CONN_IDLE;
    conn_deadline(conn, conn->server->settings->idle_timeout);
    return STEP_AGAIN;
}

static void send_continue(struct http_conn *conn)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct iovec part = { (void *)(uintptr_t)line, sizeof(line) - 1 };

    conn->expect = false;
    if (conn->in_at < conn->in_size)
        return; /* the body has begun without being asked for (RFC 9110 10.1.1) */
    if (conn_send(conn, &part, 1, false) != (ssize_t)part.iov_len)
        conn->gone = true; /* all replies before are out: the socket has room, or is dead */
}

void request_take_body(struct http_request *request, const struct body_sink *sink)
{
    struct exchange *exchange = exchange_of(request);
    struct http_conn *conn = request->conn;

    must(exchange->sink == NULL);
    if (conn == NULL || exchange->replied || exchange->cancelled)
        return;
    exchange->sink = sink;
    request->doing = "receiving the body";
    conn->since = loop_now(conn->server->loop);
    conn->rate_usec = conn->rate_bytes = 0;
    if (conn->expect)
        send_continue(conn);
    conn_later(conn);
}

void request_pause_body(struct http_request *request)
{
    struct exchange *exchange = exchange_of(request);
    struct http_conn *conn = request->conn;

    if (conn == NULL || exchange->paused || exchange->body_done)
        return;
    exchange->paused = true;
    exchange->parked = loop_now(conn->server->loop);
    conn->rate_usec += exchange->parked - conn->since; /* our own slowness is not held against the client */
    conn_later(conn);
}

void request_resume_body(struct http_request *request)
{
    struct exchange *exchange = exchange_of(request);
    struct http_conn *conn = request->conn;

    if (conn == NULL || !exchange->paused)
        return;
    exchange->paused = false;
    conn->since = loop_now(conn->server->loop);
    conn_later(conn);
}

/* ---- the whole body at once ---- */

static void collect_bytes(struct http_request *request, struct span piece)
{
    struct exchange *exchange = exchange_of(request);

    if (piece.size > exchange->collect_most - exchange->collected.size)
        reply_problem(request, PROBLEM_file_too_large, "The body is too large");
    else
        buf_add(&exchange->collected, piece);
}

static void collect_end(struct http_request *request)
{
    struct exchange *exchange = exchange_of(request);

    exchange->collect_done(request, buf_span(&exchange->collected));
}

void request_read_body(struct http_request *request, size_t most,
                       void (*done)(struct http_request *request, struct span body))
{
    static const struct body_sink collect = { collect_bytes, collect_end };
    struct exchange *exchange = exchange_of(request);

    if (request->body_size > 0 && (uint64_t)request->body_size > most) {
        reply_problem(request, PROBLEM_file_too_large, "The body is too large");
        return;
    }
    exchange->collect_most = most;
    exchange->collect_done = done;
    if (request->body_size > 0)
        buf_reserve(&exchange->collected, (size_t)request->body_size);
    request_take_body(request, &collect);
}
