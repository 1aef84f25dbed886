/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: h2_fuzz.c - a carrier of HTTP/2 fed with arbitrary frames in arbitrary pieces.
 *
 * The first byte says whether the client reads and how it ends, the second the size of the pieces; the rest
 * comes behind the preface. It must never crash or hang, no request may have two replies or none, and what a
 * carrier holds stays bounded. */
#include "../unit/http_driver.h"

#include "http/h2.h"

#include <sys/mman.h>

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

static struct driver driver;
static unsigned calls, replies;
static int file_fd = -1;
static struct http_request *parked;

static void send_echo(struct http_request *request, struct span body)
{
    replies++;
    reply_send(request, 200, "text/plain", body);
}

static void gone(struct http_request *request)
{
    replies++; /* nobody waits for one any more */
    if (parked == request)
        parked = NULL;
}

static void echo(struct http_request *request)
{
    calls++;
    request->on_cancel = gone;
    request_read_body(request, 2000, send_echo);
    if (reply_begun(request)) /* too large by its length */
        replies++;
}

static void serve(struct http_request *request)
{
    calls++;
    replies++;
    reply_disposition(request, false, request->below);
    reply_file(request, 200, "text/x", dup(file_fd), 0, 700000);
}

static void pause_or_refuse(struct http_request *request, struct span piece)
{
    if (piece.at[0] == 'p' && parked == NULL) {
        request_pause_body(request);
        parked = request;
    } else if (piece.at[0] == 'r') {
        replies++;
        if (parked == request)
            parked = NULL;
        reply_problem(request, PROBLEM_quota_reached, NULL);
    }
}

static void taken(struct http_request *request)
{
    replies++;
    if (parked == request)
        parked = NULL;
    reply_empty(request, 201);
}

static void take(struct http_request *request)
{
    static const struct body_sink sink = { pause_or_refuse, taken };

    calls++;
    request->on_cancel = gone;
    request_take_body(request, &sink);
}

static const struct http_route rows[] = {
    { METHOD_BIT(HTTP_POST), "/e", ACCESS_OPEN, echo, "" },
    { METHOD_BIT(HTTP_GET) | METHOD_BIT(HTTP_HEAD), "/f/*", ACCESS_OPEN, serve, "" },
    { METHOD_BIT(HTTP_PUT), "/t", ACCESS_OPEN, take, "" },
    { .path = NULL },
};

static void begin(void)
{
    static const struct http_context context = { .path = "/", .routes = rows, .name = "fuzz" };

    file_fd = memfd_create("fuzz", MFD_CLOEXEC);
    must(file_fd >= 0 && ftruncate(file_fd, 700000) == 0);
    driver_init(&driver);
    router_table_add(driver.table, &context);
    driver_start(&driver);
}

/* The bounds that h2.h states. */
static void look(void)
{
    size_t held = 0, in = 0;
    struct http_conn *conn;

    if (list_empty(&driver.server->conns))
        return;
    conn = LIST_OF(driver.server->conns.next, struct http_conn, node);
    if (conn->h2 == NULL)
        return;
    LIST_EACH (node, &conn->h2->streams) {
        const struct h2_stream *stream = LIST_OF(node, struct h2_stream, node);

        held += stream->out.size - stream->out_at;
        in += stream->in.size - stream->in_at;
    }
    must(held == conn->h2->held);
    must(held <= H2_HELD_BYTES + H2_OUT_BYTES + H2_STREAMS_MOST * H2_OUT_LEAST);
    must(in <= H2_WINDOW_BYTES);
}

static void push(int fd, struct span bytes, size_t piece, bool reads)
{
    unsigned quiet = 0;

    while (quiet < DRIVER_QUIET && !driver.closed) {
        ssize_t sent =
            bytes.size ? send(fd, bytes.at, bytes.size < piece ? bytes.size : piece, MSG_NOSIGNAL) : -1;

        if (sent > 0)
            bytes = span_from(bytes, (size_t)sent);
        driver_step(&driver, false);
        quiet = (reads && driver_read(&driver, fd)) || sent > 0 ? 0 : quiet + 1;
        buf_clear(&driver.in);
        look();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_conn *conn;
    struct span in;
    size_t piece;
    bool reads;
    int fd;

    if (driver.loop == NULL)
        begin();
    if (size < 2)
        return 0;
    reads = !(data[0] & 1);
    piece = data[1] ? data[1] : SIZE_MAX;
    in = span_make((const char *)data + 2, size - 2);
    calls = replies = 0;
    parked = NULL;
    driver.closed = false;
    fd = driver_connect(&driver, NULL);
    conn = LIST_OF(driver.server->conns.next, struct http_conn, node);
    h2_begin(conn);
    conn_run(conn);
    if (!(data[0] & 2))
        push(fd, SPAN(PREFACE "\0\0\0\4\0\0\0\0\0"), SIZE_MAX, reads);
    push(fd, span_head(in, in.size / 2), piece, reads);
    if (parked)
        request_resume_body(parked);
    parked = NULL;
    push(fd, span_from(in, in.size / 2), piece, reads);
    if (data[0] & 4) {
        shutdown(fd, SHUT_WR);
        push(fd, SPAN(""), 1, reads);
    }
    close(fd);
    for (int i = 0; i < 4; i++)
        driver_step(&driver, false);
    must(http_server_connections(driver.server) == 0);
    must(replies == calls);
    return 0;
}
