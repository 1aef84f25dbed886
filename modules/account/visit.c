/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: visit.c - see visit.h. */
#include "visit.h"

#include "base/clock.h"
#include "base/text.h"
#include "job.h"
#include "page/page.h"
#include "parse/http_value.h"
#include "parse/ip.h"
#include "parse/multipart.h"
#include "parse/xml.h"
#include "shm/bucket.h"
#include "shm/segment.h"

#include <json-c/json.h>

#define HOUR (3600 * USEC_PER_SEC)

/* ---- the format ---- */

static bool names(struct span type, const char *word)
{
    struct span wanted = span_of(word);

    for (size_t i = 0; i + wanted.size <= type.size; i++)
        if (span_eq_nocase(span_make(type.at + i, wanted.size), wanted))
            return true;
    return false;
}

static bool is_form(struct span type)
{
    return names(type, "application/x-www-form-urlencoded") || names(type, "multipart/form-data");
}

static enum visit_format by_accept(struct span accept, enum visit_format otherwise)
{
    unsigned html = http_accept_quality(accept, "text/html");
    unsigned json = http_accept_quality(accept, "application/json");
    unsigned xml = http_accept_quality(accept, "application/xml");

    if (accept.size == 0 || (html == json && json == xml))
        return otherwise;
    if (html >= json && html >= xml)
        return VISIT_HTML;
    return json > xml ? VISIT_JSON : VISIT_XML;
}

/* A form is sent by browsers, and by programs that say what they want to read. */
static enum visit_format format_of(struct http_request *request)
{
    struct span content = request_field(request, "content-type");
    struct span type = request_parameter(request, "type");
    struct span accept = request_field(request, "accept");

    if (content.size == 0)
        content = type;
    if (names(content, "/json") || names(content, "+json"))
        return VISIT_JSON;
    if (is_form(content) || names(content, "text/html"))
        return by_accept(accept, VISIT_HTML);
    if (content.size > 0 && (names(content, "/xml") || names(content, "+xml")))
        return VISIT_XML;
    return by_accept(accept, VISIT_XML);
}

/* ---- life ---- */

static void on_free(void *data)
{
    struct visit *visit = OBJECT(data, visit);

    json_object_put(visit->content);
    json_object_put(visit->errors);
    OBJECT_DEAD(visit);
}

static void on_cancel(struct http_request *request)
{
    struct visit *visit = OBJECT(request->handler_data, visit);

    if (visit->job != NULL)
        job_leave(visit->job);
    visit->job = NULL;
}

struct visit *visit_begin(struct http_request *request)
{
    struct visit *visit = arena_make(request->arena, struct visit);

    OBJECT_BORN(visit, visit);
    arena_on_free(request->arena, on_free, visit);
    visit->account = OBJECT(request->state, account);
    visit->request = request;
    visit->format = format_of(request);
    request->handler_data = visit;
    request->on_cancel = on_cancel;
    return visit;
}

/* ---- what it says ---- */

/* The children of the root as members; of a name that comes twice the last counts. */
static bool read_xml(struct visit *visit, struct span body, const char **why_r)
{
    struct arena *arena = visit->request->arena;
    struct xml_element *root;

    if (xml_document(body, &xml_limits_client, arena, &root, why_r) != 1)
        return false;
    visit->content = json_object_new_object();
    for (const struct xml_element *child = xml_child(root, NULL, NULL); child != NULL;
         child = xml_next(child, NULL, NULL))
        json_put_text(visit->content, arena_text(arena, child->name), xml_text(child, arena));
    return true;
}

/* {jid: ...}, or the same within one outer member. */
static bool read_json(struct visit *visit, struct span body, const char **why_r)
{
    struct json_object *json = NULL;

    *why_r = "The body must be one JSON object with texts";
    if (json_parse(body, &json_limits_body, &json, why_r) != 1 ||
        !json_object_is_type(json, json_type_object)) {
        json_object_put(json);
        return false;
    }
    visit->content = json;
    if (json_object_object_length(json) == 1) {
        json_object_object_foreach(json, name, inner)
        {
            (void)name;
            if (json_object_is_type(inner, json_type_object)) {
                visit->content = json_object_get(inner);
                json_object_put(json);
                break;
            }
        }
    }
    return true;
}

