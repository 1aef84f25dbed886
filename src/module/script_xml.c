/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script_xml.c - XML for scripts: plain tables with a few methods, checked when written.
 *
 * An element is a table that a script may change at will: name, xmlns, attr and the children 1..n. So nothing
 * of it is believed when it becomes text: names must be XML names, all else passes the escaper. A child
 * without xmlns is in its parent's namespace. Attributes of a namespace are keyed "{namespace}name", those of
 * the xml prefix "xml:name". */
#include "base/must.h"
#include "base/text.h"
#include "module/script_inside.h"

#include <stdio.h>
#include <stdlib.h>

#define DEPTH_MOST 64
#define NODE_BYTES 160 /* about what a node costs in the arena */

static const char element_key; /* registry: the metatable */

bool script_is_element(lua_State *L, int index)
{
    bool is = false;

    if (lua_istable(L, index) && lua_checkstack(L, 2) && lua_getmetatable(L, index)) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &element_key);
        is = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
    }
    return is;
}

/* ---- from Lua: what it builds hangs in a scrap, as memory may run out in the middle ---- */
struct builder {
    lua_State *L;
    struct arena *arena;
    size_t bytes, bytes_most;
    unsigned depth;
    char *why;
    size_t why_size;
};

static bool fail(struct builder *builder, const char *why)
{
    snprintf(builder->why, builder->why_size, "%s", why);
    return false;
}

static bool count(struct builder *builder, size_t bytes)
{
    builder->bytes += bytes + NODE_BYTES;
    return builder->bytes <= builder->bytes_most || fail(builder, "an element that is too large");
}

/* XML 1.0 2.3, without the colon. */
static bool is_name_start(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (c >= 0xc0 && c <= 0x2ff && c != 0xd7 && c != 0xf7) || (c >= 0x370 && c <= 0x1fff && c != 0x37e) ||
           c == 0x200c || c == 0x200d || (c >= 0x2070 && c <= 0x218f) || (c >= 0x2c00 && c <= 0x2fef) ||
           (c >= 0x3001 && c <= 0xd7ff) || (c >= 0xf900 && c <= 0xfdcf) || (c >= 0xfdf0 && c <= 0xfffd) ||
           (c >= 0x10000 && c <= 0xeffff);
}

static bool is_name_more(uint32_t c)
{
    return is_name_start(c) || c == '-' || c == '.' || (c >= '0' && c <= '9') || c == 0xb7 ||
           (c >= 0x300 && c <= 0x36f) || c == 0x203f || c == 0x2040;
}

static bool is_name(struct span name)
{
    size_t place = 0;

    if (name.size == 0 || name.size > 1000 || !text_is_utf8(name))
        return false;
    while (place < name.size) {
        unsigned char first = (unsigned char)name.at[place];
        size_t more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
        uint32_t c = more == 0 ? first : first & (0x3fu >> more);

        for (size_t i = 1; i <= more; i++)
            c = c << 6 | ((unsigned char)name.at[place + i] & 0x3f);
        if (place == 0 ? !is_name_start(c) : !is_name_more(c))
            return false;
        place += more + 1;
    }
    return true;
}

static bool take_ns(struct builder *builder, struct span ns)
{
    if (ns.size && (memchr(ns.at, 0, ns.size) || !text_is_utf8(ns) || text_has_control(ns)))
        return fail(builder, "an xmlns that is not text");
    if (span_is(ns, XML_NS_XML) || span_is(ns, "http://www.w3.org/2000/xmlns/"))
        return fail(builder, "an xmlns that XML keeps for itself");
    return count(builder, ns.size);
}

/* Number or string at the top, as text; whatever else: false. Numbers are converted on a copy. */
static bool take_text(struct builder *builder, struct span *text_r)
{
    lua_State *L = builder->L;

    if (lua_type(L, -1) == LUA_TSTRING) {
        text_r->at = lua_tolstring(L, -1, &text_r->size);
    } else if (lua_isinteger(L, -1)) {
        text_r->at = arena_printf(builder->arena, "%lld", (long long)lua_tointeger(L, -1));
        text_r->size = strlen(text_r->at);
    } else if (lua_type(L, -1) == LUA_TNUMBER) {
        text_r->at = arena_printf(builder->arena, "%.14g", lua_tonumber(L, -1));
        text_r->size = strlen(text_r->at);
    } else {
        return false;
    }
    return count(builder, text_r->size);
}

