/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script_json.c - values of scripts as JSON trees and back, and the json library.
 *
 * A table is an array when it was made by json.array, came from one, or has the keys 1..n and no others; else
 * an object. Objects keep an order of names where one is known: of what came from JSON and of ordered{}; all
 * other names follow, sorted. What does not fit (functions, cycles, holes, NaN) is an error that names it. A
 * small table may stand for a huge tree, by naming the same one many times: so the tree is counted, too. */
#include "base/must.h"
#include "base/text.h"
#include "module/script_inside.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DEPTH_MOST 64
#define NODE_BYTES 128 /* about what json-c needs for a value */

static const char orders_key, array_key; /* registry: weak table of orders; metatable of arrays */

/* ---- from Lua: nothing here may raise ---- */
struct writer {
    lua_State *L;
    unsigned depth;
    size_t bytes, bytes_most;
    char *why;
    size_t why_size;
};

struct pair {
    struct span name;
    struct json_object *json;
};

static bool fail(struct writer *writer, const char *why)
{
    snprintf(writer->why, writer->why_size, "%s", why);
    return false;
}

static bool count(struct writer *writer, size_t bytes)
{
    writer->bytes += bytes + NODE_BYTES;
    if (writer->bytes > writer->bytes_most)
        return fail(writer, "a table that is too large as JSON");
    return true;
}

static bool write_value(struct writer *writer, int index, struct json_object **json_r);

/* The name at index, which is a string; false when JSON cannot have it. */
static bool take_name(struct writer *writer, int index, struct span *name_r)
{
    name_r->at = lua_tolstring(writer->L, index, &name_r->size);
    if (memchr(name_r->at, 0, name_r->size))
        return fail(writer, "a name with a zero byte");
    return count(writer, name_r->size);
}

/* The value on top, under that name; the path to what is wrong grows from behind. */
static bool write_member(struct writer *writer, struct span name, struct json_object **json_r)
{
    char inner[120];

    if (write_value(writer, lua_gettop(writer->L), json_r))
        return true;
    if (!strstr(writer->why, " at ")) {
        snprintf(inner, sizeof(inner), "%s", writer->why);
        snprintf(writer->why, writer->why_size, "%s at \"%.*s\"", inner,
                 (int)(name.size < 60 ? name.size : 60), name.at);
    }
    return false;
}

/* The names in the order that is known for the table at index, if any. */
static bool write_ordered(struct writer *writer, int index, struct json_object *object)
{
    lua_State *L = writer->L;
    struct json_object *json;
    struct span name;
    int list;
    bool good = true;

    lua_rawgetp(L, LUA_REGISTRYINDEX, &orders_key);
    lua_pushvalue(L, index);
    if (lua_rawget(L, -2) != LUA_TTABLE) {
        lua_pop(L, 2);
        return true;
    }
    list = lua_gettop(L);
    for (lua_Integer i = 1; good && lua_rawgeti(L, list, i) == LUA_TSTRING; i++) {
        good = take_name(writer, lua_gettop(L), &name);
        lua_pushvalue(L, -1);
        if (good && lua_rawget(L, index) != LUA_TNIL && !json_object_object_get_ex(object, name.at, &json)) {
            good = write_member(writer, name, &json);
            if (good)
                json_object_object_add(object, name.at, json);
        }
        lua_settop(L, list);
    }
    lua_settop(L, list - 2);
    return good;
}

static int by_name(const void *a, const void *b)
{
    const struct pair *one = a, *other = b;

    return span_compare(one->name, other->name);
}

/* All members that object has not yet, into pairs; room is that of as many members as the table has. */
static bool write_rest(struct writer *writer, int index, const struct json_object *object, struct pair *pairs,
                       size_t *count_r)
{
    lua_State *L = writer->L;
    struct json_object *there;

    lua_pushnil(L);
    while (lua_next(L, index)) {
        struct pair *pair = &pairs[*count_r];

        if (!take_name(writer, lua_gettop(L) - 1, &pair->name))
            return false;
        if (!json_object_object_get_ex(object, pair->name.at, &there)) {
            if (!write_member(writer, pair->name, &pair->json))
                return false;
            (*count_r)++;
        }
        lua_pop(L, 1);
    }
    return true;
}

