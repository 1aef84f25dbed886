/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0 and json-c: json.c - see json.h. Recursive descent; depth is bounded before it recurses.
 * Writing is in json_write.c. */
#include "parse/json.h"

#include "base/codec.h"
#include "base/text.h"

#include <errno.h>
#include <json-c/linkhash.h>
#include <math.h>
#include <stdlib.h>

#define NUMBER_MOST 64 /* bytes of one number: no double needs more digits */
#define DEPTH_HARD  200

const struct json_limits json_limits_body = { .size_most = 64 * 1024, .depth_most = 32, .items_most = 8192 };

struct reader {
    struct span rest;
    unsigned depth, depth_most, items;
    struct buf text; /* the string just read, with a NUL behind it that does not count */
    const char *why; /* set once: reading is over */
};

static bool fail(struct reader *reader, const char *why)
{
    if (reader->why == NULL)
        reader->why = why;
    return false;
}

static void skip_blanks(struct reader *reader)
{
    size_t n = 0;

    while (n < reader->rest.size && strchr(" \t\r\n", reader->rest.at[n]) && reader->rest.at[n])
        n++;
    reader->rest = span_from(reader->rest, n);
}

static bool take(struct reader *reader, char c)
{
    if (reader->rest.size == 0 || reader->rest.at[0] != c)
        return false;
    reader->rest = span_from(reader->rest, 1);
    return true;
}

static bool take_hex(struct reader *reader, uint32_t *code_r)
{
    *code_r = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = i < reader->rest.size ? codec_hex_digit(reader->rest.at[i]) : -1;

        if (digit < 0)
            return fail(reader, "a \\u without four hex digits");
        *code_r = *code_r << 4 | (uint32_t)digit;
    }
    reader->rest = span_from(reader->rest, 4);
    return true;
}

static void add_code(struct buf *out, uint32_t code)
{
    if (code < 0x80) {
        buf_char(out, (char)code);
        return;
    }
    if (code < 0x800) {
        buf_char(out, (char)(0xc0 | code >> 6));
    } else {
        if (code < 0x10000) {
            buf_char(out, (char)(0xe0 | code >> 12));
        } else {
            buf_char(out, (char)(0xf0 | code >> 18));
            buf_char(out, (char)(0x80 | (code >> 12 & 0x3f)));
        }
        buf_char(out, (char)(0x80 | (code >> 6 & 0x3f)));
    }
    buf_char(out, (char)(0x80 | (code & 0x3f)));
}

/* Behind "\u". */
static bool read_unicode(struct reader *reader)
{
    uint32_t code, low;

    if (!take_hex(reader, &code))
        return false;
    if (code >= 0xd800 && code < 0xdc00) {
        if (!take(reader, '\\') || !take(reader, 'u') || !take_hex(reader, &low) || low < 0xdc00 ||
            low > 0xdfff)
            return fail(reader, "a lone surrogate");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code <= 0xdfff) {
        return fail(reader, "a lone surrogate");
    }
    if (code == 0)
        return fail(reader, "U+0000 is not accepted");
    add_code(&reader->text, code);
    return true;
}

