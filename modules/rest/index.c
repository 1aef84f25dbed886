/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: index.c - GET /rest/: the endpoints as they are loaded just now, read once from the
 * table and from what scripts say of themselves. No key and no login: it tells nothing that is secret. */
#include "index.h"

#include "index_path.h"
#include "page/page.h"
#include "parse/http_value.h"
#include "scripts.h"

#include <stdlib.h>
#include <string.h>

/* ---- reading the endpoints ---- */

static const char *name_of_method(enum http_method method)
{
    switch (method) {
    case HTTP_POST:
        return "POST";
    case HTTP_PUT:
        return "PUT";
    case HTTP_DELETE:
        return "DELETE";
    default:
        return "GET";
    }
}

static const char *name_of_role(struct arena *arena, const struct rest_method *row)
{
    if (row->role_name.size > 0)
        return arena_text(arena, row->role_name);
    return row->role == REST_ADMIN ? "admin" : row->role == REST_USER ? "user" : NULL;
}

/* What a script says at that place; NULL: nothing. */
static const char *said(struct arena *arena, struct json_object *description, const char *name)
{
    struct span text;

    return json_text(json_member(description, name), &text) ? arena_text(arena, text) : NULL;
}

/* description.get or description.GET */
static struct json_object *description_of(const struct rest_endpoint *endpoint, const char *method)
{
    struct json_object *found = json_member(endpoint->description, method);
    char lower[8];
    size_t i = 0;

    for (; method[i] && i + 1 < sizeof(lower); i++)
        lower[i] = (char)(method[i] - 'A' + 'a');
    lower[i] = '\0';
    return found ? found : json_member(endpoint->description, lower);
}

static const char *first_of(const char *a, const char *b)
{
    return a ? a : b;
}

/* Authors of scripts write examples in one line; people want them in several. */
static const char *as_lines(struct arena *arena, const char *example)
{
    struct json_object *json;
    struct buf out = { 0 };
    const char *why;

    if (example == NULL || strchr(example, '\n') ||
        json_parse(span_of(example), &json_limits_body, &json, &why) != 1)
        return example;
    rest_write_json(&out, json);
    example = arena_text(arena, buf_span(&out));
    buf_free(&out);
    json_object_put(json);
    return example;
}

static void read_method(struct arena *arena, const struct rest_endpoint *endpoint,
                        const struct rest_method *row, struct index_method *method_r)
{
    const char *name = name_of_method(row->method);
    struct json_object *of_script = description_of(endpoint, name);

    *method_r = (struct index_method){
        .row = row,
        .name = name,
        .about = first_of(first_of(row->about, said(arena, of_script, "info")), ""),
        .details = first_of(row->details, said(arena, of_script, "description")),
        .role = name_of_role(arena, row),
        .request = { first_of(row->request_xml, said(arena, of_script, "request_xml")),
                     as_lines(arena, first_of(row->request_json, said(arena, of_script, "request_json"))) },
        .answer = { first_of(row->answer_xml, said(arena, of_script, "answer_xml")),
                    as_lines(arena, first_of(row->answer_json, said(arena, of_script, "answer_json"))) },
    };
}

/* Tables write "/rest"; the operator may have another context path. */
static struct span in_context(struct arena *arena, struct span context, struct span shown)
{
    if (span_eq(shown, SPAN("/rest")) || span_starts(shown, SPAN("/rest/")))
        shown = span_from(shown, strlen("/rest"));
    return span_of(arena_printf(arena, "%.*s%.*s", SPAN_ARG(context), SPAN_ARG(shown)));
}

static void read_path(struct arena *arena, struct span context, const struct rest_endpoint *endpoint,
                      struct index_entry *entry_r)
{
    struct span variants[PATH_VARIANTS_MOST];
    struct buf path = { 0 };

    buf_printf(&path, "%.*s%s%s", SPAN_ARG(context), endpoint->folder[0] ? "/" : "", endpoint->folder);
    entry_r->is_readable = true;
    if (endpoint->shown && (endpoint->script == NULL || said(arena, endpoint->description, "regex")))
        entry_r->path = in_context(arena, context, span_of(endpoint->shown));
    else if (path_of_expression(&path, span_of(endpoint->regex)))
        entry_r->path = arena_copy(arena, buf_span(&path));
    else
        entry_r->is_readable = false;
    if (entry_r->is_readable)
        entry_r->is_readable = path_variants(arena, entry_r->path, variants) > 0;
    else
        entry_r->path = span_of(arena_printf(arena, "%.*s%s", SPAN_ARG(buf_span(&path)), endpoint->regex));
    buf_free(&path);
}

/* What says nothing of itself serves the page only. */
static bool is_shown(const struct rest_endpoint *endpoint, const struct rest_method *row)
{
    return endpoint->script != NULL || row->about != NULL;
}

static int compare_entries(const void *a, const void *b)
{
    const struct index_entry *left = a, *right = b;
    int order = strcmp(left->folder, right->folder);

    return order ? order : span_compare(left->path, right->path);
}

