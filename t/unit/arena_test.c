/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: arena_test.c - memory that dies together, and what is tied to it. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static int order;

static void note(void *data)
{
    order = order * 10 + *(int *)data;
}

static void blocks_of_all_sizes(void **state)
{
    struct arena *arena = arena_new();
    char *last = NULL;

    (void)state;
    for (size_t size = 0; size < 20000; size += 97) {
        char *at = arena_alloc(arena, size);

        assert_int_equal((uintptr_t)at % 16, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(at[i], 0);
        memset(at, 0x55, size);
        if (last)
            assert_int_equal(*last, 0x55); /* nobody got the same bytes */
        last = size ? at : last;
    }
    assert_true(arena_bytes(arena) > 1000000);
    arena_reset(arena);
    assert_int_equal(arena_bytes(arena), 0);
    assert_int_equal(*(char *)arena_alloc(arena, 1), 0);
    arena_free(&arena);
    assert_null(arena);
    arena_free(&arena);
}

static void texts(void **state)
{
    struct arena *arena = arena_new();
    struct span copy = arena_copy(arena, SPAN("abc"));

    (void)state;
    assert_true(span_is(copy, "abc") && copy.at[3] == '\0');
    assert_string_equal(arena_text(arena, span_make(NULL, 0)), "");
    assert_string_equal(arena_text(arena, SPAN("xyz")), "xyz");
    assert_string_equal(arena_printf(arena, "%s-%d", "a", 5), "a-5");
    arena_free(&arena);
}

static void ties_end_last_first(void **state)
{
    static int one = 1, two = 2;
    struct arena *arena = arena_new();

    (void)state;
    arena_on_free(arena, note, &one);
    arena_on_free(arena, note, &two);
    arena_reset(arena);
    assert_int_equal(order, 21);
    arena_on_free(arena, note, &one);
    arena_free(&arena);
    assert_int_equal(order, 211);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_all_sizes),
        cmocka_unit_test(texts),
        cmocka_unit_test(ties_end_last_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
