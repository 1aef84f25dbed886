/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: http_value_test.c - field values: lists, ranges, validators, types, credentials,
 * forwarding. */
#include "parse/http_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

static void lists_respect_quotes(void **state)
{
    struct span rest = SPAN(" a ,, \"b,c\\\"d\" ;x, e"), item;

    (void)state;
    assert_true(http_list_next(&rest, &item) && span_is(item, "a"));
    assert_true(http_list_next(&rest, &item) && span_is(item, "\"b,c\\\"d\" ;x"));
    assert_true(http_list_next(&rest, &item) && span_is(item, "e"));
    assert_false(http_list_next(&rest, &item));
    assert_true(http_list_has(SPAN("a, Close ,b"), "close"));
    assert_false(http_list_has(SPAN("closed, \"close\""), "close"));
    assert_false(http_list_has(span_make(NULL, 0), "close"));
}

static void quoted_strings_go_both_ways(void **state)
{
    struct buf out = { 0 };

    (void)state;
    assert_true(http_quoted_encode(SPAN("a\"b\\c d"), &out));
    assert_true(span_is(buf_span(&out), "\"a\\\"b\\\\c d\""));
    assert_false(http_quoted_encode(SPAN("a\r\nSet-Cookie: x"), &out));
    buf_clear(&out);
    assert_true(http_quoted_decode(SPAN("\"a\\\"b\""), &out));
    assert_true(span_is(buf_span(&out), "a\"b"));
    assert_false(http_quoted_decode(SPAN("\"a"), &out));
    assert_false(http_quoted_decode(SPAN("\"a\"b"), &out));
    assert_false(http_quoted_decode(SPAN("\"a\\\""), &out));
    assert_false(http_quoted_decode(SPAN("\""), &out));
    assert_int_equal(out.size, 3);
    buf_free(&out);
    assert_true(http_is_token(SPAN("a!b")) && !http_is_token(SPAN("")) && !http_is_token(SPAN("a b")));
}

static const struct {
    const char *value;
    uint64_t size;
    enum http_range_answer want;
    unsigned count;
    uint64_t first, last; /* of the first */
} ranges[] = {
    { "bytes=0-0", 10, HTTP_RANGE_PARTS, 1, 0, 0 },
    { "bytes=0-", 10, HTTP_RANGE_PARTS, 1, 0, 9 },
    { "bytes=5-100", 10, HTTP_RANGE_PARTS, 1, 5, 9 },
    { "bytes=-3", 10, HTTP_RANGE_PARTS, 1, 7, 9 },
    { "bytes=-30", 10, HTTP_RANGE_PARTS, 1, 0, 9 },
    { "Bytes=1-2, 4-5 ,-1", 10, HTTP_RANGE_PARTS, 3, 1, 2 },
    { "bytes=20-30,1-2", 10, HTTP_RANGE_PARTS, 1, 1, 2 },
    { "bytes=10-", 10, HTTP_RANGE_NONE, 0, 0, 0 },
    { "bytes=-0", 10, HTTP_RANGE_NONE, 0, 0, 0 },
    { "bytes=0-", 0, HTTP_RANGE_NONE, 0, 0, 0 },
    { "bytes=-5", 0, HTTP_RANGE_NONE, 0, 0, 0 },
    { "bytes=5-4", 10, HTTP_RANGE_WHOLE, 0, 0, 0 },
    { "bytes=a-b", 10, HTTP_RANGE_WHOLE, 0, 0, 0 },
    { "bytes=-", 10, HTTP_RANGE_WHOLE, 0, 0, 0 },
    { "bytes=5", 10, HTTP_RANGE_WHOLE, 0, 0, 0 },
    { "bytes=", 10, HTTP_RANGE_WHOLE, 0, 0, 0 },
    { "bytes", 10, HTTP_RANGE_WHOLE, 0, 0, 0 },
    { "", 10, HTTP_RANGE_WHOLE, 0, 0, 0 },
    { "lines=1-2", 10, HTTP_RANGE_WHOLE, 0, 0, 0 },
    { "bytes=1-2-3", 10, HTTP_RANGE_WHOLE, 0, 0, 0 },
    { "bytes=1 - 2", 10, HTTP_RANGE_WHOLE, 0, 0, 0 },
    { "bytes=0-99999999999999999999", 10, HTTP_RANGE_WHOLE, 0, 0, 0 },
    { "bytes=0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-", 10, HTTP_RANGE_PARTS, 16, 0, 9 },
    { "bytes=0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-", 10, HTTP_RANGE_WHOLE, 0, 0, 0 },
};

