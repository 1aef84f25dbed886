/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: steward.c - see steward.h. */
#include "steward.h"

#include "base/clock.h"
#include "os/log.h"
#include "xmpp/command.h"
#include "xmpp/ns.h"

#include <openssl/crypto.h>

#define STEPS_MOST 3                   /* forms that are sent for one command */
#define WAIT_USEC  (20 * USEC_PER_SEC) /* for each answer */
#define WHY_MOST   300                 /* bytes of the server's words */

void steward_field(struct steward_call *call, const char *var, struct span *value)
{
    must(call->answers.count < STEWARD_FIELDS);
    call->fields[call->answers.count++] =
        (struct form_answer){ .var = span_of(var), .values = value, .count = 1 };
    call->answers.all = call->fields;
}

static void end(struct steward_call *call, enum steward_end how)
{
    OBJECT_DEAD(call);
    call->done(call, how);
}

static void wipe(struct buf *secret)
{
    if (secret->at != NULL)
        OPENSSL_cleanse(secret->at, secret->room);
    buf_free(secret);
}

/* ---- the command ---- */

static void on_answer(struct ask *ask);
static void become_admin(struct steward_call *call);

static void send_step(struct steward_call *call, struct span sessionid, enum command_action action,
                      struct span form)
{
    struct buf payload = { 0 };
    char *node = arena_printf(call->arena, "%s#%s", NS_ADMIN, call->node);

    buf_reserve(&payload, 2 * form.size + 4096); /* no growth: a password may stand in it */
    command_write(&payload, span_of(node), sessionid, action, form);
    call->ask = (struct ask){ .done = on_answer, .data = call };
    ask_iq(call->host, &call->ask, call->arena, call->from, call->to, IQ_SET, buf_span(&payload), WAIT_USEC);
    wipe(&payload);
}

static void begin(struct steward_call *call)
{
    call->steps = 0;
    for (size_t i = 0; i < call->answers.count; i++)
        call->fields[i].is_used = false;
    send_step(call, SPAN(""), COMMAND_EXECUTE, SPAN(""));
}

static void fill(struct steward_call *call, const struct command *command)
{
    struct buf form = { 0 };
    const char *why;

    buf_reserve(&form, 16384);
    if (call->steps >= STEPS_MOST || command->form == NULL) {
        call->why = "The server's command wants more than is known";
        end(call, STEWARD_REFUSED);
    } else if (!form_fill(command->form, &call->answers, command->usual != COMMAND_NEXT, call->arena, &form,
                          &why)) {
        log_error("account: the command %s of %.*s has another form than is known: %s", call->node,
                  SPAN_ARG(call->to), why);
        call->why = "The server's command has another form than is known";
        end(call, STEWARD_REFUSED);
    } else {
        call->steps++;
        send_step(call, command->sessionid, command->usual, buf_span(&form));
    }
    wipe(&form);
}

static void take_command(struct steward_call *call, const struct command *command)
{
    if (command->status == COMMAND_EXECUTING) {
        fill(call, command);
    } else if (command->status == COMMAND_COMPLETED && !command->has_failed) {
        end(call, STEWARD_DONE);
    } else {
        struct span note = command->note != NULL ? xml_text(command->note, call->arena) : SPAN("");

        call->why = note.size > 0 ? arena_text(call->arena, span_head(note, WHY_MOST)) : NULL;
        end(call, STEWARD_REFUSED);
    }
}

/* ---- errors ---- */

static struct span condition_of(const struct xml_element *iq)
{
    const struct xml_element *error = xml_child(iq, NULL, "error");
    const struct xml_element *child = error != NULL ? xml_child(error, NS_STANZA_ERRORS, NULL) : NULL;

    while (child != NULL && span_is(child->name, "text"))
        child = xml_next(child, NS_STANZA_ERRORS, NULL);
    return child != NULL ? child->name : SPAN("");
}

/* The first step is refused with one of these when we may not, or the command is not there for us. */
static bool is_denial(struct span condition)
{
    return span_is(condition, "forbidden") || span_is(condition, "not-allowed") ||
           span_is(condition, "not-authorized") || span_is(condition, "service-unavailable") ||
           span_is(condition, "item-not-found") || span_is(condition, "feature-not-implemented");
}

static void deny(struct steward_call *call)
{
    if (!call->is_admin && call->conf->admin_jid.size > 0) {
        become_admin(call);
        return;
    }
    log_error("account: %.*s does not let %.*s run %s; make that JID an administrator there, or write "
              "account/admin-jid and admin-password",
              SPAN_ARG(call->to), SPAN_ARG(call->from), call->node);
    end(call, STEWARD_DENIED);
}

static void take_error(struct steward_call *call)
{
    struct span condition = condition_of(call->ask.answer);

    if (span_is(condition, "conflict")) {
        end(call, STEWARD_CONFLICT);
    } else if (call->steps == 0 && is_denial(condition)) {
        deny(call);
    } else if (span_is(condition, "remote-server-not-found") || span_is(condition, "remote-server-timeout")) {
        end(call, STEWARD_AWAY);
    } else {
        call->why = arena_printf(call->arena, "The server answered %.*s", SPAN_ARG(condition));
        end(call, STEWARD_REFUSED);
    }
}

static void on_answer(struct ask *ask)
{
    struct steward_call *call = OBJECT(ask->data, steward_call);
    struct command command;

    if (ask->problem == PROBLEM_no_session && call->is_admin && !call->is_again) {
        call->is_again = true;
        become_admin(call);
    } else if (ask->problem != PROBLEM_none) {
        log_warn("account: %s at %.*s as %.*s: %s", call->node, SPAN_ARG(call->to), SPAN_ARG(call->from),
                 problem_text(ask->problem));
        end(call, STEWARD_AWAY);
    } else if (ask->is_error) {
        take_error(call);
    } else if (command_read(ask->answer, &command)) {
        take_command(call, &command);
    } else {
        end(call, STEWARD_AWAY);
    }
}

/* ---- as whom ---- */

static void on_login(struct ask *ask)
{
    struct steward_call *call = OBJECT(ask->data, steward_call);

    if (ask->problem == PROBLEM_none) {
        begin(call);
        return;
    }
    log_error("account: the login as account/admin-jid %.*s failed: %s", SPAN_ARG(call->from),
              ask->text.size > 0 ? arena_text(call->arena, ask->text) : problem_text(ask->problem));
    end(call, ask->problem == PROBLEM_not_authorized ? STEWARD_DENIED : STEWARD_AWAY);
}

/* A login each time: while the session is up and the password the same, the router answers at once. */
static void become_admin(struct steward_call *call)
{
    call->is_admin = true;
    call->from = call->conf->admin_jid;
    call->ask = (struct ask){ .done = on_login, .data = call };
    ask_login(call->host, &call->ask, call->arena, call->from, span_of(call->conf->admin_password), "");
}

void steward_run(struct steward_call *call, const struct steward_conf *conf, struct module_host *host,
                 struct arena *arena, struct span domain, const char *node)
{
    const char *component = conf->use_component ? host_component(host, "http") : NULL;

    OBJECT_BORN(call, steward_call);
    call->conf = conf;
    call->host = host;
    call->arena = arena;
    call->to = arena_copy(arena, domain);
    call->node = node;
    if (component != NULL && (host_component_up(host, "http") || conf->admin_jid.size == 0)) {
        call->from = arena_copy(arena, span_of(component));
        begin(call);
    } else {
        become_admin(call);
    }
}

void steward_cancel(struct steward_call *call)
{
    ask_cancel(&call->ask);
}
