/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: command_run.c - one step of a command at work: from the request to its answer.
 *
 * A submission is checked against the form of its step, which is therefore made anew, in whatever worker it
 * arrives: first the step's form(), then the check, then its run(). Between these a command may wait. */
#include "module/command_inside.h"

#include "base/clock.h"
#include "base/random.h"
#include "os/log.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"

enum phase {
    RUN_SHOWING, /* the form of the step is made, to be shown */
    RUN_TAKING,  /* the form is made, to check what was sent against it */
    RUN_RUNNING, /* what was sent is good; the command works */
    RUN_OVER,
};

struct command_run { /* in the arena of who asked */
    OBJECT_MAGIC
    struct command_call call;
    struct segment *segment; /* borrowed */
    struct command_place place;
    struct command_reply reply;
    struct command_owner owner;
    struct command_session session;
    struct span sessionid;
    struct command_earlier earlier; /* its draft is call.before */
    struct command_state state;     /* of the form that came back; step is the present one */
    bool has_state;                 /* its token has not been used yet */
    const struct xml_element *form; /* that was sent; NULL: none */
    enum phase phase;
    /* Gone back to: what was said at this step before. */
    const struct form_field *said;
    size_t said_count;
};

static const char *const way_names[] = {
    [COMMAND_BY_XMPP] = "XMPP", [COMMAND_BY_REST] = "REST", [COMMAND_BY_BROWSER] = "the browser"
};

static struct command_run *run_of(struct command_call *call)
{
    OBJECT(call, command_call);
    return OBJECT((char *)call - offsetof(struct command_run, call), command_run);
}

/* ---- ends ---- */

/* Who, what, where, how it went; never a value. */
static void audit(const struct command_run *run, const char *outcome)
{
    log_notice("command %.*s at %.*s by %.*s over %s: %s", SPAN_ARG(run->owner.node),
               SPAN_ARG(run->place.component), SPAN_ARG(run->place.asker.user),
               way_names[run->place.asker.way], outcome);
}

static struct command_reply end(struct command_run *run)
{
    struct command_reply reply = run->reply;

    must(run->phase != RUN_OVER);
    run->phase = RUN_OVER;
    command_reply_run(&reply, NULL);
    OBJECT_DEAD(&run->call);
    OBJECT_DEAD(run);
    return reply;
}

static void refuse(struct command_run *run, enum problem problem, const char *text, const char *condition)
{
    const struct command_reply reply = end(run);

    command_reply_error(&reply, problem, text, condition);
}

static void open_answer(const struct command_run *run, const char *status, struct buf *xml)
{
    buf_text(xml, "<command xmlns='" NS_COMMANDS "'");
    stanza_attribute(xml, "node", run->owner.node);
    stanza_attribute(xml, "sessionid", run->sessionid);
    buf_printf(xml, " status='%s'>", status);
}

static void add_note(struct buf *xml, const char *kind, const char *text)
{
    if (text == NULL)
        return;
    buf_printf(xml, "<note type='%s'>", kind);
    stanza_text(xml, span_of(text));
    buf_text(xml, "</note>");
}

static void answer(struct command_run *run, struct buf *xml)
{
    const struct command_reply reply = end(run);

    buf_text(xml, "</command>");
    command_reply_result(&reply, buf_span(xml));
    buf_free(xml);
}

static void answer_cancelled(struct command_run *run)
{
    struct buf xml = { 0 };

    open_answer(run, "canceled", &xml);
    answer(run, &xml);
}

void command_run_cancel(struct command_run *run)
{
    must(run->phase != RUN_OVER);
    run->phase = RUN_OVER;
    if (run->call.on_cancel)
        run->call.on_cancel(&run->call);
    OBJECT_DEAD(&run->call);
    OBJECT_DEAD(run);
}

/* ---- showing a form ---- */

static const struct command_step *step_of(const struct command_run *run)
{
    return &run->call.row->steps[run->state.step];
}

static bool is_last(const struct command_run *run)
{
    return step_of(run)[1].run == NULL;
}

static void add_actions(const struct command_run *run, struct buf *xml)
{
    buf_printf(xml, "<actions execute='%s'>%s<%s/></actions>", is_last(run) ? "complete" : "next",
               run->state.step > 0 ? "<prev/>" : "", is_last(run) ? "complete" : "next");
}

