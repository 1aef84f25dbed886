/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_xml.c - maps as XML, and XML as maps: the formats of requests and answers.
 *
 * A map's members are elements, a list is an element with <item> children. What comes in may be written in
 * two more ways, so that nothing of it is lost: repeated <value> siblings of one <item> are a list, as
 * XEP-0004 has them. Of any other repeated name the last counts. */
#include "rest.h"

#include "base/text.h"
#include "parse/xml.h"
#include "rest_place.h"

#include <json-c/json.h>

#define LEVELS_MOST 64

/* ---- writing ---- */

static void indent(struct buf *out, unsigned level)
{
    for (unsigned i = 0; i < level; i++)
        buf_add(out, SPAN("  "));
}

static bool is_kept(char c)
{
    return c == '"' || c == '\'' || c == '\t' || c == '\n';
}

/* Only & < > are escaped in text; what XML cannot hold becomes U+FFFD. */
static void add_text(struct buf *out, struct span text)
{
    while (text.size > 0) {
        size_t n = 0;

        while (n < text.size && !is_kept(text.at[n]))
            n++;
        text_add_xml(out, span_head(text, n));
        if (n < text.size)
            buf_char(out, text.at[n++]);
        text = span_from(text, n);
    }
}

static bool is_name_start(uint32_t code)
{
    return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') || code == '_' ||
           (code >= 0xc0 && code <= 0x2ff && code != 0xd7 && code != 0xf7) ||
           (code >= 0x370 && code <= 0x1fff && code != 0x37e) || (code >= 0x3001 && code <= 0xd7ff);
}

static bool is_name_code(uint32_t code)
{
    return is_name_start(code) || (code >= '0' && code <= '9') || code == '-' || code == '.';
}

/* Names of members come from scripts and strangers: what cannot stand in an element's name becomes '_'. */
static void add_name(struct buf *out, struct span name)
{
    uint32_t first = 0;

    if (name.size == 0 || text_utf8_take(name, &first) == 0 || !is_name_start(first))
        buf_char(out, '_');
    while (name.size > 0) {
        uint32_t code = 0;
        size_t size = text_utf8_take(name, &code);

        if (size > 0 && is_name_code(code))
            buf_add(out, span_head(name, size));
        else
            buf_char(out, '_');
        name = span_from(name, size > 0 ? size : 1);
    }
}

static void add_value(struct buf *out, struct span name, struct json_object *value, unsigned level);

static bool is_empty(struct json_object *value)
{
    return value == NULL ||
           (json_object_is_type(value, json_type_object) && json_object_object_length(value) == 0) ||
           (json_object_is_type(value, json_type_array) && json_object_array_length(value) == 0);
}

static void add_children(struct buf *out, struct json_object *value, unsigned level)
{
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++)
            add_value(out, SPAN("item"), json_object_array_get_idx(value, i), level);
        return;
    }
    json_object_object_foreach(value, name, member)
    {
        add_value(out, span_of(name), member, level);
    }
}

static void add_value(struct buf *out, struct span name, struct json_object *value, unsigned level)
{
    struct span text;

    indent(out, level);
    buf_char(out, '<');
    add_name(out, name);
    if (is_empty(value)) {
        buf_add(out, SPAN(" />\n"));
        return;
    }
    buf_char(out, '>');
    if (json_object_is_type(value, json_type_object) || json_object_is_type(value, json_type_array)) {
        buf_char(out, '\n');
        add_children(out, value, level + 1);
        indent(out, level);
    } else if (json_text(value, &text)) {
        add_text(out, text);
    } else {
        json_write(out, value);
    }
    buf_add(out, SPAN("</"));
    add_name(out, name);
    buf_add(out, SPAN(">\n"));
}

/* A document has one root: what is no map of one member gets <result> around it. */
void rest_write_xml(struct buf *out, struct json_object *map)
{
    if (json_object_is_type(map, json_type_object) && json_object_object_length(map) == 1)
        add_children(out, map, 0);
    else
        add_value(out, SPAN("result"), map, 0);
    out->size--; /* no line end behind the last */
}

/* ---- reading ---- */

static struct json_object *read_element(const struct xml_element *element, struct arena *arena);

static struct json_object *read_text(const struct xml_element *element, struct arena *arena)
{
    struct span text = xml_text(element, arena);

    return json_object_new_string_len(text.size > 0 ? text.at : "", (int)text.size);
}

static bool is_list(const struct xml_element *element)
{
    for (const struct xml_element *child = xml_child(element, NULL, NULL); child != NULL;
         child = xml_next(child, NULL, NULL))
        if (!span_is(child->name, "item"))
            return false;
    return true;
}

static struct json_object *read_list(const struct xml_element *element, struct arena *arena)
{
    struct json_object *list = json_object_new_array();

    for (const struct xml_element *child = xml_child(element, NULL, NULL); child != NULL;
         child = xml_next(child, NULL, NULL))
        json_object_array_add(list, read_element(child, arena));
    return list;
}

static void append_all(struct json_object *list, struct json_object *more)
{
    if (!json_object_is_type(more, json_type_array)) {
        json_object_array_add(list, more);
        return;
    }
    for (size_t i = 0; i < json_object_array_length(more); i++)
        json_object_array_add(list, json_object_get(json_object_array_get_idx(more, i)));
    json_object_put(more);
}

/* One more <value> of an <item>: what was one becomes a list. */
static struct json_object *join(struct json_object *before, struct json_object *more)
{
    struct json_object *list;

    if (json_object_is_type(before, json_type_array)) {
        list = json_object_get(before);
    } else {
        list = json_object_new_array();
        json_object_array_add(list, json_object_get(before));
    }
    append_all(list, more);
    return list;
}

static struct json_object *read_map(const struct xml_element *element, struct arena *arena)
{
    struct json_object *map = json_object_new_object();
    bool is_item = span_is(element->name, "item");

    for (const struct xml_element *child = xml_child(element, NULL, NULL); child != NULL;
         child = xml_next(child, NULL, NULL)) {
        const char *name = arena_text(arena, child->name);
        struct json_object *value = read_element(child, arena), *before;

        if (is_item && span_is(child->name, "value") && json_object_object_get_ex(map, name, &before))
            value = join(before, value);
        json_object_object_add(map, name, value);
    }
    return map;
}

/* Levels are bounded by the reader's limits. */
static struct json_object *read_element(const struct xml_element *element, struct arena *arena)
{
    if (xml_child(element, NULL, NULL) == NULL)
        return read_text(element, arena);
    return is_list(element) ? read_list(element, arena) : read_map(element, arena);
}

int rest_read_xml(struct span text, struct json_object **map_r, char *why_r, size_t why_size)
{
    const struct xml_limits limits = { .element_most = text.size,
                                       .depth_most = LEVELS_MOST,
                                       .attributes_most = 64 };
    struct arena *arena = arena_new();
    struct xml_element *root;
    struct json_object *map;
    const char *why;
    size_t at;

    if (!xml_document_at(text, &limits, arena, &root, &why, &at)) {
        ssize_t tag = span_find(span_from(text, at), '<');

        rest_place_say(text, tag > 0 ? at + (size_t)tag : at, "XML", why, why_r, why_size);
        arena_free(&arena);
        return 0;
    }
    map = read_element(root, arena);
    *map_r = map;
    if (json_object_is_type(map, json_type_object)) {
        *map_r = json_object_new_object();
        json_object_object_add(*map_r, arena_text(arena, root->name), map);
    }
    arena_free(&arena);
    return 1;
}
