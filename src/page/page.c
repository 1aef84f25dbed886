/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0..4 5(http): page.c - see page.h. */
#include "page/page_inside.h"

#include "base/codec.h"
#include "base/must.h"
#include "os/log.h"
#include "page/texts.h"
#include "parse/http_value.h"

#include <json-c/json.h>
#include <stdlib.h>

/* Nothing but our own files; no policy for Trusted Types exists, so no script can make a page out of text. */
#define POLICY                                                                                               \
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "          \
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "      \
    "trusted-types 'none'"

struct page_kit {
    struct template_set *templates; /* owned */
};

static struct template_set *shared; /* what all pages have in common; compiled at the first use, kept */
static void (*fill_chrome)(struct http_request *request, struct json_object *values, void *data);
static void *chrome_data;

/* ---- kits ---- */
static struct template_set *compile(const struct template_set *base, const struct template_source *sources)
{
    char why[300] = "";
    struct template_set *set = template_set_new(base, sources, why, sizeof(why));

    if (set == NULL)
        log_fatal("a template of a page is wrong: %s", why);
    return set;
}

struct page_kit *page_kit_new(const struct template_source *sources)
{
    struct page_kit *kit = must_alloc(sizeof(*kit));

    if (shared == NULL)
        shared = compile(NULL, page_templates);
    kit->templates = compile(shared, sources);
    return kit;
}

void page_kit_free(struct page_kit **address)
{
    if (*address == NULL)
        return;
    template_set_free(&(*address)->templates);
    free(*address);
    *address = NULL;
}

void page_chrome(void (*fill)(struct http_request *request, struct json_object *values, void *data),
                 void *data)
{
    fill_chrome = fill;
    chrome_data = data;
}

/* ---- addresses ---- */
const char *page_base(struct http_request *request)
{
    struct buf base = { 0 };
    const char *text;

    for (size_t i = 1; i < request->path.size; i++)
        if (request->path.at[i] == '/')
            buf_text(&base, "../");
    if (base.size == 0)
        buf_text(&base, "./");
    text = arena_text(request->arena, buf_span(&base));
    buf_free(&base);
    return text;
}

void page_see_other(struct http_request *request, const char *path)
{
    struct buf location = { 0 };

    must(path[0] == '/');
    buf_text(&location, page_base(request));
    codec_percent(&location, span_of(path + 1), "/?#[]@!$&'()*+,;=:%");
    reply_field(request, "Location", buf_span(&location));
    buf_free(&location);
    reply_field(request, "Cache-Control", SPAN("no-store"));
    reply_empty(request, 303);
}

/* ---- what the client wants ---- */
bool page_wants_part(const struct http_request *request)
{
    return span_is(request_field(request, "stoa-part"), "1");
}

bool page_is_wanted(const struct http_request *request)
{
    struct span accept = request_field(request, "accept");
    unsigned html = http_accept_quality(accept, "text/html");

    return accept.size > 0 && html > http_accept_quality(accept, "text/plain") &&
           html >= http_accept_quality(accept, "application/json");
}

/* ---- answers ---- */
static void add_text(struct json_object *values, const char *name, const char *text)
{
    json_object_object_add(values, name, json_object_new_string(text));
}

/* Each entry gets its address, and the one of this page is marked. */
static void complete_nav(struct json_object *values)
{
    struct json_object *nav = json_member(values, "nav");
    struct span place = { 0 }, name, path;

    if (!json_object_is_type(nav, json_type_array))
        return;
    json_text(json_member(values, "place"), &place);
    for (size_t i = 0; i < json_object_array_length(nav); i++) {
        struct json_object *entry = json_object_array_get_idx(nav, i);

        if (!json_text(json_member(entry, "name"), &name) || !json_text(json_member(entry, "path"), &path))
            continue;
        json_object_object_add(entry, "current",
                               json_object_new_boolean(place.size > 0 && span_eq(name, place)));
        if (!span_ends(path, SPAN("/"))) {
            struct buf whole = { 0 };

            buf_add(&whole, path);
            buf_char(&whole, '/');
            json_object_object_add(entry, "path", json_object_new_string_len(whole.at, (int)whole.size));
            buf_free(&whole);
        }
    }
}

static void complete(struct http_request *request, struct json_object *values)
{
    struct json_object *errors = json_member(values, "errors");

    if (fill_chrome)
        fill_chrome(request, values, chrome_data);
    complete_nav(values);
    json_object_object_add(values, "has_errors",
                           json_object_new_boolean(json_object_is_type(errors, json_type_array) &&
                                                   json_object_array_length(errors) > 0));
    add_text(values, "base", page_base(request));
    add_text(values, "version", STOA_VERSION);
    add_text(values, "style", page_asset_path("stoa", "css"));
    add_text(values, "script", page_asset_path("stoa", "js"));
    add_text(values, "icon", page_asset_path("icon", "svg"));
}

static void add_fields(struct http_request *request)
{
    static const struct {
        const char *name, *value;
    } fields[] = { { "Content-Security-Policy", POLICY },
                   { "Referrer-Policy", "same-origin" },
                   { "Cache-Control", "no-store" },
                   { "Cross-Origin-Opener-Policy", "same-origin" },
                   { "Cross-Origin-Resource-Policy", "same-origin" },
                   { "Vary", "Accept, Stoa-Part" } };

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (!reply_says(request, fields[i].name))
            reply_field(request, fields[i].name, span_of(fields[i].value));
}

void page_answer(struct page_kit *kit, struct http_request *request, int status, const char *name,
                 struct json_object *values)
{
    bool is_part = page_wants_part(request), well;
    struct buf page = { 0 };

    complete(request, values);
    well = (is_part || template_render(kit->templates, "layout_top", values, PAGE_MOST, &page)) &&
           template_render(kit->templates, name, values, PAGE_MOST, &page) &&
           (is_part || template_render(kit->templates, "layout_end", values, PAGE_MOST, &page));
    json_object_put(values);
    if (well) {
        add_fields(request);
        reply_send(request, status, "text/html; charset=utf-8", buf_span(&page));
    } else {
        log_error("%.*s: the page %s cannot be made: it is too large, or has no such template",
                  SPAN_ARG(request->path), name);
        reply_problem(request, PROBLEM_internal, TEXT(page_too_large));
    }
    buf_free(&page);
}

/* What may help, by the kind of problem. */
static const char *advice_for(enum problem problem)
{
    const char *type = problem_type(problem);

    if (problem_status(problem) == 404 || problem_status(problem) == 410)
        return TEXT(advice_missing);
    if (strcmp(type, "wait") == 0)
        return TEXT(advice_wait);
    if (strcmp(type, "auth") == 0)
        return TEXT(advice_auth);
    if (strcmp(type, "modify") == 0)
        return TEXT(advice_modify);
    return TEXT(advice_cancel);
}

void page_problem(struct page_kit *kit, struct http_request *request, enum problem problem,
                  const char *detail, const char *retry)
{
    struct json_object *values;

    if (!page_is_wanted(request) && !page_wants_part(request)) {
        reply_problem(request, problem, detail);
        return;
    }
    values = json_object_new_object();
    add_text(values, "title", problem_text(problem));
    if (detail)
        add_text(values, "detail", detail);
    add_text(values, "advice", advice_for(problem));
    json_object_object_add(values, "status", json_object_new_int(problem_status(problem)));
    add_text(values, "request", request->id);
    if (retry)
        add_text(values, "retry", retry);
    reply_drop_content_fields(request);
    page_answer(kit, request, problem_status(problem), "problem", values);
}
