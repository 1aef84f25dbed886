/* SPDX-License-Identifier: ISC */
/* upload_hot_test.c - small files in memory: what is kept, what goes, and what is never taken for another. */
#include "modules/upload/hot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct slot slot_of(unsigned char number, size_t size)
{
    struct slot slot = { .size = (int64_t)size };

    memset(slot.id, number, sizeof(slot.id));
    memset(slot.sha256, number + 1, sizeof(slot.sha256));
    return slot;
}

/* A file that holds so many bytes of that number. */
static int file_of(unsigned char number, size_t size)
{
    char name[] = "/tmp/stoa-hot-XXXXXX", *bytes = malloc(size);
    int fd = mkstemp(name);

    assert_true(fd >= 0);
    unlink(name);
    memset(bytes, number, size);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    free(bytes);
    return fd;
}

static struct span keep(struct hot *hot, const struct slot *slot, unsigned char number, size_t size)
{
    int fd = file_of(number, size);
    struct span bytes = hot_keep(hot, slot, fd);

    close(fd);
    return bytes;
}

static void what_was_kept_is_found(void **state)
{
    struct hot *hot = hot_new(1 << 20);
    struct slot a = slot_of(1, 100), b = slot_of(2, 200);

    (void)state;
    assert_null(hot_find(hot, &a).at);
    assert_int_equal(keep(hot, &a, 'a', 100).size, 100);
    assert_int_equal(keep(hot, &b, 'b', 200).size, 200);
    assert_int_equal(hot_find(hot, &a).at[99], 'a');
    assert_int_equal(hot_find(hot, &b).at[0], 'b');
    hot_drop(hot, a.id);
    assert_null(hot_find(hot, &a).at);
    assert_int_equal(hot_find(hot, &b).size, 200);
    hot_free(&hot);
    assert_null(hot);
}

static void a_record_of_another_file_finds_nothing(void **state)
{
    struct hot *hot = hot_new(1 << 20);
    struct slot slot = slot_of(1, 100);

    (void)state;
    keep(hot, &slot, 'a', 100);
    slot.sha256[0] ^= 1;
    assert_null(hot_find(hot, &slot).at);
    slot.sha256[0] ^= 1;
    assert_null(hot_find(hot, &slot).at); /* it went at the first doubt */
    hot_free(&hot);
}

static void the_least_lately_used_goes(void **state)
{
    struct hot *hot = hot_new(4000);
    struct slot slots[4];

    (void)state;
    for (unsigned char i = 0; i < 3; i++) {
        slots[i] = slot_of(i, 1000);
        keep(hot, &slots[i], i, 1000);
    }
    assert_non_null(hot_find(hot, &slots[0]).at);
    slots[3] = slot_of(3, 1000);
    keep(hot, &slots[3], 3, 1000);
    assert_non_null(hot_find(hot, &slots[0]).at);
    assert_null(hot_find(hot, &slots[1]).at);
    assert_non_null(hot_find(hot, &slots[2]).at);
    hot_free(&hot);
}

static void what_does_not_fit_is_left_to_the_file(void **state)
{
    struct hot *hot = hot_new(1 << 20), *none = hot_new(0);
    struct slot large = slot_of(1, HOT_FILE_MOST + 1), short_one = slot_of(2, 100), small = slot_of(3, 1);

    (void)state;
    assert_null(keep(hot, &large, 'a', HOT_FILE_MOST + 1).at);
    assert_null(keep(hot, &short_one, 'b', 99).at); /* it ended before its size */
    assert_null(keep(none, &small, 'c', 1).at);
    hot_free(&hot);
    hot_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_kept_is_found),
        cmocka_unit_test(a_record_of_another_file_finds_nothing),
        cmocka_unit_test(the_least_lately_used_goes),
        cmocka_unit_test(what_does_not_fit_is_left_to_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
