/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 3: reply.c - see reply.h. A reply is only laid out here, as pieces; send.c sends it when
 * the handler has returned. */
#include "http/inside.h"

#include "base/must.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define ADVICE_BYTES (1 << 20) /* from here on the kernel is told to read ahead */

const char *http_reason(int status)
{
    switch (status) {
#define REASON(number, text)                                                                                 \
    case number:                                                                                             \
        return text
        REASON(104, "Upload Resumption Supported");
        REASON(200, "OK");
        REASON(201, "Created");
        REASON(202, "Accepted");
        REASON(204, "No Content");
        REASON(206, "Partial Content");
        REASON(301, "Moved Permanently");
        REASON(302, "Found");
        REASON(303, "See Other");
        REASON(304, "Not Modified");
        REASON(307, "Temporary Redirect");
        REASON(308, "Permanent Redirect");
        REASON(400, "Bad Request");
        REASON(401, "Unauthorized");
        REASON(403, "Forbidden");
        REASON(404, "Not Found");
        REASON(405, "Method Not Allowed");
        REASON(406, "Not Acceptable");
        REASON(408, "Request Timeout");
        REASON(409, "Conflict");
        REASON(410, "Gone");
        REASON(411, "Length Required");
        REASON(412, "Precondition Failed");
        REASON(413, "Content Too Large");
        REASON(414, "URI Too Long");
        REASON(415, "Unsupported Media Type");
        REASON(416, "Range Not Satisfiable");
        REASON(417, "Expectation Failed");
        REASON(421, "Misdirected Request");
        REASON(422, "Unprocessable Content");
        REASON(429, "Too Many Requests");
        REASON(431, "Request Header Fields Too Large");
        REASON(500, "Internal Server Error");
        REASON(501, "Not Implemented");
        REASON(502, "Bad Gateway");
        REASON(503, "Service Unavailable");
        REASON(504, "Gateway Timeout");
        REASON(505, "HTTP Version Not Supported");
        REASON(507, "Insufficient Storage");
#undef REASON
    default:
        return "Status";
    }
}

/* ---- fields ---- */

/* No byte of a value may end its line or hide from a reader (R13). */
static void add_value(struct buf *out, struct span value)
{
    char *into = buf_reserve(out, value.size);

    for (size_t i = 0; i < value.size; i++) {
        unsigned char c = (unsigned char)value.at[i];

        into[i] = (c < 0x20 && c != '\t') || c == 0x7f ? ' ' : value.at[i];
    }
    out->size += value.size;
}

static void add_field(struct buf *out, struct span name, struct span value)
{
    buf_add(out, name);
    buf_add(out, SPAN(": "));
    add_value(out, value);
    buf_add(out, SPAN("\r\n"));
}

void reply_field(struct http_request *request, const char *name, struct span value)
{
    add_field(&exchange_of(request)->fields, span_of(name), value);
}

void reply_field_printf(struct http_request *request, const char *name, const char *format, ...)
{
    char text[1024];
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    must(size >= 0);
    reply_field(request, name,
                span_make(text, (size_t)size < sizeof(text) ? (size_t)size : sizeof(text) - 1));
}

void reply_informational(struct http_request *request, int status, const struct reply_field_line *fields,
                         size_t count)
{
    struct exchange *exchange = exchange_of(request);
    struct http_conn *conn = request->conn;
    struct buf text = { 0 };
    struct iovec part;

    if (conn == NULL || exchange->replied || exchange->cancelled || exchange->head.minor == 0)
        return;
    buf_printf(&text, "HTTP/1.1 %d %s\r\n", status, http_reason(status));
    for (size_t i = 0; i < count; i++)
        add_field(&text, span_of(fields[i].name), fields[i].value);
    buf_add(&text, SPAN("\r\n"));
    part = (struct iovec){ text.at, text.size };
    if (conn_send(conn, &part, 1, false) != (ssize_t)text.size) {
        conn->gone = true; /* all replies before are out: the socket has room, or is dead */
        conn_later(conn);
    }
    buf_free(&text);
}

/* Where the next line of that name begins; -1: none. */
static ssize_t find_line(const struct buf *fields, struct span name)
{
    struct span rest = buf_span(fields);

    while (rest.size) {
        ssize_t at = rest.at - fields->at;
        struct span line = span_cut(&rest, '\n');

        if (line.size > name.size && line.at[name.size] == ':' &&
            span_eq_nocase(span_head(line, name.size), name))
            return at;
    }
    return -1;
}

bool reply_has_field(const struct exchange *exchange, const char *name)
{
    return find_line(&exchange->fields, span_of(name)) >= 0;
}

bool reply_says(const struct http_request *request, const char *name)
{
    return reply_has_field((const struct exchange *)(const void *)request, name);
}

void reply_drop_field(struct exchange *exchange, const char *name)
{
    struct buf *fields = &exchange->fields;
    ssize_t at;

    while ((at = find_line(fields, span_of(name))) >= 0) {
        struct span rest = span_from(buf_span(fields), (size_t)at);
        size_t line = (size_t)span_find(rest, '\n') + 1;

        memmove(fields->at + at, fields->at + at + line, rest.size - line);
        fields->size -= line;
    }
}

/* ---- the head ---- */

bool reply_begun(const struct http_request *request)
{
    return ((const struct exchange *)(const void *)request)->replied;
}

static void release_orphan(struct task *task)
{
    struct exchange *exchange = LIST_OF(task, struct exchange, release);

    exchange_put(&exchange);
}

