/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0 and json-c: json_test.c - strict JSON: rows that are read and written again, rows that are
 * refused. */
#include "parse/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct {
    const char *in, *want; /* NULL: refused */
} rows[] = {
    { "null", "null" },
    { " true ", "true" },
    { "false", "false" },
    { "0", "0" },
    { "-0", "0" },
    { "-12", "-12" },
    { "9223372036854775807", "9223372036854775807" },
    { "-9223372036854775808", "-9223372036854775808" },
    { "18446744073709551615", "18446744073709551615" },
    { "18446744073709551616", "1.8446744073709552e+19" },
    { "1.5", "1.5" },
    { "1e3", "1000.0" },
    { "1E-2", "0.01" },
    { "0.1", "0.1" },
    { "\"\"", "\"\"" },
    { "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"a\\\"\\\\/\\u0008\\u000c\\u000a\\u000d\\u0009\"" },
    { "\"\\u00e4\\ud83d\\ude00\"", "\"\xc3\xa4\xf0\x9f\x98\x80\"" },
    { "\"<a>&\\u2028\"", "\"\\u003ca\\u003e\\u0026\\u2028\"" },
    { "[]", "[]" },
    { "[ 1 , [2 ] ,null]", "[1,[2],null]" },
    { "{}", "{}" },
    { "{ \"a\" : 1 , \"b\":{\"a\":[{}]} }", "{\"a\":1,\"b\":{\"a\":[{}]}}" },
    { "\t\r\n1\n", "1" },
    { "{\"a\":1,\"a\":2}", NULL },
    { "{\"a\":{\"b\":1,\"c\":2,\"b\":1}}", NULL },
    { "{\"\\u0061\":1,\"a\":2}", NULL },
    { "", NULL },
    { " ", NULL },
    { "1 2", NULL },
    { "[1]]", NULL },
    { "{\"a\":1}x", NULL },
    { "[1,]", NULL },
    { "[,1]", NULL },
    { "[1", NULL },
    { "{\"a\":1,}", NULL },
    { "{\"a\"}", NULL },
    { "{\"a\":}", NULL },
    { "{a:1}", NULL },
    { "{'a':1}", NULL },
    { "{1:1}", NULL },
    { "{\"a\":1", NULL },
    { "nul", NULL },
    { "nulll", NULL },
    { "True", NULL },
    { "NaN", NULL },
    { "Infinity", NULL },
    { "+1", NULL },
    { "01", NULL },
    { "-", NULL },
    { "1.", NULL },
    { ".5", NULL },
    { "1e", NULL },
    { "0x1", NULL },
    { "1e999", NULL },
    { "1111111111111111111111111111111111111111111111111111111111111111111", NULL },
    { "\"a", NULL },
    { "\"a\nb\"", NULL },
    { "\"\x01\"", NULL },
    { "\"\\x\"", NULL },
    { "\"\\u12\"", NULL },
    { "\"\\u0000\"", NULL },
    { "{\"\\u0000\":1}", NULL },
    { "\"\\ud800\"", NULL },
    { "\"\\ud800\\u0041\"", NULL },
    { "\"\\udc00\"", NULL },
    { "\"\xff\"", NULL },
    { "\"\xc0\x80\"", NULL },
    { "/* */ 1", NULL },
    { "1 // x", NULL },
    { "\xef\xbb\xbf"
      "1",
      NULL },
};

static void rows_are_read_or_refused(void **state)
{
    struct buf out = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct json_object *json = NULL;
        const char *why = NULL;
        int good = json_parse(span_of(rows[i].in), &json_limits_body, &json, &why);

        if (good != (rows[i].want != NULL) || (!good && why == NULL))
            fail_msg("%s: %s", rows[i].in, why ? why : "read");
        if (!good)
            continue;
        buf_clear(&out);
        json_write(&out, json);
        if (!span_is(buf_span(&out), rows[i].want))
            fail_msg("%s: %.*s", rows[i].in, SPAN_ARG(buf_span(&out)));
        json_object_put(json);
    }
    buf_free(&out);
}

static void bounds_hold(void **state)
{
    static const struct json_limits small = { .size_most = 20, .depth_most = 3, .items_most = 5 };
    static const struct {
        const char *in;
        int want;
    } bounds[] = {
        { "[[[]]]", 1 },
        { "[[[[]]]]", 0 },
        { "[[[{}]]]", 0 },
        { "[1,2,3,4]", 1 },
        { "[1,2,3,4,5]", 0 },
        { "\"345678901234567890\"", 1 },
        { "\"3456789012345678901\"", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        struct json_object *json = NULL;
        const char *why;

        if (json_parse(span_of(bounds[i].in), &small, &json, &why) != bounds[i].want)
            fail_msg("%s", bounds[i].in);
        json_object_put(json);
    }
}

static void members_are_looked_up(void **state)
{
    struct json_object *json = NULL;
    struct span text = SPAN("before");
    const char *why;
    int64_t number = 7;

    (void)state;
    assert_int_equal(json_parse(SPAN("{\"a\":\"x\\ty\",\"b\":-5,\"c\":18446744073709551615,\"d\":1.0}"),
                                &json_limits_body, &json, &why),
                     1);
    assert_true(json_text(json_member(json, "a"), &text) && span_is(text, "x\ty"));
    assert_false(json_text(json_member(json, "b"), &text));
    assert_false(json_text(json_member(json, "z"), &text));
    assert_true(json_whole(json_member(json, "b"), &number) && number == -5);
    assert_false(json_whole(json_member(json, "c"), &number));
    assert_false(json_whole(json_member(json, "d"), &number));
    assert_null(json_member(NULL, "a"));
    assert_null(json_member(json_member(json, "a"), "a"));
    json_object_put(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_or_refused),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(members_are_looked_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
