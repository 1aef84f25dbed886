/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: http_range.c - the ranges and validators of http_value.h (RFC 9110 13 and 14). */
#include "parse/http_value.h"

#include "base/text.h"
#include "parse/http_chars.h"

/* "500-999", "500-" or "-500". false: malformed. *overlaps_r: some byte of size bytes is in it. */
static bool read_range(struct span item, uint64_t size, struct http_range *range_r, bool *overlaps_r)
{
    struct span first = span_cut(&item, '-'), last = item;
    uint64_t from = 0, to = UINT64_MAX;

    if (first.size == 0) { /* the last so many bytes */
        if (!text_to_u64(last, &to))
            return false;
        *overlaps_r = to > 0 && size > 0;
        *range_r = (struct http_range){ to < size ? size - to : 0, size - 1 };
        return true;
    }
    if (last.at == first.at + first.size) /* no hyphen */
        return false;
    if (!text_to_u64(first, &from) || (last.size && !text_to_u64(last, &to)) || to < from)
        return false;
    *overlaps_r = from < size;
    *range_r = (struct http_range){ from, to < size ? to : size - 1 };
    return true;
}

enum http_range_answer http_range_parse(struct span value, uint64_t size,
                                        struct http_range ranges_r[HTTP_RANGES_MOST], unsigned *count_r)
{
    struct span unit = span_cut(&value, '='), item;
    unsigned asked = 0;

    *count_r = 0;
    if (!span_eq_nocase(unit, SPAN("bytes")))
        return HTTP_RANGE_WHOLE;
    while (http_list_next(&value, &item)) {
        struct http_range range;
        bool overlaps;

        if (asked++ == HTTP_RANGES_MOST || !read_range(item, size, &range, &overlaps)) {
            *count_r = 0;
            return HTTP_RANGE_WHOLE;
        }
        if (overlaps)
            ranges_r[(*count_r)++] = range;
    }
    if (asked == 0)
        return HTTP_RANGE_WHOLE;
    return *count_r ? HTTP_RANGE_PARTS : HTTP_RANGE_NONE;
}

/* The entity-tag at the front of *rest, stepped over: opaque_r with its quotes. */
static bool take_etag(struct span *rest, struct span *opaque_r, bool *weak_r)
{
    struct span text = *rest;
    size_t size;

    *weak_r = span_starts(text, SPAN("W/"));
    text = span_from(text, *weak_r ? 2 : 0);
    if (text.size < 2 || text.at[0] != '"')
        return false;
    size = http_chars_span(span_from(text, 1), HTTP_ETAG);
    if (size + 2 > text.size || text.at[size + 1] != '"')
        return false;
    *opaque_r = span_head(text, size + 2);
    *rest = span_from(text, size + 2);
    return true;
}

/* Not http_list_next(): a backslash inside an entity-tag escapes nothing (8.8.3). */
bool http_etag_matches(struct span list, struct span etag, enum http_comparison comparison)
{
    struct span ours, theirs;
    bool weak, their_weak;

    list = span_trim(list);
    if (!take_etag(&etag, &ours, &weak) || etag.size)
        return false;
    if (span_is(list, "*"))
        return true;
    for (;;) {
        while (list.size && (list.at[0] == ',' || list.at[0] == ' ' || list.at[0] == '\t'))
            list = span_from(list, 1);
        if (list.size == 0 || !take_etag(&list, &theirs, &their_weak))
            return false;
        if (span_eq(ours, theirs) && (comparison == HTTP_WEAK || (!weak && !their_weak)))
            return true;
        list = span_trim(list);
        if (list.size && list.at[0] != ',')
            return false;
    }
}

bool http_if_range_holds(struct span value, struct span etag, int64_t modified_unix)
{
    struct span ours, theirs;
    bool weak, their_weak;
    int64_t date;

    value = span_trim(value);
    if (take_etag(&value, &theirs, &their_weak))
        return value.size == 0 && !their_weak && take_etag(&etag, &ours, &weak) && etag.size == 0 && !weak &&
               span_eq(ours, theirs);
    return text_to_http_date(value, &date) && date == modified_unix;
}