static void ranges_are_clipped_or_ignored(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        struct http_range got[HTTP_RANGES_MOST];
        unsigned count;

        if (http_range_parse(span_of(ranges[i].value), ranges[i].size, got, &count) != ranges[i].want ||
            count != ranges[i].count ||
            (count && (got[0].first != ranges[i].first || got[0].last != ranges[i].last)))
            fail_msg("%s of %u", ranges[i].value, (unsigned)ranges[i].size);
    }
}

static void entity_tags_match(void **state)
{
    static const struct {
        const char *list, *etag;
        bool strong, weak;
    } rows[] = {
        { "\"a\"", "\"a\"", true, true },
        { "W/\"a\"", "\"a\"", false, true },
        { "\"a\"", "W/\"a\"", false, true },
        { "\"b\" , \"a\"", "\"a\"", true, true },
        { "\"b\",W/\"c,d\",,\"a\"", "\"a\"", true, true },
        { "\"x\\\", \"a\"", "\"a\"", true, true },
        { "*", "\"a\"", true, true },
        { "*", "", false, false },
        { "\"b\"", "\"a\"", false, false },
        { "a", "\"a\"", false, false },
        { "w/\"a\"", "\"a\"", false, false },
        { "\"a", "\"a\"", false, false },
        { "\"b\" \"a\"", "\"a\"", false, false },
        { "", "\"a\"", false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (http_etag_matches(span_of(rows[i].list), span_of(rows[i].etag), HTTP_STRONG) != rows[i].strong ||
            http_etag_matches(span_of(rows[i].list), span_of(rows[i].etag), HTTP_WEAK) != rows[i].weak)
            fail_msg("%s against %s", rows[i].list, rows[i].etag);
}

static void if_range_is_strong(void **state)
{
    (void)state;
    assert_true(http_if_range_holds(SPAN("\"a\""), SPAN("\"a\""), 0));
    assert_false(http_if_range_holds(SPAN("W/\"a\""), SPAN("W/\"a\""), 0));
    assert_false(http_if_range_holds(SPAN("\"a\", \"b\""), SPAN("\"a\""), 0));
    assert_true(http_if_range_holds(SPAN("Sun, 06 Nov 1994 08:49:37 GMT"), SPAN("\"a\""), 784111777));
    assert_false(http_if_range_holds(SPAN("Sun, 06 Nov 1994 08:49:38 GMT"), SPAN("\"a\""), 784111777));
    assert_false(http_if_range_holds(SPAN("yesterday"), SPAN("\"a\""), 0));
}

static void media_types_compare(void **state)
{
    struct media_type type;
    struct span name, value;

    (void)state;
    assert_true(media_type_same(SPAN("Image/JPEG"), SPAN("image/jpeg; q=\"a;b\"")));
    assert_true(media_type_same(SPAN(" text/plain ;charset=utf-8"), SPAN("text/plain")));
    assert_false(media_type_same(SPAN("image/jpeg"), SPAN("image/jpegx")));
    assert_false(media_type_same(SPAN("image"), SPAN("image")));
    assert_false(media_type_same(SPAN(""), SPAN("")));
    assert_false(media_type_parse(SPAN("text/"), &type));
    assert_false(media_type_parse(SPAN("/plain"), &type));
    assert_false(media_type_parse(SPAN("text /plain"), &type));
    assert_false(media_type_parse(SPAN("text/plain charset=x"), &type));
    assert_false(media_type_parse(SPAN("text/plain;charset"), &type));
    assert_false(media_type_parse(SPAN("text/plain;a=\"b"), &type));
    assert_true(media_type_parse(SPAN("text/plain;"), &type));
    assert_true(media_type_parse(SPAN("a/b; c=d ; e=\"f g\""), &type));
    assert_int_equal(http_parameter_next(&type.parameters, &name, &value), 1);
    assert_true(span_is(name, "c") && span_is(value, "d"));
    assert_int_equal(http_parameter_next(&type.parameters, &name, &value), 1);
    assert_true(span_is(name, "e") && span_is(value, "\"f g\""));
    assert_int_equal(http_parameter_next(&type.parameters, &name, &value), 0);
}

static void accept_takes_the_closest(void **state)
{
    static const struct {
        const char *accept, *type;
        unsigned want;
    } rows[] = {
        { "", "text/html", 1000 },
        { "text/html", "text/html", 1000 },
        { "text/html;q=0.5, */*;q=0.1", "text/html", 500 },
        { "*/*;q=0.1, text/html;q=0.5", "text/html", 500 },
        { "text/*;q=0.3, */*", "text/html", 300 },
        { "application/json", "text/html", 0 },
        { "text/html;q=0", "text/html", 0 },
        { "*/*, text/html;q=0", "text/html", 0 },
        { "text/html;q=2, */*;q=0.2", "text/html", 200 },
        { "text/html;q=1.001", "text/html", 0 },
        { "text/html;level=1;q=0.7", "text/html", 700 },
        { "nonsense, text/html", "text/html", 1000 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (http_accept_quality(span_of(rows[i].accept), rows[i].type) != rows[i].want)
            fail_msg("%s", rows[i].accept);
    assert_int_equal(http_word_quality(SPAN("gzip;q=0.8, br"), "gzip"), 800);
    assert_int_equal(http_word_quality(SPAN("gzip;q=0.8, *;q=0.1"), "br"), 100);
    assert_int_equal(http_word_quality(SPAN("gzip"), "br"), 0);
    assert_int_equal(http_word_quality(SPAN("gzip"), "identity"), 1);
    assert_int_equal(http_word_quality(SPAN("identity;q=0"), "identity"), 0);
}

static void basic_credentials(void **state)
{
    static const char *const refused[] = { "",           "Basic",         "Basic ",      "Bearer YTpi",
                                           "Basic !!!!", "Basic YWI=",    "Basic YTpi=", "Basic YTr/",
                                           "BasicYTpi",  "Basic YQA6Yg==" };
    struct buf user = { 0 }, password = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (http_basic_parse(span_of(refused[i]), &user, &password))
            fail_msg("%s", refused[i]);
    assert_int_equal(user.size + password.size, 0);
    assert_true(http_basic_parse(SPAN("basic  YWxpY2U6YTpiOg=="), &user, &password));
    assert_true(span_is(buf_span(&user), "alice") && span_is(buf_span(&password), "a:b:"));
    buf_free(&user);
    buf_free(&password);
}

static void forwarded_elements(void **state)
{
    static const char *const refused[] = { "for=a;for=b", "for",          "for=",      "for =a",
                                           "for=\"a",     "for=\"a\\b\"", "for=[::1]", "for=a b" };
    struct http_forwarded got[3];

    (void)state;
    assert_int_equal(http_forwarded_parse(SPAN("For=192.0.2.43;proto=https, for=\"[2001:db8::1]:80\";by=_x;"
                                               "Host=\"a:1\";ext=y"),
                                          got, 3),
                     2);
    assert_true(span_is(got[0].for_node, "192.0.2.43") && span_is(got[0].proto, "https"));
    assert_null(got[0].host.at);
    assert_true(span_is(got[1].for_node, "[2001:db8::1]:80") && span_is(got[1].host, "a:1"));
    assert_true(span_is(got[1].by_node, "_x"));
    assert_int_equal(http_forwarded_parse(SPAN("for=a,for=b,for=c"), got, 3), 3);
    assert_int_equal(http_forwarded_parse(SPAN("for=a,for=b,for=c,for=d"), got, 3), -1);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (http_forwarded_parse(span_of(refused[i]), got, 3) != -1)
            fail_msg("%s", refused[i]);
}

static void nodes_become_addresses(void **state)
{
    static const struct {
        const char *node, *want; /* NULL: none */
        uint16_t port;
    } rows[] = {
        { "192.0.2.43", "192.0.2.43", 0 },
        { "192.0.2.43:47011", "192.0.2.43", 47011 },
        { "[2001:db8::1]", "2001:db8::1", 0 },
        { "[2001:db8::1]:80", "2001:db8::1", 80 },
        { "2001:db8::1", "2001:db8::1", 0 },
        { "unknown", NULL, 0 },
        { "_hidden", NULL, 0 },
        { "192.0.2.43:_port", NULL, 0 },
        { "192.0.2", NULL, 0 },
        { "", NULL, 0 },
        { "192.0.2.43:0", NULL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ip_address address;
        char text[IP_TEXT] = "";
        uint16_t port;
        bool good = http_node_address(span_of(rows[i].node), &address, &port);

        if (good)
            ip_address_text(&address, text);
        if (good != (rows[i].want != NULL) ||
            (good && (strcmp(text, rows[i].want) != 0 || port != rows[i].port)))
            fail_msg("%s gives %s", rows[i].node, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_respect_quotes),
        cmocka_unit_test(quoted_strings_go_both_ways),
        cmocka_unit_test(ranges_are_clipped_or_ignored),
        cmocka_unit_test(entity_tags_match),
        cmocka_unit_test(if_range_is_strong),
        cmocka_unit_test(media_types_compare),
        cmocka_unit_test(accept_takes_the_closest),
        cmocka_unit_test(basic_credentials),
        cmocka_unit_test(forwarded_elements),
        cmocka_unit_test(nodes_become_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
