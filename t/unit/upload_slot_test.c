/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: upload_slot_test.c - slots as bytes, keys, and names as segments of URLs. */
#include "modules/upload/slot_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct slot example(void)
{
    struct slot slot = { .state = SLOT_FILLED,
                         .purpose = PURPOSE_EPHEMERAL,
                         .owner = SPAN("alice@example.org"),
                         .domain = SPAN("example.org"),
                         .filename = SPAN("tr\xc3\xa8s \xf0\x9f\x98\x80.jpg"),
                         .type = SPAN("image/jpeg"),
                         .size = INT64_MAX,
                         .allocated = 1,
                         .put_until = 2,
                         .expires = 3,
                         .filled = 4,
                         .lapsed = 5,
                         .was_filled = true,
                         .has_token = true };

    memset(slot.token, 0xa5, SLOT_TOKEN);
    memset(slot.sha256, 0x5a, SHA256_BYTES);
    return slot;
}

static void a_row_comes_back_as_it_was(void **state)
{
    struct slot slot = example(), back;
    struct buf row = { 0 };

    (void)state;
    slot_encode(&slot, &row);
    assert_true(slot_decode(buf_span(&row), &back));
    assert_int_equal(back.state, slot.state);
    assert_int_equal(back.purpose, slot.purpose);
    assert_true(span_eq(back.owner, slot.owner));
    assert_true(span_eq(back.domain, slot.domain));
    assert_true(span_eq(back.filename, slot.filename));
    assert_true(span_eq(back.type, slot.type));
    assert_true(back.size == slot.size && back.allocated == 1 && back.put_until == 2);
    assert_true(back.expires == 3 && back.filled == 4 && back.lapsed == 5);
    assert_true(back.was_filled && back.has_token && !back.is_grouped);
    assert_memory_equal(back.token, slot.token, SLOT_TOKEN);
    assert_memory_equal(back.sha256, slot.sha256, SHA256_BYTES);
    buf_free(&row);
}

/* Whatever is cut off or put behind, and each single byte of the fixed head that says something unknown. */
static void a_row_that_is_not_whole_is_refused(void **state)
{
    struct slot slot = example(), back;
    struct buf row = { 0 };

    (void)state;
    slot_encode(&slot, &row);
    for (size_t size = 0; size < row.size; size++)
        assert_false(slot_decode(span_head(buf_span(&row), size), &back));
    for (size_t at = 0; at < 4; at++) {
        char was = row.at[at];

        row.at[at] = (char)0x77;
        assert_false(slot_decode(buf_span(&row), &back));
        row.at[at] = was;
    }
    row.at[11] = (char)0x80; /* a negative size */
    assert_false(slot_decode(buf_span(&row), &back));
    row.at[11] = 0x7f;
    assert_true(slot_decode(buf_span(&row), &back));
    buf_char(&row, 'x');
    assert_false(slot_decode(buf_span(&row), &back));
    buf_free(&row);
}

static void keys_sort_by_time_and_come_back(void **state)
{
    static const int64_t moments[] = { 0, 1, 255, 256, 1700000000000000, INT64_MAX };
    unsigned char id[SLOT_ID], back[SLOT_ID];
    char before[DUE_KEY], key[DUE_KEY];
    enum due_kind kind;
    int64_t moment;

    (void)state;
    memset(id, 0xff, sizeof(id));
    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
        due_key(DUE_EXPIRED, moments[i], id, key);
        assert_true(due_key_decode(span_make(key, sizeof(key)), &kind, &moment, back));
        assert_int_equal(kind, DUE_EXPIRED);
        assert_true(moment == moments[i]);
        assert_memory_equal(id, back, SLOT_ID);
        if (i > 0)
            assert_true(span_compare(span_make(before, sizeof(before)), span_make(key, sizeof(key))) < 0);
        memcpy(before, key, sizeof(key));
    }
    assert_false(due_key_decode(span_make(key, sizeof(key) - 1), &kind, &moment, back));
}

static void names_are_plain_segments(void **state)
{
    static const struct {
        struct span name;
        const char *segment;
    } rows[] = {
        { SPAN("a.txt"), "a.txt" }, { SPAN("a/b\\c"), "a_b_c" }, { SPAN(".."), "__" },
        { SPAN("."), "_" },         { SPAN("..."), "..." },      { SPAN("a\r\nb\x7f"), "a__b_" },
        { SPAN("a\0b"), "a_b" },    { SPAN("%2F"), "%2F" },      { SPAN("\xe4\xbd\xa0"), "\xe4\xbd\xa0" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out = { 0 };

        slot_segment(rows[i].name, &out);
        assert_true(span_is(buf_span(&out), rows[i].segment));
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_comes_back_as_it_was),
        cmocka_unit_test(a_row_that_is_not_whole_is_refused),
        cmocka_unit_test(keys_sort_by_time_and_come_back),
        cmocka_unit_test(names_are_plain_segments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
