/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script_base.c - what scripts have of Lua's base, table, math, utf8 and os libraries.
 *
 * Left out, and why: coroutine (a hook belongs to one thread: an inner one could not be stopped), io, debug,
 * package, dofile, loadfile, most of os (the machine), collectgarbage (a full collection runs without a
 * meter), string.dump and binary chunks (the loader trusts them), __gc and __close (they run when nobody
 * measures).
 * Replaced, and why: functions of C that can be made to loop without ever calling Lua, since no hook stops
 * those: table.insert, remove and move with a length that a metamethod made up, table.sort of very much. And
 * xpcall: Lua runs a message handler from within the hook that raised, where no hook comes; ours runs it when
 * the error has been caught. And pcall: see enter_pcall. */
#include "base/must.h"
#include "module/script_inside.h"
#include "os/file.h"

#include <ctype.h>
#include <errno.h>
#include <lualib.h>
#include <stdlib.h>

#define CHUNK_MOST  (64 * 1024)  /* text for load(): compiling it runs without a meter */
#define LIB_MOST    (256 * 1024) /* a file for require() */
#define PCALLS_MOST 100
#define SORT_MOST   100000 /* elements: some 50 ms when all is done in C */

/* ---- base ---- */
static int base_setmetatable(lua_State *L)
{
    static const char *const refused[] = { "__gc", "__close", NULL };

    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
    lua_settop(L, 2);
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "cannot change a protected metatable");
    for (size_t i = 0; refused[i] && lua_istable(L, 2); i++) {
        lua_pushstring(L, refused[i]);
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_error(L, "%s is not available to scripts", refused[i]);
        lua_pop(L, 1);
    }
    lua_setmetatable(L, 1);
    return 1;
}

static int base_load(lua_State *L)
{
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size), *name;

    luaL_argcheck(L, size <= CHUNK_MOST, 1, "more than 64 KiB of source");
    name = luaL_optstring(L, 2, "=(load)");
    if (luaL_loadbufferx(L, text, size, name, "t") != LUA_OK) {
        luaL_pushfail(L);
        lua_insert(L, -2);
        return 2;
    }
    if (!lua_isnoneornil(L, 4)) {
        lua_pushvalue(L, 4);
        if (!lua_setupvalue(L, -2, 1))
            lua_pop(L, 1);
    }
    return 1;
}

/* Lua walks the whole stack for each error that a pcall catches. A recursion through pcall can be as deep as
 * the memory allows, and unwinds one by one when that is out: minutes in C. So only so many stand in each
 * other. */
static void enter_pcall(lua_State *L)
{
    if (sandbox_of(L)->pcalls >= PCALLS_MOST)
        luaL_error(L, "more than %d calls of pcall within each other", PCALLS_MOST);
    sandbox_of(L)->pcalls++;
}

/* Stack: true, results; or the error in place of the results. */
static int pcall_done(lua_State *L, int status, lua_KContext context)
{
    (void)context;
    sandbox_of(L)->pcalls--;
    if (status == LUA_OK || status == LUA_YIELD)
        return lua_gettop(L);
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

static int base_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    enter_pcall(L);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    return pcall_done(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, pcall_done), 0);
}

/* Stack: function, handler, false, what came of the handler. */
static int xpcall_handled(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    sandbox_of(L)->pcalls--;
    return lua_gettop(L) - 2;
}

/* Stack: function, handler, true, results; or the error in place of the results. */
static int xpcall_done(lua_State *L, int status, lua_KContext context)
{
    if (status == LUA_OK || status == LUA_YIELD)
        return xpcall_handled(L, status, context);
    lua_pushboolean(L, 0);
    lua_replace(L, 3);
    lua_pushvalue(L, 2);
    lua_insert(L, -2);
    return xpcall_handled(L, lua_pcallk(L, 1, LUA_MULTRET, 0, context, xpcall_handled), context);
}

