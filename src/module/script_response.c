/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script_response.c - Result(type, data), and the response that a function may fill.
 *
 * callback(function(request, response) ... end): the function runs at once, within the script's time; what it
 * set is the answer when it returns. A response knows its call by number, so one that a script keeps for
 * later finds nothing. Names and values of headers are checked here, so that no script can split a reply. */
#include "base/must.h"
#include "base/text.h"
#include "module/script_inside.h"
#include "parse/http_chars.h"

#include <stdlib.h>

#define HEADER_BYTES 16384 /* of names and values of one answer */

static const char result_key; /* registry: metatable of results */

/* ---- Result ---- */
static int result_new(lua_State *L)
{
    luaL_checkstring(L, 1);
    luaL_checkstring(L, 2);
    lua_settop(L, 2);
    lua_createtable(L, 2, 0);
    lua_insert(L, 1);
    lua_rawseti(L, 1, 2);
    lua_rawseti(L, 1, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &result_key);
    lua_setmetatable(L, 1);
    return 1;
}

static bool is_type(struct span type)
{
    return type.size > 2 && type.size < 200 && span_find(type, '/') > 0 && !text_has_control(type);
}

/* Raises for a type that is none. */
bool script_result_read(lua_State *L, int index, struct span *type_r, struct span *data_r)
{
    bool is;

    if (!lua_getmetatable(L, index))
        return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &result_key);
    is = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    if (!is)
        return false;
    if (lua_rawgeti(L, index, 1) != LUA_TSTRING || lua_rawgeti(L, index, 2) != LUA_TSTRING)
        luaL_error(L, "Result: type and data are strings");
    type_r->at = lua_tolstring(L, -2, &type_r->size);
    data_r->at = lua_tolstring(L, -1, &data_r->size);
    if (!is_type(*type_r))
        luaL_error(L, "Result: that is no media type");
    lua_pop(L, 2); /* the table keeps them */
    return true;
}

/* ---- response ---- */
void script_reply_free(struct script_reply *reply)
{
    buf_free(&reply->body);
    buf_free(&reply->type);
    buf_free(&reply->names);
    free(reply->headers);
    *reply = (struct script_reply){ 0 };
}

/* The reply that the response at 1 fills. */
static struct script_reply *check_reply(lua_State *L)
{
    lua_Integer *number = luaL_checkudata(L, 1, "response");
    struct script *script = sandbox_of(L)->script;
    struct script_call *call = script_call_find(script, *number);

    if (call == NULL || call != script->current || call->answered)
        luaL_error(L, "this response is over");
    return &call->reply;
}

static int check_status(lua_State *L, int index)
{
    lua_Integer status = luaL_checkinteger(L, index);

    luaL_argcheck(L, status >= 200 && status <= 599, index, "a status from 200 to 599");
    return (int)status;
}

static void add_body(lua_State *L, struct script_reply *reply, struct span text)
{
    if (text.size > sandbox_of(L)->purse.most - reply->body.size)
        luaL_error(L, "the answer is larger than the script's memory");
    buf_add(&reply->body, text);
}

static struct span text_at(lua_State *L, int index)
{
    struct span text;

    text.at = luaL_checklstring(L, index, &text.size);
    return text;
}

static void set_type(lua_State *L, struct script_reply *reply, struct span type)
{
    if (!is_type(type))
        luaL_error(L, "that is no media type");
    buf_clear(&reply->type);
    buf_add(&reply->type, type);
}

static bool is_ours(struct span name)
{
    static const char *const names[] = { "connection",
                                         "content-length",
                                         "transfer-encoding",
                                         "upgrade",
                                         "te",
                                         "trailer",
                                         "keep-alive",
                                         "date",
                                         "server",
                                         NULL };

    for (size_t i = 0; names[i]; i++)
        if (span_eq_nocase(name, span_of(names[i])))
            return true;
    return false;
}

static void add_header(lua_State *L, struct script_reply *reply, struct span name, struct span value)
{
    struct reply_place place = { reply->names.size, name.size, reply->names.size + name.size, value.size };

    if (name.size == 0 || !http_chars_all(name, HTTP_TCHAR) || is_ours(name))
        luaL_error(L, "a header of this name cannot be set");
    if (text_has_control(value))
        luaL_error(L, "a header's value with a control character");
    if (reply->header_count >= REPLY_HEADERS_MOST ||
        reply->names.size + name.size + value.size > HEADER_BYTES)
        luaL_error(L, "too many headers");
    buf_add(&reply->names, name);
    buf_add(&reply->names, value);
    if (reply->headers == NULL)
        reply->headers = must_alloc(REPLY_HEADERS_MOST * sizeof(*reply->headers));
    reply->headers[reply->header_count++] = place;
}

