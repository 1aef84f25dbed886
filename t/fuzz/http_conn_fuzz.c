/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: http_conn_fuzz.c - a whole connection fed with arbitrary bytes in arbitrary
 * pieces.
 *
 * The first byte chooses the listener and how the client ends, the second the size of the pieces; the rest is
 * what the client sends. It must never crash or hang, and no request may have two replies. */
#include "../unit/http_driver.h"

#include <sys/mman.h>

static struct driver driver;
static unsigned calls, replies;
static int file_fd = -1;
static struct http_request *parked;

static void send_echo(struct http_request *request, struct span body)
{
    replies++;
    reply_send(request, 200, "text/plain", body);
}

static void echo(struct http_request *request)
{
    calls++;
    request_read_body(request, 2000, send_echo);
}

static void serve(struct http_request *request)
{
    const struct range_file file = {
        .fd = dup(file_fd), .size = 70000, .etag = SPAN("\"t\""), .modified = 1700000000, .type = "text/x"
    };
    int status;

    calls++;
    reply_disposition(request, false, request->below);
    reply_field(request, "X-Parameter", request_parameter(request, "p"));
    range_reply(request, &file, &status);
    must(reply_begun(request));
    replies++;
}

/* Whatever ends a request, nobody resumes it later. */
static void answered(const struct http_request *request)
{
    replies++;
    if (parked == request)
        parked = NULL;
}

static void pause_or_refuse(struct http_request *request, struct span piece)
{
    if (piece.at[0] == 'p') {
        request_pause_body(request);
        parked = request;
    } else if (piece.at[0] == 'r') {
        answered(request);
        reply_problem(request, PROBLEM_quota_reached, NULL);
    }
}

static void taken(struct http_request *request)
{
    answered(request);
    reply_empty(request, 201);
}

static void forget(struct http_request *request)
{
    answered(request); /* nobody waits for a reply any more */
}

static void take(struct http_request *request)
{
    static const struct body_sink sink = { pause_or_refuse, taken };

    calls++;
    request->on_cancel = forget;
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
    must(file_fd >= 0 && ftruncate(file_fd, 70000) == 0);
    driver_init(&driver);
    router_table_add(driver.table, &context);
    driver_start(&driver);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in;
    size_t piece;
    int fd;

    if (driver.loop == NULL)
        begin();
    if (size < 2)
        return 0;
    driver.connection.proxy_protocol = data[0] & 1;
    piece = data[1] ? data[1] : SIZE_MAX;
    in = span_make((const char *)data + 2, size - 2);
    calls = replies = 0;
    parked = NULL;
    buf_clear(&driver.in);
    driver.closed = false;
    fd = driver_connect(&driver, data[0] & 2 ? "127.0.0.1" : NULL);
    driver_push(&driver, fd, span_head(in, in.size / 2), piece);
    if (parked)
        request_resume_body(parked);
    driver_push(&driver, fd, span_from(in, in.size / 2), piece);
    if (data[0] & 4) {
        shutdown(fd, SHUT_WR);
        driver_push(&driver, fd, SPAN(""), 1);
    }
    close(fd);
    for (int i = 0; i < 3; i++)
        driver_step(&driver, false);
    must(http_server_connections(driver.server) == 0);
    must(replies <= calls && parked == NULL);
    return 0;
}
