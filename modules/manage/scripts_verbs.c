/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: scripts_verbs.c - what a command in Lua may ask of the world: IQs from the component.
 *
 * Beyond that a script has what every script has: log, and values in its own memory. */
#include "scripts.h"

#include "base/clock.h"
#include "module/call.h"
#include "parse/jid.h"

#include <json-c/json.h>

#define IQ_WAIT (20 * USEC_PER_SEC)

struct sending {
    OBJECT_MAGIC
    struct ask ask;
    struct script_wait *wait;
};

static void on_cancelled(struct script_wait *wait, void *data)
{
    struct sending *sending = OBJECT(data, sending);

    (void)wait;
    ask_cancel(&sending->ask);
    OBJECT_DEAD(sending);
}

static void on_answer(struct ask *ask)
{
    struct sending *sending = OBJECT(ask->data, sending);
    struct script_wait *wait = sending->wait;
    struct buf text = { 0 };

    OBJECT_DEAD(sending);
    if (ask->problem != PROBLEM_none) {
        script_answer(wait, NULL);
        return;
    }
    xml_write(&text, ask->answer, SPAN(""));
    script_answer_bytes(wait, buf_span(&text));
    buf_free(&text);
}

static bool text_at(struct json_object *args, unsigned at, struct span *text_r)
{
    return at < json_object_array_length(args) && json_text(json_object_array_get_idx(args, at), text_r);
}

/* service:iq(payload, to, type): the payload goes to that JID, from the component; nil: no answer came. */
static void verb_iq(struct script_wait *wait, struct json_object *args)
{
    struct script_job *job = OBJECT(script_wait_data(wait), script_job);
    struct arena *arena = script_wait_arena(wait);
    struct span payload, to, type = SPAN("get");
    struct sending *sending;
    struct jid jid;

    if (!text_at(args, 0, &payload) || !text_at(args, 1, &to) || !jid_parse(arena, to, &jid)) {
        script_refuse(wait, "iq needs an element and the JID that it goes to");
        return;
    }
    text_at(args, 2, &type);
    if (!span_is(type, "get") && !span_is(type, "set")) {
        script_refuse(wait, "the type of an iq is get or set");
        return;
    }
    sending = arena_make(arena, struct sending);
    OBJECT_BORN(sending, sending);
    sending->wait = wait;
    sending->ask = (struct ask){ .done = on_answer, .data = sending };
    script_wait_on_cancel(wait, on_cancelled, sending);
    ask_iq(job->host, &sending->ask, arena, job->call->component, jid_text(arena, jid),
           span_is(type, "set") ? IQ_SET : IQ_GET, arena_copy(arena, payload), IQ_WAIT);
}

const struct script_verb scripts_verbs[] = {
    { "iq", VERB_WAITS | VERB_ANSWERS_XML | VERB_TAKES_XML, verb_iq },
    { .name = NULL },
};