/* "name", "xml:name" or "{ns}name" */
static bool take_attribute_name(struct builder *builder, struct span key, struct xml_attribute *attribute_r)
{
    ssize_t end = key.size && key.at[0] == '{' ? span_find(key, '}') : -1;

    attribute_r->ns = span_make("", 0);
    attribute_r->name = key;
    if (span_starts(key, SPAN("xml:"))) {
        attribute_r->ns = SPAN(XML_NS_XML);
        attribute_r->name = span_from(key, 4);
    } else if (end > 0) {
        attribute_r->ns = span_make(key.at + 1, (size_t)end - 1);
        attribute_r->name = span_from(key, (size_t)end + 1);
        if (!take_ns(builder, attribute_r->ns))
            return false;
    }
    if (!is_name(attribute_r->name) || span_is(attribute_r->name, "xmlns"))
        return fail(builder, "an attribute whose name is not one of XML");
    attribute_r->name = arena_copy(builder->arena, attribute_r->name);
    attribute_r->ns = arena_copy(builder->arena, attribute_r->ns);
    return count(builder, key.size);
}

static int by_name(const void *a, const void *b)
{
    const struct xml_attribute *one = a, *other = b;
    int order = span_compare(one->ns, other->ns);

    return order ? order : span_compare(one->name, other->name);
}

/* Of the table on top. Sorted: the same element is always the same text. */
static bool build_attributes(struct builder *builder, struct xml_element *element)
{
    lua_State *L = builder->L;
    int table = lua_gettop(L);
    size_t found = 0;

    lua_pushnil(L);
    while (lua_next(L, table)) {
        found++;
        lua_pop(L, 1);
    }
    if (!count(builder, found * sizeof(*element->attributes)))
        return false;
    element->attributes = arena_alloc(builder->arena, (found + 1) * sizeof(*element->attributes));
    lua_pushnil(L);
    while (lua_next(L, table)) {
        struct xml_attribute *attribute = &element->attributes[element->attribute_count];
        struct span key, value;

        if (lua_type(L, -2) != LUA_TSTRING || !take_text(builder, &value))
            return fail(builder, "an attribute that is not a string or a number");
        key.at = lua_tolstring(L, -2, &key.size);
        if (!take_attribute_name(builder, key, attribute))
            return false;
        attribute->value = arena_copy(builder->arena, value);
        element->attribute_count++;
        lua_pop(L, 1);
    }
    if (element->attribute_count)
        qsort(element->attributes, element->attribute_count, sizeof(*element->attributes), by_name);
    for (size_t i = 1; i < element->attribute_count; i++)
        if (by_name(&element->attributes[i - 1], &element->attributes[i]) == 0)
            return fail(builder, "an attribute twice");
    return true;
}

static struct xml_element *build(struct builder *builder, int index, struct span outer_ns);

static bool build_children(struct builder *builder, int index, struct xml_element *element)
{
    lua_State *L = builder->L;
    size_t size = lua_rawlen(L, index);
    struct span text;

    for (size_t i = 1; i <= size; i++) {
        lua_rawgeti(L, index, (lua_Integer)i);
        if (script_is_element(L, -1)) {
            struct xml_element *child = build(builder, lua_gettop(L), element->ns);

            if (child == NULL)
                return false;
            xml_append(builder->arena, element, child);
        } else if (take_text(builder, &text)) {
            xml_append_text(builder->arena, element, text);
        } else {
            return fail(builder, "a child that is neither an element nor text");
        }
        lua_pop(L, 1);
    }
    return true;
}

/* NULL: builder->why. The table at index is an element. */
static struct xml_element *build(struct builder *builder, int index, struct span outer_ns)
{
    lua_State *L = builder->L;
    struct xml_element *element = arena_make(builder->arena, struct xml_element);
    int top = lua_gettop(L);
    bool good;

    if (builder->depth >= DEPTH_MOST || !lua_checkstack(L, 10)) {
        fail(builder, "an element within itself, or of more than 64 levels");
        return NULL;
    }
    builder->depth++;
    lua_pushliteral(L, "name");
    if (lua_rawget(L, index) == LUA_TSTRING)
        element->name.at = lua_tolstring(L, -1, &element->name.size);
    good = is_name(element->name) || fail(builder, "an element whose name is not one of XML");
    element->ns = outer_ns;
    lua_pushliteral(L, "xmlns");
    if (lua_rawget(L, index) == LUA_TSTRING)
        element->ns.at = lua_tolstring(L, -1, &element->ns.size);
    good = good && take_ns(builder, element->ns) && count(builder, element->name.size);
    if (good) {
        element->name = arena_copy(builder->arena, element->name);
        element->ns = arena_copy(builder->arena, element->ns);
        lua_pushliteral(L, "attr");
        if (lua_rawget(L, index) == LUA_TTABLE)
            good = build_attributes(builder, element);
        good = good && build_children(builder, index, element);
    }
    builder->depth--;
    lua_settop(L, top);
    return good ? element : NULL;
}

