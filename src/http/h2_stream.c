/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3: h2_stream.c - a stream as the transport of a virtual connection: its fields and DATA
 * frames are read as HTTP/1.1, the reply that is written is taken apart into frames again.
 *
 * Both directions push back: a window is opened again only when the request has taken the bytes, and a reply
 * waits (EAGAIN) while its buffer is more than half full. */
#include "http/h2.h"

#include "base/must.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KEPT_IN_BYTES    (64 * 1024) /* a body buffer that grew beyond is given back when it is empty */
#define CHUNK_FRAME_MOST 32          /* size line and line end around one chunk */

struct h2_stream *h2_stream_new(struct h2_session *session, int32_t id)
{
    struct h2_stream *stream = must_alloc(sizeof(*stream));

    OBJECT_BORN(stream, h2_stream);
    stream->session = session;
    stream->id = id;
    list_append(&session->streams, &stream->node);
    return stream;
}

static void drop_buffers(struct h2_stream *stream)
{
    struct h2_session *session = stream->session;

    if (stream->in.size > stream->in_at && !session->dead)
        nghttp2_session_consume_connection(session->nghttp2, stream->in.size - stream->in_at);
    session->held -= stream->out.size - stream->out_at;
    buf_free(&stream->head);
    buf_free(&stream->in);
    buf_free(&stream->out);
    stream->head_at = stream->in_at = stream->out_at = 0;
}

void h2_stream_free(struct h2_stream **stream)
{
    struct h2_stream *ended = *stream;
    struct h2_session *session = ended->session;

    *stream = NULL;
    must(ended->conn == NULL && ended->closed);
    drop_buffers(ended);
    list_remove(&ended->node);
    OBJECT_DEAD(ended);
    free(ended);
    h2_idle(session);
}

bool h2_stream_request(struct h2_stream *stream, bool ended)
{
    struct h2_session *session = stream->session;

    stream->ended = ended;
    stream->chunked = !ended && !session->head.has_length;
    if (!h2_head_write(&session->head, !ended, &stream->head))
        return false;
    stream->born = true;
    stream->conn = conn_new_virtual(session->conn, stream);
    conn_later(stream->conn);
    return true;
}

void h2_stream_wake(struct h2_stream *stream)
{
    if (stream->conn)
        conn_later(stream->conn);
}

void h2_stream_data(struct h2_stream *stream, struct span bytes)
{
    if (stream->in_at == stream->in.size) {
        buf_clear(&stream->in);
        stream->in_at = 0;
    } else if (stream->in_at > stream->in.size / 2) {
        buf_eat(&stream->in, stream->in_at);
        stream->in_at = 0;
    }
    buf_add(&stream->in, bytes);
    h2_stream_wake(stream);
}

/* ---- the request, as bytes ---- */

