/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: scripts_run.c - commands in Lua as the engine of commands sees them.
 *
 * fields(values) is asked before each form and after each submission: what it names that has not been said
 * yet is the next form; when all has been said, the command runs. So a script needs no notion of steps. */
#include "scripts.h"

#include "base/map.h"
#include "base/text.h"
#include "os/log.h"

#include <json-c/json.h>

#define FIELDS_MOST 100
#define ROWS_MOST   5000

struct script_row {         /* in the arena of who asked for it */
    struct command_row row; /* first */
    const char *key;
};

static struct manage_scripts *scripts_of(struct module_host *host)
{
    return OBJECT(host->state, manage)->scripts;
}

/* ---- values for the script ---- */

static struct json_object *text_json(struct span text)
{
    return json_object_new_string_len(text.size ? text.at : "", (int)text.size);
}

static void add_values(struct json_object *values, const struct form_draft *draft)
{
    for (size_t i = 0; i < draft->count; i++) {
        const struct form_field *field = &draft->fields[i];
        struct json_object *list;

        if (field->var == NULL)
            continue;
        if (field->value_count < 2) {
            json_object_object_add(values, field->var,
                                   text_json(field->value_count ? field->values[0] : SPAN("")));
            continue;
        }
        list = json_object_new_array();
        for (size_t k = 0; k < field->value_count; k++)
            json_object_array_add(list, text_json(field->values[k]));
        json_object_object_add(values, field->var, list);
    }
}

static void put_json(void *data)
{
    json_object_put(data);
}

/* In the call's arena. with_draft: also what this step says. */
static struct json_object *values_of(struct command_call *call, bool with_draft)
{
    struct json_object *values = json_object_new_object();

    add_values(values, &call->before);
    if (with_draft)
        add_values(values, &call->draft);
    arena_on_free(call->arena, put_json, values);
    return values;
}

static struct json_object *who_of(struct command_call *call)
{
    struct json_object *who = json_object_new_object();

    json_object_object_add(who, "jid", text_json(call->user));
    json_object_object_add(who, "admin", json_object_new_boolean(call->is_admin));
    json_object_object_add(who, "component", text_json(call->component));
    arena_on_free(call->arena, put_json, who);
    return who;
}

/* ---- at work ---- */

static void on_cancel(struct command_call *call)
{
    struct script_job *job = OBJECT(call->data, script_job);

    if (job->at_work)
        script_cancel(job->at_work);
}

static void run_script(struct command_call *call, enum http_method method, struct json_object *values,
                       void (*done)(void *data, const struct script_outcome *outcome))
{
    struct script_row *row = (struct script_row *)(uintptr_t)call->row;
    struct manage_script *one = scripts_find(scripts_of(call->host), row->key);
    struct script_job *job = arena_make(call->arena, struct script_job);
    const struct script_arg args[] = { { .kind = ARG_JSON, .json = values },
                                       { .kind = ARG_JSON, .json = who_of(call) } };
    struct script_call *at_work;

    if (one == NULL) {
        command_refuse(call, PROBLEM_not_found, "The script was removed meanwhile");
        return;
    }
    OBJECT_BORN(job, script_job);
    job->host = call->host;
    job->call = call;
    call->data = job;
    call->on_cancel = on_cancel;
    at_work = script_run(one->script, method, args, 2, done, job);
    if (at_work) /* else it is done, and all this may be gone */
        job->at_work = at_work;
}

/* The call, with what came of it in json_r; NULL: it failed, and the call was answered. */
static struct command_call *take(struct script_job *job, const struct script_outcome *outcome,
                                 struct json_object **json_r)
{
    struct command_call *call = job->call;

    OBJECT(job, script_job);
    job->at_work = NULL;
    call->on_cancel = NULL;
    *json_r = outcome->kind == SCRIPT_TABLE ? outcome->json : NULL;
    if (outcome->kind != SCRIPT_FAILED)
        return call;
    log_error("the command script %s failed: %.*s", ((const struct script_row *)(const void *)call->row)->key,
              SPAN_ARG(outcome->why));
    command_refuse(call, PROBLEM_internal, "The script failed; the log says why");
    return NULL;
}

static const char *text_member(struct json_object *object, const char *name, struct arena *arena)
{
    struct json_object *member = json_member(object, name);

    if (member == NULL || json_object_is_type(member, json_type_object) ||
        json_object_is_type(member, json_type_array))
        return NULL;
    return arena_text(arena, span_of(json_object_get_string(member)));
}

/* ---- forms ---- */

static enum form_type type_of(const char *name)
{
    static const char *const names[] = {
        [FORM_HIDDEN] = "hidden",      [FORM_FIXED] = "fixed",         [FORM_BOOLEAN] = "boolean",
        [FORM_TEXT] = "text-single",   [FORM_SECRET] = "text-private", [FORM_LINES] = "text-multi",
        [FORM_JID] = "jid-single",     [FORM_JIDS] = "jid-multi",      [FORM_CHOICE] = "list-single",
        [FORM_CHOICES] = "list-multi",
    };

