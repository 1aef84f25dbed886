/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0 and json-c: json_write.c - json-c's objects as text, and small looks into them; see json.h.
 */
#include "parse/json.h"

#include "base/text.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>

/* As text_add_json(), and what could end a script element or start a tag is escaped too. */
static void write_string(struct buf *out, struct span text)
{
    buf_char(out, '"');
    while (text.size) {
        size_t plain = 0;

        while (plain < text.size && text.at[plain] != '<' && text.at[plain] != '>' && text.at[plain] != '&')
            plain++;
        text_add_json(out, span_head(text, plain));
        if (plain < text.size)
            buf_printf(out, "\\u%04x", (unsigned)(unsigned char)text.at[plain]);
        text = span_from(text, plain < text.size ? plain + 1 : plain);
    }
    buf_char(out, '"');
}

/* Shortest of 15 to 17 digits that reads back the same. */
static void write_double(struct buf *out, double number)
{
    char line[40];

    if (!isfinite(number)) {
        buf_text(out, "null");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(line, sizeof(line), "%.*g", digits, number);
        if (fabs(strtod(line, NULL) - number) <= 0)
            break;
    }
    buf_text(out, line);
    if (strpbrk(line, ".e") == NULL)
        buf_text(out, ".0"); /* it stays a double when read again */
}

static void write_array(struct buf *out, struct json_object *array)
{
    buf_char(out, '[');
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        if (i)
            buf_char(out, ',');
        json_write(out, json_object_array_get_idx(array, i));
    }
    buf_char(out, ']');
}

static void write_object(struct buf *out, struct json_object *object)
{
    bool first = true;

    buf_char(out, '{');
    json_object_object_foreach(object, name, value)
    {
        if (!first)
            buf_char(out, ',');
        first = false;
        write_string(out, span_of(name));
        buf_char(out, ':');
        json_write(out, value);
    }
    buf_char(out, '}');
}

static void write_whole(struct buf *out, struct json_object *json)
{
    int64_t number = json_object_get_int64(json);

    if (number == INT64_MAX) /* json-c's word for more than that */
        buf_number(out, json_object_get_uint64(json));
    else if (number < 0)
        buf_printf(out, "%lld", (long long)number);
    else
        buf_number(out, (unsigned long long)number);
}

void json_write(struct buf *out, struct json_object *json)
{
    switch (json_object_get_type(json)) {
    case json_type_null:
        buf_text(out, "null");
        break;
    case json_type_boolean:
        buf_text(out, json_object_get_boolean(json) ? "true" : "false");
        break;
    case json_type_double:
        write_double(out, json_object_get_double(json));
        break;
    case json_type_int:
        write_whole(out, json);
        break;
    case json_type_string:
        write_string(out, span_make(json_object_get_string(json), (size_t)json_object_get_string_len(json)));
        break;
    case json_type_array:
        write_array(out, json);
        break;
    case json_type_object:
        write_object(out, json);
        break;
    }
}

struct json_object *json_member(struct json_object *json, const char *name)
{
    struct json_object *value = NULL;

    if (json_object_is_type(json, json_type_object))
        json_object_object_get_ex(json, name, &value);
    return value;
}

bool json_text(struct json_object *json, struct span *text_r)
{
    if (!json_object_is_type(json, json_type_string))
        return false;
    *text_r = span_make(json_object_get_string(json), (size_t)json_object_get_string_len(json));
    return true;
}

bool json_whole(struct json_object *json, int64_t *number_r)
{
    if (!json_object_is_type(json, json_type_int) || json_object_get_uint64(json) > INT64_MAX)
        return false;
    *number_r = json_object_get_int64(json);
    return true;
}
