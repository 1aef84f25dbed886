/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_answer.c - answers and problems of calls, in the format that the caller can read.
 *
 * A body's Content-Type tells what a client speaks, so its answer is of the same kind; without one the
 * parameter type counts, then Accept, and XML is what is left. */
#include "rest.h"

#include "base/text.h"
#include "parse/http_value.h"

#define NS_STANZAS    "urn:ietf:params:xml:ns:xmpp-stanzas"
#define NS_PROBLEM    "urn:ietf:rfc:7807" /* of application/problem+xml, RFC 9457 B too */
#define POLICY        "default-src 'none'; frame-ancestors 'none'; sandbox"
#define DETAIL_MOST   1024 /* bytes of a text that the XMPP server wrote */
#define RETRY_SECONDS "5"  /* when nobody knows how long it takes */

/* ---- the format ---- */

static bool has_nocase(struct span text, const char *word)
{
    struct span wanted = span_of(word);

    for (size_t i = 0; i + wanted.size <= text.size; i++)
        if (span_eq_nocase(span_make(text.at + i, wanted.size), wanted))
            return true;
    return false;
}

static enum rest_format accepted(struct span accept)
{
    unsigned json, problem, xml, text;

    if (accept.at == NULL)
        return REST_XML;
    json = http_accept_quality(accept, "application/json");
    problem = http_accept_quality(accept, "application/problem+json");
    json = problem > json ? problem : json;
    xml = http_accept_quality(accept, "application/xml");
    text = http_accept_quality(accept, "text/xml");
    return json > xml && json > text ? REST_JSON : REST_XML;
}

static bool is_html(struct span type)
{
    return span_is(type, "text/html") || span_is(type, "application/x-www-form-urlencoded");
}

static void find_format(struct rest_call *call)
{
    struct http_request *request = call->request;
    struct span type = request_parameter(request, "type");
    struct span content = request_field(request, "content-type"), accept = request_field(request, "accept");

    if (type.at != NULL || content.at != NULL)
        call->is_html_wished = is_html(type.at != NULL ? type : content);
    else
        call->is_html_wished = span_starts(accept, SPAN("text/html"));
    if (content.at != NULL || type.at != NULL)
        call->format =
            has_nocase(content.at != NULL ? content : type, "application/json") ? REST_JSON : REST_XML;
    else
        call->format = accepted(accept);
}

void rest_begin_answer(struct rest_call *call)
{
    find_format(call);
    rest_cors_fields(call->request, call->rest->conf);
    reply_field(call->request, "Vary", SPAN("Accept, Content-Type"));
}

/* ---- answers ---- */

/* The answer is one key's or one account's: no cache in between shall keep it, and no browser run it. */
static void add_guards(struct http_request *request)
{
    if (!reply_says(request, "Cache-Control"))
        reply_field(request, "Cache-Control", SPAN("no-store"));
    if (!reply_says(request, "Content-Security-Policy"))
        reply_field(request, "Content-Security-Policy", SPAN(POLICY));
}

void rest_answer_status(struct rest_call *call, int status, struct json_object *map)
{
    bool is_json = call->format == REST_JSON;
    struct buf out = { 0 };

    if (is_json)
        rest_write_json(&out, map);
    else
        rest_write_xml(&out, map);
    json_object_put(map);
    add_guards(call->request);
    reply_send(call->request, status, is_json ? "application/json" : "application/xml", buf_span(&out));
    buf_free(&out);
}

void rest_answer(struct rest_call *call, struct json_object *map)
{
    rest_answer_status(call, 200, map);
}

void rest_answer_bytes(struct rest_call *call, const char *type, struct span bytes)
{
    add_guards(call->request);
    reply_send(call->request, 200, type, bytes);
}

/* ---- problems ---- */

struct problem_page {
    int status;
    const char *condition; /* NULL: none */
    const char *detail;
    const char *id;
};

static void add_json(struct buf *out, const struct problem_page *page)
{
    struct json_object *map = json_object_new_object();

    json_object_object_add(map, "type", json_object_new_string("about:blank"));
    json_object_object_add(map, "title", json_object_new_string(http_reason(page->status)));
    json_object_object_add(map, "status", json_object_new_int(page->status));
    json_object_object_add(map, "detail", json_object_new_string(page->detail));
    if (page->condition != NULL)
        json_object_object_add(map, "condition", json_object_new_string(page->condition));
    json_object_object_add(map, "id", json_object_new_string(page->id));
    rest_write_json(out, map);
    json_object_put(map);
}

static void add_xml_member(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, "  <%s>", name);
    text_add_xml(out, span_of(text));
    buf_printf(out, "</%s>\n", name);
}

static void add_xml(struct buf *out, const struct problem_page *page)
{
    buf_text(out, "<problem xmlns=\"" NS_PROBLEM "\">\n");
    add_xml_member(out, "type", "about:blank");
    add_xml_member(out, "title", http_reason(page->status));
    buf_printf(out, "  <status>%d</status>\n", page->status);
    add_xml_member(out, "detail", page->detail);
    if (page->condition != NULL)
        add_xml_member(out, "condition", page->condition);
    add_xml_member(out, "id", page->id);
    buf_text(out, "</problem>");
}

