/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: scripts_load.c - scripts are read from disk and from the store, and loaded.
 *
 * The engine knows handlers of HTTP; a command is put into that shape: what the file returns becomes a
 * description (name, group, access) and two handlers, "get" for its fields and "post" for its run. The frame
 * around the text is on the text's own first and last line, so that lines in messages are the author's. */
#include "scripts.h"

#include "base/map.h"
#include "base/must.h"
#include "base/random.h"
#include "os/file.h"
#include "os/log.h"

#include <dirent.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#define ROW_FORMAT 1
#define ROW_HEAD   (1 + 8 + SCRIPT_VERSION) /* format, boot, version */
#define WHY_SIZE   512

#define FRAME_HEAD "local command = (function(...) "
#define FRAME_TAIL                                                                                           \
    "\nend)()\n"                                                                                             \
    "assert(type(command) == 'table', 'the script does not return a table')\n"                               \
    "assert(command.name == nil or type(command.name) == 'string', 'name is no text')\n"                     \
    "assert(type(command.run) == 'function', 'run is missing, or no function')\n"                            \
    "local access = command.access or 'admin'\n"                                                             \
    "assert(access == 'admin' or access == 'user', \"access is 'admin' or 'user'\")\n"                       \
    "assert(command.fields == nil or type(command.fields) == 'function', 'fields is no function')\n"         \
    "return { regex = '/', description = { name = command.name, group = command.group,\n"                    \
    " about = command.description, access = access, has_fields = command.fields ~= nil },\n"                 \
    " exec_get = function(service, callback, values, who)\n"                                                 \
    "  local fields = command.fields and command.fields(values, who)\n"                                      \
    "  callback({ fields = fields })\n"                                                                      \
    " end,\n"                                                                                                \
    " exec_post = function(service, callback, values, who)\n"                                                \
    "  local result = command.run(service, values, who)\n"                                                   \
    "  if type(result) ~= 'table' then result = { note = result } end\n"                                     \
    "  callback(result)\n"                                                                                   \
    " end }\n"

