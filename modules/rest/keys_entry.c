/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: keys_entry.c - KEY[:domain=d1;d2][:regex=r1;r2], as the guide of the reference writes
 * it.
 *
 * The reference cuts an expression at any ':', '=' or ';' in it. Here it is read to the end, or to a
 * ":domain=" that stands behind it; a ';' of the expression itself is written "\;", which is the same to
 * PCRE. */
#include "keys_entry.h"

#include "base/text.h"

#include <stdint.h>

#define TEXTS_MOST 64

/* Where that word begins in text, or -1. */
static ssize_t find_word(struct span text, struct span word)
{
    for (size_t i = 0; i + word.size <= text.size; i++)
        if (span_starts(span_from(text, i), word))
            return (ssize_t)i;
    return -1;
}

/* Parts between semicolons that no backslash stands before. */
static const char *split(struct span text, struct arena *arena, const char *const **texts_r)
{
    const char **texts = arena_alloc(arena, (TEXTS_MOST + 1) * sizeof(*texts));
    size_t count = 0, begin = 0;

    for (size_t i = 0; i <= text.size; i++) {
        struct span part;

        if (i < text.size && text.at[i] == '\\') {
            i++;
            if (i < text.size)
                continue;
        }
        if (i < text.size && text.at[i] != ';')
            continue;
        part = span_head(span_from(text, begin), i - begin);
        begin = i + 1;
        if (part.size == 0)
            continue;
        if (count == TEXTS_MOST)
            return "at most 64 hosts or expressions in one entry";
        texts[count++] = arena_text(arena, part);
    }
    if (count == 0)
        return "something behind domain= or regex=, or leave the word out";
    *texts_r = texts;
    return NULL;
}

const char *key_entry_parse(struct span text, struct arena *arena, struct key_entry *entry_r)
{
    static const struct span domain = { ":domain=", 8 }, regex = { ":regex=", 7 };
    struct span rest = text;
    ssize_t colon = span_find(text, ':');
    const char *why = NULL;

    *entry_r = (struct key_entry){ .key = colon < 0 ? text : span_head(text, (size_t)colon) };
    if (text_has_control(text))
        return "a text without control characters";
    if (entry_r->key.size == 0)
        return "a key before the colon: KEY:domain=HOST:regex=EXPRESSION";
    rest = span_from(rest, entry_r->key.size);
    while (rest.size > 0 && why == NULL) {
        bool is_domain = span_starts(rest, domain);
        struct span value;
        ssize_t end;

        if (!is_domain && !span_starts(rest, regex))
            return "KEY, KEY:domain=HOST;HOST, KEY:regex=EXPRESSION;EXPRESSION or "
                   "KEY:domain=HOST:regex=EXPRESSION";
        if (is_domain ? entry_r->hosts != NULL : entry_r->paths != NULL)
            return "domain= and regex= once each, with semicolons between several";
        value = span_from(rest, is_domain ? domain.size : regex.size);
        end = find_word(value, is_domain ? regex : domain);
        if (end >= 0)
            value = span_head(value, (size_t)end);
        rest = span_from(rest, (size_t)(value.at - rest.at) + value.size);
        if (is_domain && (span_find(value, ':') >= 0 || span_find(value, '/') >= 0))
            return "host names without scheme, port or path behind domain=, once";
        why = split(value, arena, is_domain ? &entry_r->hosts : &entry_r->paths);
    }
    return why;
}