    for (size_t i = 0; name && i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return (enum form_type)i;
    return FORM_TEXT;
}

static struct span plain(struct json_object *json, struct arena *arena)
{
    if (json == NULL || json_object_is_type(json, json_type_object) ||
        json_object_is_type(json, json_type_array))
        return SPAN("");
    return arena_copy(arena, span_of(json_object_get_string(json)));
}

static void add_options(struct form_field *field, struct json_object *options, struct arena *arena)
{
    size_t count =
        options && json_object_is_type(options, json_type_array) ? json_object_array_length(options) : 0;
    struct form_option *list = arena_alloc(arena, (count + 1) * sizeof(*list));

    for (size_t i = 0; i < count; i++) {
        struct json_object *one = json_object_array_get_idx(options, i);
        bool is_pair = json_object_is_type(one, json_type_object);

        list[i].value = plain(is_pair ? json_member(one, "value") : one, arena);
        list[i].label = is_pair ? plain(json_member(one, "label"), arena) : SPAN("");
    }
    field->options = list;
    field->option_count = count;
}

static void add_value(struct form_field *field, struct json_object *value, struct arena *arena)
{
    bool is_list = value && json_object_is_type(value, json_type_array);
    size_t count = is_list ? json_object_array_length(value) : value != NULL;
    struct span *list = arena_alloc(arena, (count + 1) * sizeof(*list));

    for (size_t i = 0; i < count; i++)
        list[i] = plain(is_list ? json_object_array_get_idx(value, i) : value, arena);
    field->values = list;
    field->value_count = count;
}

static void add_field(struct command_call *call, struct json_object *one)
{
    struct arena *arena = call->arena;
    struct form_field field = { .type = type_of(text_member(one, "type", arena)),
                                .var = text_member(one, "var", arena),
                                .label = text_member(one, "label", arena),
                                .desc = text_member(one, "desc", arena) };
    struct json_object *required = json_member(one, "required");

    if (field.var == NULL && field.type != FORM_FIXED)
        return;
    field.is_required = required && json_object_get_boolean(required);
    add_options(&field, json_member(one, "options"), arena);
    add_value(&field, json_member(one, "value"), arena);
    form_draft_add(&call->draft, &field);
}

static bool is_new(const struct command_call *call, struct json_object *field)
{
    struct span var;

    return json_text(json_member(field, "var"), &var) &&
           !form_draft_field(&call->before, arena_text(call->arena, var)) &&
           !form_draft_field(&call->draft, arena_text(call->arena, var));
}

/* The fields that a script wants; NULL: none. */
static struct json_object *fields_in(struct json_object *json)
{
    struct json_object *fields =
        json && json_object_is_type(json, json_type_object) ? json_member(json, "fields") : NULL;

    return fields && json_object_is_type(fields, json_type_array) ? fields : NULL;
}

static void on_fields(void *data, const struct script_outcome *outcome)
{
    struct json_object *json, *fields;
    struct command_call *call = take(data, outcome, &json);

    if (call == NULL)
        return;
    fields = fields_in(json);
    for (size_t i = 0; fields && i < json_object_array_length(fields) && i < FIELDS_MOST; i++) {
        struct json_object *one = json_object_array_get_idx(fields, i);

        if (is_new(call, one) || span_is(span_of(text_member(one, "type", call->arena)), "fixed"))
            add_field(call, one);
    }
    command_show(call);
}

static void form_fields_of(struct command_call *call)
{
    run_script(call, HTTP_GET, values_of(call, false), on_fields);
}

/* ---- results ---- */

static void add_result_field(struct form_draft *draft, struct json_object *one)
{
    struct form_field field = { .type = type_of(text_member(one, "type", draft->arena)),
                                .var = text_member(one, "var", draft->arena),
                                .label = text_member(one, "label", draft->arena) };

    if (field.var == NULL)
        field.type = FORM_FIXED;
    if (field.type == FORM_SECRET)
        field.type = FORM_TEXT;
    add_value(&field, json_member(one, "value"), draft->arena);
    form_draft_add(draft, &field);
}

static void add_table(struct form_draft *draft, struct json_object *columns, struct json_object *rows)
{
    size_t width = json_object_array_length(columns);
    struct form_field *heads = arena_alloc(draft->arena, (width + 1) * sizeof(*heads));
    struct span *cells = arena_alloc(draft->arena, (width + 1) * sizeof(*cells));

    for (size_t i = 0; i < width; i++) {
        struct json_object *one = json_object_array_get_idx(columns, i);
        bool is_pair = json_object_is_type(one, json_type_object);

        heads[i].type = FORM_TEXT;
        heads[i].var = is_pair ? text_member(one, "var", draft->arena) : plain(one, draft->arena).at;
        heads[i].label = is_pair ? text_member(one, "label", draft->arena) : heads[i].var;
        if (heads[i].var == NULL)
            heads[i].var = "";
    }
    form_draft_columns(draft, heads, width);
    for (size_t i = 0; i < json_object_array_length(rows) && i < ROWS_MOST; i++) {
        struct json_object *row = json_object_array_get_idx(rows, i);

        for (size_t k = 0; k < width; k++)
            cells[k] = plain(json_object_is_type(row, json_type_array) ? json_object_array_get_idx(row, k)
                                                                       : json_member(row, heads[k].var),
                             draft->arena);
        form_draft_row(draft, cells);
    }
}

static struct json_object *list_member(struct json_object *json, const char *name)
{
    struct json_object *list = json_member(json, name);