static void release_arena(void *at)
{
    struct arena *arena = at;

    arena_free(&arena);
}

bool script_element_text(lua_State *L, int index, struct buf *out, char *why_r, size_t why_size)
{
    struct builder builder = {
        .L = L, .bytes_most = sandbox_of(L)->purse.most, .why = why_r, .why_size = why_size
    };
    struct xml_element *element;
    struct scrap *scrap;

    index = lua_absindex(L, index);
    scrap = scrap_new(L, release_arena);
    scrap->at = builder.arena = arena_new();
    element = build(&builder, index, span_make("", 0));
    if (element)
        xml_write(out, element, span_make("", 0));
    scrap_drop(scrap);
    lua_pop(L, 1);
    return element != NULL;
}

/* ---- to Lua: raises when memory is out ---- */
static void push_attributes(lua_State *L, const struct xml_element *element)
{
    lua_createtable(L, 0, (int)element->attribute_count);
    for (size_t i = 0; i < element->attribute_count; i++) {
        const struct xml_attribute *attribute = &element->attributes[i];

        lua_pushlstring(L, attribute->name.at, attribute->name.size);
        if (span_is(attribute->ns, XML_NS_XML)) {
            lua_pushfstring(L, "xml:%s", lua_tostring(L, -1));
            lua_remove(L, -2);
        } else if (attribute->ns.size) {
            lua_pushliteral(L, "{");
            lua_pushlstring(L, attribute->ns.at, attribute->ns.size);
            lua_pushliteral(L, "}");
            lua_pushvalue(L, -4);
            lua_concat(L, 4);
            lua_remove(L, -2);
        }
        lua_pushlstring(L, attribute->value.at ? attribute->value.at : "", attribute->value.size);
        lua_rawset(L, -3);
    }
}

static void push_element(lua_State *L, const struct xml_element *element)
{
    lua_Integer place = 0;

    luaL_checkstack(L, 10, "XML of too many levels");
    lua_createtable(L, element->children ? 1 : 0, 3);
    lua_pushlstring(L, element->name.at, element->name.size);
    lua_setfield(L, -2, "name");
    if (element->ns.size) {
        lua_pushlstring(L, element->ns.at, element->ns.size);
        lua_setfield(L, -2, "xmlns");
    }
    push_attributes(L, element);
    lua_setfield(L, -2, "attr");
    for (const struct xml_node *node = element->children; node; node = node->next) {
        if (node->element)
            push_element(L, node->element);
        else
            lua_pushlstring(L, node->text.at ? node->text.at : "", node->text.size);
        lua_rawseti(L, -2, ++place);
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &element_key);
    lua_setmetatable(L, -2);
}

/* Pushes the element; NULL, or why not. */
static const char *push_document(lua_State *L, struct span text)
{
    struct scrap *scrap = scrap_new(L, release_arena);
    struct arena *arena = arena_new();
    struct xml_element *root;
    const char *why;

    scrap->at = arena;
    if (!xml_document(text, &xml_limits_component, arena, &root, &why)) {
        lua_pop(L, 1);
        return why;
    }
    push_element(L, root);
    scrap_drop(scrap);
    lua_remove(L, -2);
    return NULL;
}

void script_push_xml(lua_State *L, struct span text)
{
    const char *why = push_document(L, text);

    if (why)
        luaL_error(L, "the answer is not XML: %s", why);
}

/* ---- the library ---- */
static int xml_parse(lua_State *L)
{
    struct span text;
    const char *why;

    text.at = luaL_checklstring(L, 1, &text.size);
    why = push_document(L, text);
    if (why == NULL)
        return 1;
    luaL_pushfail(L);
    lua_pushstring(L, why);
    return 2;
}

