/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: adhoc_run.c - POST /rest/adhoc/{jid}: a command is executed, as the user who logged in.
 *
 * The wire contract knows one request and one answer; commands of most servers want two steps of one session.
 * So: execute; when a form comes and the caller gave fields, fill that very form and send it back, until the
 * command is completed. Without fields the form is the answer, and the session behind it is cancelled so that
 * nothing stays open. A caller who sends an action or a sessionid goes step by step instead, and nothing is
 * done for him.
 * Success is judged as the servers mean it: a command that was "completed" with a note of type error has
 * failed, and is answered with 422 and the same object (200 under reference-errors, whose callers read the
 * note).
 * Always a form with next, prev and complete, and always a deadline: one server never answers without. */
#include "adhoc.h"

#include "base/clock.h"

#include <json-c/json.h>

#define STEPS_MOST     8                   /* of one command that is executed whole; each is an IQ */
#define FAREWELL_USEC  (10 * USEC_PER_SEC) /* for a cancel that nobody waits for */
#define NODE_MOST      2048
#define SESSIONID_MOST 1024

/* What the caller wants. Texts are borrowed from the call. */
struct wish {
    struct span node, sessionid;
    enum command_action action;
    bool is_driven; /* step by step */
    struct form_answers answers;
};

/* One execution. In an arena of its own, as it outlives a caller who leaves while a session is being opened:
 * it must be closed then. */
struct run {
    OBJECT_MAGIC
    struct arena *arena;      /* owned */
    struct rest_call *call;   /* borrowed; NULL: the caller is gone */
    struct module_host *host; /* borrowed */
    struct adhoc_place place;
    struct adhoc_owner owner; /* texts in arena; owner.to is whom we talk with */
    struct command_asker asker;
    struct wish wish; /* of no use without call */
    struct ask ask;
    int64_t deadline;          /* clock_mono */
    unsigned steps;            /* forms that were sent */
    struct json_object *reply; /* owned; the answer, while an account is being forgotten */
    int status;                /* of it */
};

/* ---- ends ---- */

/* The call, to be answered: it may be gone when that returns. */
static struct rest_call *run_leave(struct run *run)
{
    struct rest_call *call = run->call;

    if (call) {
        call->on_cancel = NULL;
        call->data = NULL;
    }
    run->call = NULL;
    return call;
}

static struct rest_call *run_end(struct run *run)
{
    struct rest_call *call = run_leave(run);
    struct arena *arena = run->arena;

    ask_cancel(&run->ask);
    json_object_put(run->reply);
    OBJECT_DEAD(run);
    arena_free(&arena);
    return call;
}

struct farewell {
    OBJECT_MAGIC
    struct ask ask;
    struct arena *arena; /* owned; holds this */
};

static void on_farewell(struct ask *ask)
{
    struct farewell *farewell = OBJECT(ask->data, farewell);
    struct arena *arena = farewell->arena;

    OBJECT_DEAD(farewell);
    arena_free(&arena);
}

/* Tells the server that a session is over. Whether it agrees is nobody's business. */
static void say_farewell(const struct run *run, struct span sessionid)
{
    struct arena *arena = arena_new();
    struct farewell *farewell = arena_make(arena, struct farewell);
    struct buf payload = { 0 };

    OBJECT_BORN(farewell, farewell);
    farewell->arena = arena;
    farewell->ask.done = on_farewell;
    farewell->ask.data = farewell;
    command_write(&payload, run->owner.node, sessionid, COMMAND_CANCEL, SPAN(""));
    command_ask_any(run->host, &farewell->ask, arena, &run->asker, run->owner.to, IQ_SET, buf_span(&payload),
                    FAREWELL_USEC);
    buf_free(&payload);
}

static void reply(struct run *run)
{
    struct json_object *map = run->reply;
    int status = run->status;

    run->reply = NULL;
    rest_answer_status(run_end(run), status, map);
}

static void on_forgotten(struct ask *ask)
{
    struct run *run = OBJECT(ask->data, run);

    if (run->call)
        reply(run);
    else
        run_end(run);
}

static void forget(struct run *run, struct span jid)
{
    ask_cancel(&run->ask); /* the one before: letters are read in their order, so the last answer is enough */
    run->ask = (struct ask){ .done = on_forgotten, .data = run };
    ask_logout(run->host, &run->ask, run->arena, jid);
}

/* What was proved of an account counts no more once its password is another one, or it is gone: some servers
 * leave its sessions running. Believed of a server for its own accounts only. false: no account changed. */
static bool forget_changed(struct run *run, const struct command *command)
{
    const struct form_answers *answers = &run->wish.answers;
    struct span node = run->owner.node;
    bool changed = false;

    if (command->status != COMMAND_COMPLETED || command->has_failed || !adhoc_changes_accounts(node))
        return false;
    for (size_t i = 0; i < answers->count; i++) {
        const struct form_answer *one = &answers->all[i];

        if (!adhoc_names_accounts(one->var))
            continue;
        for (size_t k = 0; k < one->count; k++) {
            struct jid jid;

            if (!jid_parse(run->arena, one->values[k], &jid) || !span_eq(jid.domain, run->owner.to))
                continue;
            forget(run, jid_bare_text(run->arena, jid));
            changed = true;
        }
    }
    return changed;
}

