/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script_call.c - one handler at work: from its arguments to the one outcome.
 *
 * A call runs in stretches. Each is one resume of a Lua thread: of the handler, of what slept in a verb, or
 * of a function that a verb's answer is given to. When a stretch ends the call is settled: it answered, it
 * died, it waits for something, or it can never answer any more. Nothing is told to anybody within a stretch,
 * so whoever is told may do what it likes. */
#include "base/must.h"
#include "module/script_inside.h"
#include "os/log.h"

#include <stdlib.h>

#define ARGS_MOST 64

/* ---- the end ---- */
static void take_from_script(struct script_call *call)
{
    struct list *node;

    list_remove(&call->node);
    call->script->call_count--;
    timer_stop(&call->deadline);
    while ((node = call->waits.next) != &call->waits) {
        struct script_wait *wait = LIST_OF(node, struct script_wait, node);

        if (!wait->answered && wait->cancel)
            wait->cancel(wait, wait->cancel_data);
        script_wait_free(wait);
    }
}

static void call_free(struct script_call *call)
{
    json_object_put(call->json);
    json_object_put(call->request);
    buf_free(&call->bytes);
    buf_free(&call->type);
    script_reply_free(&call->reply);
    OBJECT_DEAD(call);
    free(call);
}

/* What the script gave. headers: of the caller, for as long as the outcome. */
static struct script_outcome answer_of(struct script_call *call, struct script_header *headers)
{
    struct script_outcome outcome = { .kind = call->kind, .json = call->json };
    const struct script_reply *reply = &call->reply;

    outcome.text = buf_span(&call->bytes);
    outcome.type = buf_span(&call->type);
    if (call->kind != SCRIPT_RESPONSE)
        return outcome;
    outcome.status = reply->status;
    outcome.text = buf_span(&reply->body);
    outcome.type = buf_span(&reply->type);
    outcome.headers = headers;
    outcome.header_count = reply->header_count;
    for (size_t i = 0; i < reply->header_count; i++) {
        const struct reply_place *place = &reply->headers[i];

        headers[i].name = span_make(reply->names.at + place->name, place->name_size);
        headers[i].value = span_make(reply->names.at + place->value, place->value_size);
    }
    return outcome;
}

static void tell(struct script_call *call)
{
    struct script_header headers[REPLY_HEADERS_MOST];
    struct script_outcome outcome = answer_of(call, headers);

    call->done(call->data, &outcome);
    call_free(call);
}

static void tell_failure(struct script_call *call, enum script_failure failure, struct span why)
{
    struct script_outcome outcome = { .kind = SCRIPT_FAILED, .failure = failure, .why = why };

    call->done(call->data, &outcome);
    call_free(call);
}

void script_call_end(struct script_call *call, enum script_failure failure, struct span why)
{
    take_from_script(call);
    tell_failure(call, failure, why);
}

static void on_deadline(struct timer *timer)
{
    struct script_call *call = OBJECT(LIST_OF(timer, struct script_call, deadline), script_call);

    script_call_end(call, SCRIPT_TOO_LONG, SPAN("no answer within the time that a call may take"));
}

static void settle_failed(struct script_call *call, enum run run, struct span why)
{
    struct script *script = call->script;
    enum script_failure failure = run == RUN_TOO_LARGE  ? SCRIPT_TOO_LARGE
                                  : run == RUN_TOO_LONG ? SCRIPT_TOO_LONG
                                                        : SCRIPT_THREW;

    take_from_script(call);
    script_shrink(script);
    if (call->answered) {
        log_warn("script %s failed behind its answer: %.*s", script->path, SPAN_ARG(why));
        tell(call);
    } else {
        tell_failure(call, failure, why);
    }
}

static void settle(struct script_call *call, enum run run, struct span why)
{
    struct script *script = call->script;

    if (call->cancelled) {
        take_from_script(call);
        call_free(call);
        script_shrink(script);
    } else if (run != RUN_DONE && run != RUN_WAITS) {
        settle_failed(call, run, why);
    } else if (call->answered) {
        take_from_script(call);
        tell(call);
    } else if (call->wait_count == 0) {
        script_call_end(call, SCRIPT_SILENT, SPAN("it returned without calling back, and waits for nothing"));
    } else if (!list_linked(&call->deadline.node)) {
        timer_set(script->engine->loop, &call->deadline,
                  loop_now(script->engine->loop) + script->engine->limits.answer_most, on_deadline);
    }
}

