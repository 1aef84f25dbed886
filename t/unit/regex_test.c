/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: regex_test.c - expressions of operators: what matches, what is refused, what gives up. */
#include "parse/regex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

static struct regex *make(const char *pattern, unsigned flags)
{
    char why[200] = "";
    struct regex *regex = regex_new(span_of(pattern), flags, why, sizeof(why));

    if (regex == NULL)
        fail_msg("%s: %s", pattern, why);
    return regex;
}

static void test_whole_or_part(void **state)
{
    static const struct {
        const char *pattern;
        unsigned flags;
        const char *subject;
        enum regex_verdict wanted;
    } rows[] = {
        { "/rest/.*", REGEX_WHOLE, "/rest/adhoc/a@b", REGEX_MATCH },
        { "/rest/*", REGEX_WHOLE, "/rest/adhoc/a@b", REGEX_NONE },
        { "/rest/*", REGEX_WHOLE, "/rest//", REGEX_MATCH },
        { "a|ab", REGEX_WHOLE, "ab", REGEX_MATCH },
        { "a|ab", REGEX_WHOLE, "xab", REGEX_NONE },
        { "a", 0, "xax", REGEX_MATCH },
        { "a$", REGEX_WHOLE, "a\n", REGEX_NONE },
        { "", REGEX_WHOLE, "", REGEX_MATCH },
        { "", REGEX_WHOLE, "a", REGEX_NONE },
        { "/.", REGEX_WHOLE, "/\xc3\xa4", REGEX_MATCH },
        { "/.", REGEX_WHOLE | REGEX_BYTES, "/\xc3\xa4", REGEX_NONE },
        { "/..", REGEX_WHOLE | REGEX_BYTES, "/\xc3\xa4", REGEX_MATCH },
        { "/.", REGEX_WHOLE, "/\xff", REGEX_NONE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct regex *regex = make(rows[i].pattern, rows[i].flags);

        if (regex_match(regex, span_of(rows[i].subject), 0, NULL, 0) != rows[i].wanted)
            fail_msg("row %zu: %s against %s", i, rows[i].pattern, rows[i].subject);
        regex_free(&regex);
        assert_null(regex);
    }
}

static void test_groups_that_took_no_part_are_null(void **state)
{
    struct regex *regex = make("/(?:([^@/]+)@){0,1}([^@/]+)", REGEX_WHOLE);
    struct span groups[5];

    (void)state;
    assert_int_equal(regex_groups(regex), 2);
    assert_int_equal(regex_match(regex, SPAN("/a@b.c"), 0, groups, 5), REGEX_MATCH);
    assert_true(span_is(groups[0], "/a@b.c") && span_is(groups[1], "a") && span_is(groups[2], "b.c"));
    assert_true(groups[3].at == NULL && groups[4].at == NULL);
    assert_int_equal(regex_match(regex, SPAN("/b.c"), 0, groups, 3), REGEX_MATCH);
    assert_true(groups[1].at == NULL && span_is(groups[2], "b.c"));
    regex_free(&regex);
}

static void test_from_an_offset(void **state)
{
    struct regex *regex = make("a.", 0);
    struct span whole;

    (void)state;
    assert_int_equal(regex_match(regex, SPAN("abac"), 1, &whole, 1), REGEX_MATCH);
    assert_true(span_is(whole, "ac"));
    assert_int_equal(regex_match(regex, SPAN("abac"), 3, NULL, 0), REGEX_NONE);
    assert_int_equal(regex_match(regex, SPAN("abac"), 5, NULL, 0), REGEX_NONE);
    assert_int_equal(regex_match(regex, (struct span){ NULL, 0 }, 0, NULL, 0), REGEX_NONE);
    regex_free(&regex);
}

static void test_what_explodes_gives_up(void **state)
{
    struct regex *regex = make("(a+)+[bc]", REGEX_WHOLE);
    char subject[64];

    (void)state;
    memset(subject, 'a', sizeof(subject));
    assert_int_equal(regex_match(regex, span_make(subject, sizeof(subject)), 0, NULL, 0), REGEX_TOO_HARD);
    assert_int_equal(regex_match(regex, SPAN("aab"), 0, NULL, 0), REGEX_MATCH); /* and is as good as before */
    regex_free(&regex);
}

static void test_bad_ones_say_where(void **state)
{
    static const char *const patterns[] = { "(", "[a", "a{2,1}", "(?<n>a)(?<n>b)", "\\C", "\xff", "*" };
    char why[200], groups[REGEX_GROUPS_MOST * 2 + 3];

    (void)state;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        why[0] = '\0';
        assert_null(regex_new(span_of(patterns[i]), REGEX_WHOLE, why, sizeof(why)));
        assert_non_null(strstr(why, "at character "));
    }
    for (size_t i = 0; i < sizeof(groups) - 1; i += 2)
        memcpy(groups + i, "()", 2);
    assert_null(regex_new(span_make(groups, (REGEX_GROUPS_MOST + 1) * 2), 0, why, sizeof(why)));
    assert_string_equal(why, "more than 32 groups");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_or_part),      cmocka_unit_test(test_groups_that_took_no_part_are_null),
        cmocka_unit_test(test_from_an_offset),     cmocka_unit_test(test_what_explodes_gives_up),
        cmocka_unit_test(test_bad_ones_say_where),
    };

    return cmocka_run_group_tests_name("regex", tests, NULL, NULL);
}