static bool has_anchor(const struct index *index, const char *anchor)
{
    for (size_t i = 0; i < index->count; i++)
        for (unsigned m = 0; m < index->entries[i].method_count; m++)
            if (index->entries[i].methods[m].anchor &&
                strcmp(index->entries[i].methods[m].anchor, anchor) == 0)
                return true;
    return false;
}

/* The words of method and path; with a number where two paths have the same words. */
static const char *anchor_of(struct arena *arena, const struct index *index, const char *method,
                             struct span path)
{
    struct buf words = { 0 };
    bool is_word = false;
    const char *first, *anchor;

    for (const char *c = method; *c; c++)
        buf_char(&words, (char)(*c - 'A' + 'a'));
    for (size_t i = 0; i < path.size; i++) {
        char c = path.at[i];
        bool goes_on = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (goes_on && !is_word)
            buf_char(&words, '-');
        if (goes_on)
            buf_char(&words, c);
        is_word = goes_on;
    }
    first = anchor = arena_text(arena, buf_span(&words));
    buf_free(&words);
    for (unsigned number = 2; has_anchor(index, anchor); number++)
        anchor = arena_printf(arena, "%s-%u", first, number);
    return anchor;
}

static void set_anchors(struct arena *arena, struct index *index)
{
    for (size_t i = 0; i < index->count; i++)
        for (unsigned m = 0; m < index->entries[i].method_count; m++) {
            struct index_method *method = &index->entries[i].methods[m];

            method->anchor = anchor_of(arena, index, method->name, index->entries[i].path);
        }
}

/* Their names only: what is wrong with them may quote their text, and the log has it. */
static void read_failed(struct arena *arena, const struct rest_scripts *scripts, struct index *index)
{
    if (scripts == NULL || scripts->failure_count == 0)
        return;
    index->failed = arena_alloc(arena, scripts->failure_count * sizeof(index->failed[0]));
    for (size_t i = 0; i < scripts->failure_count; i++)
        index->failed[index->failed_count++] = scripts->failures[i].name;
}

void index_read(struct arena *arena, const struct rest *rest, struct index *index_r)
{
    *index_r = (struct index){
        .context = span_of(rest->conf->context_path),
        .is_open = rest->conf->open_access,
        .entries = arena_alloc(arena, (rest->endpoint_count + 1) * sizeof(index_r->entries[0])),
    };
    if (span_is(index_r->context, "/"))
        index_r->context = SPAN("");
    for (size_t i = 0; i < rest->endpoint_count; i++) {
        const struct rest_endpoint *endpoint = rest->endpoints[i];
        struct index_entry *entry = &index_r->entries[index_r->count];

        *entry = (struct index_entry){ .endpoint = endpoint,
                                       .folder = endpoint->folder,
                                       .is_script = endpoint->script != NULL };
        for (const struct rest_method *row = endpoint->methods;
             row->run != NULL && entry->method_count < INDEX_METHODS_MOST; row++)
            if (is_shown(endpoint, row))
                read_method(arena, endpoint, row, &entry->methods[entry->method_count++]);
        if (entry->method_count == 0)
            continue;
        read_path(arena, index_r->context, endpoint, entry);
        index_r->count++;
    }
    read_failed(arena, rest->scripts, index_r);
    qsort(index_r->entries, index_r->count, sizeof(index_r->entries[0]), compare_entries);
    set_anchors(arena, index_r);
}

/* ---- as a list ---- */

static void put_text(struct json_object *map, const char *name, const char *text)
{
    if (text)
        json_object_object_add(map, name, json_object_new_string(text));
}

static void put_examples(struct json_object *map, const char *name, const char *const examples[2])
{
    struct json_object *both;

    if (examples[REST_XML] == NULL && examples[REST_JSON] == NULL)
        return;
    both = json_object_new_object();
    put_text(both, "xml", examples[REST_XML]);
    put_text(both, "json", examples[REST_JSON]);
    json_object_object_add(map, name, both);
}

static struct json_object *list_method(const struct index *index, const struct index_method *method)
{
    struct json_object *map = json_object_new_object();
    bool needs_key = !method->row->needs_no_key && !index->is_open;

    put_text(map, "method", method->name);
    put_text(map, "info", method->about);
    put_text(map, "description", method->details);
    json_object_object_add(map, "key", json_object_new_boolean(needs_key));
    put_text(map, "role", method->role);
    put_examples(map, "request", method->request);
    put_examples(map, "answer", method->answer);
    return map;
}

struct json_object *index_list(const struct index *index)
{
    struct json_object *top = json_object_new_object(), *map = json_object_new_object(),
                       *endpoints = json_object_new_array(), *failed = json_object_new_array();

    for (size_t i = 0; i < index->count; i++) {
        const struct index_entry *entry = &index->entries[i];
        struct json_object *one = json_object_new_object(), *methods = json_object_new_array();

        put_text(one, "folder", entry->folder);
        json_object_object_add(one, "path",
                               json_object_new_string_len(entry->path.at, (int)entry->path.size));
        put_text(one, "regex", entry->endpoint->regex);
        json_object_object_add(one, "script", json_object_new_boolean(entry->is_script));
        for (unsigned m = 0; m < entry->method_count; m++)
            json_object_array_add(methods, list_method(index, &entry->methods[m]));
        json_object_object_add(one, "methods", methods);
        json_object_array_add(endpoints, one);
    }
    for (size_t i = 0; i < index->failed_count; i++)
        json_object_array_add(failed, json_object_new_string(index->failed[i]));
    json_object_object_add(map, "endpoints", endpoints);
    json_object_object_add(map, "failed", failed);
    json_object_object_add(top, "rest", map);
    return top;
}

