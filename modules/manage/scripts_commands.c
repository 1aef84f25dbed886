/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: scripts_commands.c - the commands add-script and del-script of each component. */
#include "scripts.h"

#include "base/map.h"
#include "os/file.h"
#include "os/log.h"

#include <errno.h>
#include <unistd.h>

#define ITEMS_MOST 1000

struct work { /* one change; outlives who asked for it */
    OBJECT_MAGIC
    struct arena *arena;       /* owned; holds this */
    struct command_call *call; /* borrowed; NULL: who asked is gone */
    struct script_change change;
    const char *done;
    const char *warning; /* in arena; NULL: all went well */
};

static struct manage_scripts *scripts_of(struct command_call *call)
{
    return OBJECT(call->host->state, manage)->scripts;
}

/* The service of the component that was asked. */
static const char *service_of(struct command_call *call)
{
    const struct conf_sections *all = &call->host->settings->xmpp->components;

    for (size_t i = 0; i < all->count; i++) {
        const struct component_settings *one = all->items[i];
        struct span name, label;

        if (!one->section.active || !jid_prepare_domain(call->arena, span_of(one->section.name), &name) ||
            !span_eq(name, call->component))
            continue;
        label = span_of(one->section.name);
        return one->service ? one->service : arena_text(call->arena, span_cut(&label, '.'));
    }
    return "http";
}

static void on_cancel(struct command_call *call)
{
    OBJECT(call->data, work)->call = NULL;
}

static void on_changed(struct store_write *write, int result)
{
    struct work *work = LIST_OF(write, struct work, change.write);
    struct command_call *call = work->call;
    struct arena *arena = work->arena;

    if (call) {
        call->on_cancel = NULL;
        if (result != 0)
            command_refuse(call, result == STORE_FULL ? PROBLEM_disk_full : PROBLEM_internal, NULL);
        else if (work->warning)
            command_done(call, NULL, "warn", work->warning);
        else
            command_done(call, NULL, "info", work->done);
    }
    OBJECT_DEAD(work);
    arena_free(&arena);
}

static void change(struct command_call *call, const char *key, struct span text, const char *done,
                   const char *warning)
{
    struct manage_scripts *scripts = scripts_of(call);
    struct arena *arena = arena_new();
    struct work *work = arena_make(arena, struct work);

    OBJECT_BORN(work, work);
    work->arena = arena;
    work->call = call;
    work->done = done;
    work->warning = warning ? arena_text(arena, span_of(warning)) : NULL;
    script_change_begin(&work->change, scripts, arena_text(arena, span_of(key)), arena_copy(arena, text));
    work->change.write.done = on_changed;
    call->data = work;
    call->on_cancel = on_cancel;
    store_submit(scripts->store, &work->change.write);
}

static bool has_store(struct command_call *call)
{
    if (scripts_of(call)->store)
        return true;
    command_refuse(call, PROBLEM_unavailable, "The store of scripts cannot be opened; the log says why");
    return false;
}

/* ---- add-script ---- */

static void form_add(struct command_call *call)
{
    static const struct form_option languages[] = { { { "Lua", 3 }, { "lua", 3 } } };
    struct form_draft *draft = &call->draft;
    struct form_field *field;

    draft->instructions =
        "The text returns a table with name, run, and what else a command has; see the guide "
        "of scripting.";
    form_draft_text(draft, FORM_TEXT, "description", "Description", SPAN(""));
    field = form_draft_text(draft, FORM_TEXT, "id", "Id, the command's node", SPAN(""));
    field->is_required = true;
    field->longest = SCRIPT_ID_MOST;
    form_draft_text(draft, FORM_TEXT, "group", "Group", SPAN(""));
    field = form_draft_text(draft, FORM_CHOICE, "language", "Language", SPAN("lua"));
    field->options = languages;
    field->option_count = 1;
    field = form_draft_text(draft, FORM_LINES, "text", "Text of the script", SPAN(""));
    field->is_required = true;
    field->longest = SCRIPT_TEXT_MOST;
    form_draft_text(draft, FORM_BOOLEAN, "save", "Save to disk", SPAN("false"))->desc =
        "Otherwise it is gone when the service is restarted";
    command_show(call);
}

