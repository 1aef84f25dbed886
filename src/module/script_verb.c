/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script_verb.c - service:VERB(...): from Lua to the table of verbs and back.
 *
 * A wait hangs in its call from before the verb runs until its answer is on Lua's stack; so whatever goes
 * wrong between, it ends with the call. An answer that comes later is never given to Lua at once but from the
 * end of the loop's turn: a verb may answer from anywhere. */
#include "base/must.h"
#include "module/script_inside.h"

#include <json-c/json.h>
#include <stdlib.h>

#define WAITS_MOST 32 /* of one call at once */

static void release_json(void *at)
{
    json_object_put(at);
}

void script_wait_free(struct script_wait *wait)
{
    struct script *script = wait->call->script;

    list_remove(&wait->node);
    wait->call->wait_count--;
    task_cancel(&wait->soon);
    if (wait->thread)
        script_thread_drop(script, wait->thread);
    luaL_unref(script->state.sandbox->L, LUA_REGISTRYINDEX, wait->function);
    json_object_put(wait->json);
    buf_free(&wait->bytes);
    arena_free(&wait->arena);
    OBJECT_DEAD(wait);
    free(wait);
}

/* ---- what a verb may do ---- */
static void on_soon(struct task *task)
{
    script_resume(OBJECT(LIST_OF(task, struct script_wait, soon), script_wait));
}

static void answered(struct script_wait *wait)
{
    OBJECT(wait, script_wait);
    must(!wait->answered);
    wait->answered = true;
    if (!wait->running)
        task_defer(wait->call->script->engine->loop, &wait->soon, on_soon);
}

void script_answer(struct script_wait *wait, struct json_object *json)
{
    wait->json = json;
    answered(wait);
}

void script_answer_bytes(struct script_wait *wait, struct span bytes)
{
    wait->is_bytes = true;
    buf_add(&wait->bytes, bytes);
    answered(wait);
}

void script_refuse(struct script_wait *wait, const char *why)
{
    wait->refused = true;
    buf_text(&wait->bytes, why);
    answered(wait);
}

void *script_wait_data(const struct script_wait *wait)
{
    return wait->call->data;
}

struct arena *script_wait_arena(struct script_wait *wait)
{
    if (wait->arena == NULL)
        wait->arena = arena_new();
    return wait->arena;
}

void script_wait_on_cancel(struct script_wait *wait, void (*cancel)(struct script_wait *wait, void *data),
                           void *data)
{
    wait->cancel = cancel;
    wait->cancel_data = data;
}

/* ---- the answer, to Lua ---- */
/* Ends the wait. as_values: a refusal is nil and why, else an error. How many values, on top of other things.
 */
int script_push_answer(lua_State *L, struct script_wait *wait, bool as_values)
{
    struct scrap *tree = scrap_new(L, release_json), *text = scrap_new(L, scrap_buf);
    struct buf *bytes = must_alloc(sizeof(*bytes));
    bool refused = wait->refused, is_bytes = wait->is_bytes, is_xml = wait->verb->flags & VERB_ANSWERS_XML;

    tree->at = wait->json;
    wait->json = NULL;
    text->at = bytes;
    *bytes = wait->bytes;
    wait->bytes = (struct buf){ 0 };
    script_wait_free(wait);
    if (refused) {
        if (as_values)
            lua_pushnil(L);
        else
            luaL_where(L, 1);
        lua_pushlstring(L, bytes->at ? bytes->at : "", bytes->size);
        if (as_values)
            return 2;
        lua_concat(L, 2);
        return lua_error(L);
    }
    if (!is_bytes)
        script_push_json(L, tree->at);
    else if (is_xml)
        script_push_xml(L, buf_span(bytes));
    else
        lua_pushlstring(L, bytes->at ? bytes->at : "", bytes->size);
    scrap_drop(text);
    scrap_drop(tree);
    return 1;
}

static int verb_resumed(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    return script_push_answer(L, OBJECT((void *)context, script_wait), false);
}

/* ---- the call of a verb ---- */
/* The arguments from 2 to last as a JSON array in a scrap that is left on the stack. */
static struct scrap *take_arguments(lua_State *L, const struct script_verb *verb, int last)
{
    struct scrap *scrap = scrap_new(L, release_json);
    char why[200];

