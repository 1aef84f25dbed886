/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script_string.c - string.find, match, gmatch, gsub and rep for scripts.
 *
 * Lua's own patterns backtrack without a bound inside one call of C, where no hook comes. Ours are PCRE2 with
 * a bound on steps, memory from the script's purse, and a brake that knows the script's time. Strings that
 * are UTF-8 are matched by characters, all others by bytes; positions are always bytes. */
#include "base/must.h"
#include "base/text.h"
#include "module/script_inside.h"

#include <lualib.h>

#define PATTERN_MOST 4096
#define CACHE_MOST   64 /* expressions of one script; then all are forgotten */
#define GROUPS       (REGEX_GROUPS_MOST + 1)

static const char cache_key;

struct pattern {
    struct regex *regex;
    bool bytes;
};

static int pattern_gc(lua_State *L)
{
    struct pattern *pattern = lua_touserdata(L, 1);

    regex_free(&pattern->regex);
    return 0;
}

static struct span string_at(lua_State *L, int index)
{
    size_t size;
    const char *at = luaL_checklstring(L, index, &size);

    return span_make(at, size);
}

/* Compiles anew after a collection when memory is short: expressions weigh more than Lua knows. */
static struct regex *compile(lua_State *L, struct span text, unsigned flags)
{
    struct regex_host *host = &sandbox_of(L)->regexes;
    char why[200];
    struct regex *regex = regex_new_for(host, text, flags, why, sizeof(why));

    if (regex == NULL) {
        lua_gc(L, LUA_GCCOLLECT);
        regex = regex_new_for(host, text, flags, why, sizeof(why));
    }
    if (regex == NULL)
        luaL_error(L, "bad pattern: %s", why);
    return regex;
}

/* Pushes the cache, a new one when it is full. */
static void push_cache(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key) == LUA_TTABLE) {
        lua_Integer count;

        lua_rawgeti(L, -1, 1);
        count = lua_tointeger(L, -1);
        lua_pop(L, 1);
        if (count < CACHE_MOST)
            return;
    }
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushinteger(L, 0);
    lua_rawseti(L, -2, 1);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &cache_key);
}

/* Pushes the expression for that pattern; its userdata keeps it alive while it stands on the stack. */
static struct regex *push_pattern(lua_State *L, int index, bool bytes)
{
    struct span text = string_at(L, index);
    struct pattern *pattern;

    luaL_argcheck(L, text.size <= PATTERN_MOST, index, "a pattern of more than 4096 bytes");
    push_cache(L);
    lua_pushstring(L, bytes ? "b" : "u");
    lua_pushvalue(L, index);
    lua_concat(L, 2);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -3) == LUA_TUSERDATA) {
        pattern = lua_touserdata(L, -1);
        lua_replace(L, -3);
        lua_pop(L, 1);
        return pattern->regex;
    }
    lua_pop(L, 1);
    pattern = lua_newuserdatauv(L, sizeof(*pattern), 0);
    *pattern = (struct pattern){ .bytes = bytes };
    luaL_setmetatable(L, "pattern");
    pattern->regex = compile(L, text, bytes ? REGEX_BYTES : REGEX_KNOWN);
    /* cache, key, pattern */
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, -5);
    lua_rawgeti(L, -3, 1);
    lua_pushinteger(L, lua_tointeger(L, -1) + 1);
    lua_rawseti(L, -5, 1);
    lua_pop(L, 1);
    lua_replace(L, -3);
    lua_pop(L, 1);
    return pattern->regex;
}

/* The start of the character that begins at or behind place. */
static size_t character_at(struct span text, size_t place, bool bytes)
{
    while (!bytes && place < text.size && ((unsigned char)text.at[place] & 0xc0) == 0x80)
        place++;
    return place;
}

static bool match(lua_State *L, struct regex *regex, struct span text, size_t from, struct span *groups)
{
    enum regex_verdict verdict = regex_match(regex, text, from, groups, GROUPS);

    if (verdict == REGEX_TOO_HARD)
        luaL_error(L, "%s", meter_expired() ? meter_text : "the pattern takes too many steps on this text");
    return verdict == REGEX_MATCH && groups[0].at >= text.at + from;
}

