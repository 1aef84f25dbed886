/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 2 3 4: h2_session.c - a carrier: frames in and out, the streams' births and ends, and what a
 * client may cost.
 *
 * nghttp2 itself bounds CONTINUATION frames, field blocks and unread acknowledgements; here are the bounds
 * that only a server can set. */
#include "http/h2.h"

#include "base/must.h"
#include "os/log.h"
#include "shm/count.h"

#include <errno.h>
#include <stdlib.h>

static int64_t now_of(const struct h2_session *session)
{
    return loop_now(session->conn->server->loop);
}

static const struct http_server_settings *settings_of_session(const struct h2_session *session)
{
    return session->conn->server->settings;
}

void h2_wake(struct h2_session *session)
{
    if (session->dead)
        return;
    session->only_write = true;
    conn_later(session->conn);
}

/* The carrier's own time-out: a head that does not end, or nothing at all to do. Streams have their own. */
static void choose_deadline(struct h2_session *session)
{
    if (session->ending || session->head_due)
        return;
    session->conn->since = now_of(session);
    conn_deadline(session->conn,
                  list_empty(&session->streams) ? settings_of_session(session)->idle_timeout : 0);
}

static void end(struct h2_session *session, uint32_t error)
{
    if (session->ending)
        return;
    session->ending = session->leaving = true;
    nghttp2_session_terminate_session(session->nghttp2, error);
    conn_deadline(session->conn, LINGER_WAIT_USEC);
}

/* Streams in hand are finished, no other is taken. */
static void leave(struct h2_session *session)
{
    if (session->leaving)
        return;
    session->leaving = true;
    nghttp2_submit_goaway(session->nghttp2, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session->nghttp2), NGHTTP2_NO_ERROR, NULL,
                          0);
}

