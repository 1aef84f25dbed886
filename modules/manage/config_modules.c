/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: config_modules.c - the commands about modules: which there are, on and off, their
 * settings.
 *
 * A module is switched by the "active" of its first section. This module is not: it could not be switched on
 * again from here. */
#include "config_form.h"
#include "manage.h"
#include "module/load.h"

static const char *path_of(struct arena *arena, const struct stoa_module *module)
{
    const struct module_section *at = module->sections;

    if (at == NULL || at->path == NULL)
        return NULL;
    return at->path[0] ? arena_printf(arena, "%s/%s", at->path, at->section->name) : at->section->name;
}

/* Whether it is at work; its view, if it can be switched. */
static bool is_active(const struct command_call *call, const struct stoa_module *module)
{
    return module->active == NULL || module->active(call->host->conf);
}

static bool can_switch(struct command_call *call, const struct stoa_module *module, struct conf_view *view_r)
{
    const char *path = path_of(call->arena, module);

    return module != call->host->module && path && config_find(call, span_of(path), view_r) &&
           config_has_switch(view_r);
}

static bool is_on(const struct conf_view *view)
{
    return ((const struct conf_section *)view->base)->active;
}

/* ---- plugin-manager: a box for each ---- */

static void form_boxes(struct command_call *call)
{
    const struct stoa_module *module;
    struct conf_view view;

    call->draft.instructions =
        "A module that is switched off serves nothing and answers nothing. Switching counts at "
        "once; requests under way are finished.";
    for (size_t i = 0; (module = host_installed(call->host, i)); i++) {
        struct form_field *field;

        if (!can_switch(call, module, &view))
            continue;
        field = form_draft_text(&call->draft, FORM_BOOLEAN, module->name,
                                module->title ? module->title : module->name,
                                is_on(&view) ? SPAN("true") : SPAN("false"));
        field->desc = module->sentence;
    }
    command_show(call);
}

static void run_boxes(struct command_call *call)
{
    const struct stoa_module *module;
    struct buf lines = { 0 };
    struct conf_view view;

    for (size_t i = 0; (module = host_installed(call->host, i)); i++)
        if (can_switch(call, module, &view) && command_truth(call, module->name) != is_on(&view))
            buf_printf(&lines, "%s/active=%s\n", view.path, is_on(&view) ? "false" : "true");
    config_apply(call, &lines);
}

static const struct command_step box_steps[] = { { .form = form_boxes, .run = run_boxes }, { .run = NULL } };

/* ---- comp-manager: list, add, edit, remove ---- */

#define OPTION(label_, value_)                                                                               \
    {                                                                                                        \
        { (label_), sizeof(label_) - 1 },                                                                    \
        {                                                                                                    \
            (value_), sizeof(value_) - 1                                                                     \
        }                                                                                                    \
    }
static const struct form_option actions[] = {
    OPTION("List", "list"),
    OPTION("Add: switch on", "add"),
    OPTION("Edit", "edit"),
    OPTION("Remove: switch off", "remove"),
};

static const struct form_field columns[] = {
    { .type = FORM_TEXT, .var = "name", .label = "Name" },
    { .type = FORM_TEXT, .var = "state", .label = "State" },
    { .type = FORM_TEXT, .var = "section", .label = "Section" },
    { .type = FORM_TEXT, .var = "about", .label = "What it does" },
};

static void form_action(struct command_call *call)
{
    struct form_field *field = form_draft_text(&call->draft, FORM_CHOICE, "action", "Action", SPAN("list"));

    field->options = actions;
    field->option_count = sizeof(actions) / sizeof(actions[0]);
    field->is_required = true;
    call->draft.instructions = "The modules that are installed, each with what it serves.";
    command_show(call);
}

