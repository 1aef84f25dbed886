/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script.c - engine and scripts: a file becomes a state with handlers, and anew if need
 * be.
 *
 * One Lua state per file: its memory cap, a time-out of it and its reload concern nobody else, and scripts
 * cannot see each other. Calls are in script_call.c, verbs in script_verb.c. */
#include "base/clock.h"
#include "base/must.h"
#include "module/script_inside.h"
#include "os/log.h"

#include <stdio.h>
#include <stdlib.h>

#define LOAD_USEC (1000 * USEC_PER_MSEC) /* a file may make tables at its start */

static const struct {
    const char *name;
    enum http_method method;
} methods[] = {
    { "exec_get", HTTP_GET },
    { "exec_post", HTTP_POST },
    { "exec_put", HTTP_PUT },
    { "exec_delete", HTTP_DELETE },
};

#define METHODS (sizeof(methods) / sizeof(methods[0]))

struct script_engine *script_engine_new(struct loop *loop, const struct script_limits *limits,
                                        const struct script_verb *verbs)
{
    struct script_engine *engine = must_alloc(sizeof(*engine));

    OBJECT_BORN(engine, script_engine);
    engine->loop = loop;
    engine->limits = *limits;
    engine->verbs = verbs;
    meter_open();
    return engine;
}

void script_engine_free(struct script_engine **engine)
{
    if (*engine == NULL)
        return;
    OBJECT_DEAD(*engine);
    meter_close();
    free(*engine);
    *engine = NULL;
}

/* ---- threads: a finished one serves the next call ---- */
struct birth {
    struct script *script;
    struct script_thread *thread;
};

static int make_thread(lua_State *L)
{
    struct script_thread *thread = lua_touserdata(L, 1);

    thread->L = lua_newthread(L);
    thread->reference = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

struct script_thread *script_thread_take(struct script *script)
{
    struct list *node = list_take(&script->idle);
    struct script_thread *thread;

    if (node) {
        script->idle_count--;
        return LIST_OF(node, struct script_thread, node);
    }
    thread = must_alloc(sizeof(*thread));
    if (sandbox_protected(script->state.sandbox, make_thread, thread, 0))
        return thread;
    free(thread);
    return NULL;
}

/* Only one that ran to its end. */
void script_thread_put(struct script *script, struct script_thread *thread)
{
    if (script->idle_count >= THREADS_IDLE) {
        script_thread_drop(script, thread);
        return;
    }
    lua_settop(thread->L, 0);
    list_append(&script->idle, &thread->node);
    script->idle_count++;
}

/* Without lua_resetthread: that would run what the script left to be closed. */
void script_thread_drop(struct script *script, struct script_thread *thread)
{
    luaL_unref(script->state.sandbox->L, LUA_REGISTRYINDEX, thread->reference);
    free(thread);
}

/* ---- building ---- */
struct building {
    struct script *script;
    struct script_state *state;
    struct script_about *about;
    char *why;
    size_t why_size;
    bool good;
};

static bool complain(struct building *building, const char *what)
{
    snprintf(building->why, building->why_size, "%s: %s", building->script->path, what);
    return false;
}

/* Pushes the member of that name of the table at 2; nil is fine, any other type than the wanted is not. Raw:
 * no metamethod of a script runs here. */
static bool take_field(lua_State *L, struct building *building, const char *name, int type)
{
    char what[120];
    int found;

    lua_pushstring(L, name);
    found = lua_rawget(L, 2);
    if (found == type || found == LUA_TNIL)
        return true;
    snprintf(what, sizeof(what), "%s is a %s, not a %s", name, lua_typename(L, found), lua_typename(L, type));
    return complain(building, what);
}

static bool take_text(lua_State *L, struct building *building, const char *name, struct span *text_r)
{
    if (!take_field(L, building, name, LUA_TSTRING))
        return false;
    if (!lua_isnil(L, -1)) {
        text_r->at = lua_tolstring(L, -1, &text_r->size);
        *text_r = arena_copy(building->script->arena, *text_r);
    }
    lua_pop(L, 1);
    return true;
}

static bool take_truth(lua_State *L, struct building *building, const char *name, bool *truth)
{
    if (!take_field(L, building, name, LUA_TBOOLEAN))
        return false;
    if (!lua_isnil(L, -1))
        *truth = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return true;
}

static bool take_handlers(lua_State *L, struct building *building)
{
    for (size_t i = 0; i < METHODS; i++) {
        int *handler = &building->state->handlers[methods[i].method];

        *handler = LUA_NOREF;
        if (!take_field(L, building, methods[i].name, LUA_TFUNCTION))
            return false;
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            continue;
        }
        building->about->methods |= 1u << methods[i].method;
        *handler = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    return building->about->methods ||
           complain(building, "none of exec_get, exec_put, exec_post, exec_delete");
}

static bool take_description(lua_State *L, struct building *building)
{
    char why[160], what[240];

    if (!take_field(L, building, "description", LUA_TTABLE))
        return false;
    if (!lua_isnil(L, -1) && !script_to_json(L, -1, &building->about->description, why, sizeof(why))) {
        snprintf(what, sizeof(what), "description: %s", why);
        return complain(building, what);
    }
    lua_pop(L, 1);
    return true;
}

static bool take_regex(lua_State *L, struct building *building)
{
    struct span *text = &building->about->regex;
    char why[200], what[240];
    struct regex *regex;

    if (!take_text(L, building, "regex", text))
        return false;
    if (text->size == 0)
        return complain(building, "regex is missing: the paths that it answers");
    regex = regex_new(*text, REGEX_WHOLE, why, sizeof(why));
    if (regex == NULL) {
        snprintf(what, sizeof(what), "regex: %s", why);
        return complain(building, what);
    }
    regex_free(&regex);
    return true;
}

/* Arguments: the building, what the file returned. */
static int describe(lua_State *L)
{
    struct building *building = lua_touserdata(L, 1);
    struct script_about *about = building->about;

    if (!lua_istable(L, 2)) {
        complain(building, "it does not return a table");
        return 0;
    }
    about->decode_content = about->api_key = true;
    if (!take_regex(L, building) || !take_text(L, building, "required_role", &about->required_role) ||
        !take_truth(L, building, "is_async", &about->is_async) ||
        !take_truth(L, building, "decode_content", &about->decode_content) ||
        !take_truth(L, building, "api_key", &about->api_key) || !take_handlers(L, building) ||
        !take_description(L, building))
        return 0;
    script_service_push(L, building->script);
    building->state->service = luaL_ref(L, LUA_REGISTRYINDEX);
    building->good = true;
    return 0;
}

/* A state and its description from the text. false: neither is there, why_r. */
static bool build(struct script *script, struct script_state *state, struct script_about *about, char *why_r,
                  size_t why_size)
{
    struct building building = { script, state, about, why_r, why_size, false };
    struct buf why = { 0 };

    state->sandbox = sandbox_open(script->engine->loop, script->engine->limits.memory_most,
                                  script->about.name.at, script->lib);
    if (state->sandbox == NULL)
        return complain(&building, "the memory that scripts may have is too small for any");
    state->sandbox->script = script;
    if (sandbox_load(state->sandbox, script->path, script->text, LOAD_USEC, &why) != RUN_DONE)
        snprintf(why_r, why_size, "%.*s", SPAN_ARG(buf_span(&why)));
    else if (!sandbox_protected(state->sandbox, describe, &building, 1))
        building.good = complain(&building, "the script used up its memory");
    buf_free(&why);
    if (building.good)
        return true;
    json_object_put(about->description);
    about->description = NULL;
    sandbox_close(&state->sandbox);
    return false;
}

static struct span name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct span name = span_of(slash ? slash + 1 : path);

    if (span_ends(name, SPAN(".lua")))
        name.size -= 4;
    return name;
}

