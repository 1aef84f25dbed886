/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_content.c - the body of a call: read whole within its limit, then made a map.
 *
 * Read only when key, login and role were good, so that strangers cannot make us hold anything. */
#include "rest.h"

#include "parse/http_value.h"

#define WHY_MOST 256

struct taking {
    struct rest_call *call;
    void (*go)(struct rest_call *call);
    size_t most;
};

static bool has(struct span type, const char *word)
{
    struct span wanted = span_of(word);

    for (size_t i = 0; i + wanted.size <= type.size; i++)
        if (memcmp(type.at + i, wanted.at, wanted.size) == 0)
            return true;
    return false;
}

/* ---- Content-Type ---- */

static bool is_utf8_named(struct span parameters, struct http_request *request)
{
    struct span name, value;

    while (http_parameter_next(&parameters, &name, &value) == 1) {
        struct buf plain = { 0 };
        bool is_good;

        if (!span_eq_nocase(name, SPAN("charset")))
            continue;
        if (value.size > 0 && value.at[0] == '"') {
            http_quoted_decode(value, &plain);
            value = arena_copy(request->arena, buf_span(&plain));
            buf_free(&plain);
        }
        is_good = span_eq_nocase(value, SPAN("utf-8")) || span_eq_nocase(value, SPAN("utf8")) ||
                  span_eq_nocase(value, SPAN("us-ascii"));
        if (!is_good)
            return false;
    }
    return true;
}

/* body_type; false: answered. */
static bool read_type(struct rest_call *call)
{
    struct span field = request_field(call->request, "content-type");
    struct media_type type;
    char *text;
    size_t size;

    if (field.at == NULL || field.size == 0)
        return true;
    if (!media_type_parse(field, &type)) {
        rest_problem(call, PROBLEM_media_not_understood, "The Content-Type is no media type");
        return false;
    }
    text = arena_printf(call->request->arena, "%.*s/%.*s", SPAN_ARG(type.type), SPAN_ARG(type.subtype));
    size = strlen(text);
    for (size_t i = 0; i < size; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] + ('a' - 'A'));
    call->body_type = span_make(text, size);
    if (call->method->content == CONTENT_MAP && !is_utf8_named(type.parameters, call->request)) {
        rest_problem(call, PROBLEM_media_not_understood, "Only UTF-8 is understood: charset=utf-8");
        return false;
    }
    return true;
}

/* ---- the bytes ---- */

static void decode(struct taking *taking)
{
    struct rest_call *call = taking->call;
    char why[WHY_MOST] = "";
    int read = 1;

    call->has_content = call->body.size > 0 && call->body_type.size > 0;
    if (call->method->content == CONTENT_MAP && call->has_content) {
        if (has(call->body_type, "/json") || has(call->body_type, "+json"))
            read = rest_read_json(call->body, &call->content, why, sizeof(why));
        else if (has(call->body_type, "/xml") || has(call->body_type, "+xml"))
            read = rest_read_xml(call->body, &call->content, why, sizeof(why));
    }
    if (read != 1)
        rest_problem(call, PROBLEM_bad_request, why);
    else
        taking->go(call);
}

static void too_large(const struct taking *taking)
{
    rest_problem(
        taking->call, PROBLEM_body_too_large,
        arena_printf(taking->call->request->arena, "The body may hold %zu bytes at most", taking->most));
}

static void on_bytes(struct http_request *request, struct span piece)
{
    struct rest_call *call = OBJECT(request->handler_data, rest_call);
    struct taking *taking = call->data;

    if (piece.size > taking->most - call->received.size)
        too_large(taking);
    else
        buf_add(&call->received, piece);
}

static void on_done(struct http_request *request)
{
    struct rest_call *call = OBJECT(request->handler_data, rest_call);
    struct taking *taking = call->data;

    call->data = NULL;
    call->body = buf_span(&call->received);
    decode(taking);
}

void rest_take_content(struct rest_call *call, void (*go)(struct rest_call *call))
{
    static const struct body_sink sink = { on_bytes, on_done };
    struct http_request *request = call->request;
    struct taking *taking;

    if (!request->has_body) {
        go(call);
        return;
    }
    if (call->method->content == CONTENT_NONE) {
        rest_problem(call, PROBLEM_bad_request, "This takes no body");
        return;
    }
    if (!read_type(call))
        return;
    taking = arena_make(request->arena, struct taking);
    taking->call = call;
    taking->go = go;
    taking->most =
        call->method->body_most != 0 ? call->method->body_most : (size_t)call->rest->conf->max_body;
    if (request->body_size > 0 && (uint64_t)request->body_size > taking->most) {
        too_large(taking);
        return;
    }
    if (request->body_size > 0)
        buf_reserve(&call->received, (size_t)request->body_size);
    call->data = taking; /* the endpoint's only once it runs */
    request_take_body(request, &sink);
}
