/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: tracker.c - the commands that write what somebody does to a file of its own, and cease.
 */
#include "manage.h"

#include "base/clock.h"
#include "base/text.h"
#include "module/track.h"
#include "parse/jid.h"

struct tracking {
    struct ask ask;
    struct command_call *call;
};

static void on_cancel(struct command_call *call)
{
    struct tracking *tracking = call->data;

    ask_cancel(&tracking->ask);
}

static void on_done(struct ask *ask)
{
    struct tracking *tracking = ask->data;
    struct command_call *call = tracking->call;

    call->on_cancel = NULL;
    if (ask->problem == PROBLEM_none)
        command_done(call, NULL, "info",
                     "It counts at once, for all processes. Tracking ends with the daemon at the latest.");
    else if (ask->problem == PROBLEM_bad_request)
        command_again(call, NULL, arena_text(call->arena, ask->text));
    else
        command_refuse(call, PROBLEM_unavailable, "Nobody answered whether it was done: look, and try again");
}

/* file empty: no more. */
static void ask_for(struct command_call *call, struct span jid, struct span file)
{
    struct tracking *tracking = arena_make(call->arena, struct tracking);

    tracking->call = call;
    tracking->ask.done = on_done;
    tracking->ask.data = tracking;
    call->data = tracking;
    call->on_cancel = on_cancel;
    track_ask(call->host, &tracking->ask, call->arena, jid, file);
}

/* ---- add-user-tracker ---- */

static void form_add(struct command_call *call)
{
    struct form_field *field;

    call->draft.instructions =
        "Writes each HTTP request of that user and each stanza from and to it, without texts and "
        "secrets, to NAME.0 in the folder of the logs; older lines are in NAME.1 to NAME.9.";
    field = form_draft_text(&call->draft, FORM_JID, "accountjid", "JID", (struct span){ NULL, 0 });
    field->desc = "Bare for all that the user does, full for one session.";
    field->is_required = true;
    field =
        form_draft_text(&call->draft, FORM_TEXT, "file-name", "Name of the file", (struct span){ NULL, 0 });
    field->desc = "Letters, digits, dots, hyphens and underscores; without a folder.";
    field->is_required = true;
    field->longest = TRACK_FILE_SIZE - 1;
    command_show(call);
}

static void run_add(struct command_call *call)
{
    struct span file = span_trim(command_value(call, "file-name"));

    if (!tracker_is_file(file)) {
        command_again(call, "file-name",
                      "may hold letters, digits, dots, hyphens and underscores, begins with no dot, "
                      "and is no log of the daemon");
        return;
    }
    ask_for(call, command_value(call, "accountjid"), file);
}

static const struct command_step add_steps[] = { { .form = form_add, .run = run_add }, { .run = NULL } };

/* ---- remove-user-tracker ---- */

static void form_remove(struct command_call *call)
{
    const struct trackers *trackers = &call->host->segment->trackers;
    struct form_option *options = arena_alloc(call->arena, TRACKED_MOST * sizeof(*options));
    struct tracked_view view;
    struct form_field *field;
    size_t count = 0;

    for (unsigned i = 0; i < TRACKED_MOST; i++) {
        char since[STAMP_SIZE];

        if (!tracker_read(trackers, i, &view))
            continue;
        text_stamp(view.since, since);
        options[count++] = (struct form_option){
            span_of(arena_printf(call->arena, "%s, in %s.0 since %s", view.jid, view.file, since)),
            arena_copy(call->arena, span_of(view.jid)),
        };
    }
    if (count == 0)
        call->draft.instructions = "Nobody is tracked.";
    field = form_draft_text(&call->draft, FORM_CHOICE, "accountjid", "JID", (struct span){ NULL, 0 });
    field->options = options;
    field->option_count = count;
    field->is_required = true;
    command_show(call);
}

static void run_remove(struct command_call *call)
{
    ask_for(call, command_value(call, "accountjid"), SPAN(""));
}

static const struct command_step remove_steps[] = { { .form = form_remove, .run = run_remove },
                                                    { .run = NULL } };

const struct command_row tracker_rows[] = {
    { .node = "http://jabber.org/protocol/admin#add-user-tracker",
      .name = "Activate log tracker for a user",
      .group = "Other",
      .about = "Writes what a user does to a file of its own in the folder of the logs",
      .access = ACCESS_ADMIN,
      .steps = add_steps },
    { .node = "http://jabber.org/protocol/admin#remove-user-tracker",
      .name = "Deactivate log tracker for a user",
      .group = "Other",
      .about = "Ends the tracking of a user; the files stay",
      .access = ACCESS_ADMIN,
      .steps = remove_steps },
    { .node = NULL },
};
