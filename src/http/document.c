/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: document.c - see document.h. */
#include "http/document.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/digest.h"
#include "http/reply.h"
#include "parse/http_value.h"
#include "parse/uri.h"

#define CALLBACK_MOST 64
#define FORM_MOST     8192
#define ETAG_BYTES    16
#define METHODS       "GET, HEAD, POST, OPTIONS"

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '$';
}

bool document_callback_is_good(struct span callback)
{
    if (callback.size == 0 || callback.size > CALLBACK_MOST || !is_letter(callback.at[0]))
        return false;
    for (size_t i = 1; i < callback.size; i++)
        if (!is_letter(callback.at[i]) && !(callback.at[i] >= '0' && callback.at[i] <= '9') &&
            callback.at[i] != '.')
            return false;
    return true;
}

void document_cors(struct http_request *request)
{
    reply_field(request, "Access-Control-Allow-Origin", SPAN("*"));
    reply_field(request, "Access-Control-Expose-Headers", SPAN("ETag, Retry-After, X-Request-Id"));
}

void document_options(struct http_request *request)
{
    document_cors(request);
    reply_field(request, "Allow", SPAN(METHODS));
    reply_field(request, "Access-Control-Allow-Methods", SPAN(METHODS));
    reply_field(request, "Access-Control-Allow-Headers", SPAN("Content-Type, If-None-Match"));
    reply_field(request, "Access-Control-Max-Age", SPAN("86400"));
    reply_empty(request, 204);
}

static bool is_known(const struct http_request *request, struct span etag)
{
    struct span value;
    unsigned at = 0;

    if (request->method == HTTP_POST)
        return false;
    while (http_head_next(request->head, "if-none-match", &at, &value))
        if (http_etag_matches(value, etag, HTTP_WEAK))
            return true;
    return false;
}

static void send_text(struct http_request *request, const struct document *document, struct buf *text)
{
    unsigned char digest[SHA256_BYTES];
    struct buf etag = { 0 };
    const char *type = document->callback.size > 0 ? "application/javascript; charset=utf-8" : document->type;

    digest_sha256(buf_span(text), digest);
    buf_char(&etag, '"');
    codec_hex(&etag, span_make((const char *)digest, ETAG_BYTES));
    buf_char(&etag, '"');
    document_cors(request);
    reply_field(request, "Content-Security-Policy", SPAN("default-src 'none'; frame-ancestors 'none'"));
    reply_field_printf(request, "Cache-Control", "public, max-age=%lld",
                       (long long)(document->max_age / USEC_PER_SEC));
    reply_field(request, "ETag", buf_span(&etag));
    if (is_known(request, buf_span(&etag)))
        reply_empty(request, 304);
    else
        reply_send(request, 200, type, buf_span(text));
    buf_free(&etag);
}

void document_send(struct http_request *request, const struct document *document)
{
    struct buf text = { 0 };

    if (document->callback.size > 0) {
        buf_text(&text, "/**/"); /* so that the callback's name is not the first thing in the file */
        buf_add(&text, document->callback);
        buf_char(&text, '(');
    }
    buf_add(&text, document->body);
    if (document->callback.size > 0)
        buf_char(&text, ')');
    send_text(request, document, &text);
    buf_free(&text);
}

/* ---- parameters ---- */

struct form_reading {
    void (*then)(struct http_request *request, struct span form);
};

static void on_body(struct http_request *request, struct span body)
{
    struct form_reading *reading = request->handler_data;

    request->handler_data = NULL;
    reading->then(request, body);
}

void document_read_form(struct http_request *request,
                        void (*then)(struct http_request *request, struct span form))
{
    struct span type = request_field(request, "content-type");
    struct form_reading *reading;

    if (request->method != HTTP_POST || !request->has_body) {
        then(request, SPAN(""));
        return;
    }
    if (!span_eq_nocase(span_trim(span_cut(&type, ';')), SPAN("application/x-www-form-urlencoded"))) {
        document_cors(request);
        reply_problem(request, PROBLEM_media_not_understood, "Send the parameters as a form or in the query");
        return;
    }
    reading = arena_make(request->arena, struct form_reading);
    reading->then = then;
    request->handler_data = reading;
    request_read_body(request, FORM_MOST, on_body);
}

static void free_buf(void *data)
{
    buf_free(data);
}

int document_parameter(struct http_request *request, struct span form, const char *name, struct span *value_r)
{
    struct buf *value = arena_make(request->arena, struct buf);
    int found;

    arena_on_free(request->arena, free_buf, value);
    found = uri_query_find(request->query, name, value);
    if (found == 0)
        found = uri_query_find(form, name, value);
    *value_r = found == 1 ? buf_span(value) : SPAN("");
    return found;
}