/* The handler may go on to use the request until it returns, so an orphan lives to the end of the turn. */
bool reply_wanted(struct exchange *exchange)
{
    must(!exchange->replied);
    if (exchange->cancelled)
        return false;
    if (exchange->request.conn)
        return true;
    exchange->replied = true;
    task_defer(exchange->server->loop, &exchange->release, release_orphan);
    return false;
}

static void decide_last(struct http_conn *conn, const struct exchange *exchange)
{
    int64_t most = conn->server->settings->max_requests;

    conn->client_last = !exchange->head.keep_alive && !conn->last;
    conn->last |= conn->client_last || conn->server->draining || (most > 0 && conn->requests + 1 >= most) ||
                  !body_fits_discard(conn);
}

static void add_head(struct buf *out, const struct exchange *exchange, int64_t size)
{
    const struct http_conn *conn = exchange->request.conn;
    int status = exchange->status;
    char number[4] = { (char)('0' + status / 100), (char)('0' + status / 10 % 10), (char)('0' + status % 10),
                       ' ' };

    buf_add(out, SPAN("HTTP/1.1 "));
    buf_add(out, span_make(number, 4));
    buf_text(out, http_reason(status));
    buf_add(out, SPAN("\r\nServer: Stoa\r\nDate: "));
    buf_add(out, span_make(conn->server->date, HTTP_DATE_SIZE - 1));
    buf_add(out, SPAN("\r\nX-Content-Type-Options: nosniff\r\nX-Request-Id: "));
    buf_add(out, span_make(exchange->request.id, REQUEST_ID_TEXT - 1));
    buf_add(out, SPAN("\r\n"));
    if (exchange->type.at)
        add_field(out, SPAN("Content-Type"), exchange->type);
    if (status != 204 && status != 304) {
        buf_add(out, SPAN("Content-Length: "));
        buf_number(out, (unsigned long long)size);
        buf_add(out, SPAN("\r\n"));
    }
    if (conn->last)
        buf_add(out, SPAN("Connection: close\r\n"));
    else if (exchange->head.minor == 0)
        buf_add(out, SPAN("Connection: keep-alive\r\n"));
    buf_add(out, buf_span(&exchange->fields));
    buf_add(out, SPAN("\r\n"));
}

/* pieces[0] is the head; the caller has put its own behind it and said how many. */
void reply_whole(struct exchange *exchange, int status, const char *type, int64_t size)
{
    struct http_conn *conn = exchange->request.conn;

    exchange->replied = true;
    exchange->status = status;
    exchange->type = span_of(type);
    decide_last(conn, exchange);
    server_clock(conn->server);
    buf_clear(&exchange->text);
    add_head(&exchange->text, exchange, size);
    exchange->pieces[0] = (struct piece){ .memory = buf_span(&exchange->text) };
    exchange->head_left = (int64_t)exchange->text.size;
    exchange->piece_at = 0;
    if (exchange->request.method == HTTP_HEAD || status == 204 || status == 304 || exchange->piece_count == 0)
        exchange->piece_count = 1;
    exchange->request.doing = "sending the reply";
    conn_later(conn);
}

/* ---- bodies ---- */

void reply_send(struct http_request *request, int status, const char *type, struct span body)
{
    struct exchange *exchange = exchange_of(request);

    if (!reply_wanted(exchange))
        return;
    if (body.size && request->method != HTTP_HEAD) {
        exchange->few[1] = (struct piece){ .memory = arena_copy(request->arena, body) };
        exchange->piece_count = 2;
    }
    reply_whole(exchange, status, type, (int64_t)body.size);
}

void reply_empty(struct http_request *request, int status)
{
    reply_send(request, status, NULL, (struct span){ 0 });
}

void reply_file(struct http_request *request, int status, const char *type, int fd, int64_t offset,
                int64_t size)
{
    struct exchange *exchange = exchange_of(request);

    if (!reply_wanted(exchange)) {
        close(fd);
        return;
    }
    must(exchange->fd < 0);
    exchange->fd = fd;
    if (size > 0) {
        exchange->few[1] = (struct piece){ .offset = offset, .size = size };
        exchange->piece_count = 2;
        if (size > ADVICE_BYTES && request->method != HTTP_HEAD)
            posix_fadvise(fd, offset, size, POSIX_FADV_SEQUENTIAL);
    }
    reply_whole(exchange, status, type, size);
}

void reply_file_parts(struct http_request *request, int status, const char *type, int fd,
                      const struct reply_part *parts, size_t count, struct span after)
{
    struct exchange *exchange = exchange_of(request);
    int64_t size = (int64_t)after.size;
    size_t at = 1;

    if (!reply_wanted(exchange)) {
        close(fd);
        return;
    }
    must(exchange->fd < 0);
    exchange->fd = fd;
    exchange->pieces = arena_alloc(request->arena, (2 * count + 2) * sizeof(*exchange->pieces));
    for (size_t i = 0; i < count; i++) {
        exchange->pieces[at++] = (struct piece){ .memory = parts[i].before };
        exchange->pieces[at++] = (struct piece){ .offset = parts[i].offset, .size = parts[i].size };
        size += (int64_t)parts[i].before.size + parts[i].size;
    }
    exchange->pieces[at++] = (struct piece){ .memory = after };
    exchange->piece_count = at;
    reply_whole(exchange, status, type, size);
}
