/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: resume_wish.c - see resume_wish.h. */
#include "resume_wish.h"

#define DIGITS_MOST 15 /* of an Integer (RFC 9651 3.3.1) */

/* The one line of that name, trimmed. false: none. Two lines make a list, which no Item is: *is_bad. */
static bool take_item(const struct http_head *head, const char *name, struct span *value_r, bool *is_bad)
{
    struct span other;
    unsigned at = 0;

    if (!http_head_next(head, name, &at, value_r))
        return false;
    *value_r = span_trim(*value_r);
    if (!http_head_next(head, name, &at, &other))
        return true;
    *is_bad = true;
    return false;
}

/* Behind an Item there may be parameters; none means anything to us. */
static bool is_end(struct span rest)
{
    return rest.size == 0 || (rest.at[0] == ';' && span_find(rest, ',') < 0);
}

static int64_t take_integer(const struct http_head *head, const char *name, bool *is_bad)
{
    struct span value;
    int64_t number = 0;
    size_t digits = 0;

    if (!take_item(head, name, &value, is_bad))
        return -1;
    while (digits < value.size && digits <= DIGITS_MOST && value.at[digits] >= '0' && value.at[digits] <= '9')
        number = number * 10 + (value.at[digits++] - '0');
    if (digits > 0 && digits <= DIGITS_MOST && is_end(span_from(value, digits)))
        return number;
    *is_bad = true;
    return -1;
}

static bool take_boolean(const struct http_head *head, const char *name, bool *is_true_r, bool *is_bad)
{
    struct span value;

    *is_true_r = false;
    if (!take_item(head, name, &value, is_bad))
        return false;
    if (value.size < 2 || value.at[0] != '?' || (value.at[1] != '0' && value.at[1] != '1') ||
        !is_end(span_from(value, 2))) {
        *is_bad = true;
        return false;
    }
    *is_true_r = value.at[1] == '1';
    return true;
}

void resume_wish_parse(const struct http_head *head, struct resume_wish *wish_r)
{
    struct resume_wish wish = { .dialect = DIALECT_NONE };
    struct span tus = http_head_find(head, "Tus-Resumable");

    wish.offset = take_integer(head, "Upload-Offset", &wish.is_bad);
    wish.length = take_integer(head, "Upload-Length", &wish.is_bad);
    wish.interop = take_integer(head, "Upload-Draft-Interop-Version", &wish.is_bad);
    wish.has_complete = take_boolean(head, "Upload-Complete", &wish.is_complete, &wish.is_bad);
    if (tus.at != NULL)
        wish.dialect = span_is(span_trim(tus), TUS_VERSION) ? DIALECT_TUS : DIALECT_TUS_ELSE;
    else if (wish.offset >= 0 || wish.interop >= 0 || wish.has_complete || wish.is_bad)
        wish.dialect = DIALECT_DRAFT;
    *wish_r = wish;
}
