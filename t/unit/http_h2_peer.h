/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: http_h2_peer.h - handlers and an HTTP/2 client for the tests. The client is
 * nghttp2's, on a socket pair; ALPN is not played here. */
#ifndef STOA_T_HTTP_H2_PEER_H
#define STOA_T_HTTP_H2_PEER_H

#include "http_driver.h"

#include "http/h2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/mman.h>

#define FILE_BYTES   3000000
#define STREAMS_MOST 400
#define TURNS_MOST   20000

static struct driver *driver;
static unsigned cancels, takes;
static struct http_request *parked; /* by the handler of /park */
static struct http_request *paused; /* by the sink of /pause */
static int file_fd = -1;

/* ---- handlers ---- */

static void echo_all(struct http_request *request, struct span body)
{
    reply_field(request, "X-Echo", request_field(request, "cookie"));
    reply_send(request, 200, "text/plain", body);
}

static void echo(struct http_request *request)
{
    request_read_body(request, 500000, echo_all);
}

static void count_cancel(struct http_request *request)
{
    cancels++;
    if (parked == request)
        parked = NULL;
    if (paused == request)
        paused = NULL;
}

static void park(struct http_request *request)
{
    parked = request;
    request->on_cancel = count_cancel;
}

static void count_bytes(struct http_request *request, struct span piece)
{
    int64_t *total = request->handler_data;

    takes++;
    *total += (int64_t)piece.size;
    if (span_is(request->path, "/pause") && paused == NULL) {
        paused = request;
        request_pause_body(request);
    }
}

static void say_total(struct http_request *request)
{
    const int64_t *total = request->handler_data;

    reply_field_printf(request, "X-Total", "%lld", (long long)*total);
    reply_empty(request, 201);
}

static void take(struct http_request *request)
{
    static const struct body_sink sink = { count_bytes, say_total };

    request->handler_data = arena_make(request->arena, int64_t);
    request->on_cancel = count_cancel;
    request_take_body(request, &sink);
}

static void serve(struct http_request *request)
{
    reply_file(request, 200, "application/x-test", dup(file_fd), 0, FILE_BYTES);
}

static void who(struct http_request *request)
{
    const char *text =
        arena_printf(request->arena, "%s %d %.*s", request->client, request->secure, SPAN_ARG(request->host));

    reply_send(request, 200, "text/plain", span_of(text));
}

static void refuse(struct http_request *request)
{
    reply_problem(request, PROBLEM_file_too_large, NULL);
}

static const struct http_route rows[] = {
    { METHOD_BIT(HTTP_POST) | METHOD_BIT(HTTP_GET), "/echo", ACCESS_OPEN, echo, "" },
    { METHOD_BIT(HTTP_GET), "/park", ACCESS_OPEN, park, "" },
    { METHOD_BIT(HTTP_PUT), "/take", ACCESS_OPEN, take, "" },
    { METHOD_BIT(HTTP_PUT), "/pause", ACCESS_OPEN, take, "" },
    { METHOD_BIT(HTTP_PUT), "/refuse", ACCESS_OPEN, refuse, "" },
    { METHOD_BIT(HTTP_GET) | METHOD_BIT(HTTP_HEAD), "/file", ACCESS_OPEN, serve, "" },
    { METHOD_BIT(HTTP_GET) | METHOD_BIT(HTTP_HEAD), "/who", ACCESS_OPEN, who, "" },
    { .path = NULL },
};

/* ---- a client ---- */

struct answer {
    int status, interim; /* 0: none */
    int64_t size;        /* bytes of the body */
    char body[256];      /* its first ones */
    char fields[2048];   /* "name: value\n" ... */
    bool good;           /* the body is as the file is */
    bool closed;
    uint32_t error;
};

struct upload {
    int64_t left;
    bool held; /* the end is not sent */
};

static struct peer {
    nghttp2_session *session;
    int fd;
    struct buf out;
    struct answer answers[STREAMS_MOST]; /* by stream id / 2 */
    struct upload uploads[STREAMS_MOST];
    bool closed;
    int goaways;
    uint32_t goaway_error;
    int32_t goaway_last;
} client;

static char file_byte(int64_t at)
{
    return (char)('a' + at % 23);
}

static int client_field(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                        size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *data)
{
    struct answer *answer = &client.answers[frame->hd.stream_id / 2];
    size_t size = strlen(answer->fields);
    int status;

    (void)session, (void)flags, (void)data;
    if (name_size == 7 && memcmp(name, ":status", 7) == 0) {
        status = (int)strtol((const char *)value, NULL, 10);
        if (status < 200)
            answer->interim = status;
        else
            answer->status = status;
    }
    snprintf(answer->fields + size, sizeof(answer->fields) - size, "%.*s: %.*s\n", (int)name_size,
             (const char *)name, (int)value_size, (const char *)value);
    return 0;
}

static int client_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t size,
                       void *data)
{
    struct answer *answer = &client.answers[id / 2];

    (void)session, (void)flags, (void)data;
    if (answer->size == 0)
        answer->good = true;
    for (size_t i = 0; i < size; i++) {
        answer->good &= (char)bytes[i] == file_byte(answer->size);
        if (answer->size < (int64_t)sizeof(answer->body) - 1)
            answer->body[answer->size] = (char)bytes[i];
        answer->size++;
    }
    return 0;
}

static int client_closed(nghttp2_session *session, int32_t id, uint32_t error, void *data)
{
    (void)session, (void)data;
    client.answers[id / 2].closed = true;
    client.answers[id / 2].error = error;
    return 0;
}

