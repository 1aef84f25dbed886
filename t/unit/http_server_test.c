/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: http_server_test.c - whole connections: keep-alive, bodies, limits, refusals,
 * ends. */
#include "http_driver.h"

#include "os/file.h"
#include "os/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct driver *driver;
static unsigned cancels;
static struct http_request *parked; /* by the handler of /park */
static struct http_request *paused;
static char log_folder[] = "/tmp/stoa-http-test-XXXXXX";

/* ---- handlers ---- */

static void echo_all(struct http_request *request, struct span body)
{
    reply_send(request, 200, "text/plain", body);
}

static void echo(struct http_request *request)
{
    request_read_body(request, 5000, echo_all);
}

static void count_cancel(struct http_request *request)
{
    (void)request;
    cancels++;
}

static void park(struct http_request *request)
{
    parked = request;
    if (span_is(request->query, "told"))
        request->on_cancel = count_cancel;
}

static void pause_at_first(struct http_request *request, struct span piece)
{
    int64_t *total = request->handler_data;

    *total += (int64_t)piece.size;
    if (paused == NULL) {
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
    static const struct body_sink sink = { pause_at_first, say_total };

    request->handler_data = arena_make(request->arena, int64_t);
    request->on_cancel = count_cancel;
    request_take_body(request, &sink);
}

static void who(struct http_request *request)
{
    const char *text = arena_printf(request->arena, "%s %d %.*s %.*s", request->client, request->secure,
                                    SPAN_ARG(request->host), SPAN_ARG(request_parameter(request, "p")));

    reply_send(request, 200, "text/plain", span_of(text));
}

static void dangerous(struct http_request *request)
{
    reply_field(request, "X-Note", SPAN("a\r\nX-Evil: 1\t\0b\x7f"));
    reply_disposition(request, false, SPAN("a\"b\\c\r\nX-Evil: 1/\xc3\xa9\xf0\x9f\x98\x80.txt"));
    reply_empty(request, 200);
}

static void broken_name(struct http_request *request)
{
    reply_disposition(request, true, SPAN("a\xff.txt"));
    reply_empty(request, 200);
}

static const struct http_route rows[] = {
    { METHOD_BIT(HTTP_POST) | METHOD_BIT(HTTP_GET), "/echo", ACCESS_OPEN, echo, "" },
    { METHOD_BIT(HTTP_GET), "/park", ACCESS_OPEN, park, "" },
    { METHOD_BIT(HTTP_PUT), "/take", ACCESS_OPEN, take, "" },
    { METHOD_BIT(HTTP_GET) | METHOD_BIT(HTTP_HEAD), "/who", ACCESS_OPEN, who, "" },
    { METHOD_BIT(HTTP_GET), "/dangerous", ACCESS_OPEN, dangerous, "" },
    { METHOD_BIT(HTTP_GET), "/broken-name", ACCESS_OPEN, broken_name, "" },
    { METHOD_BIT(HTTP_GET), "/silent-row", .handle = who },
    { METHOD_BIT(HTTP_GET), "/user", ACCESS_USER, who, "" },
    { METHOD_BIT(HTTP_GET), "/admin", ACCESS_ADMIN, who, "" },
    { .path = NULL },
};

static int up(void **state)
{
    static const struct http_context context = { .path = "/", .routes = rows, .name = "test" };

    driver = must_alloc(sizeof(*driver));
    driver_init(driver);
    router_table_add(driver->table, &context);
    cancels = 0;
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

/* ---- one reply for each request ---- */

#define LAST    "Connection: close\r\n\r\n"
#define GET_WHO "GET /who HTTP/1.1\r\nHost: h\r\n"

static const struct {
    const char *in;
    int status;
    const char *body; /* NULL: any */
    bool closed;
} talks[] = {
    { GET_WHO "\r\n", 200, "192.0.2.1 0 h ", false },
    { GET_WHO LAST, 200, "192.0.2.1 0 h ", true },
    { "GET /who?p=%41+b HTTP/1.1\r\nHost: H.Example:8080\r\n\r\n", 200, "192.0.2.1 0 h.example A b", false },
    { "GET /who HTTP/1.0\r\n\r\n", 200, "192.0.2.1 0  ", true },
    { "GET /who HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, NULL, false },
    { "HEAD /who HTTP/1.1\r\nHost: h\r\n\r\n", 200, "", false },
    { "GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n", 404, NULL, false },
    { "HEAD /nothing HTTP/1.1\r\nHost: h\r\n\r\n", 404, "", false },
    { "DELETE /who HTTP/1.1\r\nHost: h\r\n\r\n", 405, NULL, false },
    { "OPTIONS /who HTTP/1.1\r\nHost: h\r\n\r\n", 204, "", false },
    { "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 204, "", false },
    { "GET /silent-row HTTP/1.1\r\nHost: h\r\n\r\n", 403, NULL, false },
    { "GET /user HTTP/1.1\r\nHost: h\r\n\r\n", 403, NULL, false },
    { "GET /admin HTTP/1.1\r\nHost: h\r\n\r\n", 403, NULL, false },
    { "GET /%2e%2e/who HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false },
    { "GET /wh%2fo HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false },
    { "GET /who%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, false },
    /* R1: after a parse error nothing behind it is read */
    { "GET /who HTTP/1.1\r\nHost : h\r\n\r\n" GET_WHO "\r\n", 400, NULL, true },
    { "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400, NULL, true },
    { "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400, NULL,
      true },
    { "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0x3\r\n\r\nabc", 400, NULL, true },
    { "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501, NULL, true },
    { "GET /who HTTP/2.0\r\nHost: h\r\n\r\n", 505, NULL, true },
    { "GET /who HTTP/1.1\r\n\r\n", 400, NULL, true },
    /* bodies */
    { "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", false },
    { "POST /echo HTTP/1.1\r\nHost: h\r\n\r\n", 200, "", false },
    { "GET /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", false },
    { "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nT: v\r\n\r\n",
      200, "hello", false },
    { "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", 400, NULL, true },
    { "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5001\r\n\r\n", 413, NULL, false },
    { "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", 100, NULL,
      false },
    { "POST /who HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", 405, NULL, true },
    { "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: cake\r\n\r\n", 417, NULL, true },
    { "POST /nothing HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n", 404, NULL, true },
    /* R2 */
    { GET_WHO "X-Forwarded-For: 6.6.6.6\r\n\r\n", 200, "192.0.2.1 0 h ", false },
};

static void requests_get_their_reply(void **state)
{
    (void)state;
    driver_start(driver);
    for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
        for (size_t piece = 1; piece < 9000; piece += 4096) { /* byte by byte, and whole */
            const char *reply = driver_talk_from(driver, NULL, span_of(talks[i].in), piece);

            if (driver_status(reply) != talks[i].status)
                fail_msg("row %zu: %s", i, reply);
            if (talks[i].body)
                assert_string_equal(driver_body(reply), talks[i].body);
            /* closing means shutting our side first, so that the reply is not lost */
            assert_int_equal(driver->closed, talks[i].closed);
            if (talks[i].status != 100)
                assert_int_equal(driver_count(reply, "Server: Stoa"), 1);
        }
    }
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct buf in = { 0 };
    const char *reply;
    char word[32];

    (void)state;
    driver_start(driver);
    for (unsigned i = 0; i < 300; i++) {
        if (i % 3 == 0)
            buf_printf(
                &in,
                "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n=%03u\r\n0\r\n\r\n",
                i);
        else if (i % 3 == 1)
            buf_printf(&in, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n=%03u", i);
        else
            buf_printf(&in, "GET /who?p=%%3d%03u HTTP/1.1\r\nHost: h\r\n\r\n", i);
    }
    for (size_t piece = 7; piece < 1000000; piece *= 11) {
        const char *at;

        reply = driver_talk_from(driver, NULL, buf_span(&in), piece);
        assert_int_equal(driver_count(reply, "HTTP/1.1 200 OK"), 300);
        at = reply;
        for (unsigned i = 0; i < 300; i++) {
            snprintf(word, sizeof(word), "=%03u", i);
            at = strstr(at, word);
            assert_non_null(at);
        }
    }
    buf_free(&in);
}

/* ---- limits ---- */

static void heads_have_limits(void **state)
{
    struct buf in = { 0 };

    (void)state;
    driver_start(driver);
    buf_text(&in, "GET /");
    for (int i = 0; i < 9000; i++)
        buf_char(&in, 'a');
    assert_int_equal(driver_status(driver_talk_from(driver, NULL, buf_span(&in), SIZE_MAX)), 414);
    assert_true(driver->closed);
    buf_clear(&in);
    buf_text(&in, "GET / HTTP/1.1\r\nHost: h\r\nX: ");
    for (int i = 0; i < 9000; i++)
        buf_char(&in, 'a');
    assert_int_equal(driver_status(driver_talk_from(driver, NULL, buf_span(&in), 999)), 431);
    buf_clear(&in);
    buf_text(&in, "GET / HTTP/1.1\r\nHost: h\r\n");
    for (int i = 0; i < 65; i++)
        buf_text(&in, "X: a\r\n");
    assert_int_equal(driver_status(driver_talk_from(driver, NULL, buf_span(&in), SIZE_MAX)), 431);
    buf_free(&in);
}

static void a_connection_serves_so_many_requests(void **state)
{
    const char *reply;

    (void)state;
    driver->http_server.max_requests = 3;
    driver_start(driver);
    reply = driver_talk(driver, GET_WHO "\r\n" GET_WHO "\r\n" GET_WHO "\r\n" GET_WHO "\r\n");
    assert_int_equal(driver_count(reply, "HTTP/1.1 200"), 3);
    assert_int_equal(driver_count(reply, "Connection: close"), 1);
    assert_true(driver->closed);
}

/* Waits for the server to act by itself. */
static const char *wait_for_end(int fd)
{
    while (!driver->closed) {
        driver_step(driver, true);
        while (driver_read(driver, fd))
            ;
    }
    close(fd);
    driver_step(driver, false);
    buf_char(&driver->in, '\0');
    return driver->in.at;
}

static const char *say_and_wait(const char *text)
{
    int fd;

    buf_clear(&driver->in);
    driver->closed = false;
    fd = driver_connect(driver, NULL);
    assert_true(send(fd, text, strlen(text), MSG_NOSIGNAL) >= 0);
    return wait_for_end(fd);
}

static void slow_clients_are_told_or_cut(void **state)
{
    const char *reply;

    (void)state;
    driver->http_server.header_timeout = driver->http_server.idle_timeout = driver->http_server.body_timeout =
        1000;
    driver->http_server.request_timeout = 1000;
    driver_start(driver);
    assert_string_equal(say_and_wait(""), "");
    assert_int_equal(driver_status(say_and_wait("GET /who HT")), 408);
    reply =
        say_and_wait("PUT /take HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n");
    assert_non_null(strstr(reply, "HTTP/1.1 408"));
    assert_int_equal(cancels, 1);
    assert_int_equal(driver_status(say_and_wait("GET /park?told HTTP/1.1\r\nHost: h\r\n\r\n")), 504);
    assert_int_equal(cancels, 2);
}

/* The handler of an orphan may answer whenever it likes: into nowhere. */
static void a_handler_that_cannot_be_told_may_answer_late(void **state)
{
    (void)state;
    driver->http_server.request_timeout = 1000;
    driver_start(driver);
    assert_int_equal(driver_status(say_and_wait("GET /park HTTP/1.1\r\nHost: h\r\n\r\n")), 504);
    assert_non_null(parked);
    reply_send(parked, 200, "text/plain", SPAN("too late"));
    assert_true(reply_begun(parked));
    driver_step(driver, false);
}

static void clients_may_go_at_any_time(void **state)
{
    int fd;

    (void)state;
    driver_start(driver);
    driver_talk(driver, "GET /park?told HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(cancels, 1);
    driver_talk(driver, "PUT /take HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
    assert_int_equal(cancels, 2);
    driver_talk(driver, "GET /park HTTP/1.1\r\nHost: h\r\n\r\n"); /* ends with the server */
    driver->closed = false;
    buf_clear(&driver->in);
    fd = driver_connect(driver, NULL); /* half closed: still gets its answer */
    assert_true(send(fd, "GET /park?told HTTP/1.1\r\nHost: h\r\n\r\n", 36, MSG_NOSIGNAL) > 0);
    shutdown(fd, SHUT_WR);
    driver_push(driver, fd, SPAN(""), 1);
    reply_send(parked, 200, NULL, SPAN("here"));
    driver_push(driver, fd, SPAN(""), 1);
    buf_char(&driver->in, '\0');
    assert_string_equal(driver_body(driver->in.at), "here");
    assert_true(driver->closed);
    assert_int_equal(cancels, 2);
    close(fd);
}

static void bodies_can_be_held_back(void **state)
{
    struct buf in = { 0 };
    const char *reply;
    int fd;

    (void)state;
    driver_start(driver);
    buf_text(&in, "PUT /take HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 5000; i++)
        buf_text(&in, "3\r\nabc\r\n");
    buf_text(&in, "0\r\n\r\n" GET_WHO LAST);
    buf_clear(&driver->in);
    driver->closed = false;
    fd = driver_connect(driver, NULL);
    driver_push(driver, fd, buf_span(&in), SIZE_MAX);
    assert_int_equal(driver->in.size, 0);
    assert_int_equal(*(const int64_t *)paused->handler_data, 3);
    request_resume_body(paused);
    driver_push(driver, fd, SPAN(""), 1);
    buf_char(&driver->in, '\0');
    reply = driver->in.at;
    assert_int_equal(driver_status(reply), 201);
    assert_string_equal(driver_field(reply, "X-Total"), "15000");
    assert_int_equal(driver_count(reply, "HTTP/1.1 200"), 1);
    close(fd);
    buf_free(&in);
}

/* What a reply leaves unread of a body must not become a request (R1), nor cost much. */
static void unwanted_bodies_are_read_away_or_end_the_connection(void **state)
{
    struct buf in = { 0 };
    const char *reply;

    (void)state;
    driver_start(driver);
    buf_text(&in, "PUT /nothing HTTP/1.1\r\nHost: h\r\nContent-Length: 30000\r\n\r\n");
    while (in.size < 30000 + 57)
        buf_text(&in, GET_WHO "\r\n");
    in.size = strlen("PUT /nothing HTTP/1.1\r\nHost: h\r\nContent-Length: 30000\r\n\r\n") + 30000;
    buf_text(&in, GET_WHO LAST);
    reply = driver_talk_from(driver, NULL, buf_span(&in), SIZE_MAX);
    assert_int_equal(driver_count(reply, "HTTP/1.1 404"), 1);
    assert_int_equal(driver_count(reply, "HTTP/1.1 200"), 1);
    buf_clear(&in);
    buf_text(&in, "PUT /nothing HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n");
    while (in.size < 3000000)
        buf_text(&in, GET_WHO "\r\n");
    reply = driver_talk_from(driver, NULL, buf_span(&in), SIZE_MAX);
    assert_int_equal(driver_count(reply, "HTTP/1.1 404"), 1);
    assert_int_equal(driver_count(reply, "HTTP/1.1 200"), 0);
    assert_true(driver->closed);
    buf_free(&in);
}

/* ---- replies ---- */

static void R13_no_value_ends_its_line(void **state)
{
    const char *reply;

    (void)state;
    driver_start(driver);
    reply = driver_talk(driver, "GET /dangerous HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_null(driver_field(reply, "X-Evil"));
    assert_string_equal(driver_field(reply, "X-Note"), "a  X-Evil: 1\t b ");
    assert_string_equal(driver_field(reply, "Content-Disposition"),
                        "attachment; filename=\"a_b_c__X-Evil: 1___.txt\"; "
                        "filename*=UTF-8''a%22b%5Cc%0D%0AX-Evil%3A%201%2F%C3%A9%F0%9F%98%80.txt");
    reply = driver_talk(driver, "GET /broken-name HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_string_equal(driver_field(reply, "Content-Disposition"),
                        "inline; filename=\"a_.txt\"; filename*=UTF-8''a_.txt");
}

static void C11_C12_problems_are_readable_and_harmless(void **state)
{
    const char *reply;

    (void)state;
    driver_start(driver);
    reply = driver_talk(driver, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_string_equal(driver_field(reply, "Content-Type"), "text/plain; charset=utf-8");
    assert_string_equal(driver_field(reply, "Content-Security-Policy"),
                        "default-src 'none'; frame-ancestors 'none'; sandbox");
    assert_string_equal(driver_field(reply, "X-Content-Type-Options"), "nosniff");
    assert_string_equal(driver_field(reply, "Cache-Control"), "no-store");
    assert_string_equal(driver_field(reply, "Server"), "Stoa");
    assert_int_equal(strlen(driver_field(reply, "X-Request-Id")), 16);
    assert_non_null(strstr(driver_body(reply), driver_field(reply, "X-Request-Id")));
    reply = driver_talk(driver, "GET /x HTTP/1.1\r\nHost: h\r\nAccept: text/html,*/*;q=0.8\r\n\r\n");
    assert_string_equal(driver_field(reply, "Content-Type"), "text/html; charset=utf-8");
    reply = driver_talk(driver, "GET /x HTTP/1.1\r\nHost: h\r\nAccept: application/json\r\n\r\n");
    assert_string_equal(driver_field(reply, "Content-Type"), "application/problem+json");
    reply = driver_talk(driver, "DELETE /who HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_string_equal(driver_field(reply, "Allow"), "GET, HEAD, OPTIONS");
}

static void ports_can_redirect(void **state)
{
    const char *reply;

    (void)state;
    driver->connection.redirect_uri = "https://{host}/";
    driver->connection.redirect_condition = REDIRECT_HTTP;
    driver_start(driver);
    reply = driver_talk(driver, "GET /a%20b?c=d HTTP/1.1\r\nHost: X.example:80\r\n\r\n");
    assert_int_equal(driver_status(reply), 302);
    assert_string_equal(driver_field(reply, "Location"), "https://x.example/a%20b?c=d");
    reply = driver_talk(driver, "GET /who HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
    assert_string_equal(driver_field(reply, "Location"), "https://[::1]/who");
    reply = driver_talk_from(driver, "127.0.0.1",
                             SPAN(GET_WHO "X-Forwarded-Proto: https\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"),
                             SIZE_MAX);
    assert_string_equal(driver_body(reply), "1.2.3.4 1 h ");
}

static void proxies_speak_first(void **state)
{
    (void)state;
    driver->connection.proxy_protocol = true;
    driver_start(driver);
    for (size_t piece = 1; piece < 100; piece += 90) {
        const char *reply = driver_talk_from(
            driver, "127.0.0.1", SPAN("PROXY TCP4 198.51.100.7 10.0.0.1 1 2\r\n" GET_WHO "\r\n"), piece);

        assert_string_equal(driver_body(reply), "198.51.100.7 0 h ");
    }
    assert_string_equal(driver_talk_from(driver, "127.0.0.1", SPAN(GET_WHO "\r\n"), SIZE_MAX), "");
    assert_true(driver->closed);
    assert_string_equal(driver_talk(driver, "PROXY TCP4 198.51.100.7 10.0.0.1 1 2\r\n" GET_WHO "\r\n"), "");
    assert_true(driver->closed);
}

/* ---- the end ---- */

static void on_drained(void *data)
{
    *(bool *)data = true;
}

static void draining_finishes_what_was_begun(void **state)
{
    bool drained = false;
    int busy, idle;

    (void)state;
    driver_start(driver);
    buf_clear(&driver->in);
    driver->closed = false;
    busy = driver_connect(driver, NULL);
    idle = driver_connect(driver, NULL);
    assert_true(send(busy, "GET /park?told HTTP/1.1\r\nHost: h\r\n\r\n", 36, MSG_NOSIGNAL) > 0);
    driver_step(driver, false);
    http_server_drain(driver->server, on_drained, &drained);
    driver_push(driver, idle, SPAN(GET_WHO "\r\n"), SIZE_MAX); /* was under way */
    assert_true(driver->closed);
    assert_int_equal(driver_count(driver->in.at, "Connection: close"), 1);
    assert_false(drained);
    reply_empty(parked, 204);
    driver->closed = false;
    driver_push(driver, busy, SPAN(""), 1);
    close(busy);
    close(idle);
    while (!drained)
        driver_step(driver, true);
    assert_int_equal(http_server_connections(driver->server), 0);
    assert_int_equal(cancels, 0);
}

/* ---- the access log ---- */

static void R5_R27_log_lines_are_data_and_hold_no_secret(void **state)
{
    struct buf log = { 0 };
    char path[128];

    (void)state;
    assert_non_null(mkdtemp(log_folder));
    assert_int_equal(log_open(log_folder, LOG_LEVEL_ERROR, true), 0);
    driver_start(driver);
    driver_talk(driver, "GET /who?api-key=hush1&p=1&TOKEN=hush2&%70assword=hush3 HTTP/1.1\r\nHost: h\r\n"
                        "Authorization: Bearer hush4\r\nUser-Agent: a\"b\x1b[31m\\\xff\r\n"
                        "Referer: http://h/?access_token=hush5\r\n\r\n");
    driver_talk(driver, "GET /who?\"x HTTP/1.1\r\nHost: h\r\n\r\n");
    log_flush();
    snprintf(path, sizeof(path), "%s/access.log", log_folder);
    assert_int_equal(file_read_all(path, 65536, &log), 0);
    buf_char(&log, '\0');
    assert_null(strstr(log.at, "hush"));
    assert_null(strchr(log.at, '\x1b'));
    assert_int_equal(driver_count(log.at, "\n"), 2);
    assert_non_null(strstr(log.at, "192.0.2.1 - - ["));
    assert_int_equal(log_open(NULL, LOG_LEVEL_ERROR, false), 0);
    unlink(path);
    snprintf(path, sizeof(path), "%s/stoa.log", log_folder);
    unlink(path);
    rmdir(log_folder);
    buf_free(&log);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_get_their_reply),
        TEST(pipelined_requests_are_answered_in_order),
        TEST(heads_have_limits),
        TEST(a_connection_serves_so_many_requests),
        TEST(slow_clients_are_told_or_cut),
        TEST(a_handler_that_cannot_be_told_may_answer_late),
        TEST(clients_may_go_at_any_time),
        TEST(bodies_can_be_held_back),
        TEST(unwanted_bodies_are_read_away_or_end_the_connection),
        TEST(R13_no_value_ends_its_line),
        TEST(C11_C12_problems_are_readable_and_harmless),
        TEST(ports_can_redirect),
        TEST(proxies_speak_first),
        TEST(draining_finishes_what_was_begun),
        TEST(R5_R27_log_lines_are_data_and_hold_no_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