/* The call may be gone after this. */
static void stretch(struct script_call *call, struct script_thread *thread, int arguments)
{
    struct script *script = call->script;
    struct script_call *before = script->current;
    struct buf why = { 0 };
    enum run run;

    script->current = call;
    call->thread = thread;
    run = sandbox_run(script->state.sandbox, thread->L, arguments, &thread->pcalls,
                      script->engine->limits.cpu_most, &why);
    call->thread = NULL;
    script->current = before;
    if (run == RUN_DONE)
        script_thread_put(script, thread);
    else if (run != RUN_WAITS)
        script_thread_drop(script, thread);
    settle(call, run, buf_span(&why));
    buf_free(&why);
}

/* ---- Lua's side ---- */
struct script_call *script_call_find(struct script *script, lua_Integer number)
{
    if (script->current && script->current->number == number)
        return script->current;
    LIST_EACH (node, &script->calls) {
        struct script_call *call = LIST_OF(node, struct script_call, node);

        if (call->number == number)
            return call;
    }
    return NULL;
}

/* Takes the value at 1 as the answer; a function has a stretch of its own until it is one. */
static int take_answer(lua_State *L, struct script_call *call)
{
    char why[200];
    struct span type, data;

    buf_clear(&call->bytes); /* of an attempt that was refused, and caught */
    buf_clear(&call->type);
    switch (lua_type(L, 1)) {
    case LUA_TNIL:
        call->kind = SCRIPT_NOTHING;
        break;
    case LUA_TFUNCTION:
        return script_respond(L, call, 1);
    case LUA_TSTRING:
    case LUA_TNUMBER:
        call->kind = SCRIPT_TEXT;
        data.at = lua_tolstring(L, 1, &data.size);
        buf_add(&call->bytes, data);
        break;
    case LUA_TTABLE:
        if (script_result_read(L, 1, &type, &data)) {
            call->kind = SCRIPT_RESULT;
            buf_add(&call->type, type);
            buf_add(&call->bytes, data);
        } else if (script_is_element(L, 1)) {
            call->kind = SCRIPT_RESULT;
            if (!script_element_text(L, 1, &call->bytes, why, sizeof(why)))
                return luaL_error(L, "callback: %s", why);
            buf_text(&call->type, "application/xml");
        } else {
            call->kind = SCRIPT_TABLE;
            if (!script_to_json(L, 1, &call->json, why, sizeof(why)))
                return luaL_error(L, "callback: %s", why);
        }
        break;
    default:
        return luaL_error(L, "callback: a %s cannot be an answer", luaL_typename(L, 1));
    }
    call->answered = true;
    return 0;
}

/* upvalue 1: the call's number */
static int call_back(lua_State *L)
{
    struct script *script = sandbox_of(L)->script;
    struct script_call *call = script_call_find(script, lua_tointeger(L, lua_upvalueindex(1)));

    lua_settop(L, 1);
    if (call == NULL || call->answered) {
        sandbox_log(sandbox_of(L), SPAN("callback was called again; a call has one answer"));
        return 0;
    }
    if (call != script->current)
        return luaL_error(L, "this callback belongs to another call, which waits for something");
    return take_answer(L, call);
}

void script_callback_push(lua_State *L, struct script_call *call)
{
    lua_pushinteger(L, call->number);
    lua_pushcclosure(L, call_back, 1);
}

static void push_argument(lua_State *L, const struct script_arg *arg)
{
    switch (arg->kind) {
    case ARG_NULL:
        lua_pushnil(L);
        break;
    case ARG_TEXT:
        lua_pushlstring(L, arg->text.at ? arg->text.at : "", arg->text.size);
        break;
    case ARG_JSON:
    case ARG_REQUEST:
    case ARG_BESIDE:
        script_push_json(L, arg->json);
        break;
    }
}

static int entered(lua_State *L, int status, lua_KContext context)
{
    (void)L;
    (void)status;
    (void)context;
    return 0;
}

/* The body of the handler's thread: arguments are made here, where running out of memory is an error like any
 * other. */