/* Also when the form comes again because what was filled in is not good: nobody but the caller can mend that.
 */
static bool has_failed(const struct run *run, const struct command *command)
{
    return command->has_failed ||
           (!run->wish.is_driven && command->note && span_is(xml_attribute(command->note, "type"), "error"));
}

static void answer(struct run *run, const struct command *command, bool has_state)
{
    struct rest_call *call = run->call;
    struct arena *arena = call->request->arena;
    struct json_object *inner = command_map(command, run->place.shown, run->wish.node, arena);
    struct json_object *map = json_object_new_object();

    if (has_state) {
        struct span shown = SPAN("");

        if (command->sessionid.size)
            shown = adhoc_sign(&run->host->segment->auth, arena, &run->owner, command->sessionid);
        command_add_state(inner, command, shown);
    }
    json_object_object_add(map, "command", inner);
    run->reply = map;
    run->status = has_failed(run, command) && !call->rest->conf->reference_errors ? 422 : 200;
    if (!forget_changed(run, command))
        reply(run);
}

static void refuse(struct run *run, const char *why)
{
    const char *kept = arena_text(run->call->request->arena, span_of(why));

    rest_problem(run_end(run), PROBLEM_bad_request, kept);
}

/* ---- steps ---- */

static void on_answer(struct ask *ask);

static void send_step(struct run *run, struct span sessionid, enum command_action action, struct span form)
{
    int64_t left = run->deadline - clock_mono();
    struct buf payload = { 0 };

    run->ask.done = on_answer;
    run->ask.data = run;
    command_write(&payload, run->owner.node, sessionid, action, form);
    command_ask_any(run->host, &run->ask, run->arena, &run->asker, run->owner.to, IQ_SET, buf_span(&payload),
                    left > 0 ? left : 1);
    buf_free(&payload);
}

static void send_first(struct run *run)
{
    const struct wish *wish = &run->wish;
    struct buf form = { 0 };

    /* A first step of one's own may bring its form along; the next ones must, cancel aside. */
    if (wish->is_driven && wish->action != COMMAND_CANCEL &&
        (wish->sessionid.size > 0 || wish->answers.count > 0))
        form_submit(&wish->answers, &form);
    send_step(run, wish->sessionid, wish->action, buf_span(&form));
    buf_free(&form);
}

/* A form came back, and the caller said something to put into it. */
static void go_on(struct run *run, const struct command *command)
{
    struct form_answers *answers = &run->wish.answers;
    bool is_last = command->usual != COMMAND_NEXT;
    struct buf form = { 0 };
    const char *why = NULL;
    bool is_filled;

    if (command->form == NULL || run->steps >= STEPS_MOST ||
        (run->steps > 0 && !form_answers_left(answers))) {
        answer(run, command, true);
        return;
    }
    is_filled = form_fill(command->form, answers, is_last, run->arena, &form, &why);
    if (is_filled) {
        run->steps++;
        send_step(run, command->sessionid, command->usual, buf_span(&form));
    } else if (run->steps > 0) {
        answer(run, command, true); /* it has begun: the caller sees where it stands */
    } else {
        say_farewell(run, command->sessionid);
        refuse(run, why);
    }
    buf_free(&form);
}

static void take_command(struct run *run, const struct command *command)
{
    if (run->wish.is_driven) {
        answer(run, command, true);
    } else if (command->status != COMMAND_EXECUTING) {
        answer(run, command, false);
    } else if (run->wish.answers.count > 0) {
        go_on(run, command);
    } else {
        say_farewell(run, command->sessionid);
        answer(run, command, false);
    }
}

/* Whether the error only says that the commands are somewhere else, and that place is asked now. */
static bool ask_elsewhere(struct run *run)
{
    if (run->place.other.size == 0 || run->steps > 0 || !adhoc_is_elsewhere(run->ask.answer))
        return false;
    run->owner.to = run->place.other;
    run->place.other = SPAN("");
    send_first(run);
    return true;
}

static void on_answer(struct ask *ask)
{
    struct run *run = OBJECT(ask->data, run);
    struct command command;
    bool is_good = ask->problem == PROBLEM_none && !ask->is_error && command_read(ask->answer, &command);

    if (run->call == NULL) {
        if (is_good && command.status == COMMAND_EXECUTING)
            say_farewell(run, command.sessionid);
        run_end(run);
    } else if (is_good) {
        take_command(run, &command);
    } else if (ask->problem != PROBLEM_none) {
        struct ask copy = *ask;

        rest_ask_failed(run_end(run), &copy, adhoc_post);
    } else if (!ask->is_error) {
        rest_problem(run_end(run), PROBLEM_bad_gateway,
                     "The XMPP entity answered something that is no command");
    } else if (!ask_elsewhere(run)) {
        rest_stanza_error(run_leave(run), ask->answer);
        run_end(run);
    }
}