/* What was said when this step was here before. */
static void fill_again(struct command_run *run)
{
    for (size_t i = 0; i < run->said_count; i++)
        for (size_t k = 0; k < run->call.draft.count; k++) {
            struct form_field *field = &run->call.draft.fields[k];

            if (field->var && strcmp(field->var, run->said[i].var) == 0 && field->type != FORM_HIDDEN) {
                field->values = run->said[i].values;
                field->value_count = run->said[i].value_count;
            }
        }
}

static void show(struct command_run *run, const char *note)
{
    struct command_state state = { .step = run->state.step, .born = clock_wall() / USEC_PER_SEC };
    struct form_draft *draft = &run->call.draft;
    struct buf xml = { 0 };
    struct span sealed;

    random_bytes(state.token, sizeof(state.token));
    sealed = command_state_seal(&state, &run->earlier, run->sessionid, &run->owner, run->call.arena);
    if (sealed.at == NULL) {
        audit(run, "its earlier values were too large");
        refuse(run, PROBLEM_body_too_large, "What was said so far is too large to go on with", "bad-payload");
        return;
    }
    form_draft_text(draft, FORM_HIDDEN, COMMAND_STATE_VAR, NULL, sealed);
    open_answer(run, "executing", &xml);
    add_actions(run, &xml);
    add_note(&xml, "error", note);
    form_draft_write(draft, false, &xml);
    answer(run, &xml);
}

static const char *complaint(const struct command_run *run, const char *var, const char *why)
{
    const struct form_field *field = var ? form_draft_field(&run->call.draft, var) : NULL;

    if (var == NULL)
        return why;
    return arena_printf(run->call.arena, "%s: %s", field && field->label ? field->label : var, why);
}

/* ---- going on ---- */

static void begin_run(struct command_run *run)
{
    int64_t now = clock_wall() / USEC_PER_SEC;

    if (run->has_state &&
        !once_use(&run->segment->once, span_make((const char *)run->state.token, sizeof(run->state.token)),
                  run->state.born, COMMAND_SESSION_LIFE, now)) {
        audit(run, "refused, as that step had been done already");
        refuse(run, PROBLEM_bad_request, "This step was done already", "bad-sessionid");
        return;
    }
    run->has_state = false;
    run->phase = RUN_RUNNING;
    step_of(run)->run(&run->call);
}

static void begin_step(struct command_run *run)
{
    form_draft_begin(&run->call.draft, run->call.arena, run->call.row->name);
    if (step_of(run)->form)
        step_of(run)->form(&run->call);
    else
        begin_run(run);
}

void command_show(struct command_call *call)
{
    struct command_run *run = run_of(call);
    const char *var, *why;

    must(run->phase == RUN_SHOWING || run->phase == RUN_TAKING);
    if (run->phase == RUN_SHOWING) {
        fill_again(run);
        show(run, NULL);
    } else if (form_draft_take(&call->draft, run->form, &var, &why)) {
        begin_run(run);
    } else {
        show(run, complaint(run, var, why));
    }
}

void command_again(struct command_call *call, const char *var, const char *why)
{
    struct command_run *run = run_of(call);

    must(run->phase == RUN_RUNNING);
    show(run, complaint(run, var, why));
}

/* The step's values become earlier ones. */
static void keep_values(struct command_run *run)
{
    const struct form_draft *draft = &run->call.draft;
    unsigned *count = &run->earlier.counts[run->state.step];

    *count = 0;
    for (size_t i = 0; i < draft->count; i++) {
        const struct form_field *field = &draft->fields[i];

        if (field->type == FORM_FIXED || strcmp(field->var, COMMAND_STATE_VAR) == 0)
            continue;
        form_draft_add(&run->call.before, &(struct form_field){ .type = FORM_HIDDEN,
                                                                .var = field->var,
                                                                .values = field->values,
                                                                .value_count = field->value_count });
        ++*count;
    }
}

void command_next(struct command_call *call)
{
    struct command_run *run = run_of(call);

    must(run->phase == RUN_RUNNING && !is_last(run) && run->state.step + 1 < COMMAND_STEPS_MOST);
    keep_values(run);
    run->state.step++;
    run->form = NULL;
    run->phase = RUN_SHOWING;
    begin_step(run);
}