    scrap->at = json_object_new_array();
    for (int i = 2; i <= last; i++) {
        struct json_object *json = NULL;

        if (i == 2 && (verb->flags & VERB_TAKES_XML) && script_is_element(L, i)) {
            struct scrap *text = scrap_new(L, scrap_buf);
            struct buf *out = must_alloc(sizeof(*out));

            text->at = out;
            if (!script_element_text(L, i, out, why, sizeof(why)))
                luaL_error(L, "service:%s: argument %d: %s", verb->name, i - 1, why);
            json = json_object_new_string_len(out->at, (int)out->size);
            scrap_drop(text);
            lua_pop(L, 1);
        } else if (!script_to_json(L, i, &json, why, sizeof(why))) {
            luaL_error(L, "service:%s: argument %d: %s", verb->name, i - 1, why);
        }
        json_object_array_add(scrap->at, json);
    }
    return scrap;
}

/* The call that runs; raises when a verb has no place here. */
static struct script_call *check_call(lua_State *L, const struct script_verb *verb, bool sleeps)
{
    struct script *script = sandbox_of(L)->script;
    struct script_call *call = script->current;
    bool is_service;

    if (call == NULL)
        luaL_error(L, "service:%s: there is no call at work", verb->name);
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->state.service);
    is_service = lua_rawequal(L, 1, -1);
    lua_pop(L, 1);
    if (!is_service)
        luaL_error(L, "write service:%s(...), with a colon", verb->name);
    if (call->cancelled)
        luaL_error(L, "service:%s: the call is over", verb->name);
    if (call->wait_count >= WAITS_MOST)
        luaL_error(L, "service:%s: the call waits for %d things already", verb->name, WAITS_MOST);
    if (sleeps && !lua_isyieldable(L))
        luaL_error(L, "service:%s: cannot wait inside a function that sort, gsub or the like calls",
                   verb->name);
    return call;
}

static struct script_wait *wait_new(struct script_call *call, const struct script_verb *verb, int function)
{
    struct script_wait *wait = must_alloc(sizeof(*wait));

    OBJECT_BORN(wait, script_wait);
    wait->call = call;
    wait->verb = verb;
    wait->function = function;
    wait->running = true;
    list_append(&call->waits, &wait->node);
    call->wait_count++;
    return wait;
}

/* upvalue 1: the verb */
static int call_verb(lua_State *L)
{
    const struct script_verb *verb = lua_touserdata(L, lua_upvalueindex(1));
    bool waits = verb->flags & VERB_WAITS, by_function = waits && lua_isfunction(L, -1);
    struct script_call *call = check_call(L, verb, waits && !by_function);
    int last = lua_gettop(L) - (by_function ? 1 : 0), function = LUA_NOREF;
    struct scrap *arguments = take_arguments(L, verb, last);
    struct script_wait *wait;

    if (by_function) {
        lua_pushvalue(L, last + 1);
        function = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    wait = wait_new(call, verb, function);
    verb->run(wait, arguments->at);
    wait->running = false;
    scrap_drop(arguments);
    if (call->cancelled)
        return luaL_error(L, "service:%s: the call is over", verb->name);
    must(wait->answered || waits);
    if (by_function) {
        if (wait->answered)
            task_defer(call->script->engine->loop, &wait->soon, on_soon);
        return 0;
    }
    if (wait->answered)
        return script_push_answer(L, wait, false);
    must(call->thread->L == L);
    wait->thread = call->thread;
    return lua_yieldk(L, 0, (lua_KContext)wait, verb_resumed);
}

void script_service_push(lua_State *L, struct script *script)
{
    const struct script_verb *verb = script->engine->verbs;

    lua_newuserdatauv(L, 0, 0);
    lua_newtable(L);
    lua_newtable(L);
    for (; verb && verb->name; verb++) {
        lua_pushlightuserdata(L, (void *)(uintptr_t)verb);
        lua_pushcclosure(L, call_verb, 1);
        lua_setfield(L, -2, verb->name);
    }
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushliteral(L, "service");
    lua_setfield(L, -2, "__name");
    lua_setmetatable(L, -2);
}
