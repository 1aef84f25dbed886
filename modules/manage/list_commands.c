/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: list_commands.c - the commands that show what commands are: the list of all, and a
 * greeting to try one's client with. */
#include "manage.h"

#include "base/text.h"

/* ---- list-commands ---- */

static const struct form_field columns[] = {
    { .type = FORM_TEXT, .var = "node", .label = "Node" },
    { .type = FORM_TEXT, .var = "name", .label = "Name" },
    { .type = FORM_TEXT, .var = "group", .label = "Group" },
    { .type = FORM_TEXT, .var = "access", .label = "For whom" },
    { .type = FORM_TEXT, .var = "about", .label = "What it does" },
};

static void add_row(void *data, const struct command_row *row)
{
    struct form_draft *draft = data;
    struct span cells[] = { span_of(row->node), span_of(row->name),
                            span_of(row->group ? row->group : "Other"),
                            row->access == ACCESS_ADMIN ? SPAN("admin") : SPAN("user"),
                            span_of(row->about ? row->about : "") };

    form_draft_row(draft, cells);
}

static void run_list(struct command_call *call)
{
    struct form_draft result;

    form_draft_begin(&result, call->arena, "Commands");
    form_draft_columns(&result, columns, sizeof(columns) / sizeof(columns[0]));
    command_each(call, add_row, &result);
    command_done(call, &result, "info", NULL);
}

static const struct command_step list_steps[] = { { .run = run_list }, { .run = NULL } };

/* ---- hello ---- */

static void form_hello(struct command_call *call)
{
    call->draft.instructions = "Tries whether commands reach this service, and come back.";
    form_draft_text(&call->draft, FORM_TEXT, "name", "Your name", call->user)->is_required = true;
    command_show(call);
}

static void run_hello(struct command_call *call)
{
    struct span name = command_value(call, "name");

    command_done(call, NULL, "info", arena_printf(call->arena, "Hello, %.*s!", SPAN_ARG(name)));
}

static const struct command_step hello_steps[] = { { .form = form_hello, .run = run_hello },
                                                   { .run = NULL } };

const struct command_row list_command_rows[] = {
    { .node = "list-commands",
      .name = "List available commands",
      .group = "Example scripts",
      .about = "Lists the commands of this component that you may run",
      .access = ACCESS_USER,
      .steps = list_steps },
    { .node = "hello",
      .name = "Say hello",
      .group = "Example scripts",
      .about = "Answers with a greeting: to try a client with",
      .access = ACCESS_USER,
      .steps = hello_steps },
    { .node = NULL },
};
