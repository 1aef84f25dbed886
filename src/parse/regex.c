/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0 and PCRE2: regex.c - see regex.h. */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "parse/regex.h"

#include "base/must.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#define HEAP_MOST_KIB 1024 /* of backtracking; enough for the steps that are allowed */

/* What matching needs besides the code. One thread, one match at a time. */
struct regex_scratch {
    pcre2_general_context *memory; /* NULL: malloc */
    pcre2_compile_context *compiling;
    pcre2_match_data *found;
    pcre2_match_context *limits;
};

struct regex {
    pcre2_code *code;
    struct regex_scratch *scratch;
    struct regex_host *host; /* borrowed; its scratch is the one above. NULL: scratch is owned */
    uint32_t options;        /* of each match */
    unsigned groups;
};

static void *host_alloc(PCRE2_SIZE size, void *data)
{
    struct regex_host *host = data;

    return host->alloc(size, host->data);
}

static void host_release(void *block, void *data)
{
    struct regex_host *host = data;

    if (block)
        host->release(block, host->data);
}

static int host_callout(pcre2_callout_block *block, void *data)
{
    struct regex_host *host = data;

    (void)block;
    return host->stop(host->data) ? PCRE2_ERROR_MATCHLIMIT : 0;
}

static void scratch_free(struct regex_scratch *scratch)
{
    if (scratch == NULL)
        return;
    pcre2_match_context_free(scratch->limits);
    pcre2_match_data_free(scratch->found);
    pcre2_compile_context_free(scratch->compiling);
    pcre2_general_context_free(scratch->memory);
    free(scratch);
}

/* NULL: the host has no memory left. */
static struct regex_scratch *scratch_new(struct regex_host *host)
{
    struct regex_scratch *scratch = must_alloc(sizeof(*scratch));

    if (host)
        scratch->memory = pcre2_general_context_create(host_alloc, host_release, host);
    if (host == NULL || scratch->memory) {
        scratch->compiling = pcre2_compile_context_create(scratch->memory);
        scratch->found = pcre2_match_data_create(REGEX_GROUPS_MOST + 1, scratch->memory);
        scratch->limits = pcre2_match_context_create(scratch->memory);
    }
    if (scratch->compiling == NULL || scratch->found == NULL || scratch->limits == NULL) {
        must(host != NULL);
        scratch_free(scratch);
        return NULL;
    }
    pcre2_set_match_limit(scratch->limits, REGEX_STEPS_MOST);
    pcre2_set_depth_limit(scratch->limits, REGEX_STEPS_MOST);
    pcre2_set_heap_limit(scratch->limits, HEAP_MOST_KIB);
    if (host)
        pcre2_set_callout(scratch->limits, host_callout, host);
    return scratch;
}

static pcre2_code *compile(struct span pattern, unsigned flags, const struct regex_host *host,
                           const struct regex_scratch *scratch, char *why_r, size_t why_size)
{
    uint32_t options = PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, groups = 0;
    pcre2_code *code;
    PCRE2_SIZE place;
    int error;

    options |= flags & REGEX_BYTES ? PCRE2_NEVER_UTF : PCRE2_UTF;
    if (flags & REGEX_WHOLE)
        options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    if (host)
        options |= PCRE2_AUTO_CALLOUT;
    code = pcre2_compile((PCRE2_SPTR)(pattern.size ? pattern.at : ""), pattern.size, options, &error, &place,
                         scratch->compiling);
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
    return code;
}

static struct regex *make(struct regex_host *host, struct regex_scratch *scratch, struct span pattern,
                          unsigned flags, char *why_r, size_t why_size)
{
    struct regex *regex;
    pcre2_code *code = compile(pattern, flags, host, scratch, why_r, why_size);
    uint32_t groups = 0;

    if (code == NULL)
        return NULL;
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
    regex = must_alloc(sizeof(*regex));
    regex->code = code;
    regex->scratch = scratch;
    regex->host = host;
    regex->options = flags & REGEX_KNOWN ? PCRE2_NO_UTF_CHECK : 0;
    regex->groups = groups;
    return regex;
}

struct regex *regex_new(struct span pattern, unsigned flags, char *why_r, size_t why_size)
{
    struct regex_scratch *scratch = scratch_new(NULL);
    struct regex *regex = make(NULL, scratch, pattern, flags, why_r, why_size);

    if (regex == NULL)
        scratch_free(scratch);
    return regex;
}

struct regex *regex_new_for(struct regex_host *host, struct span pattern, unsigned flags, char *why_r,
                            size_t why_size)
{
    if (host->scratch == NULL)
        host->scratch = scratch_new(host);
    if (host->scratch == NULL) {
        snprintf(why_r, why_size, "not enough memory");
        return NULL;
    }
    return make(host, host->scratch, pattern, flags, why_r, why_size);
}

void regex_host_free(struct regex_host *host)
{
    scratch_free(host->scratch);
    host->scratch = NULL;
}

void regex_free(struct regex **regex)
{
    if (*regex == NULL)
        return;
    pcre2_code_free((*regex)->code);
    if ((*regex)->host == NULL)
        scratch_free((*regex)->scratch);
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
    found = pcre2_match(regex->code, (PCRE2_SPTR)at, subject.size, from, regex->options,
                        regex->scratch->found, regex->scratch->limits);
    if (found == PCRE2_ERROR_MATCHLIMIT || found == PCRE2_ERROR_DEPTHLIMIT ||
        found == PCRE2_ERROR_HEAPLIMIT || found == PCRE2_ERROR_NOMEMORY)
        return REGEX_TOO_HARD;
    if (found < 0)
        return REGEX_NONE;
    places = pcre2_get_ovector_pointer(regex->scratch->found);
    for (unsigned i = 0; groups_r && i < count; i++)
        if ((int)i < found && places[2 * i] != PCRE2_UNSET)
            groups_r[i] = span_make(at + places[2 * i], places[2 * i + 1] - places[2 * i]);
        else
            groups_r[i] = (struct span){ NULL, 0 };
    return REGEX_MATCH;
}
