/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: mask.c - configurations as text to be shown: secrets are hidden.
 *
 * Not by the parser: a file that is being mended may not parse, and yesterday's secret in a comment is one
 * still. A word that is the name of any secret, then = or :, and the value is gone, wherever it stands. */
#include "conf/changes.h"

#include "conf/inside.h"

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || (unsigned char)c >= 0x80;
}

static bool table_has_secret(const struct section *table, struct span name)
{
    for (const struct directive *row = table->directives; row && row->name; row++)
        if (row->secret && (span_is(name, row->name) || (row->alias && span_is(name, row->alias))))
            return true;
    for (const struct section *below = table->sections; below && below->name; below++)
        if (table_has_secret(below, name))
            return true;
    return false;
}

static bool is_secret_name(const struct conf_schema *schema, struct span name)
{
    for (size_t i = 0; i < schema->added_count; i++)
        if (table_has_secret(schema->added[i].section, name))
            return true;
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Bytes behind a name up to the value, or 0 when there is no sign. */
static size_t sign_size(struct span rest)
{
    size_t i = 0;

    if (i < rest.size && (rest.at[i] == '\'' || rest.at[i] == '"')) /* of a quoted name */
        i++;
    while (i < rest.size && is_blank(rest.at[i]))
        i++;
    if (i == rest.size || (rest.at[i] != '=' && rest.at[i] != ':'))
        return 0;
    for (i++; i < rest.size && (is_blank(rest.at[i]) || rest.at[i] == '\n' || rest.at[i] == '\r');)
        i++; /* a value may begin on the next line in a text that is not well-formed */
    return i;
}

/* To the end of the line in which the value ends: a list ends at its bracket, a quoted text at its quote. */
static size_t value_size(struct span rest)
{
    unsigned depth = 0;
    char quote = '\0';
    size_t i;

    for (i = 0; i < rest.size; i++) {
        char c = rest.at[i];

        if (quote)
            quote = c == quote || c == '\n' ? '\0' : quote;
        else if (c == '\'' || c == '"')
            quote = c;
        else if (c == '[' || c == '(')
            depth++;
        else if ((c == ']' || c == ')') && depth)
            depth--;
        if (c == '\n' && depth == 0)
            break;
    }
    return i;
}

void conf_mask(const struct conf_schema *schema, struct span text, struct buf *out)
{
    size_t at = 0;

    while (at < text.size) {
        size_t size = 0, sign;
        struct span word;

        while (at + size < text.size && is_word(text.at[at + size]))
            size++;
        if (size == 0) {
            buf_char(out, text.at[at++]);
            continue;
        }
        word = span_make(text.at + at, size);
        buf_add(out, word);
        at += size;
        sign = is_secret_name(schema, word) ? sign_size(span_from(text, at)) : 0;
        if (sign == 0)
            continue;
        at += sign;
        buf_text(out, " = '(hidden)'");
        at += value_size(span_from(text, at));
    }
}
