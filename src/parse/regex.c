/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0 and PCRE2: regex.c - see regex.h. */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "parse/regex.h"

#include "base/must.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#define HEAP_MOST_KIB 1024 /* of backtracking; enough for the steps that are allowed */

struct regex {
    pcre2_code *code;
    pcre2_match_data *found; /* one thread, one match at a time */
    pcre2_match_context *limits;
    unsigned groups;
};

struct regex *regex_new(struct span pattern, unsigned flags, char *why_r, size_t why_size)
{
    uint32_t options = PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
    struct regex *regex;
    pcre2_code *code;
    PCRE2_SIZE place;
    int error;
    uint32_t groups = 0;

    if (!(flags & REGEX_BYTES))
        options |= PCRE2_UTF;
    if (flags & REGEX_WHOLE)
        options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    code = pcre2_compile((PCRE2_SPTR)(pattern.size ? pattern.at : ""), pattern.size, options, &error, &place,
                         NULL);
    if (code == NULL) {
        unsigned char text[160] = "bad expression";

        pcre2_get_error_message(error, text, sizeof(text));
        snprintf(why_r, why_size, "%s, at character %zu", (const char *)text, (size_t)place + 1);
        return NULL;
    }
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
    if (groups > REGEX_GROUPS_MOST) {
        pcre2_code_free(code);
        snprintf(why_r, why_size, "more than %d groups", REGEX_GROUPS_MOST);
        return NULL;
    }
    regex = must_alloc(sizeof(*regex));
    regex->code = code;
    regex->groups = groups;
    regex->found = pcre2_match_data_create_from_pattern(code, NULL);
    regex->limits = pcre2_match_context_create(NULL);
    must(regex->found && regex->limits);
    pcre2_set_match_limit(regex->limits, REGEX_STEPS_MOST);
    pcre2_set_depth_limit(regex->limits, REGEX_STEPS_MOST);
    pcre2_set_heap_limit(regex->limits, HEAP_MOST_KIB);
    return regex;
}

void regex_free(struct regex **regex)
{
    if (*regex == NULL)
        return;
    pcre2_match_context_free((*regex)->limits);
    pcre2_match_data_free((*regex)->found);
    pcre2_code_free((*regex)->code);
    free(*regex);
    *regex = NULL;
}

unsigned regex_groups(const struct regex *regex)
{
    return regex->groups;
}

enum regex_verdict regex_match(const struct regex *regex, struct span subject, size_t from,
                               struct span *groups_r, unsigned count)
{
    const char *at = subject.size ? subject.at : "";
    const PCRE2_SIZE *places;
    int found;

    if (from > subject.size)
        return REGEX_NONE;
    found = pcre2_match(regex->code, (PCRE2_SPTR)at, subject.size, from, 0, regex->found, regex->limits);
    if (found == PCRE2_ERROR_MATCHLIMIT || found == PCRE2_ERROR_DEPTHLIMIT ||
        found == PCRE2_ERROR_HEAPLIMIT || found == PCRE2_ERROR_NOMEMORY)
        return REGEX_TOO_HARD;
    if (found < 0)
        return REGEX_NONE;
    places = pcre2_get_ovector_pointer(regex->found);
    for (unsigned i = 0; groups_r && i < count; i++)
        if ((int)i < found && places[2 * i] != PCRE2_UNSET)
            groups_r[i] = span_make(at + places[2 * i], places[2 * i + 1] - places[2 * i]);
        else
            groups_r[i] = (struct span){ NULL, 0 };
    return REGEX_MATCH;
}