static bool read_form(struct visit *visit, struct span type, struct span body, const char **why_r)
{
    struct arena *arena = visit->request->arena;
    char boundary[MULTIPART_BOUNDARY_MOST + 1];
    struct form_fields fields = { 0 };
    enum form_verdict verdict;

    *why_r = "The form cannot be read";
    if (multipart_boundary(type, boundary))
        verdict = multipart_parse(arena, body, boundary, VISIT_FIELDS, &fields, why_r);
    else
        verdict = form_urlencoded_parse(arena, body, VISIT_FIELDS, &fields, why_r);
    if (verdict != FORM_GOOD)
        return false;
    visit->form = arena_alloc(arena, (fields.count + 1) * sizeof(*visit->form));
    for (size_t i = 0; i < fields.count; i++)
        visit->form[visit->form_count++] = (struct visit_text){ fields.items[i].name, fields.items[i].value };
    return true;
}

static void on_body(struct http_request *request, struct span body)
{
    struct visit *visit = OBJECT(request->handler_data, visit);
    struct span type = request_field(request, "content-type");
    const char *why = "";
    bool is_good = true;

    if (names(type, "/json") || names(type, "+json"))
        is_good = read_json(visit, body, &why);
    else if (names(type, "/xml") || names(type, "+xml"))
        is_good = read_xml(visit, body, &why);
    else
        is_good = read_form(visit, type, body, &why);
    if (is_good)
        visit->go(visit);
    else
        visit_trouble(visit, 400, why);
}

/* A page of another site shall not send forms from here: it could let people flood mailboxes. */
static bool is_foreign(struct visit *visit)
{
    struct span site = request_field(visit->request, "sec-fetch-site");

    return site.size > 0 && !span_is(site, "same-origin") && !span_is(site, "none");
}

void visit_read(struct visit *visit, void (*go)(struct visit *visit))
{
    struct span type = request_field(visit->request, "content-type");

    visit->go = go;
    if (is_foreign(visit))
        visit_trouble(visit, 403, "This form was sent by a page of another site");
    else if (!visit->request->has_body)
        go(visit);
    else if (!is_form(type) && !names(type, "/json") && !names(type, "+json") && !names(type, "/xml") &&
             !names(type, "+xml"))
        visit_trouble(visit, 415, "Send a form (application/x-www-form-urlencoded), JSON or XML");
    else
        request_read_body(visit->request, VISIT_BODY_MOST, on_body);
}

bool visit_field(struct visit *visit, const char *name, struct span *value_r)
{
    *value_r = SPAN("");
    if (visit->content != NULL)
        (void)json_text(json_member(visit->content, name), value_r);
    for (size_t i = 0; i < visit->form_count; i++)
        if (span_is(visit->form[i].name, name)) {
            *value_r = visit->form[i].value;
            break;
        }
    if (value_r->size <= VISIT_FIELD_MOST && !text_has_control(*value_r) && text_is_utf8(*value_r))
        return true;
    *value_r = SPAN("");
    return false;
}

/* ---- what is wrong ---- */

void json_put_text(struct json_object *json, const char *name, struct span text)
{
    json_object_object_add(json, name,
                           json_object_new_string_len(text.size > 0 ? text.at : "", (int)text.size));
}

void visit_wrong(struct visit *visit, const char *field, const char *text)
{
    struct json_object *error = json_object_new_object();

    if (visit->errors == NULL)
        visit->errors = json_object_new_array();
    json_put_text(error, "field", span_of(field));
    json_put_text(error, "text", span_of(text));
    json_object_array_add(visit->errors, error);
}

struct json_object *visit_error_texts(const struct visit *visit)
{
    struct json_object *texts = json_object_new_array();
    size_t count = visit->errors != NULL ? json_object_array_length(visit->errors) : 0;

    for (size_t i = 0; i < count; i++)
        json_object_array_add(
            texts, json_object_get(json_member(json_object_array_get_idx(visit->errors, i), "text")));
    return texts;
}

/* ---- answers ---- */