static int base_xpcall(lua_State *L)
{
    int arguments = lua_gettop(L) - 2;

    luaL_checktype(L, 2, LUA_TFUNCTION);
    enter_pcall(L);
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2);
    return xpcall_done(L, lua_pcallk(L, arguments, LUA_MULTRET, 0, 0, xpcall_done), 0);
}

static int base_log(lua_State *L)
{
    int count = lua_gettop(L);
    luaL_Buffer line;

    luaL_buffinit(L, &line);
    for (int i = 1; i <= count; i++) {
        if (i > 1)
            luaL_addchar(&line, ' ');
        luaL_tolstring(L, i, NULL);
        luaL_addvalue(&line);
    }
    luaL_pushresult(&line);
    sandbox_log(sandbox_of(L), span_make(lua_tostring(L, -1), lua_rawlen(L, -1)));
    return 0;
}

/* ---- require: only while the file loads, as it reads from a disk; each name once ---- */
static const char loaded_key;

static bool lib_name_ok(const char *name)
{
    size_t size = strlen(name);

    if (size == 0 || size > 64)
        return false;
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_' && name[i] != '-')
            return false;
    return true;
}

static void read_lib(lua_State *L, const char *name)
{
    struct sandbox *sandbox = sandbox_of(L);
    struct scrap *scrap = scrap_new(L, scrap_buf);
    struct buf *text = must_alloc(sizeof(*text));
    const char *path;

    scrap->at = text;
    path = lua_pushfstring(L, "%s/%s.lua", sandbox->lib, name);
    if (file_read_all(path, LIB_MOST, text) != 0)
        luaL_error(L, "require: %s: %s", path, strerror(errno));
    lua_pushfstring(L, "@%s", path);
    if (luaL_loadbufferx(L, text->at ? text->at : "", text->size, lua_tostring(L, -1), "t") != LUA_OK)
        lua_error(L);
    scrap_drop(scrap);
}

static int base_require(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);

    lua_settop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_key);
    lua_pushvalue(L, 1);
    if (lua_rawget(L, 2) == LUA_TBOOLEAN && !lua_toboolean(L, -1))
        return luaL_error(L, "require: %s needs itself", name);
    if (!lua_isnil(L, -1))
        return 1;
    if (!lib_name_ok(name))
        return luaL_error(L, "require: a name has letters, digits, '_' and '-' only");
    if (!sandbox_of(L)->loading)
        return luaL_error(L, "require: only at the start of the file, not within a function that runs later");
    if (sandbox_of(L)->lib == NULL)
        return luaL_error(L, "require: there is no folder for it here");
    lua_pushvalue(L, 1);
    lua_pushboolean(L, 0);
    lua_rawset(L, 2);
    read_lib(L, name);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
    }
    lua_pushvalue(L, 1);
    lua_pushvalue(L, -2);
    lua_rawset(L, 2);
    return 1;
}

/* ---- table ---- */
static lua_Integer plain_length(lua_State *L, int index)
{
    static const char *const refused[] = { "__len", "__index", "__newindex", NULL };

    luaL_checktype(L, index, LUA_TTABLE);
    for (size_t i = 0; refused[i]; i++)
        if (luaL_getmetafield(L, index, refused[i]) != LUA_TNIL)
            luaL_error(L, "a table with %s has no place here", refused[i]);
    return (lua_Integer)lua_rawlen(L, index);
}

static int table_insert(lua_State *L)
{
    lua_Integer end = plain_length(L, 1) + 1, place = end;

    if (lua_gettop(L) == 3) {
        place = luaL_checkinteger(L, 2);
        luaL_argcheck(L, place >= 1 && place <= end, 2, "position out of bounds");
        for (lua_Integer i = end; i > place; i--) {
            lua_rawgeti(L, 1, i - 1);
            lua_rawseti(L, 1, i);
        }
    } else if (lua_gettop(L) != 2) {
        return luaL_error(L, "wrong number of arguments to 'insert'");
    }
    lua_rawseti(L, 1, place);
    return 0;
}

