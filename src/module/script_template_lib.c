/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script_template_lib.c - what templates may call, and rendering; see script_template.c.
 */
#include "base/must.h"
#include "module/script_template.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

const char template_env_key;
static const char link_key; /* registry: the metatable of what link() made */

static struct script_template *upvalue_template(lua_State *L)
{
    return OBJECT(lua_touserdata(L, lua_upvalueindex(1)), script_template);
}

static void check_room(lua_State *L, const struct script_template *one, size_t more)
{
    if (one->out == NULL || more > one->out_most - one->out->size)
        luaL_error(L, "the page is too large");
}

/* ---- what the chunks call ---- */
static int add_text(lua_State *L)
{
    struct script_template *one = upvalue_template(L);
    size_t number = (size_t)luaL_checkinteger(L, 1);

    luaL_argcheck(L, number >= 1 && number <= one->piece_count, 1, "no such piece");
    check_room(L, one, one->pieces[number - 1].size);
    buf_add(one->out, one->pieces[number - 1]);
    return 0;
}

static bool is_link(lua_State *L, int index)
{
    bool is;

    if (!lua_istable(L, index) || !lua_getmetatable(L, index))
        return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &link_key);
    is = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return is;
}

/* arguments: the place, the value. A byte becomes 6 at most. */
static int add_value(lua_State *L)
{
    struct script_template *one = upvalue_template(L);
    lua_Integer place = luaL_checkinteger(L, 1);
    bool ours = is_link(L, 2);
    struct span text;

    luaL_argcheck(L, place >= PLACE_TEXT && place <= PLACE_URL_OURS, 1, "no such place");
    lua_settop(L, 2);
    if (lua_isnil(L, 2) || lua_islightuserdata(L, 2))
        return 0;
    if (ours) {
        lua_rawgeti(L, 2, 1);
        lua_replace(L, 2);
    } else if (lua_isboolean(L, 2)) {
        lua_pushstring(L, lua_toboolean(L, 2) ? "true" : "false");
        lua_replace(L, 2);
    } else if (!lua_isstring(L, 2)) {
        return luaL_error(L, "a %s cannot be shown", luaL_typename(L, 2));
    }
    if (place == PLACE_URL_OURS && !ours)
        return luaL_error(L, "here stands an address that brings in code or a page: only link() may make it");
    text.at = luaL_checklstring(L, 2, &text.size);
    check_room(L, one, text.size * 6);
    html_write(one->out, (enum html_place)place, text);
    return 0;
}

static int add_file(lua_State *L)
{
    struct script_template *one = upvalue_template(L);
    lua_Integer number = luaL_checkinteger(L, 1);

    luaL_argcheck(L, number >= 1 && number <= one->chunk_count, 1, "no such file");
    lua_rawgeti(L, LUA_REGISTRYINDEX, one->chunks[number - 1]);
    lua_rawgeti(L, LUA_REGISTRYINDEX, one->functions);
    for (int i = 1; i <= 4; i++)
        lua_rawgeti(L, 3, i);
    lua_remove(L, 3);
    lua_call(L, 4, 0);
    return 0;
}

/* upvalues: table, list of names or nil, place */
static int next_of(lua_State *L)
{
    lua_Integer place = lua_tointeger(L, lua_upvalueindex(3)) + 1;

    lua_pushinteger(L, place);
    lua_replace(L, lua_upvalueindex(3));
    if (lua_isnil(L, lua_upvalueindex(2))) {
        lua_pushinteger(L, place);
        if (lua_rawgeti(L, lua_upvalueindex(1), place) == LUA_TNIL)
            return 1; /* nil alone: the end */
        return 2;
    }
    lua_rawgeti(L, lua_upvalueindex(2), place);
    lua_pushvalue(L, -1);
    lua_rawget(L, lua_upvalueindex(1));
    return 2;
}

/* Arrays by place, objects by name in their order; nil is empty. */
static int each(lua_State *L)
{
    lua_settop(L, 1);
    if (lua_isnil(L, 1) || lua_islightuserdata(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    if (lua_rawlen(L, 1))
        lua_pushnil(L);
    else
        script_push_names(L, 1);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_of, 3);
    return 1;
}

/* ---- what authors call ---- */
static int count(lua_State *L)
{
    lua_Integer found = 0;

    lua_settop(L, 1);
    if (lua_istable(L, 1))
        for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1))
            found++;
    else if (!lua_isnil(L, 1) && !lua_islightuserdata(L, 1))
        luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushinteger(L, found);
    return 1;
}

/* A member of the values that is text, or empty. */
static struct span value_text(const struct script_template *one, const char *name)
{
    struct span text = { "", 0 };

    json_text(json_member(one->values, name), &text);
    return text;
}

static void add_parameter(struct buf *url, struct span name, struct span value)
{
    buf_char(url, url->at && memchr(url->at, '?', url->size) ? '&' : '?');
    html_write_component(url, name);
    buf_char(url, '=');
    html_write_component(url, value);
}