static void add_html(struct buf *out, const struct problem_page *page)
{
    buf_printf(out,
               "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>%d %s</title>"
               "</head>\n<body>\n<h1>%d %s</h1>\n<p>",
               page->status, http_reason(page->status), page->status, http_reason(page->status));
    text_add_html(out, span_of(page->detail));
    buf_printf(out, "</p>\n<p>Request %s</p>\n</body>\n</html>\n", page->id);
}

/* A page for people alone: a program that posts a form by mistake shall not get one. */
static bool shows_page(struct rest_call *call)
{
    struct span type = request_parameter(call->request, "type");

    return call->is_html_wished &&
           (span_is(type, "text/html") || has_nocase(request_field(call->request, "accept"), "text/html"));
}

void rest_problem_status(struct rest_call *call, int status, const char *condition, const char *detail)
{
    struct http_request *request = call->request;
    const struct problem_page page = { status, condition, detail, request->id };
    const char *type = "application/problem+xml";
    struct buf out = { 0 };

    reply_drop_content_fields(request);
    reply_field(request, "Cache-Control", SPAN("no-store"));
    if (call->rest->conf->reference_errors && (call->is_running || status == 405)) {
        reply_empty(request, 404);
        return;
    }
    reply_field(request, "Content-Security-Policy", SPAN(POLICY));
    if (status == 503 && !reply_says(request, "Retry-After"))
        reply_field(request, "Retry-After", SPAN(RETRY_SECONDS));
    if (shows_page(call)) {
        type = "text/html; charset=utf-8";
        add_html(&out, &page);
    } else if (call->format == REST_JSON) {
        type = "application/problem+json";
        add_json(&out, &page);
    } else {
        add_xml(&out, &page);
    }
    reply_send(request, status, type, buf_span(&out));
    buf_free(&out);
}

void rest_problem(struct rest_call *call, enum problem problem, const char *detail)
{
    rest_problem_status(call, problem_status(problem), problem_condition(problem),
                        detail != NULL ? detail : problem_text(problem));
}

/* ---- what the XMPP server said ---- */

/* Conditions of RFC 6120 8.3.3. None becomes 401 or 405: our caller's login and method were good. */
static int status_of(struct span condition)
{
    static const struct {
        const char *condition;
        int status;
    } rows[] = {
        { "bad-request", 400 },
        { "conflict", 409 },
        { "feature-not-implemented", 501 },
        { "forbidden", 403 },
        { "gone", 410 },
        { "item-not-found", 404 },
        { "jid-malformed", 400 },
        { "not-acceptable", 406 },
        { "not-allowed", 403 },
        { "not-authorized", 403 },
        { "payment-required", 403 },
        { "policy-violation", 403 },
        { "recipient-unavailable", 404 },
        { "registration-required", 403 },
        { "remote-server-not-found", 404 },
        { "remote-server-timeout", 504 },
        { "resource-constraint", 503 },
        { "service-unavailable", 404 },
        { "subscription-required", 403 },
        { "unexpected-request", 400 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (span_is(condition, rows[i].condition))
            return rows[i].status;
    return 502; /* internal-server-error, undefined-condition, and what nobody knows */
}

void rest_stanza_error(struct rest_call *call, const struct xml_element *iq)
{
    struct arena *arena = call->request->arena;
    const struct xml_element *error = xml_child(iq, NULL, "error"), *child = NULL;
    struct span condition = SPAN("undefined-condition"), text = { 0 };

    if (error != NULL)
        child = xml_child(error, NS_STANZAS, NULL);
    for (; child != NULL; child = xml_next(child, NS_STANZAS, NULL))
        if (span_is(child->name, "text"))
            text = span_head(xml_text(child, arena), DETAIL_MOST);
        else
            condition = child->name;
    rest_problem_status(call, status_of(condition), arena_text(arena, condition),
                        text.size > 0 ? arena_text(arena, text)
                                      : arena_printf(arena, "The XMPP server answered with the error %.*s",
                                                     SPAN_ARG(condition)));
}

static void on_again(struct http_request *request, const struct login *login)
{
    struct rest_call *call = OBJECT(request->handler_data, rest_call);
    void (*retry)(struct rest_call *) = call->retry;

    call->login.jid = login->jid;
    call->retry = NULL;
    retry(call);
}

static void on_refused(struct http_request *request, enum problem problem, const char *detail)
{
    struct rest_call *call = OBJECT(request->handler_data, rest_call);

    call->is_running = false; /* it is before its login again */
    rest_problem(call, problem, detail);
}

void rest_ask_failed(struct rest_call *call, const struct ask *ask, void (*retry)(struct rest_call *call))
{
    if (ask->problem == PROBLEM_no_session && !call->is_again && retry != NULL && call->login.jid.size > 0) {
        call->is_again = true;
        call->retry = retry;
        login_again(call->rest->host, call->request, on_again, on_refused);
        return;
    }
    rest_problem(call, ask->problem, ask->text.size > 0 ? arena_text(call->request->arena, ask->text) : NULL);
}
