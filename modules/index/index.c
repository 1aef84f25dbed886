/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: index.c - the module index: what is served under the host name that was asked. */
#include "index_conf.h"

#include "base/must.h"
#include "base/object.h"
#include "page/page.h"
#include "page/texts.h"
#include "parse/http_value.h"

#include <json-c/json.h>
#include <stdlib.h>

#define LISTED_MOST 64 /* contexts on one page; a worker has a handful */

struct index {
    OBJECT_MAGIC
    const struct index_conf *conf;
    const struct module_host *host;   /* borrowed */
    const struct router_table *table; /* borrowed; the worker's, whole before the first request */
    struct page_kit *kit;             /* owned */
};

extern const struct template_source index_templates[]; /* made by the build from templates/ */

/* ---- the list ---- */
static int compare_paths(const void *a, const void *b)
{
    const struct http_context *const *left = a, *const *right = b;

    return strcmp((*left)->path, (*right)->path);
}

static void add_text(struct json_object *object, const char *name, const char *text)
{
    json_object_object_add(object, name, json_object_new_string(text));
}

static struct json_object *entry_of(struct arena *arena, const struct http_context *context,
                                    const struct stoa_module *module)
{
    struct json_object *entry = json_object_new_object();
    const char *path = strcmp(context->path, "/") == 0 ? "/" : arena_printf(arena, "%s/", context->path);

    add_text(entry, "name", module->name);
    add_text(entry, "title", module->title);
    add_text(entry, "sentence", module->sentence ? module->sentence : "");
    add_text(entry, "path", path);
    json_object_object_add(entry, "is_for_programs", json_object_new_boolean(context->is_for_programs));
    return entry;
}

/* The modules that have a title, by path; but for this one. */
static struct json_object *list(struct http_request *request, const struct index *index)
{
    const struct http_context *found[LISTED_MOST], *context;
    struct json_object *modules = json_object_new_array();
    size_t at = 0, count = 0;

    while (count < LISTED_MOST && (context = router_table_next(index->table, request->host, &at)) != NULL)
        if (context->name && !context->is_aside && strcmp(context->name, index->host->module->name) != 0)
            found[count++] = context;
    qsort(found, count, sizeof(found[0]), compare_paths);
    for (size_t i = 0; i < count; i++) {
        const struct stoa_module *module = host_module(index->host, found[i]->name);

        if (module && module->title)
            json_object_array_add(modules, entry_of(request->arena, found[i], module));
    }
    return modules;
}

/* ---- answers ---- */
static void answer_json(struct http_request *request, struct json_object *modules)
{
    struct json_object *whole = json_object_new_object();
    struct buf text = { 0 };

    json_object_object_add(whole, "modules", modules);
    json_write(&text, whole);
    buf_char(&text, '\n');
    json_object_put(whole);
    reply_field(request, "Cache-Control", SPAN("no-cache"));
    reply_field(request, "Vary", SPAN("Accept"));
    reply_send(request, 200, "application/json", buf_span(&text));
    buf_free(&text);
}

/* Those that are for programs alone, or the others. */
static size_t add_kind(struct json_object *values, struct json_object *modules, const char *name,
                       bool is_for_programs)
{
    struct json_object *some = json_object_new_array();
    size_t count;

    for (size_t i = 0; i < json_object_array_length(modules); i++) {
        struct json_object *entry = json_object_array_get_idx(modules, i);

        if (json_object_get_boolean(json_member(entry, "is_for_programs")) != is_for_programs)
            continue;
        /* addresses are relative to where we are */
        add_text(entry, "below", json_object_get_string(json_member(entry, "path")) + 1);
        json_object_array_add(some, json_object_get(entry));
    }
    count = json_object_array_length(some);
    json_object_object_add(values, name, some);
    return count;
}

static void answer_page(struct http_request *request, const struct index *index, struct json_object *modules)
{
    struct json_object *values = json_object_new_object();
    const char *host = request->host.size ? arena_text(request->arena, request->host) : TEXT(this_server);
    size_t people = add_kind(values, modules, "people", false);
    size_t programs = add_kind(values, modules, "programs", true);

    add_text(values, "title", arena_printf(request->arena, "%s · %s", host, TEXT(product)));
    json_object_object_add(values, "is_home", json_object_new_boolean(true));
    add_text(values, "host", host);
    json_object_object_add(values, "has_people", json_object_new_boolean(people > 0));
    json_object_object_add(values, "has_programs", json_object_new_boolean(programs > 0));
    json_object_object_add(values, "has_any", json_object_new_boolean(people + programs > 0));
    json_object_put(modules);
    page_answer(index->kit, request, 200, "index", values);
}

static bool wants_json(const struct http_request *request)
{
    struct span accept = request_field(request, "accept");

    return accept.size > 0 &&
           http_accept_quality(accept, "application/json") > http_accept_quality(accept, "text/html");
}

static void show(struct http_request *request)
{
    const struct index *index = OBJECT(request->state, index);
    struct json_object *modules = list(request, index);

    if (wants_json(request))
        answer_json(request, modules);
    else
        answer_page(request, index, modules);
}

/* ---- life ---- */
static int worker_up(struct module_host *host)
{
    struct index *index = must_alloc(sizeof(*index));

    OBJECT_BORN(index, index);
    index->host = host;
    index->conf = index_conf(host->conf);
    index->kit = page_kit_new(index_templates);
    host->state = index;
    return 0;
}

static void worker_down(struct module_host *host)
{
    struct index *index = OBJECT(host->state, index);

    host->state = NULL;
    page_kit_free(&index->kit);
    OBJECT_DEAD(index);
    free(index);
}

static bool is_active(const struct conf *conf)
{
    return index_conf(conf)->section.active;
}

static const struct http_route routes[] = {
    { METHOD_BIT(HTTP_GET) | METHOD_BIT(HTTP_HEAD), "/", ACCESS_OPEN, show, "what is served here" },
    { .path = NULL },
};

static void contexts(struct module_host *host, struct router_table *table)
{
    struct index *index = OBJECT(host->state, index);
    struct http_context context = { .path = index->conf->context_path,
                                    .hosts = &index->conf->vhosts,
                                    .routes = routes,
                                    .state = index,
                                    .name = "index",
                                    .yields = true };

    index->table = table;
    router_table_add(table, &context);
}

const struct stoa_module stoa_module = {
    .abi = STOA_MODULE_ABI,
    .name = "index",
    .title = "Index",
    .sentence = "Lists what is served here",
    .sections = index_sections,
    .active = is_active,
    .worker_up = worker_up,
    .worker_down = worker_down,
    .contexts = contexts,
};