void command_done(struct command_call *call, const struct form_draft *result, const char *kind,
                  const char *note)
{
    struct command_run *run = run_of(call);
    struct buf xml = { 0 };

    audit(run, strcmp(kind, "error") == 0  ? "completed with an error"
               : strcmp(kind, "warn") == 0 ? "completed with a warning"
                                           : "completed");
    open_answer(run, "completed", &xml);
    add_note(&xml, kind, note);
    if (result)
        form_draft_write(result, true, &xml);
    answer(run, &xml);
}

void command_refuse(struct command_call *call, enum problem problem, const char *why)
{
    struct command_run *run = run_of(call);

    audit(run, arena_printf(call->arena, "refused (%s)", problem_condition(problem)));
    refuse(run, problem, why, NULL);
}

struct span command_value(const struct command_call *call, const char *var)
{
    const struct form_field *field = form_draft_field(&call->draft, var);

    if (field && field->value_count)
        return field->values[0];
    return form_draft_value(&call->before, var);
}

bool command_truth(const struct command_call *call, const char *var)
{
    struct span value = command_value(call, var);

    return span_is(value, "true") || span_is(value, "1");
}

struct filter {
    const struct command_place *place;
    void (*each)(void *data, const struct command_row *row);
    void *data;
};

static void each_allowed(void *data, const struct command_row *row)
{
    const struct filter *filter = data;

    if (command_may(filter->place, row))
        filter->each(filter->data, row);
}

void command_each(struct command_call *call, void (*each)(void *data, const struct command_row *row),
                  void *data)
{
    const struct command_run *run = run_of(call);

    commands_each(call->host->desk->hosts, run->place.service, call->arena, each_allowed,
                  &(struct filter){ &run->place, each, data });
}

bool command_is_declared(const struct command_call *call, struct span node)
{
    const struct command_run *run = run_of((struct command_call *)(uintptr_t)call);
    struct module_host *host;

    return command_find_declared(call->host->desk->hosts, run->place.service, node, &host) != NULL;
}

/* ---- the request ---- */

static struct span state_text(const struct xml_element *form, struct arena *arena)
{
    for (const struct xml_element *at = form ? xml_child(form, NS_DATA, "field") : NULL; at;
         at = xml_next(at, NS_DATA, "field"))
        if (span_is(xml_attribute(at, "var"), COMMAND_STATE_VAR)) {
            const struct xml_element *value = xml_child(at, NS_DATA, "value");

            return value ? xml_text(value, arena) : SPAN("");
        }
    return (struct span){ NULL, 0 };
}

/* The step before: what was said there is proposed again. Without the form's own field nobody knows where one
 * was, so it begins anew. */
static void go_back(struct command_run *run)
{
    unsigned back = run->state.step > 0 ? run->state.step - 1 : 0;
    size_t kept = 0;

    for (unsigned i = 0; i < back; i++)
        kept += run->earlier.counts[i];
    if (run->state.step > 0) {
        run->said = run->call.before.fields + kept;
        run->said_count = run->earlier.counts[back];
        run->call.before.fields = NULL; /* the old list stays as it is, for said */
        run->call.before.room = 0;
        run->call.before.count = 0;
        for (size_t i = 0; i < kept; i++)
            form_draft_add(&run->call.before, run->said - kept + i);
    }
    run->state.step = back;
    run->has_state = false;
    run->phase = RUN_SHOWING;
    begin_step(run);
}

/* A step of a session that was begun. */
static void go_on(struct command_run *run, enum command_action action)
{
    struct span sealed = state_text(run->form, run->call.arena);
    unsigned steps = 0;

    if (sealed.at && !command_state_open(sealed, run->sessionid, &run->owner, &run->state, &run->earlier)) {
        refuse(run, PROBLEM_bad_request, "This form belongs to another session", "bad-sessionid");
        return;
    }
    while (run->call.row->steps[steps].run)
        steps++;
    if (sealed.at && run->state.step >= steps) { /* the command is another one by now */
        refuse(run, PROBLEM_session_over, NULL, "session-expired");
        return;
    }
    if (action == COMMAND_PREV) {
        go_back(run);
        return;
    }
    if (sealed.at == NULL) {
        refuse(run, PROBLEM_bad_request, "The form of this step, with its hidden fields, must be sent",
               "bad-payload");
        return;
    }
    if ((action == COMMAND_NEXT && is_last(run)) || (action == COMMAND_COMPLETE && !is_last(run))) {
        refuse(run, PROBLEM_bad_request, "This step does not offer that action", "bad-action");
        return;
    }
    run->has_state = true;
    run->phase = RUN_TAKING;
    begin_step(run);
}