/* Behind the backslash. */
static bool read_escape(struct reader *reader)
{
    static const char letters[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    const char *hit;

    if (take(reader, 'u'))
        return read_unicode(reader);
    hit = reader->rest.size && reader->rest.at[0] ? strchr(letters, reader->rest.at[0]) : NULL;
    if (hit == NULL)
        return fail(reader, "an unknown escape");
    buf_char(&reader->text, means[hit - letters]);
    reader->rest = span_from(reader->rest, 1);
    return true;
}

/* Behind the opening quote; into reader->text. The whole input is known to be UTF-8. */
static bool read_string(struct reader *reader)
{
    buf_clear(&reader->text);
    for (;;) {
        size_t n = 0;

        while (n < reader->rest.size && (unsigned char)reader->rest.at[n] >= 0x20 &&
               reader->rest.at[n] != '"' && reader->rest.at[n] != '\\')
            n++;
        buf_add(&reader->text, span_head(reader->rest, n));
        reader->rest = span_from(reader->rest, n);
        if (take(reader, '"')) {
            *buf_reserve(&reader->text, 1) = '\0';
            return true;
        }
        if (!take(reader, '\\'))
            return fail(reader, reader->rest.size ? "a control character in a string" : "an open string");
        if (!read_escape(reader))
            return false;
    }
}

static size_t digits_at(struct span text, size_t at)
{
    size_t n = 0;

    while (at + n < text.size && text.at[at + n] >= '0' && text.at[at + n] <= '9')
        n++;
    return n;
}

/* Bytes of the number at the front (RFC 8259 6); 0: none. *whole_r: no fraction, no exponent. */
static size_t number_size(struct span text, bool *whole_r)
{
    size_t at = text.size && text.at[0] == '-' ? 1 : 0, digits = digits_at(text, at);

    *whole_r = true;
    if (digits == 0 || (digits > 1 && text.at[at] == '0'))
        return 0;
    at += digits;
    if (at < text.size && text.at[at] == '.') {
        digits = digits_at(text, at + 1);
        if (digits == 0)
            return 0;
        at += 1 + digits;
        *whole_r = false;
    }
    if (at < text.size && (text.at[at] == 'e' || text.at[at] == 'E')) {
        at++;
        if (at < text.size && (text.at[at] == '+' || text.at[at] == '-'))
            at++;
        digits = digits_at(text, at);
        if (digits == 0)
            return 0;
        at += digits;
        *whole_r = false;
    }
    return at;
}

static bool read_number(struct reader *reader, struct json_object **json_r)
{
    char line[NUMBER_MOST + 1];
    bool whole;
    size_t size = number_size(reader->rest, &whole);
    double number;

    if (size == 0)
        return fail(reader, "not a value");
    if (size > NUMBER_MOST)
        return fail(reader, "a number with too many digits");
    memcpy(line, reader->rest.at, size);
    line[size] = '\0';
    reader->rest = span_from(reader->rest, size);
    errno = 0;
    if (whole && line[0] == '-') {
        *json_r = json_object_new_int64(strtoll(line, NULL, 10));
    } else if (whole) {
        unsigned long long value = strtoull(line, NULL, 10);

        *json_r = value <= INT64_MAX ? json_object_new_int64((int64_t)value) : json_object_new_uint64(value);
    }
    if (whole && errno == 0)
        return true;
    json_object_put(*json_r);
    number = strtod(line, NULL);
    *json_r = NULL;
    if (!isfinite(number))
        return fail(reader, "a number out of range");
    *json_r = json_object_new_double(number);
    return true;
}

static bool read_value(struct reader *reader, struct json_object **json_r);

static bool read_array(struct reader *reader, struct json_object *array)
{
    skip_blanks(reader);
    if (take(reader, ']'))
        return true;
    do {
        struct json_object *item = NULL;

        if (!read_value(reader, &item)) {
            json_object_put(item);
            return false;
        }
        json_object_array_add(array, item);
    } while (take(reader, ','));
    return take(reader, ']') || fail(reader, "an array without its end");
}

static bool read_member(struct reader *reader, struct json_object *object)
{
    struct json_object *value = NULL;

    skip_blanks(reader);
    if (!take(reader, '"'))
        return fail(reader, "a member without a quoted name");
    if (!read_string(reader))
        return false;
    if (json_object_object_get_ex(object, reader->text.at, NULL))
        return fail(reader, "the same name twice in one object");
    /* Set before its value is read, as the value's strings use the same buffer. */
    json_object_object_add_ex(object, reader->text.at, NULL, JSON_C_OBJECT_ADD_KEY_IS_NEW);
    struct lh_entry *entry = json_object_get_object(object)->tail;

    skip_blanks(reader);
    if (!take(reader, ':'))
        return fail(reader, "a name without a colon");
    if (!read_value(reader, &value)) {
        json_object_put(value);
        return false;
    }
    lh_entry_set_val(entry, value);
    return true;
}

static bool read_object(struct reader *reader, struct json_object *object)
{
    skip_blanks(reader);
    if (take(reader, '}'))
        return true;
    do
        if (!read_member(reader, object))
            return false;
    while (take(reader, ','));
    return take(reader, '}') || fail(reader, "an object without its end");
}

static bool read_nested(struct reader *reader, struct json_object **json_r)
{
    bool is_object = take(reader, '{'), good;

    if (!is_object)
        take(reader, '[');
    if (reader->depth == reader->depth_most)
        return fail(reader, "too many levels");
    reader->depth++;
    *json_r = is_object ? json_object_new_object() : json_object_new_array();
    good = is_object ? read_object(reader, *json_r) : read_array(reader, *json_r);
    reader->depth--;
    return good;
}

static bool take_word(struct reader *reader, struct span word)
{
    if (!span_starts(reader->rest, word))
        return false;
    reader->rest = span_from(reader->rest, word.size);
    return true;
}

static bool read_plain(struct reader *reader, struct json_object **json_r)
{
    if (take(reader, '"')) {
        if (!read_string(reader))
            return false;
        *json_r = json_object_new_string_len(reader->text.at, (int)reader->text.size);
        return true;
    }
    if (take_word(reader, SPAN("true")))
        *json_r = json_object_new_boolean(1);
    else if (take_word(reader, SPAN("false")))
        *json_r = json_object_new_boolean(0);
    else if (!take_word(reader, SPAN("null")))
        return read_number(reader, json_r);
    return true;
}

/* With blanks around it. On failure *json_r holds what is there of it, for the caller to put. */
static bool read_value(struct reader *reader, struct json_object **json_r)
{
    bool good;

    *json_r = NULL;
    if (reader->items-- == 0)
        return fail(reader, "too many values");
    skip_blanks(reader);
    if (reader->rest.size && (reader->rest.at[0] == '{' || reader->rest.at[0] == '['))
        good = read_nested(reader, json_r);
    else
        good = read_plain(reader, json_r);
    skip_blanks(reader);
    return good;
}

int json_parse_at(struct span text, const struct json_limits *limits, struct json_object **json_r,
                  const char **why_r, size_t *at_r)
{
    struct reader reader = { .rest = text,
                             .depth_most = limits->depth_most < DEPTH_HARD ? limits->depth_most : DEPTH_HARD,
                             .items = limits->items_most };
    struct json_object *json = NULL;
    bool good = false;

    if (text.size > limits->size_most)
        reader.why = "the text is too long";
    else if (!text_is_utf8(text))
        reader.why = "the text is not UTF-8";
    else
        good = read_value(&reader, &json);
    if (good && reader.rest.size)
        good = fail(&reader, "bytes behind the value");
    buf_free(&reader.text);
    if (good) {
        *json_r = json;
        return 1;
    }
    json_object_put(json);
    *why_r = reader.why;
    *at_r = text.size - reader.rest.size;
    return 0;
}

int json_parse(struct span text, const struct json_limits *limits, struct json_object **json_r,
               const char **why_r)
{
    size_t at;

    return json_parse_at(text, limits, json_r, why_r, &at);
}