    return list && json_object_is_type(list, json_type_array) && json_object_array_length(list) > 0 ? list
                                                                                                    : NULL;
}

static const char *kind_of(const char *kind)
{
    if (kind && (strcmp(kind, "error") == 0 || strcmp(kind, "warn") == 0))
        return kind;
    return "info";
}

static void on_result(void *data, const struct script_outcome *outcome)
{
    struct json_object *json, *fields, *columns, *rows;
    struct command_call *call = take(data, outcome, &json);
    struct form_draft draft;
    const char *note;

    if (call == NULL)
        return;
    form_draft_begin(&draft, call->arena, call->row->name);
    fields = list_member(json, "fields");
    columns = list_member(json, "columns");
    rows = list_member(json, "rows");
    for (size_t i = 0; fields && i < json_object_array_length(fields) && i < FIELDS_MOST; i++)
        add_result_field(&draft, json_object_array_get_idx(fields, i));
    if (columns)
        add_table(&draft, columns, rows ? rows : columns);
    if (columns && rows == NULL)
        draft.cell_count = 0;
    note = text_member(json, "note", call->arena);
    command_done(call, draft.count || draft.column_count ? &draft : NULL,
                 kind_of(text_member(json, "kind", call->arena)), note);
}

static void run_it(struct command_call *call)
{
    run_script(call, HTTP_POST, values_of(call, true), on_result);
}

static void on_asked_again(void *data, const struct script_outcome *outcome)
{
    struct json_object *json, *fields;
    struct command_call *call = take(data, outcome, &json);
    bool wants_more = false;

    if (call == NULL)
        return;
    fields = fields_in(json);
    for (size_t i = 0; fields && i < json_object_array_length(fields) && i < FIELDS_MOST; i++)
        wants_more = wants_more || is_new(call, json_object_array_get_idx(fields, i));
    if (wants_more)
        command_next(call);
    else
        run_it(call);
}

static void run_step(struct command_call *call)
{
    run_script(call, HTTP_GET, values_of(call, true), on_asked_again);
}

/* ---- the source ---- */

static const struct command_step plain_steps[] = { { NULL, run_it }, { NULL, NULL } };

static const struct command_step field_steps[SCRIPT_STEPS + 1] = {
    { form_fields_of, run_step }, { form_fields_of, run_step }, { form_fields_of, run_step },
    { form_fields_of, run_step }, { form_fields_of, run_step }, { form_fields_of, run_step },
    { form_fields_of, run_step }, { form_fields_of, run_it },   { NULL, NULL }
};

static const struct command_row *row_of(const struct manage_script *one, struct arena *arena)
{
    struct script_row *row = arena_make(arena, struct script_row);

    row->key = arena_text(arena, span_of(one->key));
    row->row = (struct command_row){ .node = strchr(row->key, '/') + 1,
                                     .name = arena_text(arena, span_of(one->name)),
                                     .group = arena_text(arena, span_of(one->group)),
                                     .about = arena_text(arena, span_of(one->about)),
                                     .access = one->is_for_users ? ACCESS_USER : ACCESS_ADMIN,
                                     .steps = one->has_fields ? field_steps : plain_steps };
    return &row->row;
}

static void list(struct module_host *host, const char *service, struct arena *arena,
                 void (*each)(void *data, const struct command_row *row), void *data)
{
    struct manage_scripts *scripts = scripts_of(host);
    struct span start = span_of(arena_printf(arena, "%s/", service)), key;
    size_t at = 0;
    void *value;

    scripts_sync(scripts);
    while (map_next(scripts->items, &at, &key, &value)) {
        const struct manage_script *one = OBJECT(value, manage_script);

        if (one->script && span_starts(key, start))
            each(data, row_of(one, arena));
    }
}

static const struct command_row *find(struct module_host *host, const char *service, struct span node,
                                      struct arena *arena)
{
    struct manage_scripts *scripts = scripts_of(host);
    const struct manage_script *one;

    if (!scripts_id_is_good(node))
        return NULL;
    scripts_sync(scripts);
    one = scripts_find(scripts, arena_printf(arena, "%s/%.*s", service, SPAN_ARG(node)));
    return one ? row_of(one, arena) : NULL;
}

const struct command_source scripts_source = { list, find };
