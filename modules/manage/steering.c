/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: steering.c - commands that ask something of master (module/steer.h). */
#include "manage.h"

struct steering {
    struct ask ask;
    struct command_call *call;
    void (*then)(struct command_call *call, struct span text);
    void (*refused)(struct command_call *call, const char *why);
};

static void on_cancel(struct command_call *call)
{
    struct steering *steering = call->data;

    ask_cancel(&steering->ask);
}

/* Lines of problems, without what marks them for a terminal. */
static const char *sentence(struct arena *arena, struct span text)
{
    struct buf out = { 0 };
    const char *made;

    while (text.size) {
        struct span line = span_trim(span_cut(&text, '\n'));

        if (span_starts(line, SPAN("error: ")))
            line = span_from(line, 7);
        if (line.size == 0)
            continue;
        if (out.size)
            buf_char(&out, '\n');
        buf_add(&out, line);
    }
    made = arena_text(arena, buf_span(&out));
    buf_free(&out);
    return made;
}

static void on_done(struct ask *ask)
{
    struct steering *steering = ask->data;
    struct command_call *call = steering->call;

    call->on_cancel = NULL;
    if (ask->problem == PROBLEM_none)
        steering->then(call, ask->text);
    else if (ask->problem == PROBLEM_bad_request && steering->refused)
        steering->refused(call, sentence(call->arena, ask->text));
    else if (ask->problem == PROBLEM_bad_request)
        command_refuse(call, PROBLEM_bad_request, sentence(call->arena, ask->text));
    else
        command_refuse(
            call, PROBLEM_unavailable,
            "Nobody answered whether it was done: a process was just being replaced. Look, and try "
            "again");
}

void manage_steer(struct command_call *call, enum steer_word word, struct span body,
                  void (*then)(struct command_call *call, struct span text),
                  void (*refused)(struct command_call *call, const char *why))
{
    struct steering *steering = arena_make(call->arena, struct steering);

    steering->call = call;
    steering->then = then;
    steering->refused = refused;
    steering->ask.done = on_done;
    steering->ask.data = steering;
    call->data = steering;
    call->on_cancel = on_cancel;
    steer_ask(call->host, &steering->ask, call->arena, word, call->user, body);
}

void manage_again(struct command_call *call, const char *why)
{
    command_again(call, NULL, why);
}

/* Texts of many lines as a result, one value a line. */
#define SHOWN_MOST ((size_t)100 * 1024)

static size_t count_lines(struct span text)
{
    size_t count = 0;

    while (text.size) {
        span_cut(&text, '\n');
        count++;
    }
    return count;
}

void manage_show_text(struct command_call *call, const char *title, const char *label, struct span text)
{
    struct form_draft result;
    struct span *lines, rest = text;
    bool cut = text.size > SHOWN_MOST;
    size_t count, i;

    if (cut) {
        text = span_head(text, SHOWN_MOST);
        while (text.size && text.at[text.size - 1] != '\n')
            text.size--;
    }
    count = count_lines(text);
    lines = arena_alloc(call->arena, (count + 1) * sizeof(*lines));
    for (i = 0, rest = text; i < count; i++)
        lines[i] = span_cut(&rest, '\n');
    form_draft_begin(&result, call->arena, title);
    form_draft_add(
        &result,
        &(struct form_field){
            .type = FORM_LINES, .var = "text", .label = label, .values = lines, .value_count = count });
    command_done(call, &result, "info", cut ? "Only the first 100 K are shown." : NULL);
}
