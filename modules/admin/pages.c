/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: pages.c - the pages around commands: the frame with the menu, the start page, the
 * search, and the page that only has a button. */
#include "admin.h"

#include "base/codec.h"
#include "base/text.h"
#include "http/reply.h"
#include "module/command.h"

#include <json-c/json.h>
#include <stdlib.h>

#define COMMON_MOST 8   /* cards of the start page */
#define QUERY_MOST  200 /* bytes of a search */

static struct json_object *text_object(struct span text)
{
    return json_object_new_string_len(text.size ? text.at : "", (int)text.size);
}

static void put(struct json_object *into, const char *name, struct span text)
{
    json_object_object_add(into, name, text_object(text));
}

static void put_flag(struct json_object *into, const char *name)
{
    json_object_object_add(into, name, json_object_new_boolean(true));
}

static void put_count(struct json_object *into, const char *name, size_t count)
{
    json_object_object_add(into, name, json_object_new_int64((int64_t)count));
}

/* ---- addresses ---- */

/* The path of the module, from where the request is: "../admin/". */
static const char *home_of(struct admin *admin, struct http_request *request)
{
    return arena_printf(request->arena, "%s%s%s", page_base(request), admin->conf->context_path + 1,
                        admin->conf->context_path[1] != '\0' ? "/" : "");
}

static struct span command_link(struct admin *admin, struct http_request *request, struct span group,
                                struct span jid, struct span node)
{
    struct buf link = { 0 };
    struct span out;

    buf_printf(&link, "%s?_group=", home_of(admin, request));
    codec_percent(&link, group, "");
    buf_text(&link, "&_jid=");
    codec_percent(&link, jid, "");
    buf_text(&link, "&_node=");
    codec_percent(&link, node, "");
    out = arena_copy(request->arena, buf_span(&link));
    buf_free(&link);
    return out;
}

static struct span group_link(struct admin *admin, struct http_request *request, struct span group)
{
    struct buf link = { 0 };
    struct span out;

    buf_printf(&link, "%s?_group=", home_of(admin, request));
    codec_percent(&link, group, "");
    out = arena_copy(request->arena, buf_span(&link));
    buf_free(&link);
    return out;
}

/* ---- the menu ---- */

struct view { /* what a page shows; in the request's arena */
    struct admin *admin;
    const char *body;
    struct json_object *values; /* owned until it is shown */
    int status;
};

static struct json_object *menu_entry(struct admin *admin, struct http_request *request,
                                      const struct catalog_command *command)
{
    struct json_object *entry = json_object_new_object();

    put(entry, "name", command->name);
    put(entry, "jid", command->jid);
    put(entry, "group", command->group);
    put(entry, "link", command_link(admin, request, command->group, command->jid, command->node));
    return entry;
}

static struct json_object *new_group(struct admin *admin, struct http_request *request, struct span name,
                                     struct json_object *groups)
{
    struct json_object *group = json_object_new_object();

    put(group, "name", name);
    put(group, "link", group_link(admin, request, name));
    json_object_object_add(group, "commands", json_object_new_array());
    json_object_array_add(groups, group);
    return group;
}

static bool is_text(struct json_object *object, const char *name, struct span text)
{
    struct span own;

    return json_text(json_member(object, name), &own) && span_eq(own, text);
}

/* values: of the page; its "group" is open, its "jid" and "node" are current. */
static struct json_object *menu_groups(struct admin *admin, struct http_request *request,
                                       const struct catalog *catalog, struct json_object *values)
{
    struct json_object *groups = json_object_new_array(), *group = NULL;

    for (size_t i = 0; i < catalog->count; i++) {
        const struct catalog_command *command = &catalog->commands[i];
        struct json_object *entry = menu_entry(admin, request, command);

        if (group == NULL || !is_text(group, "name", command->group))
            group = new_group(admin, request, command->group, groups);
        if (is_text(values, "jid", command->jid) && is_text(values, "node", command->node)) {
            put_flag(entry, "current");
            json_object_object_add(group, "open", json_object_new_boolean(true));
        } else if (is_text(values, "group", command->group)) {
            json_object_object_add(group, "open", json_object_new_boolean(true));
        }
        json_object_array_add(json_member(group, "commands"), entry);
    }
    for (size_t i = 0; i < json_object_array_length(groups); i++) {
        group = json_object_array_get_idx(groups, i);
        put_count(group, "count", json_object_array_length(json_member(group, "commands")));
    }
    return groups;
}