/* NULL: saved; else what went wrong. */
static const char *save(struct command_call *call, const char *key, struct span text)
{
    const char *path = scripts_path(scripts_of(call), call->arena, key), *slash = strrchr(path, '/');
    int folder = file_open_folder(arena_text(call->arena, span_make(path, (size_t)(slash - path))));

    if (folder >= 0)
        close(folder);
    if (folder >= 0 && file_replace(path, text, 0640) == 0)
        return NULL;
    log_warn("the command script %s cannot be saved: %m", path);
    return arena_printf(call->arena, "It cannot be saved as %s: %s", path, strerror(errno));
}

/* The text, and behind it what the form says besides: see SCRIPT_REMARK_NAME. */
static struct span with_remarks(struct command_call *call)
{
    struct span description = command_value(call, "description"), group = command_value(call, "group"), out;
    struct buf text = { 0 };

    buf_add(&text, command_value(call, "text"));
    if (text.size && text.at[text.size - 1] != '\n')
        buf_char(&text, '\n');
    if (description.size)
        buf_printf(&text, SCRIPT_REMARK_NAME "%.*s\n", SPAN_ARG(description));
    if (group.size)
        buf_printf(&text, SCRIPT_REMARK_GROUP "%.*s\n", SPAN_ARG(group));
    out = arena_copy(call->arena, buf_span(&text));
    buf_free(&text);
    return out;
}

static void run_add(struct command_call *call)
{
    struct span id = command_value(call, "id"), text = with_remarks(call);
    const char *key, *warning = NULL;
    char why[512];

    if (!has_store(call))
        return;
    if (!scripts_id_is_good(id)) {
        command_again(call, "id", "takes letters, digits, _ and -");
        return;
    }
    if (command_is_declared(call, id)) {
        command_again(call, "id", "is the name of a command that is built in");
        return;
    }
    key = arena_printf(call->arena, "%s/%.*s", service_of(call), SPAN_ARG(id));
    if (!scripts_check(scripts_of(call), key, text, why, sizeof(why))) {
        command_again(call, "text", arena_text(call->arena, span_of(why)));
        return;
    }
    if (command_truth(call, "save"))
        warning = save(call, key, text);
    if (warning) {
        command_again(call, "save", warning);
        return;
    }
    change(call, key, text, "The script is in force", NULL);
}

/* ---- del-script ---- */

static void form_remove(struct command_call *call)
{
    struct manage_scripts *scripts = scripts_of(call);
    struct span start = span_of(arena_printf(call->arena, "%s/", service_of(call))), key;
    struct form_option *options = arena_alloc(call->arena, ITEMS_MOST * sizeof(*options));
    struct form_field *field;
    size_t at = 0, count = 0;
    void *value;

    scripts_sync(scripts);
    while (count < ITEMS_MOST && map_next(scripts->items, &at, &key, &value)) {
        const struct manage_script *one = OBJECT(value, manage_script);

        if (one->script == NULL || !span_starts(key, start))
            continue;
        options[count].value = arena_copy(call->arena, span_of(one->node));
        options[count++].label = arena_copy(call->arena, span_of(one->name));
    }
    if (count == 0) {
        command_done(call, NULL, "info", "There are no scripts here");
        return;
    }
    field = form_draft_text(&call->draft, FORM_CHOICE, "id", "Script", (struct span){ NULL, 0 });
    field->options = options;
    field->option_count = count;
    field->is_required = true;
    command_show(call);
}

static void run_remove(struct command_call *call)
{
    struct span id = command_value(call, "id");
    const char *key, *path, *warning = NULL;

    if (!has_store(call))
        return;
    key = arena_printf(call->arena, "%s/%.*s", service_of(call), SPAN_ARG(id));
    path = scripts_path(scripts_of(call), call->arena, key);
    if (unlink(path) != 0 && errno != ENOENT)
        warning = arena_printf(call->arena, "It is gone until the next start: the file %s stays (%s)", path,
                               strerror(errno));
    change(call, key, SPAN(""), "The script is gone", warning);
}

static const struct command_step add_steps[] = { { form_add, run_add }, { NULL, NULL } };
static const struct command_step remove_steps[] = { { form_remove, run_remove }, { NULL, NULL } };

const struct command_row scripts_rows[] = {
    { "add-script", "New command script", "Scripts", "Adds a command of your own, in Lua", ACCESS_ADMIN, true,
      add_steps },
    { "del-script", "Remove command script", "Scripts", "Takes such a command away", ACCESS_ADMIN, true,
      remove_steps },
    { .node = NULL },
};
