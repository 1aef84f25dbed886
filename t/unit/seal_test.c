/* SPDX-License-Identifier: ISC */
/* seal_test.c - base/seal.h: what was sealed opens with the same key and for nothing else. */
#include "base/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const unsigned char key[SEAL_KEY] = { 1, 2, 3 }, other_key[SEAL_KEY] = { 1, 2, 4 };
static const unsigned char nonce[SEAL_NONCE] = { 7 }, other_nonce[SEAL_NONCE] = { 8 };

static struct span bytes(const unsigned char *at, size_t size)
{
    return span_make((const char *)at, size);
}

/* NIST's GCM test case 14: zero key and nonce, sixteen zero bytes. */
static void test_known_answer(void **state)
{
    static const unsigned char zero[SEAL_KEY];
    static const unsigned char want[32] = { 0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e, 0x07, 0x4e, 0xc5,
                                            0xd3, 0xba, 0xf3, 0x9d, 0x18, 0xd0, 0xd1, 0xc8, 0xa7, 0x99, 0x99,
                                            0x6b, 0xf0, 0x26, 0x5b, 0x98, 0xb5, 0xd4, 0x8a, 0xb9, 0x19 };
    unsigned char sealed[32];

    (void)state;
    seal_close(zero, zero, SPAN(""), bytes(zero, 16), sealed);
    assert_memory_equal(sealed, want, sizeof(want));
}

static void test_round_trip(void **state)
{
    unsigned char sealed[6 + SEAL_TAG], plain[6];

    (void)state;
    seal_close(key, nonce, SPAN("also"), SPAN("secret"), sealed);
    assert_true(seal_open(key, nonce, SPAN("also"), bytes(sealed, sizeof(sealed)), plain));
    assert_memory_equal(plain, "secret", 6);
    assert_false(seal_open(other_key, nonce, SPAN("also"), bytes(sealed, sizeof(sealed)), plain));
    assert_false(seal_open(key, other_nonce, SPAN("also"), bytes(sealed, sizeof(sealed)), plain));
    assert_false(seal_open(key, nonce, SPAN("alsO"), bytes(sealed, sizeof(sealed)), plain));
    assert_memory_equal(plain, "\0\0\0\0\0\0", 6);
}

static void test_any_changed_byte_is_noticed(void **state)
{
    unsigned char sealed[6 + SEAL_TAG], plain[6];

    (void)state;
    seal_close(key, nonce, SPAN(""), SPAN("secret"), sealed);
    for (size_t i = 0; i < sizeof(sealed); i++) {
        sealed[i] ^= 1;
        assert_false(seal_open(key, nonce, SPAN(""), bytes(sealed, sizeof(sealed)), plain));
        sealed[i] ^= 1;
    }
    for (size_t size = 0; size < sizeof(sealed); size++)
        assert_false(seal_open(key, nonce, SPAN(""), bytes(sealed, size), plain));
}

static void test_nothing_can_be_sealed(void **state)
{
    unsigned char sealed[SEAL_TAG], plain[1];

    (void)state;
    seal_close(key, nonce, SPAN("also"), SPAN(""), sealed);
    assert_true(seal_open(key, nonce, SPAN("also"), bytes(sealed, sizeof(sealed)), plain));
    assert_false(seal_open(key, nonce, SPAN(""), bytes(sealed, sizeof(sealed)), plain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answer),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_any_changed_byte_is_noticed),
        cmocka_unit_test(test_nothing_can_be_sealed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
