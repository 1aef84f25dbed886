/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script_sandbox.c - a Lua state that strangers' code may run in; see script_inside.h.
 *
 * Here is what every state needs: counted memory, the libraries, and the one way to run anything. What the
 * libraries leave out, and why, is in script_base.c. */
#include "base/clock.h"
#include "base/must.h"
#include "module/script_inside.h"
#include "os/log.h"

#include <lualib.h>
#include <stdlib.h>

#define LOG_BURST  20u /* lines at once; then as many per second as the next says */
#define LOG_SECOND 5u
#define LOG_BYTES  1000
#define WHY_BYTES  4000

/* ---- memory ---- */
static void *lua_alloc(void *data, void *block, size_t had, size_t wanted)
{
    struct purse *purse = data;

    if (block == NULL)
        had = 0; /* then it is a kind of object */
    if (wanted == 0) {
        free(block);
        purse->used -= had;
        return NULL;
    }
    if (wanted > had && wanted - had > purse->most - purse->used)
        return NULL;
    block = realloc(block, wanted);
    if (block)
        purse->used = purse->used - had + wanted;
    return block;
}

/* PCRE2 does not say how large a block is that it gives back: 16 bytes before it do. */
#define TAG 16

static void *regex_alloc(size_t size, void *data)
{
    struct sandbox *sandbox = data;
    size_t whole = size + TAG;
    char *block;

    if (whole < size || whole > sandbox->purse.most - sandbox->purse.used)
        return NULL;
    block = malloc(whole);
    if (block == NULL)
        return NULL;
    memcpy(block, &whole, sizeof(whole));
    sandbox->purse.used += whole;
    return block + TAG;
}

static void regex_release(void *at, void *data)
{
    struct sandbox *sandbox = data;
    char *block = (char *)at - TAG;
    size_t whole;

    memcpy(&whole, block, sizeof(whole));
    sandbox->purse.used -= whole;
    free(block);
}

static bool regex_stop(void *data)
{
    (void)data;
    return meter_expired();
}

/* ---- things of C in the hands of Lua ---- */
static int scrap_gc(lua_State *L)
{
    scrap_drop(lua_touserdata(L, 1));
    return 0;
}

struct scrap *scrap_new(lua_State *L, void (*release)(void *at))
{
    struct scrap *scrap = lua_newuserdatauv(L, sizeof(*scrap), 0);

    *scrap = (struct scrap){ .release = release };
    if (luaL_newmetatable(L, "scrap")) {
        lua_pushcfunction(L, scrap_gc);
        lua_setfield(L, -2, "__gc");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
    return scrap;
}

void scrap_drop(struct scrap *scrap)
{
    if (scrap->at)
        scrap->release(scrap->at);
    scrap->at = NULL;
}

void scrap_buf(void *at)
{
    buf_free(at);
    free(at);
}

/* ---- a state ---- */
static int open_libraries(lua_State *L)
{
    script_base_open(L);
    script_string_open(L);
    script_json_open(L);
    script_xml_open(L);
    script_answer_open(L);
    return 0;
}

static int on_panic(lua_State *L)
{
    (void)L;
    must_failed("each error of Lua is inside of a protected call", __FILE__, __LINE__);
}

struct sandbox *sandbox_open(struct loop *loop, size_t memory_most, const char *name, const char *lib)
{
    struct sandbox *sandbox = must_alloc(sizeof(*sandbox));

    sandbox->purse.most = memory_most;
    sandbox->loop = loop;
    sandbox->name = must_strdup(name);
    sandbox->lib = lib ? must_strdup(lib) : NULL;
    sandbox->log_since = loop_now(loop);
    sandbox->regexes = (struct regex_host){
        .alloc = regex_alloc, .release = regex_release, .stop = regex_stop, .data = sandbox
    };
    meter_open();
    sandbox->L = lua_newstate(lua_alloc, &sandbox->purse);
    if (sandbox->L) {
        lua_atpanic(sandbox->L, on_panic);
        *(struct sandbox **)lua_getextraspace(sandbox->L) = sandbox;
        if (sandbox_protected(sandbox, open_libraries, NULL, 0))
            return sandbox;
    }
    sandbox_close(&sandbox);
    return NULL;
}

void sandbox_close(struct sandbox **address)
{
    struct sandbox *sandbox = *address;

    if (sandbox == NULL)
        return;
    if (sandbox->L)
        lua_close(sandbox->L);
    regex_host_free(&sandbox->regexes);
    must(sandbox->purse.used == 0);
    free(sandbox->name);
    free(sandbox->lib);
    meter_close();
    free(sandbox);
    *address = NULL;
}

bool sandbox_protected(struct sandbox *sandbox, lua_CFunction call, void *data, int values)
{
    lua_State *L = sandbox->L;
    int before = lua_gettop(L) - values;

    if (lua_checkstack(L, 4)) {
        lua_pushcfunction(L, call);
        lua_insert(L, before + 1);
        lua_pushlightuserdata(L, data);
        lua_insert(L, before + 2);
        if (lua_pcall(L, values + 1, 0, 0) == LUA_OK)
            return true;
    }
    lua_settop(L, before);
    return false;
}

/* ---- running ---- */
struct failure {
    lua_State *thread;
    struct buf *why;
};

/* Nothing here may call a metamethod: it would run without a meter. */
static void add_message(struct failure *failure)
{
    lua_State *thread = failure->thread;
    size_t size = 0;
    const char *text = NULL;

    if (lua_gettop(thread) == 0) {
        buf_text(failure->why, "no error object");
        return;
    }
    if (lua_type(thread, -1) == LUA_TSTRING) {
        text = lua_tolstring(thread, -1, &size);
    } else if (lua_istable(thread, -1) && lua_checkstack(thread, 2)) {
        lua_pushliteral(thread, "message");
        lua_rawget(thread, -2);
        if (lua_type(thread, -1) == LUA_TSTRING)
            text = lua_tolstring(thread, -1, &size);
        lua_pop(thread, 1);
    }
    if (text)
        buf_add(failure->why, span_head(span_make(text, size), WHY_BYTES / 2));
    else
        buf_printf(failure->why, "an error object of type %s", luaL_typename(thread, -1));
}

static int add_traceback(lua_State *L)
{
    struct failure *failure = lua_touserdata(L, 1);
    size_t size;
    const char *text;

    luaL_traceback(L, failure->thread, "", 0);
    text = lua_tolstring(L, -1, &size);
    buf_add(failure->why, span_head(span_make(text, size), WHY_BYTES));
    return 0;
}

/* The thread's frames are as they were: nothing here may touch its stack below the message. */
static enum run failed(struct sandbox *sandbox, lua_State *thread, int status, bool expired, struct buf *why)
{
    struct failure failure = { thread, why };

