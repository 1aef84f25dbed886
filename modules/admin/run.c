/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: run.c - commands are started, gone on with and ended, as who is logged in.
 *
 * Nothing is sent that could have an effect but by a POST with a token of one use; a GET asks for the first
 * form of commands that are known to begin with one, or shows what a command tells. A form is checked here
 * before it is sent. What cannot be undone is sent when it was confirmed, by somebody who typed the password
 * a short while ago. Always a form with next, prev and complete: one server never answers without. Every
 * command that was executed leaves a line in the log, without any value. */
#include "run.h"

#include "module/command.h"
#include "os/log.h"
#include "page/texts.h"
#include "xmpp/ns.h"

#include <json-c/json.h>

#define FORM_MOST   (2u << 20) /* bytes of a POST */
#define ROUNDS_MOST 10         /* forms that one POST fills */

/* ---- the log ---- */

/* Commands of our own say the same themselves, whoever ran them. */
static void audit(struct run *run, const char *outcome, struct span detail)
{
    if (command_is_own(run->admin->host, run->owner.to))
        return;
    log_notice("%.*s from %s ran %.*s at %.*s in the browser: %s%.*s", SPAN_ARG(run->request->user),
               run->request->client, SPAN_ARG(span_head(run->owner.node, 300)), SPAN_ARG(run->owner.to),
               outcome, SPAN_ARG(span_head(detail, 60)));
}

/* ---- steps ---- */

static void on_answer(struct web_ask *web);

static void on_cancel(struct http_request *request)
{
    struct run *run = OBJECT(request->handler_data, run);

    web_ask_cancel(&run->web);
    ask_cancel(&run->forget);
}

static void send_step(struct run *run, struct span sessionid, enum command_action action, struct span form)
{
    struct http_request *request = run->request;
    struct buf payload = { 0 };

    run->sessionid = sessionid;
    run->has_sent = run->has_sent || form.size > 0 || run->fact->start == ACTS;
    run->web = (struct web_ask){ .done = on_answer, .data = run };
    request->handler_data = run;
    request->on_cancel = on_cancel;
    request->doing = "waiting for the answer to a command";
    command_write(&payload, run->owner.node, sessionid, action, form);
    web_ask(run->admin->host, request, &run->web, request->arena, run->owner.to, IQ_SET,
            arena_copy(request->arena, buf_span(&payload)), run->admin->conf->command_timeout);
    buf_free(&payload);
}

static void send_form(struct run *run, const struct step *step, const struct sheet *sheet,
                      enum command_action action)
{
    struct buf form = { 0 };

    sheet_submit(sheet, run->typed, &form);
    send_step(run, step->sessionid, action, buf_span(&form));
    buf_free(&form);
}

/* Whether a form sent by that action may be the end of the command. */
static bool is_last(const struct step *step, enum command_action action)
{
    return action == COMMAND_COMPLETE || step->actions == 0 ||
           (step->actions & (1u << COMMAND_COMPLETE)) != 0;
}

/* A form that was typed: checked, confirmed where that is needed, and sent. */
static void take_typed(struct run *run, const struct step *step, struct sheet *sheet,
                       enum command_action action)
{
    if (!sheet_check(sheet, run->typed))
        show_form(run, step, sheet, run->typed, NULL, NULL, 422);
    else if (run->fact->danger && !run->is_confirmed && is_last(step, action))
        show_confirm(run, step, sheet, action);
    else
        send_form(run, step, sheet, action);
}

static void take_step(struct run *run, const struct command *command, const struct xml_element *element)
{
    struct step step = { .sessionid = command->sessionid,
                         .form = command->form,
                         .actions = command->actions,
                         .usual = command->usual,
                         .number = run->step.number + 1,
                         .born = clock_wall() / USEC_PER_SEC };
    struct sheet *sheet = arena_make(run->request->arena, struct sheet);

    sheet_read(sheet, command->form, run->request->arena);
    if (step.number > STEPS_MOST) {
        show_trouble(run, 502, TEXT(admin_endless), TEXT(admin_endless_text));
    } else if (run->fills && run->rounds++ < ROUNDS_MOST && sheet->count > 0 &&
               sheet_is_answered(sheet, run->typed)) {
        run->step = step;
        run->sheet = *sheet;
        take_typed(run, &run->step, &run->sheet, step.usual);
    } else {
        show_form(run, &step, sheet, NULL, element, NULL, 200);
    }
}

/* ---- the end ---- */

static void show_end(struct run *run)
{
    struct json_object *values = run->values;

    run->values = NULL;
    run->request->on_cancel = NULL;
    show_result(run, values);
}

static void on_forgotten(struct ask *ask)
{
    show_end(OBJECT(ask->data, run));
}

static void forget(struct run *run, struct jid jid)
{
    struct span account = jid_bare_text(run->request->arena, jid);

    web_end_sessions(run->admin->host, account, NULL);
    ask_cancel(&run->forget); /* letters are read in their order, so the last answer is enough */
    run->forget = (struct ask){ .done = on_forgotten, .data = run };
    ask_logout(run->admin->host, &run->forget, run->request->arena, account);
}

