/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: http_chunk_test.c - chunked bodies, whole and byte by byte. */
#include "base/buf.h"
#include "parse/http_chunk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct {
    const char *in, *data; /* data NULL: refused */
    const char *rest;      /* what must stay behind the end */
    enum verdict want;
    const char *why;
} bodies[] = {
    { "0\r\n\r\n", "", "", PARSE_DONE, "empty" },
    { "3\r\nabc\r\n0\r\n\r\n", "abc", "", PARSE_DONE, "one chunk" },
    { "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET ", "abcde", "GET ", PARSE_DONE, "two, and a request behind" },
    { "A\r\n0123456789\r\n0\r\n\r\n", "0123456789", "", PARSE_DONE, "hex" },
    { "a\r\n0123456789\r\n00\r\n\r\n", "0123456789", "", PARSE_DONE, "many zeros" },
    { "3;x=y\r\nabc\r\n0;q=\"a;b\"\r\n\r\n", "abc", "", PARSE_DONE, "extensions" },
    { "3 ; x\r\nabc\r\n0\r\n\r\n", "abc", "", PARSE_DONE, "blanks before an extension (7.1.1 BWS)" },
    { "0\r\nX: y\r\nZ:\r\n\r\nN", "", "N", PARSE_DONE, "trailers are dropped" },
    { "3\r\nabc\r\n", "abc", "", PARSE_MORE, "not yet the end" },
    { "3\r\nab", "ab", "", PARSE_MORE, "within data" },
    { "3", "", "", PARSE_MORE, "within a size" },
    { "\r\n", NULL, "", PARSE_BAD, "no size" },
    { ";x\r\n", NULL, "", PARSE_BAD, "no digits" },
    { "g\r\n", NULL, "", PARSE_BAD, "no hex" },
    { "0x3\r\nabc\r\n", NULL, "", PARSE_BAD, "a prefix" },
    { "-3\r\nabc\r\n", NULL, "", PARSE_BAD, "a sign" },
    { " 3\r\nabc\r\n", NULL, "", PARSE_BAD, "a space before" },
    { "3 \r\nabc\r\n", NULL, "", PARSE_BAD, "a space behind" },
    { "3\nabc\n0\n\n", NULL, "", PARSE_BAD, "bare LF" },
    { "3\r\nabc0\r\n\r\n", NULL, "", PARSE_BAD, "no CRLF behind data" },
    { "3\r\nabcd\r\n", NULL, "", PARSE_BAD, "more data than said" },
    { "3;x\ny\r\nabc\r\n", NULL, "", PARSE_BAD, "LF in an extension" },
    { "3;x\ry\r\nabc\r\n", NULL, "", PARSE_BAD, "CR in an extension" },
    { "0\r\n X: y\r\n\r\n", NULL, "", PARSE_BAD, "a folded trailer" },
    { "0\r\nX : y\r\n\r\n", NULL, "", PARSE_BAD, "space before a trailer's colon" },
    { "0\r\n: y\r\n\r\n", NULL, "", PARSE_BAD, "a trailer without name" },
    { "0\r\nX\r\n\r\n", NULL, "", PARSE_BAD, "a trailer without colon" },
    { "00000000000000003\r\nabc", NULL, "", PARSE_BAD, "17 digits" },
    { "1\r\na\r\nffffffffffffffff\r\n", NULL, "", PARSE_BAD, "the sum overflows" },
};

/* Feeds in pieces of that many bytes; data goes to out. */
static enum verdict decode(struct span in, size_t piece, struct buf *out, struct span *rest_r)
{
    struct http_chunk chunk = { 0 };
    enum verdict got = PARSE_MORE;

    while (in.size) {
        struct span part = span_head(in, piece), data;

        in = span_from(in, part.size);
        while ((got = http_chunk_next(&chunk, &part, &data)) == PARSE_DONE && !chunk.finished) {
            assert_true(data.size > 0);
            buf_add(out, data);
        }
        if (got == PARSE_MORE) {
            assert_int_equal(part.size, 0);
            continue;
        }
        *rest_r = span_make(part.at, part.size + in.size);
        break;
    }
    assert_int_equal(chunk.total, out->size);
    if (got == PARSE_BAD) {
        struct span more = SPAN("0\r\n\r\n"), data;

        assert_int_equal(http_chunk_next(&chunk, &more, &data), PARSE_BAD); /* for ever */
    }
    return got;
}

static void rows_in_pieces_of_any_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct span in = span_of(bodies[i].in);

        for (size_t piece = 1; piece <= in.size; piece++) {
            struct buf out = { 0 };
            struct span rest = { 0 };
            enum verdict got = decode(in, piece, &out, &rest);

            if (got != bodies[i].want)
                fail_msg("%s, pieces of %zu: verdict %d", bodies[i].why, piece, (int)got);
            if (bodies[i].data)
                assert_true(span_is(buf_span(&out), bodies[i].data));
            if (got == PARSE_DONE)
                assert_true(span_is(rest, bodies[i].rest));
            buf_free(&out);
        }
    }
}

static void overhead_is_bounded(void **state)
{
    struct http_chunk chunk = { 0 };
    enum verdict got = PARSE_DONE;
    size_t rounds = 0;

    (void)state;
    while (got != PARSE_BAD && ++rounds < 1000000) {
        struct span in = SPAN("1;aaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n"), data;

        while ((got = http_chunk_next(&chunk, &in, &data)) == PARSE_DONE)
            ;
    }
    assert_true(rounds < 400);
    chunk = (struct http_chunk){ 0 };
    struct span start = SPAN("0\r\n"), data;
    got = http_chunk_next(&chunk, &start, &data);
    for (rounds = 0; got == PARSE_MORE && rounds < 1000000; rounds++) {
        struct span in = SPAN("Name: value\r\n");

        got = http_chunk_next(&chunk, &in, &data);
    }
    assert_int_equal(got, PARSE_BAD);
    assert_true(rounds < 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_in_pieces_of_any_size),
        cmocka_unit_test(overhead_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
