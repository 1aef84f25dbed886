/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: scripts_request.c - a request as an object, for scripts and templates. */
#include "scripts.h"

#include "parse/uri.h"

static struct json_object *text_json(struct span text)
{
    return json_object_new_string_len(text.at != NULL ? text.at : "", (int)text.size);
}

/* Names and values of the query, decoded; of a name that comes twice the first counts. */
static struct json_object *query_object(struct rest_call *call)
{
    struct json_object *object = json_object_new_object();
    struct span query = call->request->query, name, value;

    while (uri_query_next(&query, &name, &value)) {
        struct buf key = { 0 }, text = { 0 };

        if (uri_query_decode(name, &key) && uri_query_decode(value, &text)) {
            buf_char(&key, '\0');
            if (!json_object_object_get_ex(object, key.at, NULL))
                json_object_object_add(object, key.at, text_json(buf_span(&text)));
        }
        buf_free(&key);
        buf_free(&text);
    }
    return object;
}

/* Lower-case names; a field that comes again is joined by a comma. A password that proved a login is none of
 * the script's business. */
static struct json_object *header_object(struct rest_call *call)
{
    struct json_object *object = json_object_new_object(), *before;
    const struct http_head *head = call->request->head;

    for (size_t i = 0; i < head->field_count; i++) {
        struct span value = head->fields[i].value;
        char *name = arena_text(call->request->arena, head->fields[i].name);

        for (char *at = name; *at != '\0'; at++)
            if (*at >= 'A' && *at <= 'Z')
                *at = (char)(*at | 0x20);
        if (strcmp(name, "authorization") == 0 && call->login.jid.at != NULL)
            continue;
        if (json_object_object_get_ex(object, name, &before)) {
            char *joined = arena_printf(call->request->arena, "%s, %.*s", json_object_get_string(before),
                                        SPAN_ARG(value));

            json_object_object_add(object, name, json_object_new_string(joined));
        } else {
            json_object_object_add(object, name, text_json(value));
        }
    }
    return object;
}

struct json_object *rest_script_request(struct rest_call *call)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "method", text_json(call->request->method_text));
    json_object_object_add(object, "path", text_json(call->request->path));
    json_object_object_add(object, "query", query_object(call));
    json_object_object_add(object, "headers", header_object(call));
    json_object_object_add(object, "type", text_json(call->body_type));
    json_object_object_add(object, "body", text_json(call->body));
    json_object_object_add(object, "client", json_object_new_string(call->request->client));
    json_object_object_add(object, "host", text_json(call->request->host));
    json_object_object_add(object, "secure", json_object_new_boolean(call->request->secure));
    json_object_object_add(object, "id", json_object_new_string(call->request->id));
    return object;
}