/* ---- the endpoints ---- */

/* As browsers do not ask for JSON or XML by name before HTML, nothing but a wish for data gets data. */
static enum rest_format wished(struct http_request *request)
{
    struct span type = request_parameter(request, "type"), accept = request_field(request, "accept");
    unsigned html, json, xml;

    if (type.at != NULL)
        return memmem(type.at, type.size, "json", 4)  ? REST_JSON
               : memmem(type.at, type.size, "xml", 3) ? REST_XML
                                                      : REST_HTML;
    if (accept.size == 0)
        return REST_HTML;
    html = http_accept_quality(accept, "text/html");
    json = http_accept_quality(accept, "application/json");
    xml = http_accept_quality(accept, "application/xml");
    return html >= json && html >= xml ? REST_HTML : json >= xml ? REST_JSON : REST_XML;
}

/* Where this server is, as the client sees it: for links that are to be copied. */
static struct span origin_of(struct http_request *request)
{
    struct span authority = request->head->host, name = authority;

    if (!span_starts(authority, SPAN("[")))
        name = span_cut(&name, ':');
    if (authority.size == 0 || !span_eq_nocase(name, request->host))
        authority = request->host; /* a proxy in between says another name */
    return span_of(
        arena_printf(request->arena, "http%s://%.*s", request->secure ? "s" : "", SPAN_ARG(authority)));
}

/* Links are relative, so that they hold behind a proxy that puts the context elsewhere. */
static struct span base_of(const struct rest_call *call)
{
    struct span path = call->request->raw_path;

    if (span_ends(path, SPAN("/")))
        return SPAN("");
    while (span_find(path, '/') >= 0)
        span_cut(&path, '/');
    return span_of(arena_printf(call->request->arena, "%.*s/", SPAN_ARG(path)));
}

static void answer_page(struct rest_call *call, const struct index *index)
{
    struct http_request *request = call->request;
    struct index_links links = { .base = base_of(call),
                                 .origin = origin_of(request),
                                 .root = page_base(request) };
    struct buf out = { 0 };

    for (const struct index_file *file = index_files; file->name; file++)
        index_file_name(file, span_is(span_of(file->ending), "css") ? links.style : links.script,
                        sizeof(links.style));
    index_page(&out, index, &links);
    reply_field(request, "Content-Security-Policy",
                SPAN("default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
                     "img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
                     "require-trusted-types-for 'script'"));
    reply_field(request, "Referrer-Policy", SPAN("no-referrer"));
    reply_field(request, "Cross-Origin-Opener-Policy", SPAN("same-origin"));
    rest_answer_bytes(call, "text/html; charset=utf-8", buf_span(&out));
    buf_free(&out);
}

static void show_index(struct rest_call *call)
{
    struct index index;

    index_read(call->request->arena, call->rest, &index);
    reply_field(call->request, "Cache-Control", SPAN("no-cache"));
    call->format = wished(call->request);
    if (call->format == REST_HTML)
        answer_page(call, &index);
    else
        rest_answer(call, index_list(&index));
}

static void show_openapi(struct rest_call *call)
{
    struct index index;
    struct json_object *document;
    struct buf out = { 0 };

    index_read(call->request->arena, call->rest, &index);
    document = index_openapi(call->request->arena, &index);
    rest_write_json(&out, document);
    buf_char(&out, '\n');
    reply_field(call->request, "Cache-Control", SPAN("no-cache"));
    rest_answer_bytes(call, "application/json", buf_span(&out));
    buf_free(&out);
    json_object_put(document);
}

struct rest_endpoint rest_index_endpoints[] = {
    { .folder = "",
      .regex = "/?",
      .shown = "/rest/",
      .methods = { { .method = HTTP_GET,
                     .run = show_index,
                     .needs_no_key = true,
                     .content = CONTENT_RAW,
                     .about = "This list: as a page, as JSON or as XML",
                     .details = "JSON with ?type=application/json or by Accept, XML likewise. Scripts that "
                                "could not be loaded are named; why is in the log." } } },
    { .folder = "",
      .regex = "/openapi\\.json",
      .shown = "/rest/openapi.json",
      .methods = { { .method = HTTP_GET,
                     .run = show_openapi,
                     .needs_no_key = true,
                     .content = CONTENT_RAW,
                     .about = "This list as an OpenAPI 3.1 document",
                     .details = "For generators of clients, and for tools that show or try interfaces." } } },
    { .folder = "",
      .regex = "/static/([^/]+)",
      .shown = "/rest/static/{name}",
      .methods = { { .method = HTTP_GET,
                     .run = index_static,
                     .needs_no_key = true,
                     .content = CONTENT_RAW } } },
    { .folder = NULL },
};
