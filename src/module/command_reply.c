/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: command_reply.c - answers of our own commands: as letters for those who asked over XMPP,
 * and as the IQ that they would have got for those who ask from within (command_ask).
 *
 * From within nothing is answered before the asking function has returned: its task does it in the next turn,
 * as with any ask. */
#include "module/command_inside.h"

#include "base/clock.h"
#include "os/log.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"

#define RESULT_MOST (STANZA_MOST - 8192) /* of what is sent over a stream: its head wants room, too */

struct command_own { /* in the asker's arena */
    OBJECT_MAGIC
    struct list node;        /* in the desk's commands */
    struct desk *desk;       /* borrowed */
    struct ask *ask;         /* borrowed */
    struct command_run *run; /* borrowed; NULL: nobody works on it */
    struct span from, to;    /* of the answer */
    struct span answer;      /* the whole IQ as text */
    struct task soon;
};

void command_ask_begin(struct desk *desk, struct ask *ask, struct arena *arena, struct span from,
                       struct span to)
{
    struct command_own *own = arena_make(arena, struct command_own);

    OBJECT_BORN(own, command_own);
    own->desk = desk;
    own->ask = ask;
    own->from = arena_copy(arena, from);
    own->to = arena_copy(arena, to);
    list_append(&desk->commands, &own->node);
    desk->command_count++;
    OBJECT_BORN(ask, ask);
    ask->own = own;
    ask->arena = arena;
    ask->problem = PROBLEM_none;
    ask->is_error = false;
    ask->answer = NULL;
    ask->text = SPAN("");
    ask->retry_after = 0;
}

static void leave(struct command_own *own)
{
    list_remove(&own->node);
    own->desk->command_count--;
    task_cancel(&own->soon);
    own->ask->own = NULL;
    OBJECT_DEAD(own->ask);
    OBJECT_DEAD(own);
}

void command_forget(struct ask *ask)
{
    struct command_own *own = OBJECT(ask->own, command_own);
    struct command_run *run = own->run;

    leave(own);
    if (run)
        command_run_cancel(run);
}

void desk_commands_forget(struct desk *desk)
{
    while (!list_empty(&desk->commands))
        command_forget(LIST_OF(desk->commands.next, struct command_own, node)->ask);
}

static void on_soon(struct task *task)
{
    struct command_own *own = LIST_OF(task, struct command_own, soon);
    static const struct xml_limits limits = { COMMAND_ANSWER_MOST, 64, 256 };
    struct ask *ask = own->ask;
    struct xml_element *answer;
    const char *why;

    leave(own);
    if (xml_document(own->answer, &limits, ask->arena, &answer, &why) == 1) {
        ask->answer = answer;
    } else {
        log_error("the answer of a command cannot be read (%s)", why);
        ask->problem = PROBLEM_internal;
    }
    ask->done(ask);
}

static void answer_soon(struct command_own *own, const char *type, struct span inside)
{
    struct buf iq = { 0 };

    own->run = NULL;
    own->ask->is_error = strcmp(type, "error") == 0;
    buf_printf(&iq, "<iq xmlns='" NS_CLIENT "' type='%s'", type);
    stanza_attribute(&iq, "from", own->from);
    stanza_attribute(&iq, "to", own->to);
    buf_text(&iq, " id=''>");
    buf_add(&iq, inside);
    buf_text(&iq, "</iq>");
    own->answer = arena_copy(own->ask->arena, buf_span(&iq));
    buf_free(&iq);
    task_defer(own->desk->loop, &own->soon, on_soon);
}

void command_reply_run(const struct command_reply *reply, struct command_run *run)
{
    if (reply->ask)
        OBJECT(reply->ask->own, command_own)->run = run;
}

void command_reply_result(const struct command_reply *reply, struct span payload)
{
    if (payload.size > (reply->request ? RESULT_MOST : COMMAND_ANSWER_MOST - 8192))
        command_reply_error(reply, PROBLEM_body_too_large, "The result is too large to be sent", NULL);
    else if (reply->request)
        iq_answer(reply->request, payload);
    else
        answer_soon(OBJECT(reply->ask->own, command_own), "result", payload);
}

void command_reply_error(const struct command_reply *reply, enum problem problem, const char *text,
                         const char *condition)
{
    struct buf xml = { 0 }, extra = { 0 };

    if (text == NULL)
        text = problem_text(problem);
    if (condition)
        buf_printf(&extra, "<%s xmlns='" NS_COMMANDS "'/>", condition);
    if (reply->request) {
        iq_refuse(reply->request, problem, text, buf_span(&extra));
    } else {
        buf_printf(&xml,
                   "<error type='%s'><%s xmlns='" NS_STANZA_ERRORS "'/><text xmlns='" NS_STANZA_ERRORS "'>",
                   problem_type(problem), problem_condition(problem));
        stanza_text(&xml, span_of(text));
        buf_text(&xml, "</text>");
        buf_add(&xml, buf_span(&extra));
        buf_text(&xml, "</error>");
        answer_soon(OBJECT(reply->ask->own, command_own), "error", buf_span(&xml));
    }
    buf_free(&xml);
    buf_free(&extra);
}