/* The parameters at 2, by name. */
static void add_parameters(lua_State *L, struct buf *url)
{
    int names = lua_gettop(L) + 1;

    script_push_names(L, 2);
    for (lua_Integer i = 1; lua_rawgeti(L, names, i) == LUA_TSTRING; i++) {
        struct span name, value;

        name.at = lua_tolstring(L, -1, &name.size);
        lua_pushvalue(L, -1);
        lua_rawget(L, 2);
        if (lua_isstring(L, -1)) {
            value.at = lua_tolstring(L, -1, &value.size);
            add_parameter(url, name, value);
        }
        lua_settop(L, names);
    }
}

/* link("/path" [, { name = value }]): below link_prefix of the values, with link_query of them carried on. */
static int make_link(lua_State *L)
{
    struct script_template *one = upvalue_template(L);
    struct json_object *query = json_member(one->values, "link_query");
    struct scrap *scrap;
    struct buf *url;
    struct span path;

    path.at = luaL_checklstring(L, 1, &path.size);
    luaL_argcheck(L, path.size && path.at[0] == '/' && (path.size == 1 || !strchr("/\\", path.at[1])), 1,
                  "a path that begins with one /");
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_newtable(L);
        lua_replace(L, 2);
    }
    luaL_checktype(L, 2, LUA_TTABLE);
    scrap = scrap_new(L, scrap_buf);
    scrap->at = url = must_alloc(sizeof(*url));
    buf_add(url, value_text(one, "link_prefix"));
    buf_add(url, path);
    add_parameters(L, url);
    if (json_object_is_type(query, json_type_object)) {
        json_object_object_foreach(query, name, value)
        {
            struct span text = { "", 0 };

            if (json_text(value, &text))
                add_parameter(url, span_of(name), text);
        }
    }
    lua_newtable(L);
    lua_pushlstring(L, url->at, url->size);
    lua_rawseti(L, -2, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &link_key);
    lua_setmetatable(L, -2);
    scrap_drop(scrap);
    return 1;
}

static int link_tostring(lua_State *L)
{
    lua_rawgeti(L, 1, 1);
    return 1;
}

/* ---- the environment ---- */
static void push_function(lua_State *L, lua_CFunction function, struct script_template *one)
{
    lua_pushlightuserdata(L, one);
    lua_pushcclosure(L, function, 1);
}

int script_template_open(lua_State *L)
{
    static const lua_CFunction functions[] = { add_text, add_value, each, add_file };
    struct script_template *one = lua_touserdata(L, 1);

    lua_createtable(L, 4, 0);
    for (int i = 0; i < 4; i++) {
        push_function(L, functions[i], one);
        lua_rawseti(L, -2, i + 1);
    }
    one->functions = luaL_ref(L, LUA_REGISTRYINDEX);
    push_function(L, make_link, one);
    lua_setglobal(L, "link");
    lua_pushcfunction(L, count);
    lua_setglobal(L, "count");
    lua_newtable(L);
    lua_pushcfunction(L, link_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &link_key);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &template_env_key);
    return 0;
}

/* Values first, then the libraries; what a template sets itself is gone with this rendering. */
static void set_environment(lua_State *L, struct script_template *one)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &template_env_key);
    for (lua_pushnil(L); lua_next(L, -2);) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, -4);
    }
    lua_newtable(L);
    if (json_object_is_type(one->values, json_type_object))
        script_push_json(L, one->values);
    else
        lua_newtable(L);
    lua_newtable(L);
    lua_pushglobaltable(L);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

/* The body of the rendering thread. */
static int render(lua_State *L)
{
    struct script_template *one = OBJECT(lua_touserdata(L, 1), script_template);

    set_environment(L, one);
    lua_rawgeti(L, LUA_REGISTRYINDEX, one->chunks[one->chunk_count - 1]);
    lua_rawgeti(L, LUA_REGISTRYINDEX, one->functions);
    for (int i = 1; i <= 4; i++)
        lua_rawgeti(L, 3, i);
    lua_remove(L, 3);
    lua_call(L, 4, 0);
    return 0;
}

static int make_thread(lua_State *L)
{
    lua_State **thread = lua_touserdata(L, 1);

    *thread = lua_newthread(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, sandbox_of(L));
    return 0;
}

static int drop_thread(lua_State *L)
{
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, lua_touserdata(L, 1));
    return 0;
}

bool script_template_render(struct script_template *one, struct json_object *values, struct buf *out,
                            char *why_r, size_t why_size)
{
    struct buf why = { 0 };
    lua_State *thread;
    unsigned pcalls = 0;
    enum run run;

    OBJECT(one, script_template);
    must(one->out == NULL);
    if (!sandbox_protected(one->sandbox, make_thread, &thread, 0)) {
        snprintf(why_r, why_size, "%s: the template used up its memory", one->path);
        return false;
    }
    one->out = out;
    one->out_most = out->size + one->engine->limits.memory_most;
    one->values = values;
    lua_pushcfunction(thread, render);
    lua_pushlightuserdata(thread, one);
    run = sandbox_run(one->sandbox, thread, 1, &pcalls, one->engine->limits.cpu_most, &why);
    one->out = NULL;
    one->values = NULL;
    sandbox_protected(one->sandbox, drop_thread, one->sandbox, 0);
    if (run != RUN_DONE)
        snprintf(why_r, why_size, "%.*s", SPAN_ARG(buf_span(&why)));
    buf_free(&why);
    return run == RUN_DONE;
}
