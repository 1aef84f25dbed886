/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: h2_head.c - from the fields of an HTTP/2 request to the head that the one parser reads.
 *
 * nghttp2 has checked names, values and their order already; here the rules are kept on which our own safety
 * hangs: no byte of a field may become a line of its own, and where a body ends is said by us alone. */
#include "http/h2.h"

#include "parse/http_chars.h"

void h2_head_begin(struct h2_head *head, size_t most)
{
    buf_clear(&head->method);
    buf_clear(&head->path);
    buf_clear(&head->scheme);
    buf_clear(&head->authority);
    buf_clear(&head->host);
    buf_clear(&head->cookie);
    buf_clear(&head->lines);
    head->most = most;
    head->size = 0;
    head->has_length = false;
}

void h2_head_free(struct h2_head *head)
{
    buf_free(&head->method);
    buf_free(&head->path);
    buf_free(&head->scheme);
    buf_free(&head->authority);
    buf_free(&head->host);
    buf_free(&head->cookie);
    buf_free(&head->lines);
}

/* Each once, and before all others (RFC 9113 8.3). */
static bool take_pseudo(struct h2_head *head, struct span name, struct span value)
{
    struct {
        struct span name;
        struct buf *into;
        unsigned chars;
    } const rows[] = {
        { SPAN(":method"), &head->method, HTTP_TCHAR },
        { SPAN(":path"), &head->path, HTTP_TARGET },
        { SPAN(":scheme"), &head->scheme, HTTP_TCHAR },
        { SPAN(":authority"), &head->authority, HTTP_TARGET },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!span_eq(name, rows[i].name))
            continue;
        if (rows[i].into->size || value.size == 0 || !http_chars_all(value, rows[i].chars))
            return false;
        buf_add(rows[i].into, span_head(value, head->most + 1));
        return true;
    }
    return false;
}

static bool is_lower(struct span name)
{
    for (size_t i = 0; i < name.size; i++)
        if (name.at[i] >= 'A' && name.at[i] <= 'Z')
            return false;
    return true;
}

/* RFC 9113 8.2.2: they speak of one connection of HTTP/1.1, and some of where a body ends. */
static bool is_of_connection(struct span name, struct span value)
{
    static const char *const names[] = { "connection", "keep-alive", "proxy-connection", "transfer-encoding",
                                         "upgrade" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (span_is(name, names[i]))
            return true;
    return span_is(name, "te") && !span_eq_nocase(value, SPAN("trailers"));
}

bool h2_head_field(struct h2_head *head, struct span name, struct span value)
{
    head->size += name.size + value.size + 4;
    if (name.size && name.at[0] == ':')
        return take_pseudo(head, name, value);
    if (name.size == 0 || !http_chars_all(name, HTTP_TCHAR) || !is_lower(name) ||
        !http_chars_all(value, HTTP_VALUE) || is_of_connection(name, value))
        return false;
    if (span_is(name, "content-length"))
        head->has_length = true;
    if (head->lines.size + head->cookie.size > head->most)
        return true; /* refused anyhow */
    if (span_is(name, "host")) {
        if (head->host.size)
            return false;
        buf_add(&head->host, value);
    } else if (span_is(name, "cookie")) { /* one line again (8.2.3) */
        if (head->cookie.size)
            buf_add(&head->cookie, SPAN("; "));
        buf_add(&head->cookie, value);
    } else {
        buf_add(&head->lines, name);
        buf_add(&head->lines, SPAN(": "));
        buf_add(&head->lines, value);
        buf_add(&head->lines, SPAN("\r\n"));
    }
    return true;
}

/* Whose address it is must have one answer only: :authority, and a Host beside it says the same (8.3.1). */
static bool take_host(struct h2_head *head)
{
    if (head->authority.size == 0)
        return true;
    if (head->host.size && !span_eq_nocase(buf_span(&head->host), buf_span(&head->authority)))
        return false;
    buf_clear(&head->host);
    buf_add(&head->host, buf_span(&head->authority));
    return true;
}

bool h2_head_write(struct h2_head *head, bool has_body, struct buf *text)
{
    bool is_connect = span_is(buf_span(&head->method), "CONNECT");

    if (head->method.size == 0 || !take_host(head))
        return false;
    if (is_connect && head->path.size == 0)
        buf_char(&head->path, '/'); /* it has none; the parser refuses it by its method */
    if (head->path.size == 0 || (head->path.at[0] != '/' && !span_is(buf_span(&head->path), "*")))
        return false;
    buf_add(text, buf_span(&head->method));
    buf_char(text, ' ');
    buf_add(text, buf_span(&head->path));
    buf_add(text, SPAN(" HTTP/1.1\r\n"));
    if (head->host.size) {
        buf_add(text, SPAN("host: "));
        buf_add(text, buf_span(&head->host));
        buf_add(text, SPAN("\r\n"));
    }
    buf_add(text, buf_span(&head->lines));
    if (head->cookie.size) {
        buf_add(text, SPAN("cookie: "));
        buf_add(text, buf_span(&head->cookie));
        buf_add(text, SPAN("\r\n"));
    }
    if (has_body && !head->has_length)
        buf_add(text, SPAN("transfer-encoding: chunked\r\n"));
    buf_add(text, SPAN("connection: close\r\n\r\n")); /* one request for each virtual connection */
    if (text->size > head->most + 1)
        text->size = head->most + 1;
    return true;
}
