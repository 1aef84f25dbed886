/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: span_test.c - borrowed bytes and the ring of list.h. */
#include "base/list.h"
#include "base/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void compares(void **state)
{
    struct span none = { NULL, 0 };

    (void)state;
    assert_true(span_eq(none, SPAN("")) && span_is(none, "") && span_eq(span_of(NULL), none));
    assert_true(span_eq_nocase(SPAN("AbC"), SPAN("aBc")) && !span_eq(SPAN("AbC"), SPAN("aBc")));
    assert_false(span_eq_nocase(SPAN("ab"), SPAN("abc")));
    assert_true(span_starts(SPAN("abc"), SPAN("ab")) && span_starts(none, none));
    assert_false(span_starts(SPAN("a"), SPAN("ab")));
    assert_true(span_ends(SPAN("abc"), SPAN("bc")) && !span_ends(SPAN("c"), SPAN("bc")));
    assert_true(span_compare(SPAN("a"), SPAN("b")) < 0 && span_compare(SPAN("ab"), SPAN("a")) > 0);
    assert_int_equal(span_compare(none, SPAN("")), 0);
}

static void parts(void **state)
{
    struct span none = { NULL, 0 }, rest = SPAN("a,,b"), abc = SPAN("abc");

    (void)state;
    assert_true(span_is(span_from(abc, 1), "bc") && span_from(abc, 9).size == 0);
    assert_ptr_equal(span_from(abc, 9).at, abc.at + 3);
    assert_true(span_from(none, 0).size == 0 && span_from(none, 5).size == 0);
    assert_true(span_is(span_head(abc, 2), "ab") && span_is(span_head(abc, 9), "abc"));
    assert_int_equal(span_find(abc, 'c'), 2);
    assert_int_equal(span_find(abc, 'x'), -1);
    assert_int_equal(span_find(none, 'x'), -1);
    assert_true(span_is(span_cut(&rest, ','), "a"));
    assert_true(span_is(span_cut(&rest, ','), ""));
    assert_true(span_is(span_cut(&rest, ','), "b") && rest.size == 0);
    assert_true(span_is(span_cut(&rest, ','), ""));
    assert_true(span_is(span_trim(SPAN(" \t a b\t ")), "a b") && span_trim(SPAN(" \t")).size == 0);
}

struct item {
    int number;
    struct list node;
};

static void rings(void **state)
{
    struct item items[3] = { { .number = 1 }, { .number = 2 }, { .number = 3 } };
    struct list head;
    int sum = 0;

    (void)state;
    list_init(&head);
    assert_true(list_empty(&head) && list_take(&head) == NULL);
    for (int i = 0; i < 3; i++)
        list_append(&head, &items[i].node);
    list_remove(&items[1].node);
    list_remove(&items[1].node); /* twice is harmless */
    assert_true(!list_linked(&items[1].node) && list_linked(&items[2].node));
    LIST_EACH (node, &head)
        sum = sum * 10 + LIST_OF(node, struct item, node)->number;
    assert_int_equal(sum, 13);
    assert_ptr_equal(list_take(&head), &items[0].node);
    assert_ptr_equal(list_take(&head), &items[2].node);
    assert_true(list_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares),
        cmocka_unit_test(parts),
        cmocka_unit_test(rings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
