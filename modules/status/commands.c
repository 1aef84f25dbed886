/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: commands.c - two ad-hoc commands: what did not load and went wrong, and since when
 * things are connected. */
#include "base/clock.h"
#include "base/text.h"
#include "human.h"
#include "module/command.h"
#include "module/stand.h"
#include "status.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct span text(const char *words)
{
    return span_of(words ? words : "");
}

static struct span moment(struct arena *arena, int64_t usec)
{
    char stamp[STAMP_SIZE];

    text_stamp(usec, stamp);
    return arena_copy(arena, span_of(stamp));
}

/* ---- load-errors ---- */

static const struct form_field error_columns[] = {
    { .type = FORM_TEXT, .var = "when", .label = "Last" },
    { .type = FORM_TEXT, .var = "level", .label = "Level" },
    { .type = FORM_TEXT, .var = "where", .label = "Where" },
    { .type = FORM_TEXT, .var = "times", .label = "Times" },
    { .type = FORM_TEXT, .var = "text", .label = "What" },
};

static void add_faults(struct form_draft *draft, const struct status *status, struct arena *arena)
{
    struct report report;

    status_report(status, arena, &report);
    LIST_EACH (node, &report.faults) {
        const struct report_fault_row *row = LIST_OF(node, struct report_fault_row, node);
        const struct span cells[] = { SPAN("now"), row->blocks ? SPAN("error") : SPAN("warning"),
                                      text(row->what), SPAN(""), text(row->why) };

        form_draft_row(draft, cells);
    }
}

static void add_complaints(struct form_draft *draft, const struct status *status, struct arena *arena)
{
    struct complaint *list = arena_alloc(arena, COMPLAINTS_MOST * sizeof(*list));
    size_t count = complaints_read(&status->host->segment->complaints, list);

    for (size_t i = 0; i < count; i++) {
        const struct span cells[] = { moment(arena, list[i].last),
                                      list[i].is_error ? SPAN("error") : SPAN("warning"),
                                      text(arena_printf(arena, "%s %d", list[i].kind, (int)list[i].pid)),
                                      text(arena_printf(arena, "%llu", (unsigned long long)list[i].times)),
                                      text(list[i].text) };

        form_draft_row(draft, cells);
    }
}

static void run_errors(struct command_call *call)
{
    const struct status *status = OBJECT(call->host->state, status);
    struct form_draft result;

    form_draft_begin(&result, call->arena, "Load errors");
    form_draft_columns(&result, error_columns, COUNT_OF(error_columns));
    add_faults(&result, status, call->arena);
    add_complaints(&result, status, call->arena);
    command_done(call, &result, "info",
                 result.cell_count ? NULL
                                   : "Everything was loaded, and nothing has gone wrong since the start.");
}

/* ---- connection-time ---- */

static const struct form_field time_columns[] = {
    { .type = FORM_TEXT, .var = "what", .label = "What" },
    { .type = FORM_TEXT, .var = "state", .label = "State" },
    { .type = FORM_TEXT, .var = "since", .label = "Since" },
    { .type = FORM_TEXT, .var = "for", .label = "For" },
};

static void add_since(struct form_draft *draft, struct arena *arena, const char *what, const char *state,
                      int64_t since)
{
    char words[HUMAN_TEXT];

    human_span(clock_wall() - since, words);
    form_draft_row(draft, (struct span[]){ text(arena_text(arena, span_of(what))), text(state),
                                           moment(arena, since), text(arena_text(arena, span_of(words))) });
}

static void add_streams(struct form_draft *draft, struct arena *arena, const struct links *links)
{
    for (size_t i = 0; i < LINKS_MOST; i++) {
        struct link_view view;

        link_read(&links->links[i], &view);
        if (view.state != LINK_UNUSED)
            add_since(draft, arena, view.name, link_state_name(view.state), view.since);
    }
}

/* Browsers: each by itself, since when somebody logged in; never who. */
static void add_browsers(struct form_draft *draft, struct command_call *call)
{
    const struct web_sessions *sessions = &call->host->segment->web_sessions;
    const struct http_settings *http = call->host->settings->http;
    int64_t now = clock_wall() / USEC_PER_SEC;

    for (size_t i = 0; i < WEB_SESSIONS_MOST; i++) {
        int64_t begun = atomic_load(&sessions->rows[i].begun), seen = atomic_load(&sessions->rows[i].seen);

        if (atomic_load(&sessions->first[i]) != 0 && now - begun < http->session_life / USEC_PER_SEC &&
            now - seen < http->session_idle / USEC_PER_SEC)
            add_since(draft, call->arena, "Session of a browser", "logged in", begun * USEC_PER_SEC);
    }
}

static void run_times(struct command_call *call)
{
    const struct segment *segment = call->host->segment;
    struct form_draft result;

    form_draft_begin(&result, call->arena, "Connection time");
    form_draft_columns(&result, time_columns, COUNT_OF(time_columns));
    add_since(&result, call->arena, "The daemon", "up", atomic_load(&segment->board.started));
    add_streams(&result, call->arena, &segment->links);
    form_draft_row(&result, (struct span[]){ SPAN("Sessions of users at the XMPP server"),
                                             text(arena_printf(call->arena, "%u open",
                                                               atomic_load(&segment->logins.sessions))),
                                             SPAN(""), SPAN("") });
    add_browsers(&result, call);
    command_done(call, &result, "info", NULL);
}

static const struct command_step error_steps[] = { { .run = run_errors }, { .run = NULL } };
static const struct command_step time_steps[] = { { .run = run_times }, { .run = NULL } };

static const struct command_row rows[] = {
    { .node = "load-errors",
      .name = "Load errors",
      .group = "Other",
      .about = "Scripts that did not load, and the last errors and warnings of all processes",
      .access = ACCESS_ADMIN,
      .steps = error_steps },
    { .node = "connection-time",
      .name = "Connections time",
      .group = "Other",
      .about = "Since when the streams to the XMPP server and the sessions of browsers are there",
      .access = ACCESS_ADMIN,
      .steps = time_steps },
    { .node = NULL },
};

const struct command_table status_commands[] = {
    { .service = "http", .rows = rows },
    { .service = NULL },
};