static bool write_object(struct writer *writer, int index, size_t members, struct json_object **json_r)
{
    struct json_object *object = json_object_new_object();
    struct pair *pairs = must_alloc(members * sizeof(*pairs) + 1);
    size_t found = 0;
    bool good;

    good = write_ordered(writer, index, object) && write_rest(writer, index, object, pairs, &found);
    if (good) {
        qsort(pairs, found, sizeof(*pairs), by_name);
        for (size_t i = 0; i < found; i++)
            json_object_object_add(object, pairs[i].name.at, pairs[i].json);
        *json_r = object;
    } else {
        for (size_t i = 0; i < found; i++)
            json_object_put(pairs[i].json);
        json_object_put(object);
    }
    free(pairs);
    return good;
}

static bool write_array(struct writer *writer, int index, lua_Integer size, struct json_object **json_r)
{
    struct json_object *array = json_object_new_array(), *json;
    char place[24];

    for (lua_Integer i = 1; i <= size; i++) {
        lua_rawgeti(writer->L, index, i);
        snprintf(place, sizeof(place), "%lld", (long long)i);
        if (!write_member(writer, span_of(place), &json)) {
            json_object_put(array);
            return false;
        }
        json_object_array_add(array, json);
        lua_pop(writer->L, 1);
    }
    *json_r = array;
    return true;
}

/* Which of the two it is, by its keys. */
static bool look_at_keys(struct writer *writer, int index, size_t *names_r, size_t *numbers_r)
{
    lua_State *L = writer->L;
    lua_Integer largest = 0, number;

    *names_r = *numbers_r = 0;
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) == LUA_TSTRING) {
            ++*names_r;
            continue;
        }
        number = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
        if (number < 1)
            return fail(writer, "a table with a key that is neither a name nor a number from 1");
        largest = number > largest ? number : largest;
        ++*numbers_r;
    }
    if (*names_r && *numbers_r)
        return fail(writer, "a table with both names and numbers as keys");
    if ((lua_Unsigned)largest != *numbers_r)
        return fail(writer, "an array with holes");
    return true;
}

static bool is_array(lua_State *L, int index)
{
    bool is = false;

    if (lua_getmetatable(L, index)) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key);
        is = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
    }
    return is;
}

static bool write_table(struct writer *writer, int index, struct json_object **json_r)
{
    size_t names, numbers;
    int top = lua_gettop(writer->L);
    bool good;

    if (writer->depth >= DEPTH_MOST || !lua_checkstack(writer->L, 10))
        return fail(writer, "a table within itself, or of more than 64 levels");
    writer->depth++;
    good = look_at_keys(writer, index, &names, &numbers) && count(writer, names * sizeof(struct pair));
    if (good && (numbers || (names == 0 && is_array(writer->L, index))))
        good = write_array(writer, index, (lua_Integer)numbers, json_r);
    else if (good)
        good = write_object(writer, index, names, json_r);
    writer->depth--;
    lua_settop(writer->L, top);
    return good;
}

static bool write_number(struct writer *writer, int index, struct json_object **json_r)
{
    double number;

    if (lua_isinteger(writer->L, index)) {
        *json_r = json_object_new_int64(lua_tointeger(writer->L, index));
        return true;
    }
    number = lua_tonumber(writer->L, index);
    if (!isfinite(number))
        return fail(writer, "a number that is not finite");
    *json_r = json_object_new_double(number);
    return true;
}

static bool write_value(struct writer *writer, int index, struct json_object **json_r)
{
    lua_State *L = writer->L;
    const char *text;
    size_t size;

    *json_r = NULL;
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        return count(writer, 0);
    case LUA_TLIGHTUSERDATA: /* null is the only one that scripts can have */
        return count(writer, 0);
    case LUA_TBOOLEAN:
        *json_r = json_object_new_boolean(lua_toboolean(L, index));
        return count(writer, 0);
    case LUA_TNUMBER:
        return count(writer, 0) && write_number(writer, index, json_r);
    case LUA_TSTRING:
        text = lua_tolstring(L, index, &size);
        if (size > INT32_MAX || !count(writer, size))
            return fail(writer, "a table that is too large as JSON");
        *json_r = json_object_new_string_len(text, (int)size);
        return true;
    case LUA_TTABLE:
        if (script_is_element(L, index))
            return fail(writer, "an XML element (use its :tostring())");
        return count(writer, 0) && write_table(writer, index, json_r);
    default:
        snprintf(writer->why, writer->why_size, "a value of type %s", luaL_typename(L, index));
        return false;
    }
}