    buf_clear(why);
    if (status == LUA_ERRMEM)
        buf_text(why, "the script used up its memory");
    else if (status == LUA_YIELD)
        buf_text(why, meter_text);
    else
        add_message(&failure);
    sandbox_protected(sandbox, add_traceback, &failure, 0); /* without memory the message must do */
    if (status == LUA_ERRMEM)
        return RUN_TOO_LARGE;
    return expired ? RUN_TOO_LONG : RUN_THREW;
}

enum run sandbox_run(struct sandbox *sandbox, lua_State *thread, int arguments, unsigned *pcalls,
                     int64_t cpu_most, struct buf *why)
{
    unsigned pcalls_before = sandbox->pcalls;
    struct meter before = meter_begin(thread, cpu_most);
    int status, results = 0;
    bool expired, stopped;

    sandbox->stopped = false;
    sandbox->pcalls = *pcalls;
    status = lua_resume(thread, NULL, arguments, &results);
    *pcalls = sandbox->pcalls;
    sandbox->pcalls = pcalls_before;
    stopped = sandbox->stopped;
    sandbox->stopped = false;
    expired = meter_end(before);
    if (status == LUA_OK)
        return RUN_DONE;
    if (status == LUA_YIELD && !stopped)
        return RUN_WAITS;
    return failed(sandbox, thread, status, expired, why);
}

struct chunk {
    struct sandbox *sandbox;
    const char *path;
    struct span text;
    lua_State *thread;
    struct buf *why;
};

/* Leaves the thread with the chunk on it on the main stack of whoever calls: in the registry, by address. */
static int make_chunk(lua_State *L)
{
    struct chunk *chunk = lua_touserdata(L, 1);
    lua_State *thread = lua_newthread(L);

    lua_rawsetp(L, LUA_REGISTRYINDEX, chunk);
    chunk->thread = thread;
    lua_pushfstring(L, "@%s", chunk->path);
    if (luaL_loadbufferx(L, chunk->text.at ? chunk->text.at : "", chunk->text.size, lua_tostring(L, -1),
                         "t")) {
        size_t size = 0;
        const char *text = lua_tolstring(L, -1, &size);

        buf_add(chunk->why, span_head(span_make(text, size), WHY_BYTES));
        chunk->thread = NULL;
        return 0;
    }
    lua_xmove(L, thread, 1);
    return 0;
}

static int drop_chunk(lua_State *L)
{
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, lua_touserdata(L, 1));
    return 0;
}

enum run sandbox_load(struct sandbox *sandbox, const char *path, struct span text, int64_t cpu_most,
                      struct buf *why)
{
    struct chunk chunk = { sandbox, path, text, NULL, why };
    enum run run = RUN_THREW;
    unsigned pcalls = 0;

    buf_clear(why);
    if (!sandbox_protected(sandbox, make_chunk, &chunk, 0)) {
        buf_text(why, "the script used up its memory");
        run = RUN_TOO_LARGE;
    } else if (chunk.thread) {
        sandbox->loading = true;
        run = sandbox_run(sandbox, chunk.thread, 0, &pcalls, cpu_most, why);
        sandbox->loading = false;
        if (run == RUN_WAITS) {
            buf_text(why, "the file waits for something while it loads");
            run = RUN_THREW;
        } else if (run == RUN_DONE) {
            lua_settop(chunk.thread, 1);
            lua_xmove(chunk.thread, sandbox->L, 1);
        }
    }
    sandbox_protected(sandbox, drop_chunk, &chunk, 0);
    return run;
}

/* ---- the script's own lines in the log ---- */
void sandbox_log(struct sandbox *sandbox, struct span text)
{
    int64_t now = loop_now(sandbox->loop), passed = (now - sandbox->log_since) / USEC_PER_SEC;

    if (passed > 0) {
        unsigned back = passed > LOG_BURST ? LOG_BURST : (unsigned)passed * LOG_SECOND;

        sandbox->log_lines = sandbox->log_lines > back ? sandbox->log_lines - back : 0;
        sandbox->log_since = now;
    }
    if (sandbox->log_lines >= LOG_BURST) {
        sandbox->log_lost++;
        return;
    }
    if (sandbox->log_lost)
        log_warn("script %s: %u lines were left out, it says too much", sandbox->name, sandbox->log_lost);
    sandbox->log_lost = 0;
    sandbox->log_lines++;
    text = span_head(text, LOG_BYTES);
    log_info("script %s: %.*s", sandbox->name, SPAN_ARG(text));
}