/* Believed of a server for its own accounts only. false: no account changed. */
static bool forget_changed(struct run *run)
{
    bool changed = false;

    for (size_t i = 0; run->typed && i < run->sheet.count; i++) {
        const struct sheet_field *field = &run->sheet.fields[i];
        const struct span *values;
        size_t count;

        if (!adhoc_names_accounts(field->var))
            continue;
        values = sheet_values(&run->sheet, field, run->typed, &count);
        for (size_t k = 0; k < count; k++) {
            struct jid jid;

            if (!jid_parse(run->request->arena, values[k], &jid) || !span_eq(jid.domain, run->owner.to))
                continue;
            forget(run, jid);
            changed = true;
        }
    }
    return changed;
}

static void drop_values(void *data)
{
    struct run *run = data;

    json_object_put(run->values);
}

static void take_end(struct run *run, const struct command *command, const struct xml_element *element)
{
    audit(run, command->has_failed ? "completed with an error" : "completed", SPAN(""));
    run->values = result_values(run, command, element);
    arena_on_free(run->request->arena, drop_values, run);
    if (!command->has_failed && adhoc_changes_accounts(run->owner.node) && forget_changed(run)) {
        run->request->handler_data = run;
        run->request->on_cancel = on_cancel;
        return;
    }
    show_end(run);
}

static void take_failure(struct run *run, const struct ask *ask)
{
    char *seconds;

    if (ask->problem != PROBLEM_server_silent) {
        if (run->has_sent)
            audit(run, "failed: ", span_of(problem_text(ask->problem)));
        show_trouble(run, problem_status(ask->problem), problem_text(ask->problem),
                     run->has_sent ? TEXT(admin_unsure) : TEXT(admin_nothing_done));
        return;
    }
    seconds = arena_printf(run->request->arena, "%g",
                           (double)run->admin->conf->command_timeout / (double)USEC_PER_SEC);
    audit(run, run->has_sent ? "no answer in time, after it may have been executed" : "no answer in time",
          SPAN(""));
    show_trouble(run, 504, show_words(run, TEXT(admin_silent), seconds, NULL),
                 run->has_sent ? TEXT(admin_unsure) : TEXT(admin_nothing_done));
}

static bool is_lost_session(const struct xml_element *iq)
{
    const struct xml_element *error = xml_child(iq, NULL, "error");

    return error != NULL && (xml_child(error, NS_COMMANDS, "session-expired") != NULL ||
                             xml_child(error, NS_COMMANDS, "bad-sessionid") != NULL);
}

static void take_error(struct run *run, const struct xml_element *iq)
{
    audit(run, "error ", error_condition(iq));
    if (is_lost_session(iq))
        show_trouble(run, 409, TEXT(admin_expired), TEXT(admin_expired_text));
    else
        show_refusal(run, error_text(run, iq));
}

/* An answer must be of the command and of the session that were asked for (C.17). */
static bool belongs(const struct run *run, const struct command *command, const struct xml_element *element)
{
    struct span node = xml_attribute(element, "node");

    return (node.at == NULL || span_eq(node, run->owner.node)) &&
           (run->sessionid.size == 0 || command->sessionid.size == 0 ||
            span_eq(command->sessionid, run->sessionid));
}

static void on_answer(struct web_ask *web)
{
    struct run *run = OBJECT(web->data, run);
    const struct xml_element *element;
    struct command command;

    run->request->on_cancel = NULL;
    if (web->ask.problem != PROBLEM_none) {
        take_failure(run, &web->ask);
        return;
    }
    if (web->ask.is_error) {
        take_error(run, web->ask.answer);
        return;
    }
    element = xml_child(web->ask.answer, NS_COMMANDS, "command");
    if (!command_read(web->ask.answer, &command) || !belongs(run, &command, element)) {
        audit(run, "an answer that does not belong to it", SPAN(""));
        show_trouble(run, 502, TEXT(admin_foreign), run->has_sent ? TEXT(admin_unsure) : TEXT(admin_again));
    } else if (command.status == COMMAND_EXECUTING) {
        take_step(run, &command, element);
    } else if (command.status == COMMAND_CANCELED) {
        audit(run, "canceled", SPAN(""));
        show_trouble(run, 200, TEXT(admin_canceled), TEXT(admin_canceled_text));
    } else {
        take_end(run, &command, element);
    }
}

/* ---- what a POST wants ---- */

static enum command_action chosen(const struct run *run)
{
    enum command_action action;
    unsigned allowed = run->step.actions ? run->step.actions : 1u << COMMAND_COMPLETE;

    allowed |= 1u << COMMAND_CANCEL;
    if (command_action_read(web_value(run->typed, "_action"), &action) && (allowed & (1u << action)) != 0)
        return action;
    return run->step.usual;
}

