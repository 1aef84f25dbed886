/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: index_schema.c - see index_schema.h. */
#include "index_schema.h"

#include "base/span.h"

#include <json-c/linkhash.h>

#include <string.h>

static struct json_object *of_type(const char *type)
{
    struct json_object *schema = json_object_new_object();

    if (type)
        json_object_object_add(schema, "type", json_object_new_string(type));
    return schema;
}

static struct json_object *of_types(const char *const *types)
{
    struct json_object *schema = json_object_new_object(), *list = json_object_new_array();

    for (; *types; types++)
        json_object_array_add(list, json_object_new_string(*types));
    json_object_object_add(schema, "type", list);
    return schema;
}

static struct json_object *reference(const char *to)
{
    struct json_object *schema = json_object_new_object();

    json_object_object_add(schema, "$ref", json_object_new_string(to));
    return schema;
}

/* ---- from an example ---- */

/* What holds for both; mine is taken, other borrowed. */
static struct json_object *joined(struct json_object *mine, struct json_object *other)
{
    struct json_object *properties = json_member(mine, "properties"),
                       *others = json_member(other, "properties");

    if (json_object_equal(mine, other))
        return mine;
    if (properties == NULL || others == NULL) {
        json_object_put(mine);
        return json_object_new_object(); /* whatever there is */
    }
    json_object_object_foreach(others, name, schema)
    {
        struct json_object *known = json_member(properties, name);

        json_object_object_add(properties, name,
                               known ? joined(json_object_get(known), schema) : json_object_get(schema));
    }
    return mine;
}

static struct json_object *of_array(struct json_object *example, enum schema_kind kind)
{
    struct json_object *schema = of_type("array"), *items = NULL;

    for (size_t i = 0; i < json_object_array_length(example); i++) {
        struct json_object *one = schema_of_example(json_object_array_get_idx(example, i), kind);

        if (items == NULL) {
            items = one;
        } else {
            items = joined(items, one);
            json_object_put(one);
        }
    }
    json_object_object_add(schema, "items", items ? items : json_object_new_object());
    return schema;
}

static struct json_object *of_object(struct json_object *example, enum schema_kind kind)
{
    struct json_object *schema = of_type("object"), *properties = json_object_new_object();

    json_object_object_foreach(example, name, value)
    {
        /* of a form's field: one value is a text, several are a list, whatever this example shows */
        json_object_object_add(properties, name,
                               strcmp(name, "value") == 0 ? reference("#/components/schemas/Value")
                                                          : schema_of_example(value, kind));
    }
    json_object_object_add(schema, "properties", properties);
    return schema;
}

struct json_object *schema_of_example(struct json_object *example, enum schema_kind kind)
{
    static const char *const text_or_null[] = { "string", "null", NULL };

    switch (json_object_get_type(example)) {
    case json_type_object:
        return of_object(example, kind);
    case json_type_array:
        return of_array(example, kind);
    case json_type_string:
        return kind == SCHEMA_OF_ANSWER ? of_types(text_or_null) : of_type("string");
    case json_type_boolean:
        return of_type("boolean");
    case json_type_int:
        return of_type("integer");
    case json_type_double:
        return of_type("number");
    default:
        return of_type(NULL);
    }
}

/* ---- what they refer to ---- */

static struct json_object *value_schema(void)
{
    static const char *const any[] = { "string", "number", "boolean", "array", "null", NULL };
    static const char *const scalar[] = { "string", "number", "boolean", "null", NULL };
    struct json_object *schema = of_types(any);

    json_object_object_add(schema, "items", of_types(scalar));
    json_object_object_add(
        schema, "description",
        json_object_new_string("One value as a text, several as a list, an empty one as null"));
    return schema;
}

static struct json_object *problem_schema(void)
{
    static const char *const texts[] = { "type", "title", "detail", "condition", "id" };
    struct json_object *schema = of_type("object"), *properties = json_object_new_object();

    json_object_object_add(properties, "status", of_type("integer"));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        json_object_object_add(properties, texts[i], of_type("string"));
    json_object_object_add(schema, "properties", properties);
    return schema;
}

struct json_object *schema_definitions(void)
{
    struct json_object *definitions = json_object_new_object();

    json_object_object_add(definitions, "Value", value_schema());
    json_object_object_add(definitions, "Problem", problem_schema());
    return definitions;
}