static int enter(lua_State *L)
{
    struct script_call *call = OBJECT(lua_touserdata(L, 1), script_call);
    const struct script_state *state = &call->script->state;
    int count = 2;

    luaL_checkstack(L, ARGS_MOST + 8, NULL);
    lua_settop(L, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, state->handlers[call->method]);
    lua_rawgeti(L, LUA_REGISTRYINDEX, state->service);
    script_callback_push(L, call);
    for (unsigned i = 0; i < call->arg_count; i++) {
        if (call->args[i].kind == ARG_BESIDE)
            continue;
        push_argument(L, &call->args[i]);
        count++;
    }
    lua_callk(L, count, 0, 0, entered);
    return 0;
}

/* The body of the thread of a function that gets a verb's answer: function(answer), or (nil, why). */
static int enter_function(lua_State *L)
{
    struct script_wait *wait = OBJECT(lua_touserdata(L, 1), script_wait);
    int count;

    lua_settop(L, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, wait->function);
    count = script_push_answer(L, wait, true);
    lua_rotate(L, 2, count); /* what it left below its values goes */
    lua_settop(L, 1 + count);
    lua_callk(L, count, 0, 0, entered);
    return 0;
}

/* ---- beginning and going on ---- */
static struct script_call *call_new(struct script *script, enum http_method method,
                                    const struct script_arg *args, unsigned count)
{
    struct script_call *call = must_alloc(sizeof(*call));

    OBJECT_BORN(call, script_call);
    call->script = script;
    call->number = ++script->last_number;
    call->method = method;
    call->args = args;
    call->arg_count = count;
    list_init(&call->waits);
    for (unsigned i = 0; i < count; i++)
        if (args[i].kind == ARG_REQUEST || args[i].kind == ARG_BESIDE)
            call->request = json_object_get(args[i].json);
    list_append(&script->calls, &call->node);
    script->call_count++;
    return call;
}

static void refuse(void (*done)(void *data, const struct script_outcome *outcome), void *data,
                   enum script_failure failure, const char *why)
{
    struct script_outcome outcome = { .kind = SCRIPT_FAILED, .failure = failure, .why = span_of(why) };

    done(data, &outcome);
}

struct script_call *script_run(struct script *script, enum http_method method, const struct script_arg *args,
                               unsigned count, void (*done)(void *data, const struct script_outcome *outcome),
                               void *data)
{
    struct script_thread *thread;
    struct script_call *call;
    lua_Integer number;

    OBJECT(script, script);
    must(count <= ARGS_MOST);
    if (method == HTTP_HEAD)
        method = HTTP_GET;
    if (!(script->about.methods & 1u << method)) {
        refuse(done, data, SCRIPT_THREW, "the script has no function for this method");
        return NULL;
    }
    if (script->call_count >= script->engine->limits.calls_most) {
        refuse(done, data, SCRIPT_BUSY, "as many calls as are allowed at once are at work");
        return NULL;
    }
    thread = script_thread_take(script);
    if (thread == NULL) {
        script_shrink(script);
        thread = script_thread_take(script);
    }
    if (thread == NULL) {
        refuse(done, data, SCRIPT_TOO_LARGE, "the script used up its memory");
        return NULL;
    }
    call = call_new(script, method, args, count);
    call->done = done;
    call->data = data;
    number = call->number;
    lua_pushcfunction(thread->L, enter);
    lua_pushlightuserdata(thread->L, call);
    stretch(call, thread, 1);
    call = script_call_find(script, number); /* unless it is over */
    if (call)
        call->args = NULL;
    return call;
}

void script_resume(struct script_wait *wait)
{
    struct script_call *call = wait->call;
    struct script_thread *thread = wait->thread;
    int arguments = 0;

    wait->thread = NULL;
    if (thread == NULL) {
        thread = script_thread_take(call->script);
        if (thread == NULL) {
            script_call_end(call, SCRIPT_TOO_LARGE, SPAN("the script used up its memory"));
            return;
        }
        lua_pushcfunction(thread->L, enter_function);
        lua_pushlightuserdata(thread->L, wait);
        arguments = 1;
    }
    stretch(call, thread, arguments);
}

void script_cancel(struct script_call *call)
{
    if (call == NULL)
        return;
    OBJECT(call, script_call);
    if (call->script->current == call) {
        call->cancelled = true;
        return;
    }
    take_from_script(call);
    call_free(call);
}