bool scripts_id_is_good(struct span id)
{
    for (size_t i = 0; i < id.size; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", id.at[i]) == NULL)
            return false;
    return id.size > 0 && id.size <= SCRIPT_ID_MOST;
}

const char *scripts_path(const struct manage_scripts *scripts, struct arena *arena, const char *key)
{
    return arena_printf(arena, "%s/%s.lua", scripts->manage->conf->scripts_dir, key);
}

/* ---- one script ---- */

/* What the form of add-script said stands in comments behind the text. */
static char *remark_of(struct span text, const char *start, const char *otherwise)
{
    struct span found = span_of(otherwise);

    while (text.size) {
        struct span line = span_cut(&text, '\n');

        if (span_starts(line, span_of(start)))
            found = span_from(line, strlen(start));
    }
    return strndup(found.at, found.size);
}

static struct script *load(struct manage_scripts *scripts, const char *key, struct span text, char *why_r,
                           size_t why_size)
{
    struct buf framed = { 0 };
    struct script *script;
    char path[SCRIPT_ID_MOST * 2 + 80];

    snprintf(path, sizeof(path), "%s.lua", key);
    buf_text(&framed, FRAME_HEAD);
    buf_add(&framed, text);
    buf_text(&framed, FRAME_TAIL);
    script = script_load(scripts->engine, path, buf_span(&framed), NULL, why_r, why_size);
    buf_free(&framed);
    return script;
}

bool scripts_check(struct manage_scripts *scripts, const char *key, struct span text, char *why_r,
                   size_t why_size)
{
    struct script *script = load(scripts, key, text, why_r, why_size);
    bool is_good = script != NULL;

    script_free(&script);
    return is_good;
}

/* otherwise: taken over. */
static char *member(struct json_object *description, const char *name, char *otherwise)
{
    struct span text;

    if (!json_text(json_member(description, name), &text) || text.size == 0)
        return otherwise;
    free(otherwise);
    return must_strdup(json_object_get_string(json_member(description, name)));
}

static void empty(struct manage_script *one)
{
    script_free(&one->script); /* calls at work fail, and say so */
    free(one->name);
    free(one->group);
    free(one->about);
    one->name = one->group = one->about = NULL;
}

static void put_in_force(struct manage_scripts *scripts, struct manage_script *one, struct span text)
{
    char why[WHY_SIZE];
    struct json_object *description, *truth;
    struct span access;

    empty(one);
    if (text.size == 0)
        return;
    one->script = load(scripts, one->key, text, why, sizeof(why));
    if (one->script == NULL) {
        log_error("the command script %s does not load: %s", one->key, why);
        return;
    }
    description = script_about(one->script)->description;
    one->name = member(description, "name", remark_of(text, SCRIPT_REMARK_NAME, one->node));
    one->group = member(description, "group", remark_of(text, SCRIPT_REMARK_GROUP, "Scripts"));
    one->about = member(description, "about", must_strdup(""));
    one->is_for_users = json_text(json_member(description, "access"), &access) && span_is(access, "user");
    truth = json_member(description, "has_fields");
    one->has_fields = truth && json_object_get_boolean(truth);
}

static struct manage_script *item(struct manage_scripts *scripts, const char *key)
{
    struct manage_script *one = map_get(scripts->items, span_of(key));

    if (one)
        return one;
    one = must_alloc(sizeof(*one));
    OBJECT_BORN(one, manage_script);
    one->key = must_strdup(key);
    one->node = must_strdup(strchr(key, '/') + 1);
    map_set(scripts->items, span_of(key), one);
    return one;
}

struct manage_script *scripts_find(struct manage_scripts *scripts, const char *key)
{
    struct manage_script *one = map_get(scripts->items, span_of(key));

    return one && one->script ? one : NULL;
}

/* ---- the store ---- */

static int64_t boot_of(const struct manage_scripts *scripts)
{
    return atomic_load(&scripts->manage->host->segment->board.started);
}

static int apply(struct store_write *write, struct store_txn *txn)
{
    struct script_change *change = LIST_OF(write, struct script_change, write);
    char version[SCRIPT_VERSION];
    struct buf row = { 0 };
    int result;

    random_bytes(version, sizeof(version));
    buf_char(&row, ROW_FORMAT);
    buf_add(&row, span_make((const char *)&change->boot, sizeof(change->boot)));
    buf_add(&row, span_make(version, sizeof(version)));
    buf_add(&row, change->text);
    result = store_txn_put(txn, 0, span_of(change->key), buf_span(&row));
    buf_free(&row);
    return result;
}

void script_change_begin(struct script_change *change, struct manage_scripts *scripts, const char *key,
                         struct span text)
{
    *change = (struct script_change){
        .write = { .apply = apply }, .key = key, .text = text, .boot = boot_of(scripts)
    };
}

static void take_row(struct manage_scripts *scripts, struct span name, struct span value)
{
    struct manage_script *one;
    int64_t boot;
    char key[SCRIPT_ID_MOST * 2 + 2];

    if (name.size >= sizeof(key) || value.size < ROW_HEAD || value.at[0] != ROW_FORMAT ||
        span_find(name, '/') < 0)
        return;
    memcpy(&boot, value.at + 1, sizeof(boot));
    if (boot != boot_of(scripts))
        return; /* of a daemon that ended: what was to be kept is on disk */
    memcpy(key, name.at, name.size);
    key[name.size] = '\0';
    one = item(scripts, key);
    if (memcmp(one->version, value.at + 9, SCRIPT_VERSION) == 0)
        return;
    memcpy(one->version, value.at + 9, SCRIPT_VERSION);
    one->is_on_disk = false;
    put_in_force(scripts, one, span_from(value, ROW_HEAD));
}

void scripts_sync(struct manage_scripts *scripts)
{
    struct store_view *view = scripts->store ? store_view(scripts->store) : NULL;
    struct store_cursor *cursor = NULL;
    struct span name, value;

    if (view == NULL)
        return;
    while (store_walk(view, 0, SPAN(""), &cursor, &name, &value) == 1)
        take_row(scripts, name, value);
    store_walk_end(&cursor);
    store_view_end(scripts->store, view);
}

/* ---- the disk ---- */

static void read_file(struct manage_scripts *scripts, const char *service, const char *file)
{
    struct span id = span_of(file);
    struct buf text = { 0 };
    char key[SCRIPT_ID_MOST * 2 + 2], path[4096];
    struct manage_script *one;

    if (!span_ends(id, SPAN(".lua")))
        return;
    id.size -= 4;
    if (!scripts_id_is_good(id)) {
        log_warn("the command script %s/%s is left out: its name may hold letters, digits, _ and -", service,
                 file);
        return;
    }
    snprintf(key, sizeof(key), "%s/%.*s", service, SPAN_ARG(id));
    snprintf(path, sizeof(path), "%s/%s.lua", scripts->manage->conf->scripts_dir, key);
    if (file_read_all(path, SCRIPT_TEXT_MOST, &text) == 0) {
        one = item(scripts, key);
        one->is_on_disk = true;
        put_in_force(scripts, one, buf_span(&text));
    } else {
        log_error("the command script %s cannot be read: %m", path);
    }
    buf_free(&text);
}

static void read_service(struct manage_scripts *scripts, const char *service)
{
    char path[4096];
    DIR *folder;
    struct dirent *entry;

    if (!scripts_id_is_good(span_of(service)))
        return;
    snprintf(path, sizeof(path), "%s/%s", scripts->manage->conf->scripts_dir, service);
    folder = opendir(path);
    while (folder && (entry = readdir(folder)) != NULL)
        read_file(scripts, service, entry->d_name);
    if (folder)
        closedir(folder);
}

static void read_disk(struct manage_scripts *scripts)
{
    DIR *folder = opendir(scripts->manage->conf->scripts_dir);
    struct dirent *entry;

    while (folder && (entry = readdir(folder)) != NULL)
        read_service(scripts, entry->d_name);
    if (folder)
        closedir(folder);
}

/* ---- life ---- */

static void open_store(struct manage_scripts *scripts)
{
    static const char *const tables[] = { "script", NULL };
    struct module_host *host = scripts->manage->host;
    struct arena *arena = arena_new();
    const struct store_options options = {
        .folder = arena_printf(arena, "%s/manage", host->settings->processes->data_dir),
        .map_size = host->settings->processes->data_map_size,
        .tables = tables,
        .loop = host->loop,
    };
    const char *why;

    if (store_open(&scripts->store, &options, &why) != 0) {
        scripts->store = NULL;
        log_error("manage: %s; scripts cannot be added by command", why);
    }
    arena_free(&arena);
}

struct manage_scripts *scripts_open(struct manage *manage)
{
    const struct script_limits limits = { .memory_most = (size_t)manage->conf->script_memory,
                                          .cpu_most = manage->conf->script_cpu,
                                          .answer_most = manage->conf->script_timeout,
                                          .calls_most = 16 };
    struct manage_scripts *scripts = must_alloc(sizeof(*scripts));

    scripts->manage = manage;
    scripts->items = map_new();
    scripts->engine = script_engine_new(manage->host->loop, &limits, scripts_verbs);
    open_store(scripts);
    read_disk(scripts);
    scripts_sync(scripts);
    return scripts;
}

void scripts_close(struct manage_scripts **address)
{
    struct manage_scripts *scripts = *address;
    size_t at = 0;
    struct span key;
    void *value;

    if (scripts == NULL)
        return;
    if (scripts->store)
        store_close(&scripts->store);
    while (map_next(scripts->items, &at, &key, &value)) {
        struct manage_script *one = OBJECT(value, manage_script);

        empty(one);
        free(one->key);
        free(one->node);
        OBJECT_DEAD(one);
        free(one);
    }
    map_free(&scripts->items);
    script_engine_free(&scripts->engine);
    free(scripts);
    *address = NULL;
}