/* Both windows open by what was taken (RFC 9113 5.2). */
static void taken(struct h2_stream *stream, size_t size)
{
    stream->in_at += size;
    nghttp2_session_consume(stream->session->nghttp2, stream->id, size);
    if (stream->in_at == stream->in.size) {
        if (stream->in.room > KEPT_IN_BYTES)
            buf_free(&stream->in);
        buf_clear(&stream->in);
        stream->in_at = 0;
    }
    h2_wake(stream->session);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* One chunk of what is there. */
static ssize_t read_chunk(struct h2_stream *stream, char *into, size_t size)
{
    size_t data = stream->in.size - stream->in_at;
    int line;

    must(size > CHUNK_FRAME_MOST);
    data = least(data, size - CHUNK_FRAME_MOST);
    line = snprintf(into, CHUNK_FRAME_MOST, "%zx\r\n", data);
    memcpy(into + line, stream->in.at + stream->in_at, data);
    memcpy(into + (size_t)line + data, "\r\n", 2);
    taken(stream, data);
    return (ssize_t)((size_t)line + data + 2);
}

ssize_t h2_recv(struct http_conn *conn, void *into, size_t size)
{
    static const char end[] = "0\r\n\r\n";
    struct h2_stream *stream = OBJECT(conn->stream, h2_stream);
    size_t some;

    if (stream->head_at < stream->head.size) {
        some = least(size, stream->head.size - stream->head_at);
        memcpy(into, stream->head.at + stream->head_at, some);
        stream->head_at += some;
        if (stream->head_at == stream->head.size)
            buf_free(&stream->head), stream->head_at = 0;
        return (ssize_t)some;
    }
    if (stream->in_at < stream->in.size) {
        if (stream->chunked)
            return read_chunk(stream, into, size);
        some = least(size, stream->in.size - stream->in_at);
        memcpy(into, stream->in.at + stream->in_at, some);
        taken(stream, some);
        return (ssize_t)some;
    }
    if (stream->chunked && stream->ended && !stream->end_told) {
        must(size >= sizeof(end) - 1);
        memcpy(into, end, sizeof(end) - 1);
        stream->end_told = true;
        return sizeof(end) - 1;
    }
    errno = EAGAIN;
    return -1;
}

bool h2_pending(const struct http_conn *conn)
{
    const struct h2_stream *stream = OBJECT(conn->stream, h2_stream);

    return stream->head_at < stream->head.size || stream->in_at < stream->in.size ||
           (stream->chunked && stream->ended && !stream->end_told);
}

/* ---- the reply, as frames ---- */

static ssize_t on_read_body(nghttp2_session *nghttp2, int32_t id, uint8_t *into, size_t size, uint32_t *flags,
                            nghttp2_data_source *source, void *data)
{
    struct h2_stream *stream = OBJECT(source->ptr, h2_stream);
    struct h2_session *session = OBJECT(data, h2_session);
    size_t some = least(size, stream->out.size - stream->out_at);

    (void)nghttp2, (void)id;
    if (stream->conn == NULL)
        return NGHTTP2_ERR_DEFERRED; /* broken off: the RST_STREAM is on its way */
    if (some) {
        memcpy(into, stream->out.at + stream->out_at, some);
        stream->out_at += some;
        session->held -= some;
        session->sent_at = loop_now(session->conn->server->loop);
        conn_later(stream->conn);
    }
    if (stream->out_at == stream->out.size) {
        buf_clear(&stream->out);
        stream->out_at = 0;
        if (stream->finished)
            *flags |= NGHTTP2_DATA_FLAG_EOF;
        else if (some == 0)
            return NGHTTP2_ERR_DEFERRED;
    }
    return (ssize_t)some;
}

/* Fields that HTTP/2 does not have (RFC 9113 8.2.2). */
static bool is_dropped(struct span name)
{
    return span_eq_nocase(name, SPAN("connection")) || span_eq_nocase(name, SPAN("keep-alive")) ||
           span_eq_nocase(name, SPAN("transfer-encoding"));
}

static nghttp2_nv field(struct span name, struct span value)
{
    return (nghttp2_nv){ .name = (uint8_t *)(uintptr_t)name.at,
                         .namelen = name.size,
                         .value = (uint8_t *)(uintptr_t)value.at,
                         .valuelen = value.size,
                         .flags = NGHTTP2_NV_FLAG_NONE };
}

static struct span lower(struct arena *arena, struct span name)
{
    char *text = arena_alloc(arena, name.size + 1);

    for (size_t i = 0; i < name.size; i++)
        text[i] = name.at[i] >= 'A' && name.at[i] <= 'Z' ? (char)(name.at[i] + 32) : name.at[i];
    return span_make(text, name.size);
}

/* "HTTP/1.1 200 OK" and its field lines, as reply.c wrote them. */
static size_t fields_of(struct arena *arena, struct span text, nghttp2_nv **fields_r)
{
    struct span status = span_head(span_from(text, sizeof("HTTP/1.1 ") - 1), 3), line;
    size_t lines = 0, count = 0;

    for (size_t i = 0; i < text.size; i++)
        lines += text.at[i] == '\n';
    *fields_r = arena_alloc(arena, (lines + 1) * sizeof(**fields_r));
    (*fields_r)[count++] = field(SPAN(":status"), status);
    span_cut(&text, '\n');
    while ((line = span_cut(&text, '\n')).size > 1) {
        struct span name = span_cut(&line, ':');

        line = span_trim(span_head(line, line.size - 1));
        if (!is_dropped(name))
            (*fields_r)[count++] = field(lower(arena, name), line);
    }
    return count;
}

static bool submit_head(struct h2_stream *stream, struct span text)
{
    const struct exchange *exchange = stream->conn->exchange;
    nghttp2_session *nghttp2 = stream->session->nghttp2;
    const nghttp2_data_provider body = { { .ptr = stream }, on_read_body };
    nghttp2_nv *fields;
    size_t count;

    must(span_ends(text, SPAN("\r\n\r\n")));
    count = fields_of(exchange->request.arena, text, &fields);
    if (!exchange->replied) /* an interim one: 100 Continue */
        return nghttp2_submit_headers(nghttp2, NGHTTP2_FLAG_NONE, stream->id, NULL, fields, count, NULL) == 0;
    stream->replied = true;
    return nghttp2_submit_response(nghttp2, stream->id, fields, count,
                                   exchange->piece_count > 1 ? &body : NULL) == 0;
}

/* How many bytes may be put into out; 0 while it is half full, so that files are read in large pieces. */
static size_t room_of(struct h2_stream *stream)
{
    size_t most = stream->session->held < H2_HELD_BYTES ? H2_OUT_BYTES : H2_OUT_LEAST;
    size_t used = stream->out.size - stream->out_at;

    if (used > most / 2)
        return 0;
    buf_eat(&stream->out, stream->out_at);
    stream->out_at = 0;
    return most - used;
}

static void put(struct h2_stream *stream, size_t size)
{
    stream->session->held += size;
    nghttp2_session_resume_data(stream->session->nghttp2, stream->id); /* no harm when it was not waiting */
    h2_wake(stream->session);
}

ssize_t h2_send(struct http_conn *conn, const struct iovec *parts, int count)
{
    struct h2_stream *stream = OBJECT(conn->stream, h2_stream);
    size_t head = 0, body = 0, room = room_of(stream);
    int i = 0;

    if (!stream->replied) { /* a head is always a part of its own, the first */
        head = parts[i].iov_len;
        if (!submit_head(stream, span_make(parts[i++].iov_base, head))) {
            errno = ECONNRESET;
            return -1;
        }
    }
    for (; i < count && body < room; i++) {
        size_t some = least(parts[i].iov_len, room - body);

        buf_add(&stream->out, span_make(parts[i].iov_base, some));
        body += some;
    }
    if (head + body == 0) {
        errno = EAGAIN;
        return -1;
    }
    put(stream, body);
    return (ssize_t)(head + body);
}

/* Straight into the stream's buffer. */
ssize_t h2_sendfile(struct http_conn *conn, int fd, int64_t offset, size_t size)
{
    struct h2_stream *stream = OBJECT(conn->stream, h2_stream);
    size_t some = least(size, room_of(stream));
    ssize_t got;

    if (some == 0) {
        errno = EAGAIN;
        return -1;
    }
    do
        got = pread(fd, buf_reserve(&stream->out, some), some, offset);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        stream->out.size += (size_t)got;
        put(stream, (size_t)got);
    }
    return got;
}

