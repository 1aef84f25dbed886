/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc and OpenSSL: digest_test.c - the known answers of FIPS 180, and random bytes. */
#include "base/codec.h"
#include "base/digest.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void expect(const unsigned char *digest, size_t size, const char *hex)
{
    struct buf out = { 0 };

    codec_hex(&out, span_make((const char *)digest, size));
    assert_true(span_is(buf_span(&out), hex));
    buf_free(&out);
}

static void known_answers(void **state)
{
    unsigned char digest[SHA256_BYTES];
    struct digest *pieces = digest_new();

    (void)state;
    digest_sha1(SPAN("abc"), digest);
    expect(digest, SHA1_BYTES, "a9993e364706816aba3e25717850c26c9cd0d89d");
    digest_sha256(SPAN("abc"), digest);
    expect(digest, SHA256_BYTES, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_sha256(span_make(NULL, 0), digest);
    expect(digest, SHA256_BYTES, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (int round = 0; round < 2; round++) {
        digest_add(pieces, SPAN("a"));
        digest_add(pieces, SPAN("bc"));
        digest_end(pieces, digest);
        expect(digest, SHA256_BYTES, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        digest_begin(pieces);
    }
    digest_free(&pieces);
    assert_null(pieces);
    assert_true(digest_equal("ab", "ab", 2) && !digest_equal("ab", "ac", 2));
}

static void random_is_below(void **state)
{
    unsigned seen = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t number = random_below(5);

        assert_true(number < 5);
        seen |= 1u << number;
    }
    assert_int_equal(seen, 31); /* misses one with chance 5 * 0.8^1000 */
    assert_int_equal(random_below(1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(random_is_below),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