static struct json_object *failure_list(const struct catalog *catalog)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < catalog->failure_count; i++) {
        struct json_object *one = json_object_new_object();

        put(one, "jid", catalog->failures[i].jid);
        put(one, "why", catalog->failures[i].why);
        json_object_array_add(list, one);
    }
    return list;
}

static void put_catalog(struct admin *admin, struct http_request *request, const struct catalog *catalog,
                        struct json_object *values)
{
    json_object_object_add(values, "groups", menu_groups(admin, request, catalog, values));
    json_object_object_add(values, "failures", failure_list(catalog));
    put_count(values, "failure_count", catalog->failure_count);
    put_count(values, "command_count", catalog->count);
    if (catalog->is_cut)
        put_flag(values, "menu_is_cut");
}

static void put_frame(struct admin *admin, struct http_request *request, struct json_object *values)
{
    put(values, "place", SPAN("admin"));
    put(values, "home", span_of(home_of(admin, request)));
    put(values, "reload", span_of(arena_printf(request->arena, "%s?_fresh=1", home_of(admin, request))));
    put(values, "who", request->user);
}

static void show(struct http_request *request, const struct catalog *catalog, void *data)
{
    struct view *view = data;
    struct json_object *values = view->values;

    view->values = NULL;
    put_frame(view->admin, request, values);
    put_catalog(view->admin, request, catalog, values);
    put_flag(values, arena_printf(request->arena, "is_%s", view->body));
    page_answer(view->admin->kit, request, view->status, "admin", values);
}

static void drop_values(void *data)
{
    struct view *view = data;

    json_object_put(view->values);
}

void pages_show(struct admin *admin, struct http_request *request, int status, const char *body,
                struct json_object *values, int64_t age)
{
    struct view *view;

    if (page_wants_part(request)) {
        put_frame(admin, request, values);
        page_answer(admin->kit, request, status, body, values);
        return;
    }
    view = arena_make(request->arena, struct view);
    *view = (struct view){ .admin = admin, .body = body, .values = values, .status = status };
    arena_on_free(request->arena, drop_values, view);
    discover_commands(admin, request, age, show, view);
}

/* ---- a command ---- */

struct json_object *pages_command(struct admin *admin, struct http_request *request, struct span jid,
                                  struct span node, const struct catalog_command *command)
{
    struct span group = command ? command->group : span_of(fact_of(node)->group);
    struct json_object *values = json_object_new_object();

    put(values, "name", command ? command->name : node);
    put(values, "title", command ? command->name : node);
    put(values, "jid", jid);
    put(values, "node", node);
    put(values, "group", group);
    put(values, "group_link", group_link(admin, request, group));
    put(values, "link", command_link(admin, request, group, jid, node));
    return values;
}

void pages_open(struct admin *admin, struct http_request *request, int status, struct json_object *values,
                const struct command_fact *fact)
{
    put(values, "token", web_token(admin->host, request, TOKEN_RUN));
    if (fact->danger)
        put(values, "danger", span_of(fact->danger));
    pages_show(admin, request, status, "open", values, CATALOG_FRESH);
}

/* ---- GET ---- */

static int compare_rank(const void *left, const void *right)
{
    const struct catalog_command *const *a = left, *const *b = right;

    return ((*a)->fact->rank > (*b)->fact->rank) - ((*a)->fact->rank < (*b)->fact->rank);
}