/* xml.element(name [, attributes], children...): attributes may hold xmlns. */
static int xml_element_new(lua_State *L)
{
    int last = lua_gettop(L), child = 2;
    lua_Integer place = 0;

    luaL_checkstring(L, 1);
    lua_createtable(L, last > 2 ? last - 2 : 0, 3);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "name");
    lua_newtable(L);
    if (last >= 2 && (lua_isnil(L, 2) || (lua_istable(L, 2) && !script_is_element(L, 2)))) {
        child = 3;
        if (lua_istable(L, 2)) {
            lua_pushnil(L);
            while (lua_next(L, 2)) {
                lua_pushvalue(L, -2);
                lua_insert(L, -2);
                if (lua_type(L, -2) == LUA_TSTRING && strcmp(lua_tostring(L, -2), "xmlns") == 0) {
                    lua_rawset(L, last + 1);
                    continue;
                }
                lua_rawset(L, last + 2);
            }
        }
    }
    lua_setfield(L, last + 1, "attr");
    for (; child <= last; child++) {
        luaL_argexpected(L, script_is_element(L, child) || lua_isstring(L, child), child, "element or text");
        lua_pushvalue(L, child);
        lua_rawseti(L, last + 1, ++place);
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &element_key);
    lua_setmetatable(L, -2);
    return 1;
}

static int xml_escape(lua_State *L)
{
    struct scrap *scrap;
    struct buf *out;
    struct span text;

    text.at = luaL_checklstring(L, 1, &text.size);
    luaL_argcheck(L, text.size <= sandbox_of(L)->purse.most / 8, 1, "too large");
    scrap = scrap_new(L, scrap_buf);
    scrap->at = out = must_alloc(sizeof(*out));
    text_add_xml(out, text);
    lua_pushlstring(L, out->at ? out->at : "", out->size);
    scrap_drop(scrap);
    return 1;
}

static void check_self(lua_State *L)
{
    luaL_argexpected(L, script_is_element(L, 1), 1, "element (call it with a colon)");
}

static int element_tostring(lua_State *L)
{
    char why[120];
    struct scrap *scrap;

    check_self(L);
    scrap = scrap_new(L, scrap_buf);
    scrap->at = must_alloc(sizeof(struct buf));
    if (!script_element_text(L, 1, scrap->at, why, sizeof(why)))
        return luaL_error(L, "%s", why);
    lua_pushlstring(L, ((struct buf *)scrap->at)->at, ((struct buf *)scrap->at)->size);
    scrap_drop(scrap);
    return 1;
}

static int element_text(lua_State *L)
{
    luaL_Buffer out;
    size_t size;

    check_self(L);
    size = lua_rawlen(L, 1);
    luaL_buffinit(L, &out);
    for (size_t i = 1; i <= size; i++) {
        int type = lua_rawgeti(L, 1, (lua_Integer)i);

        if (type == LUA_TSTRING || type == LUA_TNUMBER)
            luaL_addvalue(&out);
        else
            lua_pop(L, 1);
    }
    luaL_pushresult(&out);
    return 1;
}

/* The child on top; name at 2 and xmlns at 3, nil for any. */
static bool child_fits(lua_State *L)
{
    bool fits;

    if (!script_is_element(L, -1))
        return false;
    lua_pushliteral(L, "name");
    lua_rawget(L, -2);
    fits = lua_isnil(L, 2) || lua_rawequal(L, -1, 2);
    lua_pop(L, 1);
    lua_pushliteral(L, "xmlns");
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_pushliteral(L, "xmlns");
        lua_rawget(L, 1);
    }
    fits = fits && (lua_isnil(L, 3) || lua_rawequal(L, -1, 3));
    lua_pop(L, 1);
    return fits;
}

static int element_child(lua_State *L)
{
    size_t size;

    check_self(L);
    lua_settop(L, 3);
    size = lua_rawlen(L, 1);
    for (size_t i = 1; i <= size; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i);
        if (child_fits(L))
            return 1;
        lua_pop(L, 1);
    }
    lua_pushnil(L);
    return 1;
}

/* An array, so that a script may count it: for _, item in ipairs(query:children("item")) */
static int element_children(lua_State *L)
{
    lua_Integer place = 0;
    size_t size;

    check_self(L);
    lua_settop(L, 3);
    lua_newtable(L);
    size = lua_rawlen(L, 1);
    for (size_t i = 1; i <= size; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i);
        if (child_fits(L))
            lua_rawseti(L, 4, ++place);
        else
            lua_pop(L, 1);
    }
    return 1;
}

void script_xml_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "parse", xml_parse }, { "element", xml_element_new }, { "escape", xml_escape }, { NULL, NULL }
    };
    static const luaL_Reg methods[] = { { "child", element_child },
                                        { "children", element_children },
                                        { "text", element_text },
                                        { "tostring", element_tostring },
                                        { NULL, NULL } };

    luaL_newlib(L, functions);
    lua_setglobal(L, "xml");
    lua_newtable(L);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, element_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &element_key);
}
