/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: span.h - borrowed bytes: where they begin and how many.
 *
 * A span owns nothing and need not end in NUL; it lives as long as what it points into. */
#ifndef STOA_BASE_SPAN_H
#define STOA_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

struct span {
    const char *at; /* may be NULL when size is 0 */
    size_t size;
};

#define SPAN(literal)  ((struct span){ "" literal, sizeof(literal) - 1 })
#define SPAN_ARG(span) (int)(span).size, (span).at /* for "%.*s" */

static inline struct span span_make(const char *at, size_t size)
{
    return (struct span){ at, size };
}

/* NULL gives the empty span. */
static inline struct span span_of(const char *text)
{
    return (struct span){ text, text ? strlen(text) : 0 };
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

static inline bool span_is(struct span a, const char *text)
{
    return span_eq(a, span_of(text));
}

/* ASCII letters only: for tokens of HTTP, never for names of people. */
static inline bool span_eq_nocase(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || strncasecmp(a.at, b.at, a.size) == 0);
}

static inline bool span_starts(struct span whole, struct span start)
{
    return whole.size >= start.size && (start.size == 0 || memcmp(whole.at, start.at, start.size) == 0);
}

static inline bool span_ends(struct span whole, struct span end)
{
    return whole.size >= end.size &&
           (end.size == 0 || memcmp(whole.at + whole.size - end.size, end.at, end.size) == 0);
}

/* From the n-th byte to the end; beyond the end: empty. */
static inline struct span span_from(struct span whole, size_t n)
{
    if (n > whole.size)
        n = whole.size;
    return n ? (struct span){ whole.at + n, whole.size - n } : whole; /* no arithmetic on NULL */
}

/* The first n bytes, or all when there are fewer. */
static inline struct span span_head(struct span whole, size_t n)
{
    return (struct span){ whole.at, n < whole.size ? n : whole.size };
}

/* Index of the first c, or -1. */
static inline ssize_t span_find(struct span whole, char c)
{
    const char *hit = whole.size ? memchr(whole.at, c, whole.size) : NULL;

    return hit ? hit - whole.at : -1;
}

/* Takes what stands before the first c off the front of *rest and steps over c; without a c takes all. */
static inline struct span span_cut(struct span *rest, char c)
{
    ssize_t at = span_find(*rest, c);
    struct span head = at < 0 ? *rest : span_head(*rest, (size_t)at);

    *rest = at < 0 ? span_from(*rest, rest->size) : span_from(*rest, (size_t)at + 1);
    return head;
}

/* Without spaces and tabs at both ends (RFC 9110 5.6.3 OWS). */
static inline struct span span_trim(struct span s)
{
    while (s.size > 0 && (s.at[0] == ' ' || s.at[0] == '\t'))
        s.at++, s.size--;
    while (s.size > 0 && (s.at[s.size - 1] == ' ' || s.at[s.size - 1] == '\t'))
        s.size--;
    return s;
}

/* <0, 0, >0 by bytes, the shorter first. */
static inline int span_compare(struct span a, struct span b)
{
    size_t least = a.size < b.size ? a.size : b.size;
    int order = least ? memcmp(a.at, b.at, least) : 0;

    return order ? order : (a.size > b.size) - (a.size < b.size);
}

#endif