/* The groups, or the whole match when there are none. */
static int push_groups(lua_State *L, const struct regex *regex, const struct span *groups)
{
    unsigned count = regex_groups(regex);

    luaL_checkstack(L, GROUPS, "too many groups");
    if (count == 0)
        lua_pushlstring(L, groups[0].at, groups[0].size);
    for (unsigned i = 1; i <= count; i++)
        if (groups[i].at)
            lua_pushlstring(L, groups[i].at, groups[i].size);
        else
            lua_pushnil(L);
    return count ? (int)count : 1;
}

/* 1-based, negative from the end; beyond the end: size + 1. */
static size_t start_of(lua_State *L, int index, size_t size)
{
    lua_Integer init = luaL_optinteger(L, index, 1);

    if (init > 0)
        return (size_t)init - 1 > size ? size + 1 : (size_t)init - 1;
    if (init == 0 || init < -(lua_Integer)size)
        return 0;
    return (size_t)((lua_Integer)size + init);
}

static int find_plain(lua_State *L, struct span text, size_t from)
{
    struct span what = string_at(L, 2);
    const char *hit = memmem(text.at + from, text.size - from, what.at, what.size);

    if (hit == NULL) {
        luaL_pushfail(L);
        return 1;
    }
    lua_pushinteger(L, hit - text.at + 1);
    lua_pushinteger(L, hit - text.at + (lua_Integer)what.size);
    return 2;
}

static int find_or_match(lua_State *L, bool find)
{
    struct span text = string_at(L, 1), groups[GROUPS];
    size_t from = start_of(L, 3, text.size);
    bool bytes = !text_is_utf8(text);
    struct regex *regex;
    int count = 0;

    if (from > text.size) {
        luaL_pushfail(L);
        return 1;
    }
    if (find && lua_toboolean(L, 4))
        return find_plain(L, text, from);
    regex = push_pattern(L, 2, bytes);
    if (!match(L, regex, text, character_at(text, from, bytes), groups)) {
        luaL_pushfail(L);
        return 1;
    }
    if (find) {
        lua_pushinteger(L, groups[0].at - text.at + 1);
        lua_pushinteger(L, groups[0].at - text.at + (lua_Integer)groups[0].size);
        count = 2;
        if (regex_groups(regex) == 0)
            return count;
    }
    return count + push_groups(L, regex, groups);
}

static int string_find(lua_State *L)
{
    return find_or_match(L, true);
}

static int string_match(lua_State *L)
{
    return find_or_match(L, false);
}

/* Where to look after a match: behind it, and behind an empty one a character further. */
static size_t behind(struct span text, struct span found, bool bytes)
{
    size_t place = (size_t)(found.at - text.at) + found.size;

    return found.size ? place : character_at(text, place + 1, bytes);
}

/* upvalues: text, pattern (userdata), where to go on */
static int gmatch_next(lua_State *L)
{
    struct span text = string_at(L, lua_upvalueindex(1)), groups[GROUPS];
    struct pattern *pattern = lua_touserdata(L, lua_upvalueindex(2));
    size_t from = (size_t)lua_tointeger(L, lua_upvalueindex(3));

    if (from > text.size || !match(L, pattern->regex, text, from, groups)) {
        lua_pushinteger(L, (lua_Integer)text.size + 1);
        lua_replace(L, lua_upvalueindex(3));
        luaL_pushfail(L);
        return 1;
    }
    lua_pushinteger(L, (lua_Integer)behind(text, groups[0], pattern->bytes));
    lua_replace(L, lua_upvalueindex(3));
    return push_groups(L, pattern->regex, groups);
}

static int string_gmatch(lua_State *L)
{
    struct span text = string_at(L, 1);
    bool bytes = !text_is_utf8(text);

    lua_pushvalue(L, 1);
    push_pattern(L, 2, bytes);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, gmatch_next, 3);
    return 1;
}

