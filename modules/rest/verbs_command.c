/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: verbs_command.c - service:command: an ad-hoc command from its first step to its last,
 * as one call.
 *
 * Servers keep a session between the steps; scripts need not know. The server's own form is filled with the
 * script's fields by name, step by step, until the command is over. */
#include "verbs_iq.h"
#include "xmpp/command.h"

#include <json-c/json.h>

#define STEPS_MOST 8

struct commanding {
    struct span jid, node;
    struct form_answers answers;
    struct json_object *fields; /* owned; answers point into it */
    bool has_fields;
    unsigned steps;
    struct json_object *map; /* owned; the answer, while the session behind it is being closed; else NULL */
};

static void on_arena_free(void *data)
{
    struct commanding *commanding = data;

    json_object_put(commanding->map);
    json_object_put(commanding->fields);
}

/* {name = value} as [{var, value}], or such a list as it is. To be put. */
static struct json_object *field_list(struct json_object *fields)
{
    struct json_object *list;

    if (fields == NULL || !json_object_is_type(fields, json_type_object))
        return json_object_get(fields);
    list = json_object_new_array();
    json_object_object_foreach(fields, name, value)
    {
        struct json_object *field = json_object_new_object();

        json_object_object_add(field, "var", json_object_new_string(name));
        json_object_object_add(field, "value", json_object_get(value));
        json_object_array_add(list, field);
    }
    return list;
}

static void go_on(struct sending *sending, enum command_action action, struct span sessionid,
                  struct span form)
{
    struct commanding *commanding = sending->data;
    struct buf request = { 0 };

    command_write(&request, commanding->node, sessionid, action, form);
    sending_iq(sending, commanding->jid, IQ_SET, arena_copy(sending->arena, buf_span(&request)));
    buf_free(&request);
}

static void refuse(struct sending *sending, enum problem problem, const char *why)
{
    struct script_wait *wait = sending->wait;
    char *kept = arena_text(sending->run->call->request->arena, span_of(why));

    OBJECT_DEAD(sending);
    verb_nil(wait, problem, NULL, kept);
}

/* The server's own form, filled by name. */
static void submit(struct sending *sending, const struct command *command)
{
    struct commanding *commanding = sending->data;
    enum command_action action = COMMAND_COMPLETE;
    struct buf form = { 0 };
    const char *why;

    if (command->actions != 0 && !(command->actions & 1u << COMMAND_COMPLETE))
        action = COMMAND_NEXT;
    if (form_fill(command->form, &commanding->answers, false, sending->arena, &form, &why))
        go_on(sending, action, arena_copy(sending->arena, command->sessionid), buf_span(&form));
    else
        refuse(sending, PROBLEM_bad_request, why);
    buf_free(&form);
}

static void answer(struct sending *sending)
{
    struct commanding *commanding = sending->data;
    struct script_wait *wait = sending->wait;
    struct json_object *map = commanding->map;

    commanding->map = NULL;
    OBJECT_DEAD(sending);
    script_answer(wait, map);
}

/* Keeps the answer. A session that waits for a step which will not come is closed first. */
static void end(struct sending *sending, const struct command *command)
{
    static const char *const words[] = { "executing", "completed", "canceled" };
    struct commanding *commanding = sending->data;
    struct json_object *map = command_map(command, commanding->jid, commanding->node, sending->arena);

    json_object_object_add(map, "status", json_object_new_string(words[command->status]));
    json_object_object_add(map, "failed", json_object_new_boolean(command->has_failed));
    if (form_answers_left(&commanding->answers))
        json_object_object_add(map, "left", json_object_new_boolean(true));
    commanding->map = map;
    if (command->status == COMMAND_EXECUTING && command->sessionid.size > 0)
        go_on(sending, COMMAND_CANCEL, arena_copy(sending->arena, command->sessionid), SPAN(""));
    else
        answer(sending);
}

static void on_step(struct sending *sending)
{
    struct commanding *commanding = sending->data;
    struct command command;

    if (commanding->map != NULL) { /* however the closing went */
        answer(sending);
        return;
    }
    if (sending->ask.problem != PROBLEM_none) {
        sending_nil(sending);
        return;
    }
    if (sending->ask.is_error) {
        verb_stanza_error(sending);
        return;
    }
    if (!command_read(sending->ask.answer, &command)) {
        refuse(sending, PROBLEM_bad_gateway, "the answer holds no ad-hoc command");
        return;
    }
    if (command.status != COMMAND_EXECUTING || !commanding->has_fields || command.form == NULL)
        end(sending, &command);
    else if (++commanding->steps > STEPS_MOST)
        refuse(sending, PROBLEM_bad_gateway, "the command has more steps than are gone");
    else
        submit(sending, &command);
}

/* command(jid, node [, fields [, options]]) */
void verb_command(struct script_wait *wait, struct json_object *args)
{
    const char *why;
    struct sending *sending = sending_new(wait, verb_arg(args, 3), &why);
    struct commanding *commanding = arena_make(sending->arena, struct commanding);
    struct buf request = { 0 };
    struct span text;
    struct jid jid;

    commanding->fields = field_list(verb_arg(args, 2));
    arena_on_free(sending->arena, on_arena_free, commanding);
    if (why == NULL && (!verb_text(args, 0, &text) || !jid_parse(sending->arena, text, &jid)))
        why = "command needs a JID";
    if (why == NULL && (!verb_text(args, 1, &commanding->node) || commanding->node.size == 0))
        why = "command needs a node";
    if (why == NULL && form_answers_read(commanding->fields, sending->arena, &commanding->answers, &why))
        why = sending_from(sending, (struct span){ NULL, 0 });
    if (why != NULL) {
        script_refuse(wait, why);
        return;
    }
    commanding->has_fields = commanding->answers.count > 0;
    commanding->jid = jid_text(sending->arena, jid);
    commanding->node = arena_copy(sending->arena, commanding->node);
    sending->data = commanding;
    sending->done = on_step;
    command_write(&request, commanding->node, SPAN(""), COMMAND_EXECUTE, SPAN(""));
    sending->to = commanding->jid;
    sending->kind = IQ_SET;
    sending->payload = arena_copy(sending->arena, buf_span(&request));
    buf_free(&request);
    sending_go(sending);
}
