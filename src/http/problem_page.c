/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: problem_page.c - errors that a human can read, and that can do no harm in a browser. */
#include "http/inside.h"

#include "base/text.h"
#include "parse/http_value.h"

#define POLICY "default-src 'none'; frame-ancestors 'none'; sandbox"

static void add_html(struct buf *out, int status, const char *detail, const char *id)
{
    buf_printf(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>%d %s</title></head>\n",
        status, http_reason(status));
    buf_printf(out, "<body>\n<h1>%d %s</h1>\n<p>", status, http_reason(status));
    text_add_html(out, span_of(detail));
    buf_printf(out, ".</p>\n<p>Request %s</p>\n</body>\n</html>\n", id);
}

static void add_json(struct buf *out, int status, const char *detail, const char *id)
{
    buf_printf(out, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"",
               http_reason(status), status);
    text_add_json(out, span_of(detail));
    buf_printf(out, "\",\"request\":\"%s\"}\n", id);
}

/* Named types only: an "Accept: *" "/" "*" of a program gets plain text. */
static bool prefers(struct span accept, const char *type, const char *other)
{
    unsigned quality = http_accept_quality(accept, type);

    return quality > 0 && quality > http_accept_quality(accept, "text/plain") &&
           quality >= http_accept_quality(accept, other);
}

void reply_drop_content_fields(struct http_request *request)
{
    static const char *const names[] = {
        "Cache-Control",           "Content-Disposition", "ETag",          "Last-Modified",   "Expires",
        "Content-Security-Policy", "Content-Encoding",    "Accept-Ranges", "Content-Language"
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        reply_drop_field(exchange_of(request), names[i]);
}

void reply_problem(struct http_request *request, enum problem problem, const char *detail)
{
    struct exchange *exchange = exchange_of(request);
    struct span accept = http_head_find(request->head, "Accept");
    int status = problem_status(problem);
    const char *type = "text/plain; charset=utf-8";
    struct buf body = { 0 };

    if (exchange->replied || exchange->cancelled)
        goto out; /* reply_send says what is wrong */
    if (detail == NULL)
        detail = problem_text(problem);
    if (accept.size && prefers(accept, "text/html", "application/json")) {
        type = "text/html; charset=utf-8";
        add_html(&body, status, detail, request->id);
    } else if (accept.size && (prefers(accept, "application/json", "text/html") ||
                               prefers(accept, "application/problem+json", "text/html"))) {
        type = "application/problem+json";
        add_json(&body, status, detail, request->id);
    } else {
        buf_printf(&body, "%d %s: %s\nRequest %s\n", status, http_reason(status), detail, request->id);
    }
    reply_drop_content_fields(request);
    reply_field(request, "Cache-Control", SPAN("no-store"));
    reply_field(request, "Content-Security-Policy", SPAN(POLICY));
out:
    reply_send(request, status, type, buf_span(&body));
    buf_free(&body);
}