bool script_to_json(lua_State *L, int index, struct json_object **json_r, char *why_r, size_t why_size)
{
    struct writer writer = {
        .L = L, .bytes_most = sandbox_of(L)->purse.most, .why = why_r, .why_size = why_size
    };

    if (write_value(&writer, lua_absindex(L, index), json_r))
        return true;
    *json_r = NULL;
    return false;
}

/* ---- to Lua: raises when memory is out ---- */
static void push_value(lua_State *L, struct json_object *json, unsigned depth);

static void push_array(lua_State *L, struct json_object *json, unsigned depth)
{
    size_t size = json_object_array_length(json);

    lua_createtable(L, size < INT32_MAX ? (int)size : 0, 0);
    for (size_t i = 0; i < size; i++) {
        push_value(L, json_object_array_get_idx(json, i), depth);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key);
    lua_setmetatable(L, -2);
}

/* Remembers the list on top as the order of the table below it; takes it off. */
static void set_order(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &orders_key);
    lua_pushvalue(L, -3);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 2);
}

/* A null is no member: `if content.name then` shall mean what it says. */
static void push_object(lua_State *L, struct json_object *json, unsigned depth)
{
    int size = json_object_object_length(json);
    lua_Integer place = 0;

    lua_createtable(L, 0, size);
    lua_createtable(L, size, 0);
    json_object_object_foreach(json, name, value)
    {
        lua_pushstring(L, name);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, ++place);
        if (value)
            push_value(L, value, depth);
        else
            lua_pushnil(L);
        lua_rawset(L, -4);
    }
    if (place > 1)
        set_order(L);
    else
        lua_pop(L, 1);
}

static void push_value(lua_State *L, struct json_object *json, unsigned depth)
{
    luaL_checkstack(L, 10, "JSON of too many levels");
    if (depth >= DEPTH_MOST * 2)
        luaL_error(L, "JSON of more than %d levels", DEPTH_MOST * 2);
    switch (json_object_get_type(json)) {
    case json_type_null:
        lua_pushlightuserdata(L, NULL);
        break;
    case json_type_boolean:
        lua_pushboolean(L, json_object_get_boolean(json));
        break;
    case json_type_double:
        lua_pushnumber(L, json_object_get_double(json));
        break;
    case json_type_int:
        if (json_object_get_int64(json) == INT64_MAX && json_object_get_uint64(json) > INT64_MAX)
            lua_pushnumber(L, (lua_Number)json_object_get_uint64(json));
        else
            lua_pushinteger(L, json_object_get_int64(json));
        break;
    case json_type_string:
        lua_pushlstring(L, json_object_get_string(json), (size_t)json_object_get_string_len(json));
        break;
    case json_type_array:
        push_array(L, json, depth + 1);
        break;
    case json_type_object:
        push_object(L, json, depth + 1);
        break;
    }
}

static int by_span(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

/* Appends to the array `names` what the order of the table has, and notes it in `done`. */
static lua_Integer push_known(lua_State *L, int index, int names, int done)
{
    lua_Integer count = 0;

    lua_rawgetp(L, LUA_REGISTRYINDEX, &orders_key);
    lua_pushvalue(L, index);
    if (lua_rawget(L, -2) == LUA_TTABLE)
        for (lua_Integer i = 1; lua_rawgeti(L, -1, i) == LUA_TSTRING; i++) {
            lua_pushvalue(L, -1);
            if (lua_rawget(L, index) != LUA_TNIL) {
                lua_pushvalue(L, -2);
                lua_rawseti(L, names, ++count);
                lua_pushvalue(L, -2);
                lua_pushboolean(L, 1);
                lua_rawset(L, done);
            }
            lua_pop(L, 2);
        }
    lua_settop(L, done);
    return count;
}

void script_push_names(lua_State *L, int index)
{
    int names = lua_gettop(L) + 1, done = names + 1;
    lua_Integer place;
    struct span *rest;
    size_t found = 0, sorted = 0;

    index = lua_absindex(L, index);
    luaL_checkstack(L, 12, NULL);
    lua_newtable(L);
    lua_newtable(L);
    place = push_known(L, index, names, done);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
        found++;
    rest = lua_newuserdatauv(L, (found + 1) * sizeof(*rest), 0);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        if (lua_type(L, -1) == LUA_TSTRING && lua_rawget(L, done) == LUA_TNIL) {
            rest[sorted].at = lua_tolstring(L, -3, &rest[sorted].size);
            sorted++;
        }
        lua_pop(L, 1);
    }
    qsort(rest, sorted, sizeof(*rest), by_span);
    for (size_t i = 0; i < sorted; i++) {
        lua_pushlstring(L, rest[i].at, rest[i].size);
        lua_rawseti(L, names, ++place);
    }
    lua_settop(L, names);
}