bool h2_flush(struct http_conn *conn)
{
    struct h2_stream *stream = OBJECT(conn->stream, h2_stream);

    if (!stream->finished) {
        stream->finished = true;
        put(stream, 0);
    }
    return stream->flushed;
}

bool h2_waits_for_others(struct http_conn *conn)
{
    const struct h2_stream *stream = OBJECT(conn->stream, h2_stream);
    const struct h2_session *session = stream->session;
    nghttp2_session *nghttp2 = session->nghttp2;

    return nghttp2_session_get_stream_remote_window_size(nghttp2, stream->id) > 0 &&
           nghttp2_session_get_remote_window_size(nghttp2) > 0 &&
           loop_now(conn->server->loop) - session->sent_at < conn->server->settings->body_timeout;
}

void h2_detach(struct http_conn *conn)
{
    struct h2_stream *stream = OBJECT(conn->stream, h2_stream);
    struct h2_session *session = stream->session;
    bool stuck = stream->out_at < stream->out.size; /* else the fault is ours */

    conn->stream = NULL;
    conn->tls = NULL; /* the carrier's */
    stream->conn = NULL;
    drop_buffers(stream);
    if (stream->closed) {
        h2_stream_free(&stream);
        return;
    }
    if (!stream->flushed)
        nghttp2_submit_rst_stream(session->nghttp2, NGHTTP2_FLAG_NONE, stream->id,
                                  stuck ? NGHTTP2_CANCEL : NGHTTP2_INTERNAL_ERROR);
    else if (!stream->ended) /* the rest of the request's body is not wanted (8.1) */
        nghttp2_submit_rst_stream(session->nghttp2, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
    h2_wake(session);
}
