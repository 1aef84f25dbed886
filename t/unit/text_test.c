/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: text_test.c - UTF-8, escapes by context, numbers and dates. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void utf8_rows(void **state)
{
    static const struct {
        const char *text;
        bool want;
    } rows[] = {
        { "", true },
        { "abcdefghijklmnopq", true },
        { "\xc3\xa4", true },
        { "\xe2\x82\xac", true },
        { "abcdefg\xc3\xa4hijklmnop", true },
        { "\xf0\x9f\x98\x80", true },
        { "\xf4\x8f\xbf\xbf", true },
        { "\x80", false },
        { "\xc3", false },
        { "\xc3(", false },
        { "\xc0\x80", false },
        { "\xc1\xbf", false },
        { "\xe0\x9f\xbf", false },
        { "\xed\xa0\x80", false },
        { "\xf0\x8f\xbf\xbf", false },
        { "\xf4\x90\x80\x80", false },
        { "\xf5\x80\x80\x80", false },
        { "\xff", false },
        { "abcdefgh\xe2\x82", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (text_is_utf8(span_of(rows[i].text)) != rows[i].want)
            fail_msg("row %zu", i);
    assert_true(text_is_utf8(SPAN("\0")) && text_has_control(SPAN("a\0")) && text_has_control(SPAN("\x7f")));
    assert_false(text_has_control(SPAN("a \xc3\xa4")));
}

static void escapes_fit_their_place(void **state)
{
    static const struct span hard = { "a<&>\"'\\\n\x01\xc3\xa4\xff\0\x7f", 14 };
    struct buf out = { 0 };

    (void)state;
    text_add_xml(&out, hard);
    assert_true(span_is(buf_span(&out),
                        "a&lt;&amp;&gt;&quot;&apos;\\&#10;\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\x7f"));
    buf_clear(&out);
    text_add_html(&out, SPAN("<a b='c'>\"&\xff"));
    assert_true(span_is(buf_span(&out), "&lt;a b=&#39;c&#39;&gt;&quot;&amp;\xef\xbf\xbd"));
    buf_clear(&out);
    text_add_json(&out, hard);
    assert_true(span_is(buf_span(&out), "a<&>\\\"'\\\\\\u000a\\u0001\xc3\xa4\xef\xbf\xbd\\u0000\\u007f"));
    buf_clear(&out);
    text_add_json(&out, SPAN("\xe2\x80\xa8"));
    assert_true(span_is(buf_span(&out), "\\u2028"));
    buf_clear(&out);
    text_add_log(&out, hard);
    assert_true(span_is(buf_span(&out), "a<&>\\x22'\\x5c\\x0a\\x01\xc3\xa4\\xff\\x00\\x7f"));
    buf_clear(&out);
    text_add_log(&out, SPAN("\xc2\x9b[\xe2\x80\xa9"));
    assert_true(span_is(buf_span(&out), "\\xc2\\x9b[\\xe2\\x80\\xa9"));
    buf_free(&out);
}

static void numbers(void **state)
{
    uint64_t number = 7;

    (void)state;
    assert_true(text_to_u64(SPAN("0"), &number) && number == 0);
    assert_true(text_to_u64(SPAN("9999999999999999999"), &number) && number == 9999999999999999999u);
    assert_false(text_to_u64(SPAN(""), &number));
    assert_false(text_to_u64(SPAN("10000000000000000000"), &number));
    assert_false(text_to_u64(SPAN("-1"), &number) || text_to_u64(SPAN("1 "), &number));
}

static void http_dates(void **state)
{
    static const char *const refused[] = { "",
                                           "Sun, 06 Nov 1994 08:49:37",
                                           "Sun, 06 Nov 1994 08:49:37 GMT ",
                                           "Sun, 06 Nov 1994 24:49:37 GMT",
                                           "Sun, 31 Feb 1994 08:49:37 GMT",
                                           "Sun, 29 Feb 2023 08:49:37 GMT",
                                           "Sun, 06 Xxx 1994 08:49:37 GMT",
                                           "1994-11-06T08:49:37Z" };
    char text[HTTP_DATE_SIZE];
    int64_t seconds;

    (void)state;
    text_http_date(784111777, text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_true(text_to_http_date(span_of(text), &seconds) && seconds == 784111777);
    assert_true(text_to_http_date(SPAN("Sunday, 06-Nov-94 08:49:37 GMT"), &seconds) && seconds == 784111777);
    assert_true(text_to_http_date(SPAN("Sun Nov  6 08:49:37 1994"), &seconds) && seconds == 784111777);
    assert_true(text_to_http_date(SPAN("Thu, 29 Feb 2024 00:00:00 GMT"), &seconds) && seconds == 1709164800);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (text_to_http_date(span_of(refused[i]), &seconds))
            fail_msg("%s", refused[i]);
}

static void stamps(void **state)
{
    static const char *const refused[] = { "",
                                           "2026-11-22T18:14:24",
                                           "2026-11-22 18:14:24Z",
                                           "2026-13-22T18:14:24Z",
                                           "2026-11-31T18:14:24Z",
                                           "2026-11-22T18:14:24+1:00",
                                           "2026-11-22T18:14:24+24:00",
                                           "2026-11-22T18:14:24Zx" };
    char text[STAMP_SIZE];
    int64_t usec;

    (void)state;
    text_stamp(1795371264000000, text);
    assert_string_equal(text, "2026-11-22T18:14:24Z");
    assert_true(text_to_stamp(span_of(text), &usec) && usec == 1795371264000000);
    assert_true(text_to_stamp(SPAN("2026-11-22T19:14:24.25+01:00"), &usec) && usec == 1795371264250000);
    assert_true(text_to_stamp(SPAN("2026-11-22T12:44:24.1234567-05:30"), &usec) && usec == 1795371264123456);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (text_to_stamp(span_of(refused[i]), &usec))
            fail_msg("%s", refused[i]);
}

static void heads(void **state)
{
    static const struct {
        const char *text;
        size_t most, size;
    } rows[] = { { "abc", 3, 3 },
                 { "abc", 2, 2 },
                 { "abc", 0, 0 },
                 { "", 5, 0 },
                 { "a\xc3\xa4", 2, 1 },
                 { "a\xc3\xa4z", 3, 3 },
                 { "\xf0\x9f\x98\x80", 3, 0 } };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(text_head(span_of(rows[i].text), rows[i].most).size, rows[i].size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_rows), cmocka_unit_test(escapes_fit_their_place),
        cmocka_unit_test(numbers),   cmocka_unit_test(http_dates),
        cmocka_unit_test(stamps),    cmocka_unit_test(heads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
