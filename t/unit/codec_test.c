/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: codec_test.c - hex, base64, percent-encoding, ids: there and back, and what is none. */
#include "base/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void base64_rows(void **state)
{
    static const struct {
        const char *plain, *text;
    } rows[] = { { "", "" },
                 { "f", "Zg==" },
                 { "fo", "Zm8=" },
                 { "foo", "Zm9v" },
                 { "foob", "Zm9vYg==" },
                 { "fooba", "Zm9vYmE=" },
                 { "foobar", "Zm9vYmFy" },
                 { "\xff\xfe", "//4=" } };
    static const char *const refused[] = { "Z",     "Zg=",      "Zg===", "=",      "Zh==", "Zm9=",
                                           "Zm9v=", "Zm9v====", "Z g=",  "Zg==\n", "Zg-=", "Zg==Zg==" };
    struct buf out = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span text = span_of(rows[i].text);

        buf_clear(&out);
        codec_base64(&out, span_of(rows[i].plain));
        assert_true(span_eq(buf_span(&out), text));
        buf_clear(&out);
        assert_true(codec_base64_decode(&out, text) && span_is(buf_span(&out), rows[i].plain));
        while (text.size && text.at[text.size - 1] == '=')
            text.size--; /* padding may be missing */
        buf_clear(&out);
        assert_true(codec_base64_decode(&out, text) && span_is(buf_span(&out), rows[i].plain));
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (codec_base64_decode(&out, span_of(refused[i])))
            fail_msg("%s", refused[i]);
    assert_false(codec_base64_decode(&out, SPAN("Zg\0=")));
    buf_free(&out);
}

static void percent_rows(void **state)
{
    struct buf out = { 0 };

    (void)state;
    codec_percent(&out, SPAN("a/b c\xc3\xa4~\0"), "/");
    assert_true(span_is(buf_span(&out), "a/b%20c%C3%A4~%00"));
    buf_clear(&out);
    codec_percent(&out, SPAN("/"), NULL);
    assert_true(span_is(buf_span(&out), "%2F"));
    buf_clear(&out);
    assert_true(codec_percent_decode(&out, SPAN("%41%2fb+%c3")) && span_is(buf_span(&out), "A/b+\xc3"));
    assert_false(codec_percent_decode(&out, SPAN("%")));
    assert_false(codec_percent_decode(&out, SPAN("%4")));
    assert_false(codec_percent_decode(&out, SPAN("%4x")));
    buf_free(&out);
}

static void ids(void **state)
{
    unsigned char id[16], again[16];
    char text[UUID_TEXT + 1];

    (void)state;
    for (int i = 0; i < 16; i++)
        id[i] = (unsigned char)(i * 17);
    codec_uuid(id, text);
    assert_string_equal(text, "00112233-4455-6677-8899-aabbccddeeff");
    assert_true(codec_uuid_decode(span_of(text), again));
    assert_memory_equal(id, again, 16);
    assert_true(codec_uuid_decode(SPAN("00112233-4455-6677-8899-AABBCCDDEEFF"), again));
    assert_false(codec_uuid_decode(SPAN("00112233-4455-6677-8899-aabbccddeef"), again));
    assert_false(codec_uuid_decode(SPAN("00112233-4455-6677-8899-aabbccddeefff"), again));
    assert_false(codec_uuid_decode(SPAN("00112233-4455-6677-8899aaabbccddeeff"), again));
    assert_false(codec_uuid_decode(SPAN("0011223g-4455-6677-8899-aabbccddeeff"), again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_rows),
        cmocka_unit_test(percent_rows),
        cmocka_unit_test(ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