static struct json_object *common(struct admin *admin, struct http_request *request,
                                  const struct catalog *catalog)
{
    const struct catalog_command *chosen[64];
    struct json_object *list = json_object_new_array();
    size_t count = 0;

    for (size_t i = 0; i < catalog->count && count < sizeof(chosen) / sizeof(chosen[0]); i++)
        if (catalog->commands[i].fact->rank > 0)
            chosen[count++] = &catalog->commands[i];
    qsort(chosen, count, sizeof(chosen[0]), compare_rank);
    for (size_t i = 0; i < count && i < COMMON_MOST; i++)
        json_object_array_add(list, menu_entry(admin, request, chosen[i]));
    return list;
}

static void show_start(struct admin *admin, struct http_request *request, const struct catalog *catalog,
                       struct span group)
{
    struct json_object *values = json_object_new_object();

    put(values, "title", group.size > 0 ? group : SPAN("Administration"));
    if (group.size > 0) {
        struct json_object *list = json_object_new_array();

        for (size_t i = 0; i < catalog->count; i++)
            if (span_eq(catalog->commands[i].group, group))
                json_object_array_add(list, menu_entry(admin, request, &catalog->commands[i]));
        put(values, "group", group);
        put_count(values, "found", json_object_array_length(list));
        json_object_object_add(values, "commands", list);
        pages_show(admin, request, json_object_array_length(list) > 0 ? 200 : 404, "group", values,
                   CATALOG_STALE);
        return;
    }
    json_object_object_add(values, "common", common(admin, request, catalog));
    pages_show(admin, request, 200, "start", values, CATALOG_STALE);
}

static void show_search(struct admin *admin, struct http_request *request, const struct catalog *catalog,
                        struct span query)
{
    struct json_object *values = json_object_new_object(), *list = json_object_new_array();

    for (size_t i = 0; i < catalog->count; i++)
        if (catalog_matches(&catalog->commands[i], query))
            json_object_array_add(list, menu_entry(admin, request, &catalog->commands[i]));
    put(values, "title", SPAN("Search"));
    put(values, "query", query);
    put_count(values, "found", json_object_array_length(list));
    json_object_object_add(values, "commands", list);
    pages_show(admin, request, 200, "search", values, CATALOG_STALE);
}

static void show_command(struct admin *admin, struct http_request *request, const struct catalog *catalog,
                         struct span address, struct span node)
{
    const struct catalog_command *command;
    struct json_object *values;
    struct jid jid;

    if (!jid_parse(request->arena, address, &jid)) {
        page_problem(admin->kit, request, PROBLEM_bad_request, "The address names no JID",
                     admin->conf->context_path);
        return;
    }
    address = jid_text(request->arena, jid);
    command = catalog_find(catalog, address, node);
    if (command && command->fact->start != ACTS && request->method != HTTP_HEAD) {
        run_open(admin, request, command);
        return;
    }
    values = pages_command(admin, request, address, node, command);
    if (command == NULL)
        put_flag(values, "is_unlisted");
    pages_open(admin, request, 200, values, discover_fact(admin, request->arena, address, node));
}

static void route(struct http_request *request, const struct catalog *catalog, void *data)
{
    struct admin *admin = data;
    struct span jid = request_parameter(request, "_jid"), node = request_parameter(request, "_node");
    struct span query = request_parameter(request, "q"), group = request_parameter(request, "_group");

    if (jid.size > 0 && node.size > 0)
        show_command(admin, request, catalog, jid, node);
    else if (query.size > 0)
        show_search(admin, request, catalog, text_head(query, QUERY_MOST));
    else
        show_start(admin, request, catalog, text_head(group, QUERY_MOST));
}

void pages_start(struct http_request *request)
{
    struct admin *admin = OBJECT(request->state, admin);

    if (request->below.size == 0) { /* links on the page count from the slash */
        page_see_other(request, arena_printf(request->arena, "%s/", admin->conf->context_path));
        return;
    }
    if (request_parameter(request, "_fresh").at)
        catalog_cache_drop(admin->cache, request->user);
    discover_commands(admin, request, CATALOG_FRESH, route, admin);
}
