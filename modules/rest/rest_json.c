/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_json.c - maps as JSON that people can read, and JSON as maps.
 *
 * Four spaces a level, nothing but ASCII: clients of the reference may compare bytes. The strict reader is
 * parse/json.h's. */
#include "rest.h"

#include "base/text.h"
#include "rest_place.h"

#include <json-c/json.h>

#define LEVELS_MOST 32
#define ITEMS_LEAST 8192 /* values that any body may hold; */
#define ITEM_BYTES  8    /* a larger one: so many bytes for each */

/* ---- writing ---- */

static void indent(struct buf *out, unsigned level)
{
    for (unsigned i = 0; i < level; i++)
        buf_add(out, SPAN("    "));
}

static void add_code(struct buf *out, uint32_t code)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *hit = code > 0 && code < 0x80 ? strchr(plain, (int)code) : NULL;

    if (hit != NULL) {
        buf_char(out, '\\');
        buf_char(out, letters[hit - plain]);
    } else if (code >= 0x10000) {
        buf_printf(out, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
                   0xdc00 + ((code - 0x10000) & 0x3ff));
    } else if (code < 0x20 || code >= 0x7f) {
        buf_printf(out, "\\u%04x", code);
    } else {
        buf_char(out, (char)code);
    }
}

static void add_string(struct buf *out, struct span text)
{
    buf_char(out, '"');
    while (text.size > 0) {
        uint32_t code = 0xfffd; /* for what is not UTF-8 */
        size_t size = text_utf8_take(text, &code);

        add_code(out, code);
        text = span_from(text, size > 0 ? size : 1);
    }
    buf_char(out, '"');
}

static void add_value(struct buf *out, struct json_object *value, unsigned level);

static void add_array(struct buf *out, struct json_object *array, unsigned level)
{
    size_t count = json_object_array_length(array);

    buf_add(out, count > 0 ? SPAN("[\n") : SPAN("["));
    for (size_t i = 0; i < count; i++) {
        indent(out, level + 1);
        add_value(out, json_object_array_get_idx(array, i), level + 1);
        buf_add(out, i + 1 < count ? SPAN(",\n") : SPAN("\n"));
    }
    if (count > 0)
        indent(out, level);
    buf_char(out, ']');
}

static void add_object(struct buf *out, struct json_object *object, unsigned level)
{
    int left = json_object_object_length(object);

    if (left == 0) {
        buf_add(out, SPAN("{}"));
        return;
    }
    buf_add(out, SPAN("{\n"));
    json_object_object_foreach(object, name, value)
    {
        indent(out, level + 1);
        add_string(out, span_of(name));
        buf_add(out, SPAN(": "));
        add_value(out, value, level + 1);
        buf_add(out, --left > 0 ? SPAN(",\n") : SPAN("\n"));
    }
    indent(out, level);
    buf_char(out, '}');
}

static void add_value(struct buf *out, struct json_object *value, unsigned level)
{
    struct span text;

    if (json_object_is_type(value, json_type_object))
        add_object(out, value, level);
    else if (json_object_is_type(value, json_type_array))
        add_array(out, value, level);
    else if (json_text(value, &text))
        add_string(out, text);
    else
        json_write(out, value);
}

void rest_write_json(struct buf *out, struct json_object *map)
{
    add_value(out, map, 0);
}

/* ---- reading ---- */

int rest_read_json(struct span text, struct json_object **map_r, char *why_r, size_t why_size)
{
    const struct json_limits limits = { .size_most = text.size,
                                        .depth_most = LEVELS_MOST,
                                        .items_most = text.size / ITEM_BYTES > ITEMS_LEAST
                                                          ? (unsigned)(text.size / ITEM_BYTES)
                                                          : ITEMS_LEAST };
    const char *why;
    size_t at;

    if (json_parse_at(text, &limits, map_r, &why, &at))
        return 1;
    rest_place_say(text, at, "JSON", why, why_r, why_size);
    return 0;
}