/* Opening streams and breaking them off again costs the client nothing (CVE-2023-44487). */
static void note_reset(struct h2_session *session)
{
    int64_t now = now_of(session);
    char client[IP_TEXT];

    if (now - session->reset_since > H2_RESETS_USEC) {
        session->reset_since = now;
        session->resets = 0;
    }
    if (++session->resets <= H2_RESETS_MOST || session->ending)
        return;
    client_text(&session->conn->peer, client);
    log_warn("HTTP/2 from %s: more than %d streams were broken off within %d s; the connection ends", client,
             H2_RESETS_MOST, (int)(H2_RESETS_USEC / USEC_PER_SEC));
    end(session, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* ---- nghttp2's callbacks ---- */

static struct h2_stream *stream_of(nghttp2_session *nghttp2, int32_t id)
{
    void *data = id ? nghttp2_session_get_stream_user_data(nghttp2, id) : NULL;

    return data ? OBJECT(data, h2_stream) : NULL;
}

static bool is_request(const nghttp2_frame *frame)
{
    return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

static int malformed(struct h2_session *session, int32_t id)
{
    count_add(COUNT_requests_malformed, 1);
    session->head_due = false;
    nghttp2_submit_rst_stream(session->nghttp2, NGHTTP2_FLAG_NONE, id, NGHTTP2_PROTOCOL_ERROR);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_begin_headers(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *data)
{
    struct h2_session *session = OBJECT(data, h2_session);

    if (!is_request(frame))
        return 0;
    h2_head_begin(&session->head, (size_t)settings_of_session(session)->max_head_size);
    nghttp2_session_set_stream_user_data(nghttp2, frame->hd.stream_id,
                                         h2_stream_new(session, frame->hd.stream_id));
    if (session->ending)
        return 0;
    session->head_due = true;
    conn_deadline(session->conn, settings_of_session(session)->header_timeout);
    return 0;
}

static int on_header(nghttp2_session *nghttp2, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *data)
{
    struct h2_session *session = OBJECT(data, h2_session);

    (void)nghttp2, (void)flags;
    if (!is_request(frame) || session->ending)
        return 0; /* trailers say nothing to us */
    if (!h2_head_field(&session->head, span_make((const char *)name, name_size),
                       span_make((const char *)value, value_size)))
        return malformed(session, frame->hd.stream_id);
    if (session->head.size > H2_FLOOD_TIMES * session->head.most) /* a few bytes on the wire may say that */
        end(session, NGHTTP2_ENHANCE_YOUR_CALM);
    return 0;
}

/* Without this one nghttp2 drops what has forbidden bytes, and another reader would have seen it. */
static int on_invalid_header(nghttp2_session *nghttp2, const nghttp2_frame *frame, const uint8_t *name,
                             size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                             void *data)
{
    (void)nghttp2, (void)name, (void)name_size, (void)value, (void)value_size, (void)flags;
    return malformed(OBJECT(data, h2_session), frame->hd.stream_id);
}

static int begin_request(struct h2_session *session, struct h2_stream *stream, bool ended)
{
    int64_t most = settings_of_session(session)->max_requests;

    session->head_due = false;
    if (!h2_stream_request(stream, ended)) {
        malformed(session, stream->id);
        return 0;
    }
    count_add(COUNT_h2_streams, 1);
    choose_deadline(session);
    if (++session->requests >= (uint64_t)most && most > 0)
        leave(session);
    return 0;
}

static int on_frame_recv(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *data)
{
    struct h2_session *session = OBJECT(data, h2_session);
    bool ended = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    struct h2_stream *stream;

    if (frame->hd.type == NGHTTP2_SETTINGS && !session->greeted) {
        session->greeted = true;
        choose_deadline(session);
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
        return 0;
    stream = stream_of(nghttp2, frame->hd.stream_id);
    if (stream == NULL || session->ending)
        return 0;
    if (is_request(frame))
        return begin_request(session, stream, ended);
    if (ended) {
        stream->ended = true;
        h2_stream_wake(stream);
    }
    return 0;
}

static int on_data(nghttp2_session *nghttp2, uint8_t flags, int32_t id, const uint8_t *bytes, size_t size,
                   void *data)
{
    struct h2_stream *stream = stream_of(nghttp2, id);

    (void)flags, (void)data;
    if (stream && stream->conn)
        h2_stream_data(stream, span_make((const char *)bytes, size));
    else
        nghttp2_session_consume(nghttp2, id, size);
    return 0;
}

static int on_frame_send(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *data)
{
    struct h2_stream *stream;

    (void)data;
    if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) ||
        !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    stream = stream_of(nghttp2, frame->hd.stream_id);
    if (stream) {
        stream->flushed = true;
        h2_stream_wake(stream);
    }
    return 0;
}

/* The fields of a reply do not fit what nghttp2 sends at most. */
static int on_frame_not_sent(nghttp2_session *nghttp2, const nghttp2_frame *frame, int error, void *data)
{
    (void)data;
    if (frame->hd.type == NGHTTP2_HEADERS && error == NGHTTP2_ERR_FRAME_SIZE_ERROR)
        nghttp2_submit_rst_stream(nghttp2, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_INTERNAL_ERROR);
    return 0;
}

/* Both sides are done with it, or one has broken it off. */
static int on_stream_close(nghttp2_session *nghttp2, int32_t id, uint32_t error, void *data)
{
    struct h2_session *session = OBJECT(data, h2_session);
    struct h2_stream *stream = stream_of(nghttp2, id);
    bool broken;

    (void)error;
    if (stream == NULL)
        return 0;
    nghttp2_session_set_stream_user_data(nghttp2, id, NULL);
    broken = !stream->flushed && (stream->conn || !stream->born);
    stream->closed = true;
    if (broken)
        note_reset(session);
    if (stream->conn == NULL)
        h2_stream_free(&stream);
    else if (broken)
        conn_close(&stream->conn); /* the handler is cancelled; the stream goes too */
    return 0;
}

static const nghttp2_session_callbacks *callbacks(void)
{
    static nghttp2_session_callbacks *all; /* one for all sessions, as long as the process */

    if (all)
        return all;
    must(nghttp2_session_callbacks_new(&all) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(all, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(all, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(all, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(all, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(all, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(all, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(all, on_frame_not_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(all, on_stream_close);
    return all;
}

/* ---- life ---- */

void h2_begin(struct http_conn *conn)
{
    struct h2_session *session = must_alloc(sizeof(*session));
    const nghttp2_settings_entry ours[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, H2_STREAMS_MOST },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_STREAM_WINDOW_BYTES },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)conn->server->settings->max_head_size },
    };
    nghttp2_option *option;

    OBJECT_BORN(session, h2_session);
    session->conn = conn;
    list_init(&session->streams);
    must(nghttp2_option_new(&option) == 0);
    nghttp2_option_set_no_auto_window_update(option, 1); /* a window opens as its bytes are used */
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_outbound_ack(option, H2_ACKS_MOST);
    must(nghttp2_session_server_new2(&session->nghttp2, callbacks(), session, option) == 0);
    nghttp2_option_del(option);
    must(nghttp2_submit_settings(session->nghttp2, NGHTTP2_FLAG_NONE, ours, sizeof(ours) / sizeof(ours[0])) ==
         0);
    must(nghttp2_session_set_local_window_size(session->nghttp2, NGHTTP2_FLAG_NONE, 0, H2_WINDOW_BYTES) == 0);
    count_add(COUNT_h2_connections, 1);
    conn->h2 = session;
    conn->state = CONN_H2;
    conn_deadline(conn, conn->server->settings->header_timeout);
}

void h2_free(struct http_conn *conn)
{
    struct h2_session *session = conn->h2;

    conn->h2 = NULL;
    session->dead = true;
    while (!list_empty(&session->streams)) {
        struct h2_stream *stream = LIST_OF(session->streams.next, struct h2_stream, node);

        stream->closed = true;
        if (stream->conn)
            conn_close(&stream->conn);
        else
            h2_stream_free(&stream);
    }
    nghttp2_session_del(session->nghttp2);
    h2_head_free(&session->head);
    buf_free(&session->out);
    OBJECT_DEAD(session);
    free(session);
}

/* ---- bytes ---- */

static bool turn_is_full(struct h2_session *session)
{
    int64_t now = now_of(session);

    if (session->turn != now) {
        session->turn = now;
        session->turn_bytes = 0;
    }
    if (session->turn_bytes < TURN_BYTES)
        return false;
    session->conn->again = true;
    return true;
}

/* Frames behind each other, so that they leave in full TLS records. */
static ssize_t gather(struct h2_session *session, char *into)
{
    size_t size = 0;

    while (size < H2_GATHER_BYTES) {
        const uint8_t *frames;
        ssize_t got = nghttp2_session_mem_send(session->nghttp2, &frames);

        if (got < 0)
            return -1;
        if (got == 0)
            break;
        must((size_t)got <= SHARED_BYTES - size);
        memcpy(into + size, frames, (size_t)got);
        size += (size_t)got;
    }
    return (ssize_t)size;
}

/* What is left goes first and in the same order, as OpenSSL wants it. 1: all out. 0: the socket is full. */
static int write_span(struct h2_session *session, struct span *rest)
{
    while (rest->size) {
        struct iovec part = { (void *)(uintptr_t)rest->at, rest->size };
        ssize_t sent = conn_send(session->conn, &part, 1, false);

        if (sent < 0)
            return errno == EAGAIN ? 0 : -1;
        session->turn_bytes += (size_t)sent;
        *rest = span_from(*rest, (size_t)sent);
    }
    return 1;
}

static int write_left(struct h2_session *session)
{
    struct span rest = span_from(buf_span(&session->out), session->out_at);
    int done = write_span(session, &rest);

    session->out_at = session->out.size - rest.size;
    if (done == 1) {
        buf_free(&session->out);
        session->out_at = 0;
    }
    return done;
}

/* -1: the connection is dead. */
static int write_frames(struct h2_session *session)
{
    char *shared = server_shared(session->conn->server);
    int done = write_left(session);

    while (done == 1 && !turn_is_full(session)) {
        ssize_t size = gather(session, shared);
        struct span rest = span_make(shared, size > 0 ? (size_t)size : 0);

        if (size <= 0)
            return (int)size;
        done = write_span(session, &rest);
        if (done == 0)
            buf_add(&session->out, rest);
    }
    return done < 0 ? -1 : 0;
}

/* 0: what came is taken. -1: the client is gone, or speaks no HTTP/2. */
static int read_frames(struct h2_session *session)
{
    char *shared = server_shared(session->conn->server);

    while (nghttp2_session_want_read(session->nghttp2) && !turn_is_full(session)) {
        ssize_t got = conn_recv(session->conn, shared, SHARED_BYTES);

        if (got < 0 && errno == EAGAIN)
            return 0;
        if (got <= 0)
            return -1;
        session->turn_bytes += (size_t)got;
        if (nghttp2_session_mem_recv(session->nghttp2, (const uint8_t *)shared, (size_t)got) < 0)
            return -1;
    }
    return 0;
}

/* Shut, not cut, so that the GOAWAY is not lost. */
static enum step farewell(struct http_conn *conn)
{
    h2_free(conn);
    conn_shut(conn);
    conn->state = CONN_LINGER;
    conn->since = loop_now(conn->server->loop);
    conn->rate_bytes = 0;
    return STEP_AGAIN;
}

enum step h2_step(struct http_conn *conn)
{
    struct h2_session *session = conn->h2;
    bool read = !session->only_write;

    session->only_write = false;
    if (read && read_frames(session) < 0)
        return STEP_CLOSE;
    if (write_frames(session) < 0)
        return STEP_CLOSE;
    if (session->out.size == 0 && !nghttp2_session_want_read(session->nghttp2) &&
        !nghttp2_session_want_write(session->nghttp2))
        return farewell(conn);
    return STEP_WAIT;
}

bool h2_wants_write(const struct http_conn *conn)
{
    return conn->h2->out.size > 0;
}

/* ---- ends ---- */

bool h2_time_out(struct http_conn *conn)
{
    struct h2_session *session = conn->h2;

    if (session->ending)
        return false;
    end(session, NGHTTP2_NO_ERROR);
    session->only_write = true;
    return true;
}

/* First a GOAWAY that refuses nothing yet, as requests may be on their way; a second later the true one. */
void h2_drain(struct http_conn *conn)
{
    struct h2_session *session = conn->h2;
    int64_t now = now_of(session);

    if (session->drain_since == 0) {
        session->drain_since = now;
        nghttp2_submit_shutdown_notice(session->nghttp2);
    } else if (now - session->drain_since >= DRAIN_IDLE_USEC) {
        leave(session);
    } else {
        return;
    }
    h2_wake(session);
}

void h2_idle(struct h2_session *session)
{
    if (!session->dead)
        choose_deadline(session);
}