static void free_parts(struct script *script)
{
    struct list *node;

    while ((node = list_take(&script->idle)))
        free(LIST_OF(node, struct script_thread, node));
    script->idle_count = 0;
    sandbox_close(&script->state.sandbox);
}

struct script *script_load(struct script_engine *engine, const char *path, struct span text, const char *lib,
                           char *why_r, size_t why_size)
{
    struct script *script = must_alloc(sizeof(*script));

    OBJECT_BORN(script, script);
    script->engine = engine;
    script->arena = arena_new();
    script->path = arena_text(script->arena, span_of(path));
    script->lib = lib ? arena_text(script->arena, span_of(lib)) : NULL;
    script->text = arena_copy(script->arena, text);
    script->about.name = arena_copy(script->arena, name_of(path));
    list_init(&script->calls);
    list_init(&script->idle);
    if (!build(script, &script->state, &script->about, why_r, why_size))
        script_free(&script);
    return script;
}

void script_free(struct script **address)
{
    struct script *script = *address;
    struct list *node;

    if (script == NULL)
        return;
    OBJECT(script, script);
    must(script->current == NULL); /* not from within a verb's run */
    while ((node = script->calls.next) != &script->calls)
        script_call_end(LIST_OF(node, struct script_call, node), SCRIPT_GONE,
                        SPAN("the script was unloaded"));
    free_parts(script);
    json_object_put(script->about.description);
    arena_free(&script->arena);
    OBJECT_DEAD(script);
    free(script);
    *address = NULL;
}

const struct script_about *script_about(const struct script *script)
{
    return &script->about;
}

size_t script_memory(const struct script *script)
{
    return script->state.sandbox->purse.used;
}

unsigned script_calls(const struct script *script)
{
    return script->call_count;
}

/* ---- when memory was out ---- */
static bool is_full(struct script *script)
{
    const struct purse *purse = &script->state.sandbox->purse;

    lua_gc(script->state.sandbox->L, LUA_GCCOLLECT);
    return purse->used > purse->most / 4 * 3;
}

/* The text has run before, so it will again; if not, the full state has to do: its calls fail cleanly. */
static void build_anew(struct script *script)
{
    struct script_about about = { 0 };
    struct script_state state = { 0 };
    char why[500];

    if (!build(script, &state, &about, why, sizeof(why))) {
        log_error("script %s cannot be started anew: %s", script->path, why);
        return;
    }
    json_object_put(about.description);
    free_parts(script);
    script->state = state;
    log_warn("script %s had filled its memory for good and was started anew", script->path);
}

void script_shrink(struct script *script)
{
    struct list *node;

    if (!is_full(script))
        return;
    while ((node = script->calls.next) != &script->calls)
        script_call_end(LIST_OF(node, struct script_call, node), SCRIPT_TOO_LARGE,
                        SPAN("another call of the script used up its memory"));
    if (is_full(script))
        build_anew(script);
}
