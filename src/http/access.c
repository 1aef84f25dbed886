/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: access.c - LOG: one line per request, and its counters.
 *
 * Logs are data (R27): every foreign byte is escaped; values of secret query parameters and Authorization
 * never get here. Combined format with " rt=seconds id=request" behind it, or JSON lines. */
#include "http/inside.h"

#include "os/log.h"
#include "shm/count.h"
#include "shm/histogram.h"

#include "base/codec.h"
#include "base/text.h"

#include <stdio.h>

#define FIELD_MOST         1024 /* bytes of a foreign field in a line */
#define STATUS_CLIENT_GONE 499  /* nobody saw an answer; no real status says so */

static void count_reply(int status, int64_t body, int64_t usec)
{
    static const enum count classes[] = { COUNT_replies_2xx, COUNT_replies_3xx, COUNT_replies_4xx,
                                          COUNT_replies_5xx };

    count_add(COUNT_bytes_out, (uint64_t)body);
    if (status < 200 || status > 599)
        return;
    count_add(COUNT_requests, 1);
    count_add(classes[status / 100 - 2], 1);
    histogram_add(usec);
}

static bool is_secret(struct span name)
{
    static const char *const names[] = { "api-key", "apikey", "token", "access_token", "password", "key" };
    char plain[32];
    struct buf decoded = { 0 };
    bool secret = false;

    if (name.size > 3 * sizeof(plain) || !codec_percent_decode(&decoded, name)) {
        buf_free(&decoded);
        return name.size > 0; /* who writes a name so has something to hide */
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        secret |= span_eq_nocase(buf_span(&decoded), span_of(names[i]));
    buf_free(&decoded);
    return secret;
}

typedef void escaper(struct buf *out, struct span text);

static void add_target(struct buf *out, struct span target, escaper *escape)
{
    ssize_t mark = span_find(target, '?');
    struct span rest;
    bool first = true;

    if (mark < 0) {
        escape(out, span_head(target, FIELD_MOST));
        return;
    }
    escape(out, span_head(span_head(target, (size_t)mark), FIELD_MOST));
    rest = span_head(span_from(target, (size_t)mark + 1), FIELD_MOST);
    buf_char(out, '?');
    while (rest.size) {
        struct span pair = span_cut(&rest, '&');
        ssize_t equals = span_find(pair, '=');

        if (!first)
            buf_char(out, '&');
        first = false;
        if (equals >= 0 && is_secret(span_head(pair, (size_t)equals))) {
            escape(out, span_head(pair, (size_t)equals));
            buf_text(out, "=***");
        } else {
            escape(out, pair);
        }
    }
}

static void add_field(struct buf *out, const struct http_head *head, const char *name, escaper *escape)
{
    struct span value = span_head(http_head_find(head, name), FIELD_MOST);
    ssize_t mark = span_find(value, '?');

    if (value.at == NULL)
        buf_char(out, '-');
    else if (mark >= 0) /* a Referer may be an address with secrets of ours */
        add_target(out, value, escape);
    else
        escape(out, value);
}

static void add_seconds(struct buf *out, int64_t usec)
{
    char text[32];

    snprintf(text, sizeof(text), "%lld.%03lld", (long long)(usec / USEC_PER_SEC),
             (long long)(usec % USEC_PER_SEC / 1000));
    buf_text(out, text);
}

static void line_combined(struct buf *out, const struct http_conn *conn, int status, int64_t usec)
{
    const struct exchange *exchange = conn->exchange;
    const struct http_head *head = &exchange->head;

    buf_text(out, exchange->client[0] ? exchange->client : "-");
    buf_add(out, SPAN(" - - ["));
    buf_text(out, conn->server->stamp);
    buf_add(out, SPAN("] \""));
    if (head->method_text.size) {
        text_add_log(out, span_head(head->method_text, FIELD_MOST));
        buf_char(out, ' ');
        add_target(out, head->target, text_add_log);
        buf_text(out, conn->stream ? " HTTP/2.0" : head->minor ? " HTTP/1.1" : " HTTP/1.0");
    } else {
        buf_char(out, '-');
    }
    buf_add(out, SPAN("\" "));
    buf_number(out, (unsigned)status);
    buf_char(out, ' ');
    buf_number(out, (unsigned long long)exchange->body_sent);
    buf_add(out, SPAN(" \""));
    add_field(out, head, "Referer", text_add_log);
    buf_add(out, SPAN("\" \""));
    add_field(out, head, "User-Agent", text_add_log);
    buf_add(out, SPAN("\" rt="));
    add_seconds(out, usec);
    buf_add(out, SPAN(" id="));
    buf_text(out, exchange->request.id);
}

static void line_json(struct buf *out, const struct http_conn *conn, int status, int64_t usec)
{
    const struct exchange *exchange = conn->exchange;
    const struct http_head *head = &exchange->head;
    char stamp[STAMP_SIZE];

    text_stamp(clock_wall(), stamp);
    buf_printf(out, "{\"time\":\"%s\",\"client\":\"%s\",\"method\":\"", stamp, exchange->client);
    text_add_json(out, span_head(head->method_text, FIELD_MOST));
    buf_add(out, SPAN("\",\"target\":\""));
    add_target(out, head->target, text_add_json);
    buf_add(out, SPAN("\",\"host\":\""));
    text_add_json(out, exchange->request.host);
    buf_printf(out, "\",\"status\":%d,\"bytes\":%lld,\"referer\":\"", status, (long long)exchange->body_sent);
    add_field(out, head, "Referer", text_add_json);
    buf_add(out, SPAN("\",\"agent\":\""));
    add_field(out, head, "User-Agent", text_add_json);
    buf_add(out, SPAN("\",\"seconds\":"));
    add_seconds(out, usec);
    buf_printf(out, ",\"tls\":%s,\"id\":\"%s\"}", conn->tls ? "true" : "false", exchange->request.id);
}

void access_line(const struct http_conn *conn)
{
    struct exchange *exchange = conn->exchange;
    int status = exchange->replied ? exchange->status : STATUS_CLIENT_GONE;
    int64_t usec = clock_mono() - exchange->began;
    struct buf *line = &exchange->text; /* the reply's head is out, or will never be */

    count_reply(exchange->replied ? status : 0, exchange->body_sent, usec);
    if (conn->server->over)
        conn->server->over(conn->server->over_data, &exchange->request, status, usec);
    if (!log_access_wanted())
        return;
    server_clock(conn->server);
    buf_clear(line);
    if (conn->server->heritage->settings->log->access_format == ACCESS_JSON)
        line_json(line, conn, status, usec);
    else
        line_combined(line, conn, status, usec);
    log_access(buf_span(line));
}
