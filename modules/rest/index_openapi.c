/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: index_openapi.c - the endpoints as an OpenAPI 3.1 document.
 *
 * A path with parts that may be left out becomes several; paths that differ in names only become one, as
 * OpenAPI wants it. Schemas are read off the examples, so they promise no more than those show. */
#include "index.h"

#include "index_path.h"
#include "index_schema.h"

#include <stdio.h>
#include <string.h>

#define SEGMENT_MOST 128 /* bytes of an operationId */

struct writing {
    struct arena *arena;
    const struct index *index;
    struct json_object *paths;  /* borrowed from the document */
    struct json_object *shapes; /* owned; path_shape() of each path: the path */
    struct json_object *ids;    /* owned; the operationIds that are taken */
};

static void put(struct json_object *map, const char *name, struct json_object *value)
{
    json_object_object_add(map, name, value);
}

static void put_text(struct json_object *map, const char *name, const char *text)
{
    put(map, name, json_object_new_string(text));
}

/* The member of that name, made when it is missing. */
static struct json_object *put_map(struct json_object *map, const char *name)
{
    struct json_object *found = json_member(map, name);

    if (found == NULL) {
        found = json_object_new_object();
        put(map, name, found);
    }
    return found;
}

/* ---- bodies ---- */

static struct json_object *parsed(const char *text)
{
    struct json_object *json = NULL;
    const char *why;

    return text && json_parse(span_of(text), &json_limits_body, &json, &why) == 1 ? json : NULL;
}

/* kind: whether a body that is sent or one that is answered. */
static struct json_object *content_of(const char *const examples[2], enum schema_kind kind)
{
    struct json_object *content = json_object_new_object(), *json = parsed(examples[REST_JSON]);

    if (json) {
        struct json_object *of_json = put_map(content, "application/json");

        put(of_json, "schema", schema_of_example(json, kind));
        put(of_json, "example", json);
    }
    if (examples[REST_XML])
        put_text(put_map(content, "application/xml"), "example", examples[REST_XML]);
    if (json_object_object_length(content) == 0)
        put(content, "*/*", json_object_new_object());
    return content;
}

static void put_problems(struct json_object *responses, const struct index *index,
                         const struct index_method *method)
{
    bool needs_key = !method->row->needs_no_key && !index->is_open;
    const struct {
        const char *status;
        bool may_be;
    } problems[] = {
        { "400", method->row->content != CONTENT_NONE && method->row->method != HTTP_GET },
        { "401", method->role != NULL },
        { "403", needs_key || method->role != NULL },
        { "404", true },
        { "429", method->role != NULL },
        { "503", method->role != NULL },
        { "504", method->role != NULL },
        { "default", true },
    };

    for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++)
        if (problems[i].may_be)
            put_text(put_map(responses, problems[i].status), "$ref", "#/components/responses/Problem");
}

static void put_bodies(struct json_object *operation, const struct index *index,
                       const struct index_method *method)
{
    struct json_object *responses, *ok, *body;
    enum http_method verb = method->row->method;

    if ((verb == HTTP_POST || verb == HTTP_PUT) && method->row->content != CONTENT_NONE) {
        body = put_map(operation, "requestBody");
        put(body, "content", content_of(method->request, SCHEMA_OF_REQUEST));
        put(body, "required",
            json_object_new_boolean(method->request[REST_XML] || method->request[REST_JSON]));
    }
    responses = put_map(operation, "responses");
    ok = put_map(responses, "200");
    put_text(ok, "description", "What was asked for");
    put(ok, "content", content_of(method->answer, SCHEMA_OF_ANSWER));
    put_problems(responses, index, method);
}

/* ---- one operation ---- */

/* "postAdhocJid", "getIndex"; with a number behind it when that is taken. */
static void put_id(struct writing *writing, struct json_object *operation, const char *method,
                   struct span path)
{
    char id[SEGMENT_MOST + 16];
    size_t size = 0;
    bool starts_word = true;

    for (const char *c = method; *c; c++)
        id[size++] = (char)(*c - 'A' + 'a');
    for (size_t i = writing->index->context.size; i < path.size && size < SEGMENT_MOST; i++) {
        char c = path.at[i];
        bool is_small = c >= 'a' && c <= 'z';

        if (is_small || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
            id[size++] = starts_word && is_small ? (char)(c - 'a' + 'A') : c;
            starts_word = false;
        } else {
            starts_word = true;
        }
    }
    if (size == strlen(method)) {
        memcpy(id + size, "Index", 5);
        size += 5;
    }
    id[size] = '\0';
    for (unsigned number = 2; json_member(writing->ids, id); number++)
        snprintf(id + size, sizeof(id) - size, "%u", number);
    put(writing->ids, id, json_object_new_boolean(true));
    put_text(operation, "operationId", id);
}

static void put_parameters(struct json_object *operation, struct span path)
{
    static const struct {
        const char *name, *about;
    } known[] = {
        { "jid", "An address of XMPP: user@domain, or a domain" },
        { "to", "The address a stanza goes to; a resource may follow" },
        { "domain", "A domain of the server" },
        { "resource", "The resource of a full JID" },
        { "service", "The address of a service, such as pubsub.example.org" },
        { "command", "The node of a command" },
        { "component", "The address of a component" },
        { "source", "Where to look: avatar, vcard4 or vcard-temp" },
    };
    struct json_object *parameters = NULL;
    struct span name;

    while (path_next_name(&path, &name)) {
        struct json_object *one = json_object_new_object();

        if (parameters == NULL)
            put(operation, "parameters", parameters = json_object_new_array());
        put(one, "name", json_object_new_string_len(name.at, (int)name.size));
        put_text(one, "in", "path");
        put(one, "required", json_object_new_boolean(true));
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            if (span_is(name, known[i].name))
                put_text(one, "description", known[i].about);
        put_text(put_map(one, "schema"), "type", "string");
        json_object_array_add(parameters, one);
    }
}

