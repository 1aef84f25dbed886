/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 2 3: send.c - the pieces of a reply onto the wire.
 *
 * Head and small body leave in one call; a tiny file is copied into the same call, any other goes by sendfile
 * with the head held back (MSG_MORE) so that both share packets. Nothing is kept between calls but how far
 * each piece has got. */
#include "http/inside.h"

#include "os/log.h"
#include "shm/count.h"

#include <errno.h>
#include <unistd.h>

#define PARTS_MOST       8
#define TLS_RECORD_BYTES 16384 /* a partial write ends with a record: more would be read for nothing */

struct gather {
    struct iovec parts[PARTS_MOST];
    int count;
    size_t size;
    bool more; /* a large file part follows */
};

static bool is_file(const struct piece *piece)
{
    return piece->size > 0;
}

/* -1: the file is not what it was. */
static int gather_file(struct http_conn *conn, const struct piece *piece, struct gather *gather)
{
    char *shared = server_shared(conn->server);
    size_t most = FILE_COPY_BYTES;
    ssize_t got;

    if (conn->tls)
        most = gather->size < TLS_RECORD_BYTES ? TLS_RECORD_BYTES - gather->size : 0;
    if (most > (uint64_t)piece->size)
        most = (size_t)piece->size;
    if (most == 0)
        return 0;
    do
        got = pread(conn->exchange->fd, shared, most, piece->offset);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return -1;
    gather->parts[gather->count++] = (struct iovec){ shared, (size_t)got };
    gather->size += (size_t)got;
    return 0;
}

/* What the next call can send. Empty: the next piece is a large file part. */
static int gather_next(struct http_conn *conn, struct gather *gather)
{
    const struct exchange *exchange = conn->exchange;

    *gather = (struct gather){ .count = 0 };
    for (size_t i = exchange->piece_at; i < exchange->piece_count && gather->count < PARTS_MOST; i++) {
        const struct piece *piece = &exchange->pieces[i];

        if (is_file(piece)) {
            if (piece->size > FILE_COPY_BYTES && conn_can_sendfile(conn)) {
                gather->more = true;
                return 0;
            }
            return gather_file(conn, piece, gather); /* there is one shared buffer: one file part a call */
        }
        if (piece->memory.size == 0)
            continue;
        gather->parts[gather->count++] =
            (struct iovec){ (void *)(uintptr_t)piece->memory.at, piece->memory.size };
        gather->size += piece->memory.size;
    }
    return 0;
}

static void skip_empty(struct exchange *exchange)
{
    while (exchange->piece_at < exchange->piece_count) {
        const struct piece *piece = &exchange->pieces[exchange->piece_at];

        if (piece->size > 0 || piece->memory.size > 0)
            return;
        exchange->piece_at++;
    }
}

static void advance(struct http_conn *conn, size_t sent)
{
    struct exchange *exchange = conn->exchange;
    size_t head = (int64_t)sent < exchange->head_left ? sent : (size_t)exchange->head_left;

    conn->turn_bytes += sent;
    conn->rate_bytes += (int64_t)sent;
    exchange->head_left -= (int64_t)head;
    exchange->body_sent += (int64_t)(sent - head);
    while (sent > 0) {
        struct piece *piece = &exchange->pieces[exchange->piece_at];
        size_t left = is_file(piece) ? (size_t)piece->size : piece->memory.size;
        size_t step = sent < left ? sent : left;

        if (is_file(piece)) {
            piece->offset += (int64_t)step;
            piece->size -= (int64_t)step;
        } else {
            piece->memory = span_from(piece->memory, step);
        }
        sent -= step;
        if (step == left)
            exchange->piece_at++;
    }
    skip_empty(exchange);
}

static enum step file_changed(const struct http_conn *conn)
{
    log_error("request %s, %.*s: the file cannot be sent: %s", conn->exchange->request.id,
              SPAN_ARG(conn->exchange->request.raw_path),
              errno ? strerror(errno) : "it ended before its size");
    return STEP_CLOSE;
}

static enum step send_wait(struct http_conn *conn)
{
    if (conn_too_slow(conn)) {
        count_add(COUNT_requests_timed_out, 1);
        return STEP_CLOSE;
    }
    conn_deadline(conn, conn->server->settings->body_timeout);
    return STEP_WAIT;
}

enum step send_step(struct http_conn *conn)
{
    struct exchange *exchange = conn->exchange;

    skip_empty(exchange);
    while (exchange->piece_at < exchange->piece_count) {
        struct gather gather;
        size_t asked;
        ssize_t sent;

        if (conn->turn_bytes >= TURN_BYTES)
            return send_wait(conn);
        errno = 0;
        if (gather_next(conn, &gather) < 0)
            return file_changed(conn);
        if (gather.count) {
            asked = gather.size;
            sent = conn_send(conn, gather.parts, gather.count, gather.more);
        } else {
            const struct piece *piece = &exchange->pieces[exchange->piece_at];

            asked = TURN_BYTES - conn->turn_bytes;
            asked = (uint64_t)piece->size < asked ? (size_t)piece->size : asked;
            sent = conn_sendfile(conn, exchange->fd, piece->offset, asked);
            if (sent == 0)
                return file_changed(conn);
        }
        if (sent < 0)
            return errno == EAGAIN ? send_wait(conn) : STEP_CLOSE;
        advance(conn, (size_t)sent);
        if ((size_t)sent < asked && conn->tls == NULL)
            return send_wait(conn);
    }
    if (conn->stream && !h2_flush(conn))
        return send_wait(conn);
    return request_end(conn);
}