static void add_xml(struct buf *out, const char *name, struct json_object *value, unsigned level)
{
    struct span text;

    buf_printf(out, "%*s<%s", (int)(2 * level), "", name);
    if (value == NULL) {
        buf_text(out, " />\n");
    } else if (json_text(value, &text)) {
        buf_char(out, '>');
        text_add_xml(out, text);
        buf_printf(out, "</%s>\n", name);
    } else if (json_object_is_type(value, json_type_array)) {
        buf_text(out, json_object_array_length(value) > 0 ? ">\n" : " />\n");
        for (size_t i = 0; i < json_object_array_length(value); i++)
            add_xml(out, "item", json_object_array_get_idx(value, i), level + 1);
        if (json_object_array_length(value) > 0)
            buf_printf(out, "%*s</%s>\n", (int)(2 * level), "", name);
    } else {
        buf_text(out, ">\n");
        json_object_object_foreach(value, member, inner)
        {
            add_xml(out, member, inner, level + 1);
        }
        buf_printf(out, "%*s</%s>\n", (int)(2 * level), "", name);
    }
}

/* The one member of a map is the root; several stand in <result>. */
static void write_xml(struct buf *out, struct json_object *map)
{
    if (json_object_object_length(map) != 1) {
        add_xml(out, "result", map, 0);
    } else {
        json_object_object_foreach(map, name, value)
        {
            add_xml(out, name, value, 0);
        }
    }
    out->size--; /* without the last line's end */
}

/* The request is answered: whoever worked for it has nobody to tell any more. */
static void leave(struct visit *visit)
{
    visit->job = NULL;
    visit->request->on_cancel = NULL;
}

void visit_answer(struct visit *visit, int status, const char *template, struct json_object *values,
                  struct json_object *map)
{
    struct http_request *request = visit->request;
    struct buf out = { 0 };

    leave(visit);
    if (visit->format == VISIT_HTML) {
        json_object_put(map);
        if (visit->errors != NULL)
            json_object_object_add(values, "errors", json_object_get(visit->errors));
        page_answer(visit->account->kit, request, status, template, values);
        return;
    }
    json_object_put(values);
    if (visit->format == VISIT_JSON)
        json_write(&out, map);
    else
        write_xml(&out, map);
    json_object_put(map);
    reply_field(request, "Cache-Control", SPAN("no-store"));
    reply_field(request, "Vary", SPAN("Accept, Content-Type"));
    reply_field(request, "Content-Security-Policy",
                SPAN("default-src 'none'; frame-ancestors 'none'; sandbox"));
    reply_send(request, status, visit->format == VISIT_JSON ? "application/json" : "application/xml",
               buf_span(&out));
    buf_free(&out);
}

void visit_trouble(struct visit *visit, int status, const char *text)
{
    struct json_object *values = json_object_new_object(), *map = json_object_new_object();

    json_put_text(values, "title", span_of(text));
    json_object_object_add(values, "is_link", json_object_new_boolean(status == 404));
    json_put_text(map, "error", span_of(text));
    visit_answer(visit, status, "trouble", values, map);
}

/* ---- limits ---- */

/* Of IPv6 the first 64 bits: whoever has one address there has them all. */
static struct span bucket_name(struct visit *visit, const char *what)
{
    struct ip_address address;
    char text[IP_TEXT] = "unix";

    if (ip_address_parse(span_of(visit->request->client), &address)) {
        if (!ip_address_is4(&address))
            memset(address.bytes + 8, 0, 8);
        ip_address_text(&address, text);
    }
    return span_of(arena_printf(visit->request->arena, "account-%s/%s", what, text));
}

bool visit_is_too_much(struct visit *visit, const char *what, int64_t per_hour)
{
    struct bucket_rule rule = { .burst = (uint32_t)per_hour, .interval = per_hour > 0 ? HOUR / per_hour : 0 };
    int64_t wait;

    if (per_hour == 0)
        return false;
    wait =
        bucket_take(&visit->account->host->segment->buckets, bucket_name(visit, what), &rule, clock_mono());
    if (wait <= 0)
        return false;
    reply_field_printf(visit->request, "Retry-After", "%lld",
                       (long long)((wait + USEC_PER_SEC - 1) / USEC_PER_SEC));
    visit_trouble(visit, 429, "Too many requests came from your network; try again later");
    return true;
}