/* One value per name, but of set-cookie and the like, which addHeader adds. */
static void drop_header(struct script_reply *reply, struct span name)
{
    size_t kept = 0;

    for (size_t i = 0; i < reply->header_count; i++) {
        const struct reply_place *place = &reply->headers[i];

        if (!span_eq_nocase(span_make(reply->names.at + place->name, place->name_size), name))
            reply->headers[kept++] = *place;
    }
    reply->header_count = kept;
}

static int response_set_status(lua_State *L)
{
    check_reply(L)->status = check_status(L, 2);
    return 0;
}

static int response_set_type(lua_State *L)
{
    set_type(L, check_reply(L), text_at(L, 2));
    return 0;
}

static int response_set_header(lua_State *L)
{
    struct script_reply *reply = check_reply(L);
    struct span name = text_at(L, 2), value = text_at(L, 3);

    if (span_eq_nocase(name, SPAN("content-type"))) {
        set_type(L, reply, value);
        return 0;
    }
    drop_header(reply, name);
    add_header(L, reply, name, value);
    return 0;
}

static int response_add_header(lua_State *L)
{
    struct script_reply *reply = check_reply(L);

    luaL_argcheck(L, !span_eq_nocase(text_at(L, 2), SPAN("content-type")), 2, "setContentType sets it");
    add_header(L, reply, text_at(L, 2), text_at(L, 3));
    return 0;
}

static int response_write(lua_State *L)
{
    struct script_reply *reply = check_reply(L);

    for (int i = 2; i <= lua_gettop(L); i++)
        add_body(L, reply, text_at(L, i));
    return 0;
}

static int response_send_error(lua_State *L)
{
    struct script_reply *reply = check_reply(L);
    int status = check_status(L, 2);
    struct span text = lua_isnoneornil(L, 3) ? SPAN("") : text_at(L, 3);

    luaL_argcheck(L, status >= 400, 2, "an error is from 400 to 599");
    reply->status = status;
    buf_clear(&reply->body);
    set_type(L, reply, SPAN("text/plain; charset=utf-8"));
    add_body(L, reply, text);
    return 0;
}

static int response_send_redirect(lua_State *L)
{
    struct script_reply *reply = check_reply(L);
    struct span place = text_at(L, 2);

    luaL_argcheck(L, place.size && span_find(place, ' ') < 0 && text_is_utf8(place), 2, "a URL");
    drop_header(reply, SPAN("location"));
    add_header(L, reply, SPAN("Location"), place);
    reply->status = 302;
    buf_clear(&reply->body);
    return 0;
}

static int responded(lua_State *L, int status, lua_KContext context)
{
    struct script_call *call = script_call_find(sandbox_of(L)->script, (lua_Integer)context);

    (void)status;
    if (call && !call->answered) {
        call->kind = SCRIPT_RESPONSE;
        call->answered = true;
    }
    return 0;
}

int script_respond(lua_State *L, struct script_call *call, int function)
{
    lua_KContext number = (lua_KContext)call->number;

    script_reply_free(&call->reply);
    call->reply.status = 200;
    lua_pushvalue(L, function);
    script_push_json(L, call->request);
    *(lua_Integer *)lua_newuserdatauv(L, sizeof(lua_Integer), 0) = call->number;
    luaL_setmetatable(L, "response");
    lua_callk(L, 2, 0, number, responded);
    return responded(L, LUA_OK, number);
}

void script_answer_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "setStatus", response_set_status },
        { "setContentType", response_set_type },
        { "setHeader", response_set_header },
        { "addHeader", response_add_header },
        { "write", response_write },
        { "sendError", response_send_error },
        { "sendRedirect", response_send_redirect },
        { NULL, NULL },
    };

    luaL_newmetatable(L, "response");
    luaL_newlib(L, functions);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &result_key);
    lua_pushcfunction(L, result_new);
    lua_setglobal(L, "Result");
}
