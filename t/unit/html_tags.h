/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0: html_tags.h - the skeleton of a page, read in a plain way of its own: names of tags and
 * attributes, and where addresses lead. What values are must not change it. */
#ifndef STOA_UNIT_HTML_TAGS_H
#define STOA_UNIT_HTML_TAGS_H

#include "base/buf.h"

static inline bool tags_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static inline bool tags_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Up to one of the characters, of which blank stands for all blanks. */
static inline struct span tags_take(struct span *rest, const char *ends)
{
    struct span word = { rest->at, 0 };

    while (rest->size && !(rest->at[0] && strchr(ends, rest->at[0])) &&
           !(strchr(ends, ' ') && tags_is_blank(rest->at[0]))) {
        word.size++;
        *rest = span_from(*rest, 1);
    }
    return word;
}

static inline void tags_attribute(struct span *rest, struct buf *out)
{
    /* a '=' in front of a name belongs to the name, as browsers have it */
    struct span name = { rest->at, 1 };
    char quote;

    *rest = span_from(*rest, 1);
    name.size += tags_take(rest, " />=").size;
    buf_char(out, ' ');
    buf_add(out, name);
    while (rest->size && tags_is_blank(rest->at[0]))
        *rest = span_from(*rest, 1);
    if (rest->size == 0 || rest->at[0] != '=')
        return;
    *rest = span_from(*rest, 1);
    while (rest->size && tags_is_blank(rest->at[0]))
        *rest = span_from(*rest, 1);
    if (rest->size == 0 || rest->at[0] == '>')
        return;
    quote = rest->at[0];
    if (quote != '"' && quote != '\'') {
        tags_take(rest, " >");
        return;
    }
    *rest = span_from(*rest, 1);
    tags_take(rest, quote == '"' ? "\"" : "'");
    *rest = span_from(*rest, 1);
}

static inline struct span tags_behind(struct span rest, const char *what)
{
    size_t size = strlen(what);

    for (; rest.size >= size; rest = span_from(rest, 1))
        if (span_eq_nocase(span_head(rest, size), span_of(what)))
            return span_from(rest, size);
    return span_from(rest, rest.size);
}

static inline void tags_element(struct span *rest, struct buf *out)
{
    struct span name = tags_take(rest, " />");

    buf_char(out, '<');
    buf_add(out, name);
    while (rest->size && rest->at[0] != '>') {
        if (tags_is_blank(rest->at[0]) || rest->at[0] == '/')
            *rest = span_from(*rest, 1);
        else
            tags_attribute(rest, out);
    }
    *rest = span_from(*rest, 1);
    buf_char(out, '>');
    if (span_eq_nocase(name, SPAN("script")))
        *rest = tags_behind(*rest, "</script>");
    else if (span_eq_nocase(name, SPAN("style")))
        *rest = tags_behind(*rest, "</style>");
}

/* "<a href><b></b></a>" */
static inline void html_tags(struct span page, struct buf *out)
{
    while (page.size) {
        tags_take(&page, "<");
        page = span_from(page, 1);
        if (page.size && tags_is_letter(page.at[0])) {
            tags_element(&page, out);
        } else if (page.size && page.at[0] == '/') {
            buf_char(out, '<');
            buf_add(out, tags_take(&page, ">"));
            buf_char(out, '>');
        } else if (span_starts(page, SPAN("!--"))) {
            page = tags_behind(span_from(page, 3), "-->");
            buf_text(out, "<!>");
        } else if (page.size && page.at[0] == '!') {
            tags_take(&page, ">");
            buf_text(out, "<!>");
        }
    }
}

#endif
