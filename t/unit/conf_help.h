/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: conf_help.h - loading short texts and looking through what was said, for all tests of conf.
 */
#ifndef STOA_T_CONF_HELP_H
#define STOA_T_CONF_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "conf/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct conf_schema *schema; /* made by the group's set-up */

static inline struct conf *load_with(const char *text, const char *const *overrides)
{
    return conf_load_text(schema, "t.tdsl", span_of(text), "/place", overrides);
}

static inline struct conf *load(const char *text)
{
    return load_with(text, NULL);
}

/* All problems, a line each; free it. */
static inline char *told(const struct conf *conf)
{
    struct buf out = { 0 };

    for (size_t i = 0; i < conf_problem_count(conf); i++) {
        conf_problem_print(conf_problem(conf, i), &out);
        buf_char(&out, '\n');
    }
    buf_char(&out, '\0');
    return out.at;
}

static inline void tells(const struct conf *conf, const char *part)
{
    char *all = told(conf);

    if (strstr(all, part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, all);
    free(all);
}

static inline void tells_all(const struct conf *conf, const char *wanted)
{
    char *all = told(conf);

    assert_string_equal(all, wanted);
    free(all);
}

static inline void is_good(const struct conf *conf)
{
    char *all = told(conf);

    if (conf_errors(conf) != 0)
        fail_msg("errors:\n%s", all);
    free(all);
}

/* Loads text, which must be refused with a sentence that holds part. */
static inline void is_refused(const char *text, const char *part)
{
    struct conf *conf = load(text);

    if (conf_errors(conf) == 0)
        fail_msg("was taken: %s", text);
    tells(conf, part);
    conf_free(&conf);
}

static inline char *printed(const struct conf *conf, bool exact)
{
    struct buf out = { 0 };

    if (exact)
        conf_print_exact(conf, "", &out);
    else
        conf_print(conf, &out);
    buf_char(&out, '\0');
    return out.at;
}

/* What is printed loads without a word, and prints the same. */
static inline void is_fixed_point(const struct conf *conf)
{
    char *first = printed(conf, true), *second;
    struct conf *again = load(first);

    is_good(again);
    second = printed(again, true);
    assert_string_equal(first, second);
    free(first);
    free(second);
    conf_free(&again);
}

#endif