static int table_remove(lua_State *L)
{
    lua_Integer size = plain_length(L, 1), place = luaL_optinteger(L, 2, size);

    if (lua_gettop(L) > 1)
        luaL_argcheck(L, (size == 0 && (place == 0 || place == size)) || (place >= 1 && place <= size + 1), 2,
                      "position out of bounds");
    lua_rawgeti(L, 1, place);
    for (; place < size; place++) {
        lua_rawgeti(L, 1, place + 1);
        lua_rawseti(L, 1, place);
    }
    if (place >= 1) {
        lua_pushnil(L);
        lua_rawseti(L, 1, place);
    }
    return 1;
}

static int table_move(lua_State *L)
{
    lua_Integer from = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3), to = luaL_checkinteger(L, 4);
    int target = lua_isnoneornil(L, 5) ? 1 : 5;
    lua_Integer size = plain_length(L, 1);

    plain_length(L, target);
    luaL_argcheck(L, from >= 1 && last <= size, 3, "reaches beyond the table");
    luaL_argcheck(L, to >= 1 && to <= LUA_MAXINTEGER - size, 4, "out of bounds");
    if (to > last || to <= from || target != 1) {
        for (lua_Integer i = 0; i <= last - from; i++) {
            lua_rawgeti(L, 1, from + i);
            lua_rawseti(L, target, to + i);
        }
    } else {
        for (lua_Integer i = last - from; i >= 0; i--) {
            lua_rawgeti(L, 1, from + i);
            lua_rawseti(L, target, to + i);
        }
    }
    lua_pushvalue(L, target);
    return 1;
}

/* upvalue 1: Lua's own */
static int table_sort(lua_State *L)
{
    luaL_argcheck(L, plain_length(L, 1) <= SORT_MOST, 1, "more than 100000 elements to sort");
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 2, 0);
    return 0;
}

/* ---- opening ---- */
static void drop(lua_State *L, const char *const *names)
{
    for (; *names; names++) {
        lua_pushnil(L);
        lua_setfield(L, -2, *names);
    }
}

static void open_table(lua_State *L)
{
    static const luaL_Reg replaced[] = {
        { "insert", table_insert }, { "remove", table_remove }, { "move", table_move }, { NULL, NULL }
    };

    luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 1);
    luaL_setfuncs(L, replaced, 0);
    lua_getfield(L, -1, "sort");
    lua_pushcclosure(L, table_sort, 1);
    lua_setfield(L, -2, "sort");
    lua_pop(L, 1);
}

/* os.time, date, clock and difftime: no more of it is ever seen. */
static void open_os(lua_State *L)
{
    static const char *const names[] = { "time", "date", "clock", "difftime", NULL };

    luaL_requiref(L, LUA_OSLIBNAME, luaopen_os, 0);
    lua_newtable(L);
    for (size_t i = 0; names[i]; i++) {
        lua_getfield(L, -2, names[i]);
        lua_setfield(L, -2, names[i]);
    }
    lua_setglobal(L, LUA_OSLIBNAME);
    lua_pop(L, 1);
}

void script_base_open(lua_State *L)
{
    static const char *const dropped[] = { "collectgarbage", "dofile", "loadfile", "warn", NULL };
    static const char *const dropped_utf8[] = { "charpattern", NULL }; /* a pattern of Lua's own kind */
    static const luaL_Reg replaced[] = {
        { "setmetatable", base_setmetatable },
        { "load", base_load },
        { "print", base_log },
        { "log", base_log },
        { "require", base_require },
        { "pcall", base_pcall },
        { "xpcall", base_xpcall },
        { NULL, NULL },
    };

    luaL_requiref(L, LUA_GNAME, luaopen_base, 1);
    drop(L, dropped);
    luaL_setfuncs(L, replaced, 0);
    luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 1);
    luaL_requiref(L, LUA_UTF8LIBNAME, luaopen_utf8, 1);
    drop(L, dropped_utf8);
    lua_pop(L, 3);
    open_table(L);
    open_os(L);
    /* What luaL_requiref remembers would keep all of os within reach of a later mistake. */
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &loaded_key);
}
