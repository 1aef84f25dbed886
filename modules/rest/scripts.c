/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: scripts.c - scripts are found, loaded, and become endpoints; what does not load is said
 * and listed. */
#include "scripts.h"

#include "base/must.h"
#include "os/file.h"
#include "os/log.h"
#include "verbs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SCRIPT_MOST (256 * 1024) /* bytes of one file */
#define WHY_SIZE    512

char *rest_printed(const char *format, ...)
{
    va_list arguments;
    char *text = NULL;

    va_start(arguments, format);
    must(vasprintf(&text, format, arguments) >= 0);
    va_end(arguments);
    return text;
}

void rest_script_failure(struct rest_scripts *scripts, const char *name, const char *error, bool is_running)
{
    scripts->failures =
        must_realloc(scripts->failures, (scripts->failure_count + 1) * sizeof(*scripts->failures));
    scripts->failures[scripts->failure_count++] = (struct rest_failure){ .name = must_strdup(name),
                                                                         .error = must_strdup(error),
                                                                         .is_running = is_running };
    log_error("%s%s", error, is_running ? "; the last good text of this script stays in force" : "");
}

/* ---- one script ---- */

static struct json_object *describe(struct json_object *description, const char *lower, const char *upper)
{
    struct json_object *found = json_member(description, lower);

    return found != NULL ? found : json_member(description, upper);
}

static const char *text_of(struct json_object *object, const char *name)
{
    struct json_object *member = json_member(object, name);

    return member != NULL && json_object_is_type(member, json_type_string) ? json_object_get_string(member)
                                                                           : NULL;
}

/* The row of a method: what the index shows, and what the frame does before the handler runs. */
static void add_method(struct rest_script *one, unsigned *count, enum http_method method, const char *lower,
                       const char *upper)
{
    const struct script_about *about = script_about(one->script);
    struct json_object *description = describe(about->description, lower, upper);
    struct rest_method *row;

    if (!(about->methods & METHOD_BIT(method)))
        return;
    row = &one->endpoint.methods[(*count)++];
    row->method = method;
    row->run = rest_script_run;
    if (about->required_role.size == 0)
        row->role = REST_ANYBODY;
    else /* a role of another name: who it is counts, and nobody has it, see rest_routes.c */
        row->role = span_is(about->required_role, "admin") ? REST_ADMIN : REST_USER;
    if (row->role == REST_USER && !span_is(about->required_role, "user"))
        row->role_name = about->required_role;
    row->needs_no_key = !about->api_key;
    row->content = about->decode_content ? CONTENT_MAP : CONTENT_RAW;
    row->body_most = (size_t)one->rest->conf->max_body;
    row->about = text_of(description, "info");
    row->details = text_of(description, "description");
    row->request_xml = text_of(description, "request_xml");
    row->request_json = text_of(description, "request_json");
    row->answer_xml = text_of(description, "answer_xml");
    row->answer_json = text_of(description, "answer_json");
}

static bool add_endpoint(struct rest_script *one, char *why, size_t why_size)
{
    const struct script_about *about = script_about(one->script);
    const char *shown = text_of(about->description, "regex");
    unsigned count = 0;

    one->shown = shown != NULL ? rest_printed("/rest/%s%s", one->folder, shown)
                               : rest_printed("/rest/%s%.*s", one->folder, SPAN_ARG(about->regex));
    one->endpoint = (struct rest_endpoint){
        .folder = one->folder, .shown = one->shown, .script = one, .description = about->description
    };
    one->endpoint.regex = rest_printed("%.*s", SPAN_ARG(about->regex));
    add_method(one, &count, HTTP_GET, "get", "GET");
    add_method(one, &count, HTTP_POST, "post", "POST");
    add_method(one, &count, HTTP_PUT, "put", "PUT");
    add_method(one, &count, HTTP_DELETE, "delete", "DELETE");
    if (count == 0) {
        snprintf(why, why_size, "%s: it has none of exec_get, exec_post, exec_put and exec_delete",
                 one->path);
        return false;
    }
    return rest_add_endpoint(one->rest, &one->endpoint, why, why_size);
}