static void show_list(struct command_call *call)
{
    const struct stoa_module *module;
    struct form_draft result;

    form_draft_begin(&result, call->arena, "Modules");
    form_draft_columns(&result, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; (module = host_installed(call->host, i)); i++) {
        const char *path = path_of(call->arena, module);
        struct span cells[] = { span_of(module->name),
                                is_active(call, module) ? SPAN("active") : SPAN("not active"),
                                span_of(path ? path : ""),
                                span_of(module->sentence ? module->sentence : "") };

        form_draft_row(&result, cells);
    }
    command_done(call, &result, "info", NULL);
}

static void run_action(struct command_call *call)
{
    if (span_is(command_value(call, "action"), "list"))
        show_list(call);
    else
        command_next(call);
}

/* Those to which the action can be done. */
static bool fits(struct command_call *call, const struct stoa_module *module)
{
    struct span action = command_value(call, "action");
    struct conf_view view;
    const char *path = path_of(call->arena, module);

    if (span_is(action, "edit"))
        return path && config_find(call, span_of(path), &view) && config_is_open(&view);
    return can_switch(call, module, &view) && is_on(&view) == span_is(action, "remove");
}

static void form_module(struct command_call *call)
{
    struct form_field *field =
        form_draft_text(&call->draft, FORM_CHOICE, "module", "Module", (struct span){ NULL, 0 });
    struct form_option *options = arena_alloc(call->arena, MODULES_MOST * sizeof(*options));
    const struct stoa_module *module;
    size_t count = 0;

    for (size_t i = 0; (module = host_installed(call->host, i)); i++)
        if (fits(call, module))
            options[count++] = (struct form_option){ span_of(module->title ? module->title : module->name),
                                                     span_of(module->name) };
    if (count == 0) {
        command_refuse(call, PROBLEM_not_found, "There is no module to which that can be done");
        return;
    }
    field->options = options;
    field->option_count = count;
    field->is_required = true;
    command_show(call);
}

static bool chosen(struct command_call *call, struct conf_view *view_r)
{
    const struct stoa_module *module;

    for (size_t i = 0; (module = host_installed(call->host, i)); i++)
        if (span_is(command_value(call, "module"), module->name))
            return fits(call, module) && config_find(call, span_of(path_of(call->arena, module)), view_r);
    return false;
}

static void run_module(struct command_call *call)
{
    struct buf line = { 0 };
    struct conf_view view;

    if (!chosen(call, &view)) {
        command_again(call, "module", "that cannot be done to this module any more");
    } else if (span_is(command_value(call, "action"), "edit")) {
        command_next(call);
    } else {
        buf_printf(&line, "%s/active=%s\n", view.path, is_on(&view) ? "false" : "true");
        config_apply(call, &line);
    }
}

static void form_edit(struct command_call *call)
{
    struct conf_view view;

    if (!chosen(call, &view)) {
        command_refuse(call, PROBLEM_not_found, "That module is not there any more");
        return;
    }
    config_form_fill(&call->draft, &view);
    command_show(call);
}

static void run_edit(struct command_call *call)
{
    struct buf lines = { 0 };
    const char *var, *why;
    struct conf_view view;

    if (!chosen(call, &view)) {
        command_refuse(call, PROBLEM_not_found, "That module is not there any more");
    } else if (config_form_lines(call, &view, &lines, &var, &why)) {
        config_apply(call, &lines);
    } else {
        buf_free(&lines);
        command_again(call, var, why);
    }
}

static const struct command_step manager_steps[] = {
    { .form = form_action, .run = run_action },
    { .form = form_module, .run = run_module },
    { .form = form_edit, .run = run_edit },
    { .run = NULL },
};

const struct command_row config_module_rows[] = {
    { .node = "comp-manager",
      .name = "Manage active server components",
      .group = "Configuration",
      .about = "Lists the modules, switches one on or off, or changes its settings",
      .access = ACCESS_ADMIN,
      .steps = manager_steps },
    { .node = "plugin-manager",
      .name = "Manage plugins",
      .group = "Configuration",
      .about = "Switches modules on and off, all in one form",
      .access = ACCESS_ADMIN,
      .steps = box_steps },
    { .node = NULL },
};
