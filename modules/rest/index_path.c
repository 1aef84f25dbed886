/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: index_path.c - see index_path.h. */
#include "index_path.h"

#include <string.h>

#define DEPTH_MOST   8
#define CHOICES_MOST 3 /* 2 to the third is PATH_VARIANTS_MOST */

/* ---- from an expression ---- */

struct reading {
    struct span rest; /* of the expression */
    struct buf *out;
    unsigned groups; /* met so far */
    unsigned depth;
};

/* Where the parenthesis that begins text ends; 0: nowhere. */
static size_t end_of_group(struct span text)
{
    unsigned open = 0;
    bool in_class = false;

    for (size_t i = 0; i < text.size; i++) {
        char c = text.at[i];

        if (c == '\\')
            i++;
        else if (in_class)
            in_class = c != ']';
        else if (c == '[')
            in_class = true;
        else if (c == '(')
            open++;
        else if (c == ')' && --open == 0)
            return i;
    }
    return 0;
}

/* Takes a quantifier off: 1: there is none. 0: what stands before it may be missing. -1: any other. */
static int take_quantifier(struct span *rest)
{
    static const char *const optional[] = { "?", "{0,1}" };

    for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
        if (span_starts(*rest, span_of(optional[i]))) {
            *rest = span_from(*rest, strlen(optional[i]));
            return 0;
        }
    return rest->size > 0 && strchr("*+{?", rest->at[0]) ? -1 : 1;
}

static bool is_name(struct span name)
{
    for (size_t i = 0; i < name.size; i++)
        if (!(name.at[i] == '_' || (name.at[i] >= 'a' && name.at[i] <= 'z') ||
              (name.at[i] >= 'A' && name.at[i] <= 'Z') || (name.at[i] >= '0' && name.at[i] <= '9')))
            return false;
    return name.size > 0;
}

static bool add_name(struct reading *reading, struct span inner)
{
    struct span name = { 0 };

    if (span_starts(inner, SPAN("?P<")))
        inner = span_from(inner, 1);
    if (span_starts(inner, SPAN("P<")) || span_starts(inner, SPAN("?<"))) {
        inner = span_from(inner, 2);
        name = span_cut(&inner, '>');
        if (!is_name(name))
            return false;
    } else if (span_starts(inner, SPAN("?"))) {
        return false; /* looks ahead or behind, or sets options */
    }
    reading->groups++;
    buf_char(reading->out, '{');
    if (name.size)
        buf_add(reading->out, name);
    else
        buf_printf(reading->out, "part%u", reading->groups);
    buf_char(reading->out, '}');
    return true;
}

static bool read_all(struct reading *reading, struct span text);

static bool read_group(struct reading *reading, struct span *rest)
{
    size_t end = end_of_group(*rest), at = reading->out->size;
    struct span inner;
    int often;

    if (end == 0)
        return false;
    inner = span_make(rest->at + 1, end - 1);
    *rest = span_from(*rest, end + 1);
    often = take_quantifier(rest);
    if (often < 0)
        return false;
    if (often == 0)
        buf_char(reading->out, '[');
    if (span_starts(inner, SPAN("?:")) ? !read_all(reading, span_from(inner, 2)) : !add_name(reading, inner))
        return false;
    if (often == 0)
        buf_char(reading->out, ']');
    return reading->out->size > at;
}

static bool read_character(struct reading *reading, struct span *rest)
{
    char c = rest->at[0];
    int often;

    if (c == '\\') {
        if (rest->size < 2 || is_name(span_make(rest->at + 1, 1)))
            return false; /* \d and the like */
        c = rest->at[1];
        *rest = span_from(*rest, 1);
    } else if (strchr(".[|^$*+?{})", c)) {
        return false;
    }
    *rest = span_from(*rest, 1);
    often = take_quantifier(rest);
    if (often == 0)
        buf_printf(reading->out, "[%c]", c);
    else
        buf_char(reading->out, c);
    return often >= 0 && (c == '/' || strchr("{}[]", c) == NULL);
}

static bool read_all(struct reading *reading, struct span text)
{
    if (++reading->depth > DEPTH_MOST)
        return false;
    while (text.size > 0)
        if (text.at[0] == '(' ? !read_group(reading, &text) : !read_character(reading, &text))
            return false;
    reading->depth--;
    return true;
}

bool path_of_expression(struct buf *out, struct span expression)
{
    struct reading reading = { .out = out };
    size_t before = out->size;

    if (expression.size > 0 && memchr(expression.at, '\0', expression.size) == NULL &&
        read_all(&reading, expression))
        return true;
    out->size = before;
    return false;
}

/* ---- variants ---- */

/* One path with its optional parts taken or left by the bits of choice; how many of them it has. */
static int choose(struct buf *out, struct span path, unsigned choice)
{
    unsigned open = 0, left_at = 0; /* depth; the depth from which on all is left out, or 0 */
    int parts = 0;

    for (size_t i = 0; i < path.size; i++) {
        char c = path.at[i];

        if (c == '[') {
            open++;
            if ((parts >= CHOICES_MOST || !(choice >> parts & 1u)) && left_at == 0)
                left_at = open;
            parts += parts <= CHOICES_MOST;
        } else if (c == ']') {
            if (open == 0)
                return -1;
            if (left_at == open)
                left_at = 0;
            open--;
        } else if (left_at == 0) {
            buf_char(out, c);
        }
    }
    return open == 0 ? parts : -1;
}

static bool is_among(const struct span *variants, unsigned count, struct span one)
{
    for (unsigned i = 0; i < count; i++)
        if (span_eq(variants[i], one))
            return true;
    return false;
}

unsigned path_variants(struct arena *arena, struct span path, struct span variants_r[PATH_VARIANTS_MOST])
{
    struct buf one = { 0 };
    unsigned count = 0;
    int parts = choose(&one, path, 0);

    if (parts >= 0 && parts <= CHOICES_MOST)
        for (unsigned choice = 0; choice < 1u << parts; choice++) {
            buf_clear(&one);
            choose(&one, path, choice);
            if (one.size > 0 && !is_among(variants_r, count, buf_span(&one)))
                variants_r[count++] = arena_copy(arena, buf_span(&one));
        }
    buf_free(&one);
    return count;
}

/* ---- names ---- */

bool path_next_name(struct span *rest, struct span *name_r)
{
    ssize_t at = span_find(*rest, '{');

    if (at < 0)
        return false;
    *rest = span_from(*rest, (size_t)at + 1);
    *name_r = span_cut(rest, '}');
    return true;
}

void path_shape(struct buf *out, struct span path)
{
    bool inside = false;

    for (size_t i = 0; i < path.size; i++) {
        if (path.at[i] == '}')
            inside = false;
        if (!inside)
            buf_char(out, path.at[i]);
        if (path.at[i] == '{')
            inside = true;
    }
}