static void script_end(struct rest_script *one)
{
    if (one->endpoint.expression != NULL)
        rest_remove_endpoint(one->rest, &one->endpoint);
    rest_pages_free(one);
    script_free(&one->script);
    free((char *)(uintptr_t)one->endpoint.regex);
    free(one->folder);
    free(one->key);
    free(one->path);
    free(one->shown);
    OBJECT_DEAD(one);
    free(one);
}

/* true: it is loaded and has its endpoint. */
static bool put_in_force(struct rest_script *one, struct span text, const char *lib, char *why,
                         size_t why_size)
{
    one->script = script_load(one->rest->scripts->engine, one->path, text, lib, why, why_size);
    if (one->script == NULL)
        return false;
    if (add_endpoint(one, why, why_size))
        return true;
    script_free(&one->script);
    free((char *)(uintptr_t)one->endpoint.regex);
    free(one->shown);
    one->shown = NULL;
    one->endpoint = (struct rest_endpoint){ 0 };
    return false;
}

/* The file's text, or the last good one. */
static bool load_one(struct rest_scripts *scripts, struct rest_script *one, const char *root)
{
    char *lib = rest_printed("%s/lib", root);
    struct buf text = { 0 }, kept = { 0 };
    char why[WHY_SIZE], later[WHY_SIZE];
    bool is_good = false;

    if (file_read_all(one->path, SCRIPT_MOST, &text) < 0)
        snprintf(why, sizeof(why), "%s cannot be read: %m", one->path);
    else
        is_good = put_in_force(one, buf_span(&text), lib, why, sizeof(why));
    if (is_good) {
        rest_script_keep(one->rest, one->key, buf_span(&text));
    } else {
        is_good = rest_script_kept(one->rest, one->key, &kept) &&
                  put_in_force(one, buf_span(&kept), lib, later, sizeof(later));
        rest_script_failure(scripts, one->key, why, is_good);
    }
    buf_free(&text);
    buf_free(&kept);
    free(lib);
    return is_good;
}

static void load_found(struct rest *rest, const struct rest_found *found)
{
    struct rest_scripts *scripts = rest->scripts;
    struct rest_script *one = must_alloc(sizeof(*one));

    OBJECT_BORN(one, rest_script);
    one->rest = rest;
    one->folder = must_strdup(found->folder);
    one->key = rest_printed("%s/%s", found->folder, found->name);
    one->path = must_strdup(found->path);
    one->is_shipped = found->is_shipped;
    if (!load_one(scripts, one, found->root)) {
        script_end(one);
        return;
    }
    rest_pages_load(one);
    scripts->items = must_realloc(scripts->items, (scripts->count + 1) * sizeof(struct rest_script *));
    scripts->items[scripts->count++] = one;
}

/* ---- all of them ---- */

bool rest_scripts_open(struct rest *rest)
{
    const struct rest_conf *conf = rest->conf;
    struct script_limits limits = { .memory_most = (size_t)conf->script_memory,
                                    .cpu_most = conf->script_cpu,
                                    .answer_most = conf->script_time,
                                    .calls_most = (unsigned)conf->script_calls };
    struct rest_scripts *scripts = must_alloc(sizeof(*scripts));
    struct rest_finds finds;

    scripts->engine = script_engine_new(rest->host->loop, &limits, rest_verbs);
    if (scripts->engine == NULL) {
        free(scripts);
        return false;
    }
    rest->scripts = scripts;
    rest_scripts_find(&finds, conf->scripts_dir, conf->shipped_scripts ? STOA_SCRIPT_DIR : NULL);
    for (size_t i = 0; i < finds.count; i++)
        load_found(rest, &finds.items[i]);
    rest_scripts_forget(rest, &finds);
    rest_finds_free(&finds);
    return true;
}

void rest_scripts_close(struct rest *rest)
{
    struct rest_scripts *scripts = rest->scripts;

    if (scripts == NULL)
        return;
    for (size_t i = 0; i < scripts->count; i++)
        script_end(scripts->items[i]);
    for (size_t i = 0; i < scripts->failure_count; i++) {
        free(scripts->failures[i].name);
        free(scripts->failures[i].error);
    }
    script_engine_free(&scripts->engine);
    free(scripts->items);
    free(scripts->failures);
    free(scripts);
    rest->scripts = NULL;
}
