/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: stats.c - the command stats: counters, processes and streams as tables. */
#include "manage.h"

#include "base/clock.h"
#include "base/text.h"

static const struct form_option parts[] = {
    { { "Counters", 8 }, { "counters", 8 } },
    { { "Processes", 9 }, { "processes", 9 } },
    { { "Streams to the XMPP server", 26 }, { "streams", 7 } },
};

static void form_stats(struct command_call *call)
{
    struct form_field *field =
        form_draft_text(&call->draft, FORM_CHOICE, "part", "What to show", parts[0].value);

    field->options = parts;
    field->option_count = sizeof(parts) / sizeof(parts[0]);
    field->is_required = true;
    command_show(call);
}

static struct span number(struct arena *arena, uint64_t value)
{
    return span_of(arena_printf(arena, "%llu", (unsigned long long)value));
}

static struct span stamp(struct arena *arena, int64_t moment)
{
    char text[STAMP_SIZE];

    text_stamp(moment, text);
    return arena_copy(arena, span_of(text));
}

static void add_counters(struct form_draft *result, const struct segment *segment)
{
    static const struct form_field columns[] = {
        { .type = FORM_TEXT, .var = "name", .label = "Counter" },
        { .type = FORM_TEXT, .var = "value", .label = "Value" },
        { .type = FORM_TEXT, .var = "unit", .label = "Unit" },
        { .type = FORM_TEXT, .var = "about", .label = "What it counts" },
    };

    form_draft_columns(result, columns, 4);
    for (unsigned i = 0; i < COUNTS; i++) {
        struct span cells[] = { span_of(count_name(i)), number(result->arena, count_sum(&segment->counts, i)),
                                span_of(count_unit(i)), span_of(count_help(i)) };

        form_draft_row(result, cells);
    }
}

static void add_processes(struct form_draft *result, const struct segment *segment)
{
    static const struct form_field columns[] = {
        { .type = FORM_TEXT, .var = "kind", .label = "Process" },
        { .type = FORM_TEXT, .var = "pid", .label = "PID" },
        { .type = FORM_TEXT, .var = "state", .label = "State" },
        { .type = FORM_TEXT, .var = "generation", .label = "Generation" },
        { .type = FORM_TEXT, .var = "since", .label = "Since" },
        { .type = FORM_TEXT, .var = "connections", .label = "Connections" },
    };

    form_draft_columns(result, columns, 6);
    for (unsigned i = 0; i < BOARD_ROWS; i++) {
        const struct board_row *row = &segment->board.rows[i];
        uint32_t state = atomic_load(&row->state);

        if (state != ROW_STARTING && state != ROW_LIVE && state != ROW_DRAINING)
            continue;
        struct span cells[] = {
            span_of(board_kind_name((enum process_kind)atomic_load(&row->kind))),
            number(result->arena, (uint64_t)atomic_load(&row->pid)),
            span_of(board_state_name((enum row_state)state)),
            number(result->arena, atomic_load(&row->generation)),
            stamp(result->arena, atomic_load(&row->born)),
            number(result->arena, atomic_load(&row->connections)),
        };

        form_draft_row(result, cells);
    }
}

static void add_streams(struct form_draft *result, const struct segment *segment)
{
    static const struct form_field columns[] = {
        { .type = FORM_TEXT, .var = "name", .label = "Component" },
        { .type = FORM_TEXT, .var = "state", .label = "State" },
        { .type = FORM_TEXT, .var = "since", .label = "Since" },
        { .type = FORM_TEXT, .var = "in", .label = "Stanzas in" },
        { .type = FORM_TEXT, .var = "out", .label = "Stanzas out" },
        { .type = FORM_TEXT, .var = "trouble", .label = "Trouble" },
    };

    form_draft_columns(result, columns, 6);
    for (unsigned i = 0; i < LINKS_MOST; i++) {
        struct link_view view;

        link_read(&segment->links.links[i], &view);
        if (view.state == LINK_UNUSED)
            continue;
        struct span cells[] = { arena_copy(result->arena, span_of(view.name)),
                                span_of(link_state_name(view.state)),
                                stamp(result->arena, view.since),
                                number(result->arena, view.stanzas_in),
                                number(result->arena, view.stanzas_out),
                                arena_copy(result->arena, span_of(view.trouble)) };

        form_draft_row(result, cells);
    }
}

static void run_stats(struct command_call *call)
{
    struct span part = command_value(call, "part");
    struct form_draft result;

    form_draft_begin(&result, call->arena, "Statistics");
    if (span_is(part, "processes"))
        add_processes(&result, call->host->segment);
    else if (span_is(part, "streams"))
        add_streams(&result, call->host->segment);
    else
        add_counters(&result, call->host->segment);
    command_done(call, &result, "info", NULL);
}

static const struct command_step steps[] = { { .form = form_stats, .run = run_stats }, { .run = NULL } };

const struct command_row stats_rows[] = {
    { .node = "stats",
      .name = "Statistics of this service",
      .group = "Statistics",
      .about = "Counters, processes and streams, as stoactl status shows them",
      .access = ACCESS_ADMIN,
      .steps = steps },
    { .node = NULL },
};