void script_push_json(lua_State *L, struct json_object *json)
{
    if (json == NULL)
        lua_pushnil(L);
    else
        push_value(L, json, 0);
}

/* ---- the library ---- */
static void release_json(void *at)
{
    json_object_put(at);
}

static int json_encode(lua_State *L)
{
    char why[200];
    struct scrap *tree = scrap_new(L, release_json), *text = scrap_new(L, scrap_buf);
    struct json_object *json;
    struct buf *out;

    luaL_checkany(L, 1);
    if (!script_to_json(L, 1, &json, why, sizeof(why)))
        return luaL_error(L, "json.encode: %s", why);
    tree->at = json;
    text->at = out = must_alloc(sizeof(*out));
    json_write(out, json);
    lua_pushlstring(L, out->at, out->size);
    scrap_drop(text);
    scrap_drop(tree);
    return 1;
}

/* nil and a sentence for what is not JSON. */
static int json_decode(lua_State *L)
{
    struct json_limits limits = { .depth_most = DEPTH_MOST };
    struct scrap *tree;
    struct json_object *json;
    struct span text;
    const char *why;

    text.at = luaL_checklstring(L, 1, &text.size);
    limits.size_most = sandbox_of(L)->purse.most / 8;
    limits.items_most = (unsigned)(sandbox_of(L)->purse.most / (NODE_BYTES * 4));
    tree = scrap_new(L, release_json);
    if (!json_parse(text, &limits, &json, &why)) {
        luaL_pushfail(L);
        lua_pushstring(L, why);
        return 2;
    }
    tree->at = json;
    push_value(L, json, 0);
    scrap_drop(tree);
    return 1;
}

static int json_array(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return is_array(L, 1) ? (lua_settop(L, 1), 1) : luaL_error(L, "this table cannot become an array");
    lua_settop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key);
    lua_setmetatable(L, 1);
    return 1;
}

/* ordered{ {"name", value}, ... } */
static int json_ordered(lua_State *L)
{
    lua_Integer place = 0;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_newtable(L);
    lua_newtable(L);
    for (lua_Integer i = 1; lua_rawgeti(L, 1, i) != LUA_TNIL; i++) {
        if (!lua_istable(L, 4) || lua_rawgeti(L, 4, 1) != LUA_TSTRING)
            return luaL_error(L, "ordered: pair %d is not {\"name\", value}", (int)i);
        lua_rawgeti(L, 4, 2);
        lua_pushvalue(L, 5);
        lua_rawseti(L, 3, ++place);
        lua_rawset(L, 2);
        lua_settop(L, 3);
    }
    lua_settop(L, 3);
    set_order(L);
    return 1;
}

static int null_tostring(lua_State *L)
{
    lua_pushliteral(L, "null");
    return 1;
}

static void make_tables(lua_State *L)
{
    lua_newtable(L);
    lua_newtable(L);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &orders_key);
    lua_newtable(L);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &array_key);
    lua_pushlightuserdata(L, NULL); /* all light userdata share a metatable; scripts have no other */
    lua_newtable(L);
    lua_pushcfunction(L, null_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

void script_json_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "encode", json_encode }, { "decode", json_decode }, { "array", json_array }, { NULL, NULL }
    };

    make_tables(L);
    luaL_newlib(L, functions);
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    lua_setglobal(L, "json");
    lua_pushlightuserdata(L, NULL);
    lua_setglobal(L, "null");
    lua_pushcfunction(L, json_ordered);
    lua_setglobal(L, "ordered");
}
