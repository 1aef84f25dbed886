/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: map_test.c - keys, removal, growth, walks. */
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

static int values[5000];

static struct span key_of(int number, char text[16])
{
    return span_make(text, (size_t)snprintf(text, 16, "k%d", number));
}

static void many_come_and_go(void **state)
{
    struct map *map = map_new();
    struct span key;
    char text[16];
    size_t at = 0, count = 0;
    void *value;

    (void)state;
    for (int i = 0; i < 5000; i++)
        assert_null(map_set(map, key_of(i, text), &values[i]));
    for (int i = 0; i < 5000; i += 2)
        assert_ptr_equal(map_remove(map, key_of(i, text)), &values[i]);
    assert_null(map_remove(map, SPAN("k0")));
    assert_int_equal(map_count(map), 2500);
    for (int i = 0; i < 5000; i++)
        assert_ptr_equal(map_get(map, key_of(i, text)), i % 2 ? &values[i] : NULL);
    assert_ptr_equal(map_set(map, SPAN("k1"), &values[0]), &values[1]);
    assert_null(map_set(map, SPAN("k0"), &values[1])); /* in the place of a removed one */
    assert_int_equal(map_count(map), 2501);
    while (map_next(map, &at, &key, &value)) {
        assert_ptr_equal(map_remove(map, key), value); /* of the entry just given: allowed */
        count++;
    }
    assert_int_equal(count, 2501);
    assert_int_equal(map_count(map), 0);
    for (int round = 0; round < 100000; round++) { /* removed marks must not fill it */
        key_of(round, text);
        map_set(map, span_of(text), &values[0]);
        map_remove(map, span_of(text));
    }
    assert_int_equal(map_count(map), 0);
    map_free(&map);
    assert_null(map);
}

static void odd_keys(void **state)
{
    struct map *map = map_new();

    (void)state;
    assert_null(map_get(map, span_make(NULL, 0)));
    map_set(map, span_make(NULL, 0), &values[1]);
    assert_ptr_equal(map_get(map, SPAN("")), &values[1]);
    map_set(map, SPAN("a\0b"), &values[2]);
    assert_null(map_get(map, SPAN("a")));
    assert_ptr_equal(map_get(map, SPAN("a\0b")), &values[2]);
    map_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_come_and_go),
        cmocka_unit_test(odd_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