static void begin_session(struct command_run *run, enum command_action action)
{
    if (action == COMMAND_PREV || action == COMMAND_CANCEL) {
        refuse(run, PROBLEM_bad_request, "That action belongs to a session", "bad-sessionid");
        return;
    }
    command_session_begin(&run->session, clock_wall() / USEC_PER_SEC);
    run->sessionid = command_session_text(&run->session, &run->owner, run->call.arena);
    run->phase = run->form ? RUN_TAKING : RUN_SHOWING;
    begin_step(run);
}

static void take(struct command_run *run, struct span sessionid, enum command_action action)
{
    int64_t now = clock_wall() / USEC_PER_SEC;

    if (sessionid.size == 0) {
        begin_session(run, action);
        return;
    }
    run->sessionid = arena_copy(run->call.arena, sessionid);
    if (!command_session_read(sessionid, &run->owner, &run->session))
        refuse(run, PROBLEM_bad_request, "There is no such session of this command for you", "bad-sessionid");
    else if (run->session.born + COMMAND_SESSION_LIFE < now)
        refuse(run, PROBLEM_session_over, NULL, "session-expired");
    else if (action == COMMAND_CANCEL)
        answer_cancelled(run);
    else
        go_on(run, action);
}

static const char *bad_payload(const struct xml_element *element, const struct xml_element *form)
{
    size_t count = 0;

    for (const struct xml_element *at = form ? xml_child(form, NS_DATA, "field") : NULL; at;
         at = xml_next(at, NS_DATA, "field"))
        if (++count > FORM_FIELDS_MOST)
            return "The form has too many fields";
    if (form && xml_next(form, NS_DATA, "x"))
        return "One form is enough";
    if (form && !span_is(xml_attribute(form, "type"), "submit") &&
        !span_is(xml_attribute(form, "type"), "cancel"))
        return "This is no submitted form";
    if (form == NULL && xml_child(element, NULL, NULL) && !xml_child(element, NS_COMMANDS, NULL))
        return "This command takes data forms only";
    return NULL;
}

static struct command_run *make(struct desk *desk, const struct command_place *place,
                                const struct command_reply *reply, struct arena *arena, struct span node)
{
    struct command_run *run = arena_make(arena, struct command_run);

    OBJECT_BORN(run, command_run);
    OBJECT_BORN(&run->call, command_call);
    run->segment = desk->hosts->core.segment;
    run->place = *place;
    run->reply = *reply;
    run->owner = (struct command_owner){
        .key = run->segment->once.key, .bound = place->bound, .component = place->component, .node = node
    };
    run->call.arena = arena;
    run->call.component = place->component;
    run->call.user = place->asker.user;
    run->call.is_admin = place->asker.is_admin;
    run->call.way = place->asker.way;
    form_draft_begin(&run->call.before, arena, NULL);
    run->earlier.draft = &run->call.before;
    command_reply_run(reply, run);
    return run;
}

void command_execute(struct desk *desk, const struct command_place *place, const struct command_reply *reply,
                     struct arena *arena, const struct xml_element *element)
{
    struct span node = xml_attribute(element, "node"), named = xml_attribute(element, "action");
    enum command_action action = COMMAND_EXECUTE;
    const struct xml_element *form = xml_child(element, NS_DATA, "x");
    struct module_host *host = NULL;
    const struct command_row *row = NULL;
    struct command_run *run;

    if (node.size && node.size <= COMMAND_NODE_MOST)
        row = command_find(desk->hosts, place->service, node, arena, &host);
    if (row == NULL) {
        command_reply_error(reply, PROBLEM_not_found, "There is no such command here", NULL);
        return;
    }
    run = make(desk, place, reply, arena, node);
    run->call.row = row;
    run->call.host = host;
    run->form = form;
    if (!command_may(place, row)) {
        audit(run, "refused (forbidden)");
        refuse(run, PROBLEM_forbidden, NULL, NULL);
    } else if (named.at && !command_action_read(named, &action)) {
        refuse(run, PROBLEM_bad_request, "There is no such action", "malformed-action");
    } else if (action != COMMAND_CANCEL && bad_payload(element, form)) {
        refuse(run, PROBLEM_bad_request, bad_payload(element, form), "bad-payload");
    } else {
        if (form && span_is(xml_attribute(form, "type"), "cancel"))
            action = COMMAND_CANCEL;
        take(run, xml_attribute(element, "sessionid"), action);
    }
}
