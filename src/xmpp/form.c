/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: form.c - data forms as maps; see form.h. */
#include "xmpp/form.h"

#include "xmpp/ns.h"

#include <json-c/json.h>

static struct json_object *text_object(struct span text)
{
    return json_object_new_string_len(text.size ? text.at : "", (int)text.size);
}

static void add_attribute(struct json_object *into, const struct xml_element *element, const char *name)
{
    struct span value = xml_attribute(element, name);

    if (value.at)
        json_object_object_add(into, name, text_object(value));
}

/* Text of the first <value/>, as null when that is empty. */
static struct json_object *first_value(const struct xml_element *element, struct arena *arena)
{
    const struct xml_element *value = xml_child(element, NS_DATA, "value");
    struct span text = value ? xml_text(value, arena) : SPAN("");

    return text.size ? text_object(text) : NULL;
}

static struct json_object *all_values(const struct xml_element *field, struct arena *arena)
{
    struct json_object *list = json_object_new_array();

    for (const struct xml_element *at = xml_child(field, NS_DATA, "value"); at;
         at = xml_next(at, NS_DATA, "value"))
        json_object_array_add(list, text_object(xml_text(at, arena)));
    return list;
}

static void add_values(struct json_object *into, const struct xml_element *field, struct arena *arena)
{
    const struct xml_element *value = xml_child(field, NS_DATA, "value");

    if (value == NULL)
        return;
    json_object_object_add(into, "value",
                           xml_next(value, NS_DATA, "value") ? all_values(field, arena)
                                                             : first_value(field, arena));
}

static void add_options(struct json_object *into, const struct xml_element *field, struct arena *arena)
{
    const struct xml_element *option = xml_child(field, NS_DATA, "option");
    struct json_object *list;

    if (option == NULL)
        return;
    list = json_object_new_array();
    for (; option; option = xml_next(option, NS_DATA, "option")) {
        struct json_object *one = json_object_new_object();

        json_object_object_add(one, "value", first_value(option, arena));
        add_attribute(one, option, "label");
        json_object_array_add(list, one);
    }
    json_object_object_add(into, "options", list);
}

struct json_object *form_fields(const struct xml_element *form, struct arena *arena)
{
    struct json_object *list = json_object_new_array();
    const struct xml_element *field = form ? xml_child(form, NS_DATA, "field") : NULL;

    for (; field; field = xml_next(field, NS_DATA, "field")) {
        struct json_object *one = json_object_new_object();
        struct span var = xml_attribute(field, "var");

        json_object_object_add(one, "var", var.at ? text_object(var) : NULL);
        add_attribute(one, field, "label");
        add_attribute(one, field, "type");
        add_values(one, field, arena);
        add_options(one, field, arena);
        json_object_array_add(list, one);
    }
    return list;
}

static struct json_object *table_row(const struct xml_element *item, struct arena *arena)
{
    struct json_object *row = json_object_new_object(), *cells = json_object_new_array();

    for (const struct xml_element *field = xml_child(item, NS_DATA, "field"); field;
         field = xml_next(field, NS_DATA, "field")) {
        struct json_object *cell = json_object_new_object();
        struct span var = xml_attribute(field, "var");

        json_object_object_add(cell, "var", var.at ? text_object(var) : NULL);
        json_object_object_add(cell, "value", first_value(field, arena));
        json_object_array_add(cells, cell);
    }
    json_object_object_add(row, "fields", cells);
    return row;
}

/* Rows follow the <reported/> that they belong to; without one before them they have no columns. */
struct json_object *form_tables(const struct xml_element *form, struct arena *arena)
{
    struct json_object *tables = NULL, *items = NULL;
    const struct xml_element *at = form ? xml_child(form, NS_DATA, NULL) : NULL;

    for (; at; at = xml_next(at, NS_DATA, NULL)) {
        if (span_is(at->name, "reported")) {
            struct json_object *table = json_object_new_object();
            struct span label = xml_attribute(at, "label");

            if (tables == NULL)
                tables = json_object_new_array();
            items = json_object_new_array();
            json_object_object_add(table, "label", label.at ? text_object(label) : NULL);
            json_object_object_add(table, "items", items);
            json_object_array_add(tables, table);
        } else if (span_is(at->name, "item") && items) {
            json_object_array_add(items, table_row(at, arena));
        }
    }
    return tables;
}

static struct json_object *groups_of(const struct xml_element *item, struct arena *arena)
{
    struct json_object *groups = NULL;

    for (const struct xml_element *at = xml_child(item, NS_ROSTER, "group"); at;
         at = xml_next(at, NS_ROSTER, "group")) {
        if (groups == NULL)
            groups = json_object_new_array();
        json_object_array_add(groups, text_object(xml_text(at, arena)));
    }
    return groups;
}

struct json_object *form_roster(const struct xml_element *form, struct arena *arena)
{
    const struct xml_element *query = form ? xml_child(form, NS_ROSTER, "query") : NULL;
    struct json_object *list;

    if (query == NULL)
        return NULL;
    list = json_object_new_array();
    for (const struct xml_element *item = xml_child(query, NS_ROSTER, "item"); item;
         item = xml_next(item, NS_ROSTER, "item")) {
        struct json_object *one = json_object_new_object(), *groups = groups_of(item, arena);

        add_attribute(one, item, "jid");
        add_attribute(one, item, "subscription");
        add_attribute(one, item, "name");
        if (groups)
            json_object_object_add(one, "groups", groups);
        json_object_array_add(list, one);
    }
    return list;
}

struct span form_words(const struct xml_element *form, const char *name, struct arena *arena)
{
    const struct xml_element *at = form ? xml_child(form, NS_DATA, name) : NULL;
    struct span words = { NULL, 0 };

    if (at == NULL)
        return words;
    words = xml_text(at, arena);
    while ((at = xml_next(at, NS_DATA, name)) != NULL) {
        struct span more = xml_text(at, arena);

        words = span_of(arena_printf(arena, "%.*s\n%.*s", SPAN_ARG(words), SPAN_ARG(more)));
    }
    return words;
}