/* ---- what is wanted ---- */

static bool say_bad(struct rest_call *call, const char *why)
{
    rest_problem(call, PROBLEM_bad_request, why);
    return false;
}

/* A text member that may be absent; false: it is something else, or too long. */
static bool read_text(struct json_object *map, const char *name, size_t most, struct span *text_r)
{
    struct json_object *member = json_member(map, name);

    *text_r = SPAN("");
    return member == NULL || (json_text(member, text_r) && text_r->size <= most);
}

static bool read_steps(struct rest_call *call, struct json_object *command, struct wish *wish)
{
    struct span action;

    if (!read_text(command, "sessionid", SESSIONID_MOST, &wish->sessionid) ||
        !read_text(command, "action", 16, &action))
        return say_bad(call, "\"sessionid\" and \"action\" are texts");
    if (action.size > 0 && !command_action_read(action, &wish->action))
        return say_bad(call, "The \"action\" is one of execute, next, prev, complete and cancel");
    wish->is_driven = action.size > 0 || wish->sessionid.size > 0;
    if (wish->sessionid.size == 0 && wish->action != COMMAND_EXECUTE)
        return say_bad(call, "That \"action\" belongs to a \"sessionid\", which the answer of the first step "
                             "holds; begin with execute");
    return true;
}

static bool read_wish(struct rest_call *call, struct wish *wish)
{
    struct json_object *command = json_member(call->content, "command");
    const char *why;

    if (call->content == NULL && call->body.size > 0) {
        rest_problem(call, PROBLEM_media_not_understood,
                     "The body must be JSON or XML, and its Content-Type must say which");
        return false;
    }
    if (!json_object_is_type(command, json_type_object))
        return say_bad(call, "The body must be one object, \"command\", with a \"node\" in it");
    if (!read_text(command, "node", NODE_MOST, &wish->node))
        return say_bad(call, "The \"node\" is a text, and not as long as this");
    if (wish->node.size == 0) { /* 404: what callers of the reference expect */
        rest_problem(call, PROBLEM_not_found, "The command has no \"node\", which says which one is meant");
        return false;
    }
    if (!read_steps(call, command, wish))
        return false;
    return form_answers_read(json_member(command, "fields"), call->request->arena, &wish->answers, &why) ||
           say_bad(call, why);
}

/* The id must have been given to this user, for this command; *to_r is where its session is. */
static bool find_session(struct rest_call *call, const struct adhoc_place *place, struct wish *wish,
                         struct span *to_r)
{
    const struct auth_cache *cache = &call->rest->host->segment->auth;
    struct adhoc_owner owner = { "rest", call->login.jid, place->to, wish->node };

    if (wish->sessionid.size == 0 || adhoc_verify(cache, wish->sessionid, &owner, &wish->sessionid))
        return true;
    owner.to = *to_r = place->other;
    if (owner.to.size > 0 && adhoc_verify(cache, wish->sessionid, &owner, &wish->sessionid))
        return true;
    rest_problem(call, PROBLEM_not_found, "There is no such session of this command for this user");
    return false;
}

static bool may_run(struct rest_call *call, struct span node)
{
    if (key_allows_node(&call->scope, node))
        return true;
    rest_problem(call, PROBLEM_forbidden,
                 arena_printf(call->request->arena, "This key does not cover the command %.*s",
                              SPAN_ARG(span_head(node, 200))));
    return false;
}

/* A session may be about to open: then somebody has to stay and close it. */
static void on_cancel(struct rest_call *call)
{
    struct run *run = OBJECT(call->data, run);

    if (run->steps == 0 && !run->wish.is_driven && run->reply == NULL) {
        run->call = NULL;
        call->data = NULL;
        return;
    }
    run_end(run);
}

void adhoc_post(struct rest_call *call)
{
    int64_t wait = call->rest->conf->adhoc_timeout;
    struct adhoc_place place;
    struct wish wish = { .action = COMMAND_EXECUTE };
    struct arena *arena;
    struct span to;
    struct run *run;

    if (!adhoc_place_of(call, &place) || !read_wish(call, &wish) || !may_run(call, wish.node))
        return;
    to = place.to;
    if (!find_session(call, &place, &wish, &to))
        return;
    arena = arena_new();
    run = arena_make(arena, struct run);
    OBJECT_BORN(run, run);
    run->arena = arena;
    run->call = call;
    run->host = call->rest->host;
    run->place = place;
    run->place.other = arena_copy(arena, place.other);
    run->owner.front = "rest";
    run->owner.user = arena_copy(arena, call->login.jid);
    run->asker = (struct command_asker){ run->owner.user, call->login.is_admin, COMMAND_BY_REST };
    run->owner.to = arena_copy(arena, to);
    run->owner.node = arena_copy(arena, wish.node);
    run->wish = wish;
    run->deadline = clock_mono() + (wait ? wait : call->rest->host->settings->xmpp->iq_timeout);
    call->data = run;
    call->on_cancel = on_cancel;
    send_first(run);
}