static void go_on(struct run *run)
{
    enum command_action action = chosen(run);

    sheet_read(&run->sheet, run->step.form, run->request->arena);
    if (run->step.sessionid.size == 0 && action == COMMAND_CANCEL) {
        show_trouble(run, 200, TEXT(admin_canceled), TEXT(admin_canceled_text));
    } else if (run->step.sessionid.size == 0) { /* refused before, and now mended: from the start */
        if (!sheet_check(&run->sheet, run->typed)) {
            show_form(run, &run->step, &run->sheet, run->typed, NULL, NULL, 422);
            return;
        }
        run->fills = true;
        run->step.number = 0;
        send_step(run, SPAN(""), COMMAND_EXECUTE, SPAN(""));
    } else if (action == COMMAND_CANCEL) {
        send_step(run, run->step.sessionid, COMMAND_CANCEL, SPAN(""));
    } else if (action == COMMAND_PREV) {
        send_form(run, &run->step, &run->sheet, COMMAND_PREV);
    } else {
        take_typed(run, &run->step, &run->sheet, action);
    }
}

/* A first request, from the page with the button, or from who knows what the forms will ask. */
static void begin(struct run *run)
{
    if (run->fact->start == ACTS && run->fact->danger && !run->is_confirmed) {
        show_confirm(run, NULL, NULL, COMMAND_EXECUTE);
        return;
    }
    run->fills = true;
    send_step(run, SPAN(""), COMMAND_EXECUTE, SPAN(""));
}

static struct run *new_run(struct admin *admin, struct http_request *request, struct span jid,
                           struct span node, const struct catalog_command *command)
{
    struct run *run = arena_make(request->arena, struct run);

    OBJECT_BORN(run, run);
    run->admin = admin;
    run->request = request;
    run->owner = (struct adhoc_owner){ "admin", request->user, arena_copy(request->arena, jid),
                                       arena_copy(request->arena, node) };
    run->fact = discover_fact(admin, request->arena, jid, node);
    if (command) { /* the catalog may be gone before the answer comes */
        struct catalog_command *copy = arena_make(request->arena, struct catalog_command);

        *copy = *command;
        copy->jid = run->owner.to;
        copy->node = run->owner.node;
        copy->name = arena_copy(request->arena, command->name);
        copy->group = arena_copy(request->arena, command->group);
        run->command = copy;
    }
    return run;
}

void run_open(struct admin *admin, struct http_request *request, const struct catalog_command *command)
{
    send_step(new_run(admin, request, command->jid, command->node, command), SPAN(""), COMMAND_EXECUTE,
              SPAN(""));
}

/* A value of the body or, as some programs send it, of the address. */
static struct span wanted(struct http_request *request, const struct web_form *form, const char *name)
{
    struct span value = web_value(form, name);

    return value.size > 0 ? value : request_parameter(request, name);
}

static const struct catalog_command *offered(struct admin *admin, struct http_request *request,
                                             struct span jid, struct span node)
{
    const struct catalog *catalog =
        catalog_cache_get(admin->cache, request->user, clock_mono(), CATALOG_STALE);

    return catalog ? catalog_find(catalog, jid, node) : NULL;
}

static void take_post(struct http_request *request, const struct web_form *form, bool is_confirmed)
{
    struct admin *admin = OBJECT(request->state, admin);
    struct span node = wanted(request, form, "_node"), state = web_value(form, "_state");
    struct web_form *typed = arena_make(request->arena, struct web_form);
    struct run *run;
    struct jid jid;
    struct span to;

    if (node.size == 0 || !jid_parse(request->arena, wanted(request, form, "_jid"), &jid)) {
        page_problem(admin->kit, request, PROBLEM_bad_request, TEXT(admin_no_command), NULL);
        return;
    }
    *typed = *form;
    to = jid_text(request->arena, jid);
    run = new_run(admin, request, to, node, offered(admin, request, to, node));
    run->typed = typed;
    run->is_confirmed = is_confirmed;
    if (state.size == 0) {
        begin(run);
        return;
    }
    switch (step_open(&admin->host->segment->auth, request->arena, &run->owner, state,
                      clock_wall() / USEC_PER_SEC, &run->step)) {
    case STEP_GOOD:
        go_on(run);
        break;
    case STEP_EXPIRED:
        show_trouble(run, 409, TEXT(admin_expired), TEXT(admin_expired_text));
        break;
    default:
        show_trouble(run, 403, TEXT(admin_forged), TEXT(admin_nothing_done));
        break;
    }
}

static void on_form(struct http_request *request, const struct web_form *form)
{
    take_post(request, form, false);
}

static void on_confirmed_form(struct http_request *request, const struct web_form *form)
{
    take_post(request, form, true);
}

void run_post(struct http_request *request)
{
    struct admin *admin = OBJECT(request->state, admin);

    web_form_read(admin->host, request, TOKEN_RUN, WEB_ONCE, FORM_MOST, on_form);
}

void run_confirmed(struct http_request *request)
{
    struct admin *admin = OBJECT(request->state, admin);

    web_form_read(admin->host, request, TOKEN_RUN, WEB_ONCE | WEB_FRESH, FORM_MOST, on_confirmed_form);
}