static int client_frame(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
    (void)session, (void)data;
    if (frame->hd.type == NGHTTP2_RST_STREAM)
        client.answers[frame->hd.stream_id / 2].error = frame->rst_stream.error_code;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        client.goaways++;
        client.goaway_error = frame->goaway.error_code;
        client.goaway_last = frame->goaway.last_stream_id;
    }
    return 0;
}

static ssize_t client_body(nghttp2_session *session, int32_t id, uint8_t *into, size_t size, uint32_t *flags,
                           nghttp2_data_source *source, void *data)
{
    struct upload *upload = source->ptr;
    size_t some = (int64_t)size < upload->left ? size : (size_t)upload->left;

    (void)session, (void)id, (void)data;
    if (some == 0 && upload->held)
        return NGHTTP2_ERR_DEFERRED;
    memset(into, 'u', some);
    upload->left -= (int64_t)some;
    if (upload->left == 0 && !upload->held)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)some;
}

/* window: what the client lets the server send of all and of each; 0: plenty, opened again by itself. */
static void client_open(int32_t window)
{
    const nghttp2_settings_entry setting = { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
                                             window ? (uint32_t)window : 1u << 20 };
    nghttp2_session_callbacks *calls;
    nghttp2_option *option;
    struct http_conn *conn;

    client = (struct peer){ .fd = driver_connect(driver, NULL) };
    conn = OBJECT(LIST_OF(driver->server->conns.prev, struct http_conn, node), http_conn);
    h2_begin(conn); /* what ALPN decides otherwise */
    conn_run(conn);
    nghttp2_session_callbacks_new(&calls);
    nghttp2_session_callbacks_set_on_header_callback(calls, client_field);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, client_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, client_closed);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, client_frame);
    nghttp2_option_new(&option);
    nghttp2_option_set_no_http_messaging(option, 1);
    nghttp2_option_set_max_send_header_block_length(option, 1 << 20);
    nghttp2_option_set_no_auto_window_update(option, window != 0);
    nghttp2_option_set_peer_max_concurrent_streams(option, STREAMS_MOST);
    assert_int_equal(nghttp2_session_client_new2(&client.session, calls, NULL, option), 0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(calls);
    nghttp2_submit_settings(client.session, 0, &setting, 1);
}

static void client_end(void)
{
    nghttp2_session_del(client.session);
    buf_free(&client.out);
    if (client.fd >= 0)
        close(client.fd);
    client.fd = -1;
    for (int i = 0; i < 4; i++)
        driver_step(driver, false);
}

/* Sends and takes all there is, until nothing moves any more. */
static void client_go(void)
{
    unsigned quiet = 0;

    for (unsigned turn = 0; quiet < DRIVER_QUIET && turn < TURNS_MOST && !client.closed; turn++) {
        const uint8_t *frames;
        ssize_t size, sent, got;
        uint8_t in[65536];

        while (client.out.size < 200000 && (size = nghttp2_session_mem_send(client.session, &frames)) > 0)
            buf_add(&client.out, span_make((const char *)frames, (size_t)size));
        sent = client.out.size ? send(client.fd, client.out.at, client.out.size, MSG_NOSIGNAL) : -1;
        if (sent > 0)
            buf_eat(&client.out, (size_t)sent);
        driver_step(driver, false);
        got = recv(client.fd, in, sizeof(in), 0);
        if (got > 0)
            assert_true(nghttp2_session_mem_recv(client.session, in, (size_t)got) >= 0);
        client.closed = got == 0 || (got < 0 && errno != EAGAIN);
        quiet = got > 0 || sent > 0 ? 0 : quiet + 1;
    }
}

static nghttp2_nv field(const char *name, const char *value)
{
    return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value),
                         0 };
}

/* more: name, value, ..., NULL. size < 0: no body. */
static int32_t ask_more(const char *method, const char *path, int64_t size, const char *const *more)
{
    nghttp2_nv fields[90] = { field(":method", method), field(":scheme", "https"), field(":authority", "h"),
                              field(":path", path) };
    size_t count = 4;
    int32_t id = nghttp2_session_get_next_stream_id(client.session) < 2 * STREAMS_MOST
                     ? (int32_t)nghttp2_session_get_next_stream_id(client.session)
                     : 0;
    nghttp2_data_provider body = { { .ptr = &client.uploads[id / 2] }, client_body };

    for (; more && *more; more += 2)
        fields[count++] = field(more[0], more[1]);
    client.uploads[id / 2].left = size;
    assert_int_equal(
        nghttp2_submit_request(client.session, NULL, fields, count, size >= 0 ? &body : NULL, NULL), id);
    return id;
}

static int32_t ask(const char *method, const char *path, int64_t size)
{
    return ask_more(method, path, size, NULL);
}

static const struct answer *answer_of(int32_t id)
{
    return &client.answers[id / 2];
}

static int up(void **state)
{
    static const struct http_context context = { .path = "/", .routes = rows, .name = "test" };
    char *bytes;

    if (file_fd < 0) {
        file_fd = memfd_create("h2", MFD_CLOEXEC);
        assert_int_equal(ftruncate(file_fd, FILE_BYTES), 0);
        bytes = mmap(NULL, FILE_BYTES, PROT_WRITE, MAP_SHARED, file_fd, 0);
        for (int64_t i = 0; i < FILE_BYTES; i++)
            bytes[i] = file_byte(i);
        munmap(bytes, FILE_BYTES);
    }
    driver = must_alloc(sizeof(*driver));
    driver_init(driver);
    router_table_add(driver->table, &context);
    cancels = takes = 0;
    parked = paused = NULL;
    *state = driver;
    return 0;
}

static int down(void **state)
{
    (void)state;
    driver_end(driver);
    free(driver);
    return 0;
}

#endif
