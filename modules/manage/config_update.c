/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: config_update.c - the commands that show and change settings, section by section. */
#include "config_form.h"
#include "manage.h"

/* ---- which section ---- */

struct listing {
    struct form_option *options;
    size_t count, room;
    bool only_open;
    struct arena *arena;
};

static void list_one(void *data, const struct conf_view *view)
{
    struct listing *listing = data;

    if (view->table->directives == NULL && !config_has_switch(view))
        return;
    if (listing->only_open && !config_is_open(view))
        return;
    if (listing->count < listing->room)
        listing->options[listing->count] = (struct form_option){ span_of(view->path), span_of(view->path) };
    listing->count++;
}

static void choose(struct command_call *call, bool only_open)
{
    struct listing listing = { .only_open = only_open, .arena = call->arena };
    struct form_field *field =
        form_draft_text(&call->draft, FORM_CHOICE, "section", "Section", (struct span){ NULL, 0 });

    conf_walk(call->host->conf, call->arena, list_one, &listing);
    listing.room = listing.count;
    listing.count = 0;
    listing.options = arena_alloc(call->arena, (listing.room + 1) * sizeof(*listing.options));
    conf_walk(call->host->conf, call->arena, list_one, &listing);
    field->options = listing.options;
    field->option_count = listing.room;
    field->is_required = true;
    command_show(call);
}

static void form_choose(struct command_call *call)
{
    call->draft.instructions = "Each section of the configuration that can be changed here.";
    choose(call, true);
}

static void run_choose(struct command_call *call)
{
    command_next(call);
}

/* ---- its settings ---- */

/* What changes.tdsl has for this section, to be taken back. */
static void add_taken_back(struct command_call *call, struct span changes, const char *section)
{
    size_t room = 0, count = 0, start = strlen(section);
    struct span rest = changes, change;
    struct form_option *options;
    struct form_field *field;
    unsigned line = 0;

    while (conf_changes_next(&rest, &line, &change))
        room++;
    options = arena_alloc(call->arena, (room + 1) * sizeof(*options));
    rest = changes;
    while (count < room && conf_changes_next(&rest, &line, &change)) {
        struct span path = arena_copy(call->arena, conf_changes_path_of(change));

        if (span_starts(path, span_of(section)) && path.size > start + 1 && path.at[start] == '/' &&
            span_find(span_from(path, start + 1), '/') < 0)
            options[count++] = (struct form_option){ span_from(path, start + 1), path };
    }
    if (count == 0)
        return;
    field = form_draft_text(&call->draft, FORM_CHOICES, "take-back", "Take back", (struct span){ NULL, 0 });
    field->desc = "These were changed by command; those that are chosen become again what config.tdsl says.";
    field->options = options;
    field->option_count = count;
}

static void on_changes(struct command_call *call, struct span text)
{
    struct conf_view view;

    if (!config_find(call, command_value(call, "section"), &view)) {
        command_refuse(call, PROBLEM_not_found, "There is no such section any more");
        return;
    }
    config_form_fill(&call->draft, &view);
    add_taken_back(call, text, view.path);
    command_show(call);
}

static void form_settings(struct command_call *call)
{
    manage_steer(call, STEER_CHANGES, SPAN(""), on_changes, NULL);
}

static void on_changed(struct command_call *call, struct span text)
{
    const char *more = text.size ? arena_printf(call->arena, "The change is in force. %.*s", SPAN_ARG(text))
                                 : "The change is in force.";

    command_done(call, NULL, text.size ? "warn" : "info", more);
}

void config_apply(struct command_call *call, struct buf *lines)
{
    struct span copy = arena_copy(call->arena, buf_span(lines));

    if (lines->at)
        explicit_bzero(lines->at, lines->size);
    buf_free(lines);
    if (copy.size == 0)
        command_done(call, NULL, "info", "Nothing was changed.");
    else
        manage_steer(call, STEER_CHANGE, copy, on_changed, manage_again);
}

static void run_settings(struct command_call *call)
{
    const struct form_field *back = form_draft_field(&call->draft, "take-back");
    const char *var, *why;
    struct conf_view view;
    struct buf lines = { 0 };

    if (!config_find(call, command_value(call, "section"), &view)) {
        command_refuse(call, PROBLEM_not_found, "There is no such section any more");
        return;
    }
    if (!config_form_lines(call, &view, &lines, &var, &why)) {
        buf_free(&lines);
        command_again(call, var, why);
        return;
    }
    for (size_t i = 0; back && i < back->value_count; i++)
        buf_printf(&lines, "%.*s\n", SPAN_ARG(back->values[i]));
    config_apply(call, &lines);
}

static const struct command_step update_steps[] = {
    { .form = form_choose, .run = run_choose },
    { .form = form_settings, .run = run_settings },
    { .run = NULL },
};

/* ---- only to look at ---- */

static void form_list(struct command_call *call)
{
    choose(call, false);
}

static const struct form_field columns[] = {
    { .type = FORM_TEXT, .var = "name", .label = "Setting" },
    { .type = FORM_TEXT, .var = "value", .label = "Value" },
    { .type = FORM_TEXT, .var = "default", .label = "Default" },
    { .type = FORM_TEXT, .var = "changed", .label = "Can be changed" },
    { .type = FORM_TEXT, .var = "about", .label = "What it is" },
};

static void add_setting(struct form_draft *result, const struct conf_view *view, const struct directive *row)
{
    struct buf value = { 0 };
    struct span cells[5] = { span_of(row->name), SPAN(""), span_of(row->initial ? row->initial : "not set"),
                             SPAN("here, at once"), span_of(row->manual ? row->manual : "") };

    if (row->type == DIRECTIVE_OBSOLETE)
        return;
    if (row->secret)
        buf_text(&value, "(hidden)");
    else
        conf_value(row, view->base, false, &value);
    cells[1] = arena_copy(result->arena, buf_span(&value));
    if (view->is_guarded || conf_is_guarded(row))
        cells[3] = SPAN("in config.tdsl only");
    else if (row->effect == ON_RESTART)
        cells[3] = SPAN("here, counts after a restart");
    form_draft_row(result, cells);
    buf_free(&value);
}

static void run_list(struct command_call *call)
{
    struct form_draft result;
    struct conf_view view;

    if (!config_find(call, command_value(call, "section"), &view)) {
        command_refuse(call, PROBLEM_not_found, "There is no such section any more");
        return;
    }
    form_draft_begin(&result, call->arena, arena_printf(call->arena, "Settings of %s", view.path));
    form_draft_columns(&result, columns, sizeof(columns) / sizeof(columns[0]));
    for (const struct directive *row = view.table->directives; row && row->name; row++)
        add_setting(&result, &view, row);
    command_done(call, &result, "info",
                 view.table->size && !((const struct conf_section *)view.base)->active
                     ? "This section is not active."
                     : NULL);
}

static const struct command_step list_steps[] = { { .form = form_list, .run = run_list }, { .run = NULL } };

const struct command_row config_update_rows[] = {
    { .node = "update-config-tdsl",
      .name = "Update item configuration",
      .group = "Configuration",
      .about = "Changes settings of a section; they are in force at once",
      .access = ACCESS_ADMIN,
      .steps = update_steps },
    { .node = "list-config-tdsl",
      .name = "List component configuration",
      .group = "Configuration",
      .about = "Shows each setting of a section, with its default and what it is",
      .access = ACCESS_ADMIN,
      .steps = list_steps },
    { .node = NULL },
};