/* %0 the match, %1 to %9 the groups, %% a percent sign. */
static void add_replacement(lua_State *L, luaL_Buffer *out, struct span how, const struct regex *regex,
                            const struct span *groups)
{
    for (size_t i = 0; i < how.size; i++) {
        unsigned group;

        if (how.at[i] != '%') {
            luaL_addchar(out, how.at[i]);
            continue;
        }
        i++;
        if (i < how.size && how.at[i] == '%') {
            luaL_addchar(out, '%');
            continue;
        }
        group = i < how.size ? (unsigned)(unsigned char)how.at[i] - '0' : 10;
        if (group > 9 || (group > regex_groups(regex) && group > 1))
            luaL_error(L, "bad replacement: %% must be followed by %%, 0, or the number of a group");
        if (group == 1 && regex_groups(regex) == 0)
            group = 0;
        luaL_addlstring(out, groups[group].at ? groups[group].at : "", groups[group].size);
    }
}

/* The value for one match, by table or function; what it is not goes in unchanged. */
static void add_value(lua_State *L, luaL_Buffer *out, const struct regex *regex, const struct span *groups)
{
    if (lua_isfunction(L, 3)) {
        lua_pushvalue(L, 3);
        lua_call(L, push_groups(L, regex, groups), 1);
    } else {
        struct span key = regex_groups(regex) ? groups[1] : groups[0];

        lua_pushlstring(L, key.at ? key.at : "", key.size);
        lua_gettable(L, 3);
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(out, groups[0].at, groups[0].size);
        return;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "a replacement of type %s", luaL_typename(L, -1));
    luaL_addvalue(out);
}

static int string_gsub(lua_State *L)
{
    struct span text = string_at(L, 1), groups[GROUPS], how = { NULL, 0 };
    lua_Integer most = luaL_optinteger(L, 4, LUA_MAXINTEGER), count = 0;
    bool bytes = !text_is_utf8(text);
    size_t copied = 0, from = 0;
    struct regex *regex;
    luaL_Buffer out;

    if (lua_isstring(L, 3))
        how = string_at(L, 3);
    else
        luaL_argexpected(L, lua_isfunction(L, 3) || lua_istable(L, 3), 3, "string, function or table");
    lua_settop(L, 4);
    regex = push_pattern(L, 2, bytes);
    luaL_buffinit(L, &out);
    while (count < most && from <= text.size && match(L, regex, text, from, groups)) {
        if (meter_expired())
            return luaL_error(L, "%s", meter_text);
        luaL_addlstring(&out, text.at + copied, (size_t)(groups[0].at - text.at) - copied);
        if (how.at)
            add_replacement(L, &out, how, regex, groups);
        else
            add_value(L, &out, regex, groups);
        copied = (size_t)(groups[0].at - text.at) + groups[0].size;
        from = behind(text, groups[0], bytes);
        count++;
    }
    luaL_addlstring(&out, text.at + copied, text.size - copied);
    luaL_pushresult(&out);
    lua_pushinteger(L, count);
    return 2;
}

/* Lua's own runs for ever on an empty string repeated very often. Each copy doubles what is there. */
static int string_rep(lua_State *L)
{
    struct span text = string_at(L, 1), between = { "", 0 };
    lua_Integer count = luaL_checkinteger(L, 2);
    size_t each, whole, done;
    luaL_Buffer out;
    char *at;

    if (!lua_isnoneornil(L, 3))
        between = string_at(L, 3);
    each = text.size + between.size;
    if (count <= 0 || each == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if ((lua_Unsigned)count > sandbox_of(L)->purse.most / each)
        return luaL_error(L, "the resulting string is larger than the script's memory");
    whole = (size_t)count * each;
    at = luaL_buffinitsize(L, &out, whole);
    memcpy(at, text.at, text.size);
    memcpy(at + text.size, between.at, between.size);
    for (done = each; done < whole; done *= 2)
        memcpy(at + done, at, done < whole - done ? done : whole - done);
    luaL_pushresultsize(&out, whole - between.size);
    return 1;
}

void script_string_open(lua_State *L)
{
    static const luaL_Reg replaced[] = {
        { "find", string_find }, { "match", string_match }, { "gmatch", string_gmatch },
        { "gsub", string_gsub }, { "rep", string_rep },     { NULL, NULL },
    };

    luaL_newmetatable(L, "pattern");
    lua_pushcfunction(L, pattern_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
    luaL_setfuncs(L, replaced, 0); /* the metatable of strings has this very table as __index */
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
    lua_pop(L, 1);
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
}
