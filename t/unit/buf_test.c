/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: buf_test.c - bytes that grow and are eaten. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void grows_and_is_eaten(void **state)
{
    struct buf buf = { 0 };

    (void)state;
    buf_add(&buf, span_make(NULL, 0));
    assert_null(buf.at);
    buf_eat(&buf, 0);
    for (int i = 0; i < 1000; i++)
        buf_text(&buf, "0123456789");
    assert_int_equal(buf.size, 10000);
    buf_eat(&buf, 9995);
    assert_true(span_is(buf_span(&buf), "56789"));
    buf_clear(&buf);
    buf_number(&buf, 0);
    buf_char(&buf, ' ');
    buf_number(&buf, 18446744073709551615u);
    buf_printf(&buf, " %s", "end");
    assert_true(span_is(buf_span(&buf), "0 18446744073709551615 end"));
    memset(buf_reserve(&buf, 100000), 'x', 100000);
    assert_int_equal(buf.size, 26);
    buf_free(&buf);
    assert_true(buf.at == NULL && buf.size == 0 && buf.room == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_is_eaten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