static void put_security(struct json_object *operation, const struct index *index,
                         const struct index_method *method)
{
    struct json_object *security = json_object_new_array();
    bool needs_key = !method->row->needs_no_key && !index->is_open;

    if (needs_key || method->role) {
        struct json_object *all = json_object_new_object();

        if (needs_key)
            put(all, "ApiKey", json_object_new_array());
        if (method->role) {
            struct json_object *roles = json_object_new_array();

            json_object_array_add(roles, json_object_new_string(method->role));
            put(all, "Login", roles);
        }
        json_object_array_add(security, all);
    }
    put(operation, "security", security);
}

static struct json_object *operation_of(struct writing *writing, const struct index_entry *entry,
                                        const struct index_method *method, struct span path)
{
    struct json_object *operation = json_object_new_object(), *tags;

    if (entry->folder[0]) {
        put(operation, "tags", tags = json_object_new_array());
        json_object_array_add(tags, json_object_new_string(entry->folder));
    }
    put_id(writing, operation, method->name, path);
    put_text(operation, "summary", method->about);
    if (method->details)
        put_text(operation, "description", method->details);
    put_parameters(operation, path);
    put_bodies(operation, writing->index, method);
    put_security(operation, writing->index, method);
    return operation;
}

/* ---- the document ---- */

static const char *name_in_path_item(const char *method)
{
    return strcmp(method, "GET") == 0    ? "get"
           : strcmp(method, "POST") == 0 ? "post"
           : strcmp(method, "PUT") == 0  ? "put"
                                         : "delete";
}

/* Of two endpoints that OpenAPI cannot tell apart, the first has the methods that both have. */
static void put_path(struct writing *writing, const struct index_entry *entry, struct span path)
{
    struct buf shape = { 0 };
    struct json_object *known, *item;
    struct span same;
    const char *name;

    path_shape(&shape, path);
    buf_char(&shape, '\0');
    known = json_member(writing->shapes, shape.at);
    if (known && json_text(known, &same))
        path = same;
    else
        put(writing->shapes, shape.at, json_object_new_string_len(path.at, (int)path.size));
    buf_free(&shape);
    name = arena_text(writing->arena, path);
    item = put_map(writing->paths, name);
    for (unsigned m = 0; m < entry->method_count; m++) {
        const char *method = name_in_path_item(entry->methods[m].name);

        if (json_member(item, method) == NULL)
            put(item, method, operation_of(writing, entry, &entry->methods[m], span_of(name)));
    }
}

static void put_paths(struct arena *arena, struct json_object *document, const struct index *index)
{
    struct writing writing = { .arena = arena,
                               .index = index,
                               .paths = put_map(document, "paths"),
                               .shapes = json_object_new_object(),
                               .ids = json_object_new_object() };

    for (size_t i = 0; i < index->count; i++) {
        struct span variants[PATH_VARIANTS_MOST];
        unsigned count =
            index->entries[i].is_readable ? path_variants(arena, index->entries[i].path, variants) : 0;

        for (unsigned v = 0; v < count; v++)
            put_path(&writing, &index->entries[i], variants[v]);
    }
    json_object_put(writing.shapes);
    json_object_put(writing.ids);
}

static void put_info(struct json_object *document)
{
    struct json_object *info = put_map(document, "info");

    put_text(info, "title", "REST of an XMPP server");
    put_text(info, "version", STOA_VERSION);
    put_text(
        info, "description",
        "Commands, messages, accounts and avatars of an XMPP server over HTTP. Bodies are XML or JSON by "
        "their Content-Type; answers are of the type of the request's body, else of the parameter type, "
        "else as Accept says, else XML. A key may also be given as the parameter api-key.");
}

static void put_tags(struct json_object *document, const struct index *index)
{
    struct json_object *tags = json_object_new_array();
    const char *last = "";

    for (size_t i = 0; i < index->count; i++)
        if (strcmp(index->entries[i].folder, last) != 0) {
            struct json_object *tag = json_object_new_object();

            last = index->entries[i].folder;
            put_text(tag, "name", last);
            json_object_array_add(tags, tag);
        }
    put(document, "tags", tags);
}

static void put_components(struct json_object *document)
{
    struct json_object *components = put_map(document, "components"), *schemes, *problem, *content;

    schemes = put_map(components, "securitySchemes");
    put_text(put_map(schemes, "ApiKey"), "type", "apiKey");
    put_text(put_map(schemes, "ApiKey"), "in", "header");
    put_text(put_map(schemes, "ApiKey"), "name", "Api-Key");
    put_text(put_map(schemes, "Login"), "type", "http");
    put_text(put_map(schemes, "Login"), "scheme", "basic");
    put_text(put_map(schemes, "Login"), "description", "The bare JID of an account, and its password");
    put(components, "schemas", schema_definitions());
    problem = put_map(put_map(components, "responses"), "Problem");
    put_text(problem, "description", "Why not: status, detail and, where it came from XMPP, the condition");
    content = put_map(problem, "content");
    put_text(put_map(put_map(content, "application/problem+json"), "schema"), "$ref",
             "#/components/schemas/Problem");
    put(content, "application/problem+xml", json_object_new_object());
}

struct json_object *index_openapi(struct arena *arena, const struct index *index)
{
    struct json_object *document = json_object_new_object();

    put_text(document, "openapi", "3.1.0");
    put_info(document);
    put_tags(document, index);
    put_paths(arena, document, index);
    put_components(document);
    return document;
}
