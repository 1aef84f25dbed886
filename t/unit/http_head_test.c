/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: http_head_test.c - request heads, one row each: what must be read and what must be refused.
 */
#include "parse/http_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

static const struct http_limits limits = { .head_most = 8192, .fields_most = 100 };

static const struct {
    const char *in;
    enum verdict want;
    enum problem problem;
    const char *why;
} heads[] = {
    { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", PARSE_DONE, PROBLEM_none, "smallest" },
    { "GET / HTTP/1.1\r\nHost: a\r\n", PARSE_MORE, PROBLEM_none, "no empty line yet" },
    { "GET / HTTP/1.1\r\nHost: a\r\n\r", PARSE_MORE, PROBLEM_none, "half an empty line" },
    { "", PARSE_MORE, PROBLEM_none, "nothing yet" },
    { "\r", PARSE_MORE, PROBLEM_none, "half of a leading empty line" },
    { "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", PARSE_DONE, PROBLEM_none, "empty lines before" },
    { "\r\n\r\n\r\n\r\n\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "too many of them" },
    { "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "bare LF before" },
    { "\x16\x03\x01", PARSE_BAD, PROBLEM_bad_request, "a TLS hello on a plain port, at once" },
    { "GET / HTTP/1.1\nHost: a\n\n", PARSE_BAD, PROBLEM_bad_request, "bare LF" },
    { "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "bare LF in fields" },
    { "GET / HTTP/1.1\r\nHost: a\r\rX: b\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "bare CR" },
    { "GET / HTTP/1.1\r\nHost: a\r\n\rX: b\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "CR in a name" },
    { "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "two spaces" },
    { "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "two spaces behind" },
    { "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "space at the end" },
    { " GET / HTTP/1.1\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "space at the front" },
    { "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "tabs" },
    { "GET /\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "HTTP/0.9" },
    { "G@T / HTTP/1.1\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "no token" },
    { "GET / HTTP/2.0\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_version_unsupported, "version 2" },
    { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", PARSE_BAD, PROBLEM_version_unsupported, "HTTP/2 preface" },
    { "GET / HTTP/1.2\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_version_unsupported, "version 1.2" },
    { "GET / HTTP/1.10\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "version 1.10" },
    { "GET / http/1.1\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "small letters" },
    { "GET * HTTP/1.1\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "asterisk with GET" },
    { "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", PARSE_DONE, PROBLEM_none, "asterisk with OPTIONS" },
    { "GET a/b HTTP/1.1\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "relative target" },
    { "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "fragment" },
    { "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "raw UTF-8 in a target" },
    { "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", PARSE_DONE, PROBLEM_none, "absolute-form" },
    { "GET HTTPS://b:8443?x HTTP/1.1\r\nHost: a\r\n\r\n", PARSE_DONE, PROBLEM_none, "without a path" },
    { "GET ftp://b/ HTTP/1.1\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "another scheme" },
    { "GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "user information" },
    { "GET http:// HTTP/1.1\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "no authority" },
    { "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_not_implemented, "CONNECT" },
    { "GET / HTTP/1.1\r\nHost : a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "space before colon: smuggling" },
    { "GET / HTTP/1.1\r\n: a\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "empty name" },
    { "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "no colon" },
    { "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "obs-fold" },
    { "GET / HTTP/1.1\r\n Host: a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "fold behind the request line" },
    { "GET / HTTP/1.1\r\nHost: a\r\nX: b\x01\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "control character" },
    { "GET / HTTP/1.1\r\nHost: a\r\nX: b\x7f\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "DEL" },
    { "GET / HTTP/1.1\r\nHost: a\r\nX: \xff\xfe\r\n\r\n", PARSE_DONE, PROBLEM_none, "obs-text" },
    { "GET / HTTP/1.1\r\nHost: a\r\nX:\t b\tc \t\r\n\r\n", PARSE_DONE, PROBLEM_none, "tabs in a value" },
    { "GET / HTTP/1.1\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "1.1 without Host" },
    { "GET / HTTP/1.0\r\n\r\n", PARSE_DONE, PROBLEM_none, "1.0 without Host" },
    { "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "two hosts" },
    { "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "two hosts in 1.0" },
    { "GET / HTTP/1.1\r\nHost:\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "empty host" },
    { "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "space in host" },
    { "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "slash in host" },
    { "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "list of hosts" },
    { "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "port out of range" },
    { "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", PARSE_DONE, PROBLEM_none, "IPv6" },
    { "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", PARSE_DONE, PROBLEM_none, "a length" },
    { "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n", PARSE_DONE, PROBLEM_none,
      "19 digits" },
    { "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 00000000000000000005\r\n\r\n", PARSE_BAD,
      PROBLEM_bad_request, "20 digits" },
    { "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "a sign" },
    { "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "list" },
    { "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", PARSE_BAD, PROBLEM_bad_request,
      "empty length" },
    { "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", PARSE_BAD,
      PROBLEM_bad_request, "lengths that differ" },
    /* the five inputs of R1 */
    { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", PARSE_DONE, PROBLEM_none,
      "R1: chunked is seen" },
    { "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", PARSE_BAD,
      PROBLEM_bad_request, "R1: the same length twice" },
    { "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\n", PARSE_BAD, PROBLEM_bad_request, "R1: 0x3" },
    { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", PARSE_BAD,
      PROBLEM_bad_request, "R1: CL and TE" },
    { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: five\r\n\r\n", PARSE_BAD, PROBLEM_bad_request,
      "R1: a length that is none" },
    { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n", PARSE_BAD,
      PROBLEM_bad_request, "TE and CL" },
    { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", PARSE_DONE, PROBLEM_none, "case" },
    { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", PARSE_BAD,
      PROBLEM_bad_request, "twice chunked" },
    { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", PARSE_BAD,
      PROBLEM_bad_request, "two codings" },
    { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", PARSE_BAD, PROBLEM_not_implemented,
      "another coding" },
    { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", PARSE_BAD, PROBLEM_not_implemented,
      "nearly chunked" },
    { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b"
      "chunked\r\n\r\n",
      PARSE_BAD, PROBLEM_bad_request, "vertical tab" },
    { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
      PARSE_BAD, PROBLEM_bad_request, "two TE lines" },
    { "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", PARSE_BAD, PROBLEM_bad_request,
      "TE in 1.0" },
    { "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n", PARSE_DONE, PROBLEM_none, "expect" },
    { "PUT / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", PARSE_BAD, PROBLEM_expectation_failed, "expect" },
    { "PUT / HTTP/1.0\r\nHost: a\r\nExpect: tea\r\n\r\n", PARSE_DONE, PROBLEM_none, "ignored in 1.0" },
};

static void rows_are_judged_as_listed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct http_head head;
        enum problem problem = PROBLEM_none;
        enum verdict got = http_head_parse(span_of(heads[i].in), &limits, &head, &problem);

        if (got != heads[i].want || problem != heads[i].problem)
            fail_msg("%s: verdict %d, problem %d", heads[i].why, (int)got, (int)problem);
    }
}

static void nul_is_refused(void **state)
{
    static const char in[] = "GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n";
    struct http_head head;
    enum problem problem = PROBLEM_none;

    (void)state;
    assert_int_equal(
        http_head_parse(SPAN("GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n"), &limits, &head, &problem),
        PARSE_BAD);
    assert_int_equal(http_head_parse(span_make(in, 5), &limits, &head, &problem), PARSE_MORE);
}

static void fields_come_out(void **state)
{
    struct span in =
        SPAN("PUT /up/a%20b?x=1 HTTP/1.1\r\nHost: Up.Example:8080\r\nContent-Type:  text/plain \r\n"
             "X-A: 1\r\nx-a: 2\r\nContent-Length: 42\r\nExpect: 100-continue\r\n\r\nbody");
    struct http_head head;
    enum problem problem;
    struct span value;
    unsigned at = 0;

    (void)state;
    assert_int_equal(http_head_parse(in, &limits, &head, &problem), PARSE_DONE);
    assert_int_equal(head.method, HTTP_PUT);
    assert_true(span_is(head.target, "/up/a%20b?x=1"));
    assert_int_equal(head.minor, 1);
    assert_int_equal(head.size, in.size - 4);
    assert_int_equal(head.field_count, 6);
    assert_true(head.has_length && head.content_length == 42 && !head.chunked);
    assert_true(head.keep_alive && head.expect_continue);
    assert_true(span_is(head.host, "Up.Example:8080"));
    assert_true(span_is(http_head_find(&head, "content-type"), "text/plain"));
    assert_null(http_head_find(&head, "accept").at);
    assert_true(http_head_next(&head, "x-a", &at, &value) && span_is(value, "1"));
    assert_true(http_head_next(&head, "x-a", &at, &value) && span_is(value, "2"));
    assert_false(http_head_next(&head, "x-a", &at, &value));
}

static void absolute_form_wins_over_host(void **state)
{
    struct http_head head;
    enum problem problem;

    (void)state;
    assert_int_equal(
        http_head_parse(SPAN("GET http://b:81/x HTTP/1.1\r\nHost: a\r\n\r\n"), &limits, &head, &problem),
        PARSE_DONE);
    assert_true(span_is(head.host, "b:81"));
}

static void keep_alive_follows_version_and_connection(void **state)
{
    static const struct {
        const char *version, *connection;
        bool want;
    } rows[] = {
        { "1.1", "x", true },      { "1.1", "close", false },     { "1.1", "Upgrade, CLOSE", false },
        { "1.0", "x", false },     { "1.0", "Keep-Alive", true }, { "1.0", "keep-alive, close", false },
        { "1.1", "closed", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_head head;
        enum problem problem;
        char in[200];

        snprintf(in, sizeof(in), "GET / HTTP/%s\r\nHost: a\r\nConnection: %s\r\n\r\n", rows[i].version,
                 rows[i].connection);
        assert_int_equal(http_head_parse(span_of(in), &limits, &head, &problem), PARSE_DONE);
        assert_int_equal(head.keep_alive, rows[i].want);
    }
}

/* Endless lines are refused when they cross the limit, complete or not. */
static void limits_hold(void **state)
{
    static const struct http_limits small = { .head_most = 100, .fields_most = 3 };
    char in[300] = "GET /";
    struct http_head head;
    enum problem problem = PROBLEM_none;

    (void)state;
    memset(in + 5, 'a', 200);
    assert_int_equal(http_head_parse(span_make(in, 100), &small, &head, &problem), PARSE_MORE);
    assert_int_equal(http_head_parse(span_make(in, 101), &small, &head, &problem), PARSE_BAD);
    assert_int_equal(problem, PROBLEM_target_too_long);
    memcpy(in, "GET / HTTP/1.1\r\nHost: a\r\nX: ", 28);
    assert_int_equal(http_head_parse(span_make(in, 100), &small, &head, &problem), PARSE_MORE);
    assert_int_equal(http_head_parse(span_make(in, 101), &small, &head, &problem), PARSE_BAD);
    assert_int_equal(problem, PROBLEM_head_too_large);
    assert_int_equal(
        http_head_parse(SPAN("GET / HTTP/1.1\r\nHost: a\r\na: 1\r\nb: 2\r\n\r\n"), &small, &head, &problem),
        PARSE_DONE);
    assert_int_equal(http_head_parse(SPAN("GET / HTTP/1.1\r\nHost: a\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n"),
                                     &small, &head, &problem),
                     PARSE_BAD);
    assert_int_equal(problem, PROBLEM_head_too_large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_judged_as_listed),
        cmocka_unit_test(nul_is_refused),
        cmocka_unit_test(fields_come_out),
        cmocka_unit_test(absolute_form_wins_over_host),
        cmocka_unit_test(keep_alive_follows_version_and_connection),
        cmocka_unit_test(limits_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
