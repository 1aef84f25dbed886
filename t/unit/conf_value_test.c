/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: conf_value_test.c - proves conf/value.h and conf/period.h: what each type takes and says.
 */
#include "conf_help.h"

#include "base/clock.h"
#include "conf/period.h"
#include "conf/value.h"

#define S USEC_PER_SEC
#define H (3600 * S)
#define D (24 * H)

static const char *const colours[] = { "red", "green", NULL };

static const char *check_long(const char *text)
{
    return strlen(text) > 2 ? NULL : "three letters";
}

static const struct directive number = { .name = "n", .type = DIRECTIVE_NUMBER, .least = -5, .most = 100 };
static const struct directive size = { .name = "s", .type = DIRECTIVE_SIZE, .least = 2 };
static const struct directive time_s = { .name = "t", .type = DIRECTIVE_DURATION, .unit = "s" };
static const struct directive time_ms = { .name = "t", .type = DIRECTIVE_DURATION, .unit = "ms", .most = H };
static const struct directive time_both = { .name = "t", .type = DIRECTIVE_DURATION, .unit = "s/ms" };
static const struct directive choice = { .name = "c", .type = DIRECTIVE_CHOICE, .choices = colours };
static const struct directive text = { .name = "x", .type = DIRECTIVE_TEXT, .check = check_long };
static const struct directive secret = {
    .name = "x", .type = DIRECTIVE_TEXT, .check = check_long, .secret = true
};
static const struct directive path = { .name = "p", .type = DIRECTIVE_PATH };

static const struct {
    const struct directive *directive;
    const char *in;
    int64_t want;     /* when note_is_error is false */
    const char *note; /* a part of it; NULL: nothing is said */
    bool refused;
} amounts[] = {
    { &number, "42", 42, NULL, false },
    { &number, "-5", -5, NULL, false },
    { &number, "12L", 12, NULL, false },
    { &number, "101", 0, "'101' is out of range: write -5 to 100", true },
    { &number, "1.5f", 0, "'1.5f' is not a whole number", true },
    { &number, "", 0, "not a whole number", true },
    { &number, "99999999999999999999", 0, "not a whole number", true },
    { &size, "10485760", 10485760, NULL, false },
    { &size, "10M", 10 << 20, NULL, false },
    { &size, "1k", 1024, NULL, false },
    { &size, "3T", INT64_C(3) << 40, NULL, false },
    { &size, "7L", 7, NULL, false },
    { &size, "1", 0, "write 2 or more", true },
    { &size, "10MB", 0, "digits with K, M, G or T", true },
    { &size, "M", 0, "is not a size", true },
    { &size, "9000000000000G", 0, "too large", true },
    { &time_s, "0", 0, NULL, false },
    { &time_s, "90", 90 * S, NULL, false },
    { &time_s, "250ms", 250000, NULL, false },
    { &time_s, "5m", 300 * S, NULL, false },
    { &time_s, "6H", 6 * H, NULL, false },
    { &time_s, "30d", 30 * D, NULL, false },
    { &time_s, "PT6H", 6 * H, NULL, false },
    { &time_s, "P30D", 30 * D, NULL, false },
    { &time_s, "P1W", 7 * D, NULL, false },
    { &time_s, "pt1m", 60 * S, NULL, false },
    { &time_s, "P1DT2H3M4.5S", D + 2 * H + 184 * S + 500000, NULL, false },
    { &time_s, "PT0.0000019S", 1, NULL, false },
    { &time_s, "P6H", 6 * H, "understood as 'PT6H'", false },
    { &time_s, "P1D6H30M", D + 6 * H + 1800 * S, "understood as 'P1DT6H30M'", false },
    { &time_s, "P1M", 0, "no fixed length", true },
    { &time_s, "P1Y", 0, "no fixed length", true },
    { &time_s, "PT", 0, "is not a duration", true },
    { &time_s, "P1DT", 0, "is not a duration", true },
    { &time_s, "P", 0, "is not a duration", true },
    { &time_s, "PT1H1H", 0, "is not a duration", true },
    { &time_s, "PT1M1H", 0, "is not a duration", true },
    { &time_s, "PT1.5H", 0, "is not a duration", true },
    { &time_s, "PT1.S", 0, "is not a duration", true },
    { &time_s, "PTT1S", 0, "is not a duration", true },
    { &time_s, "PT1D", 0, "is not a duration", true },
    { &time_s, "P-1D", 0, "is not a duration", true },
    { &time_s, "1.5h", 0, "is not a duration", true },
    { &time_s, "P9999999999999999D", 0, "is not a duration", true },
    { &time_s, "PT9223372036854.999999S", 0, "is not a duration", true },
    { &time_s, "9999999999999999", 0, "too long", true },
    { &time_ms, "1500", 1500000, NULL, false },
    { &time_ms, "2h", 0, "write 0s to 1h", true },
    { &time_both, "60", 60 * S, "60 without a unit is taken as seconds; write 60s", false },
    { &time_both, "60000", 60 * S, "taken as milliseconds; write 60000ms", false },
    { &time_both, "60s", 60 * S, NULL, false },
    { &choice, "green", 1, NULL, false },
    { &choice, "Red", 0, NULL, false },
    { &choice, "blue", 0, "'blue' is not one of 'red', 'green'", true },
};

static void test_amounts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
        struct value_reader reader = { .arena = arena_new(), .data_root = "/" };
        struct tree_value value = { .kind = TREE_BARE, .text = amounts[i].in };
        int64_t got = 77;
        bool good = value_read(&reader, amounts[i].directive, &value, &got);

        if (good == amounts[i].refused || (good && got != amounts[i].want) || (!good && got != 77) ||
            (amounts[i].note == NULL) != (reader.note == NULL) ||
            (reader.note && strstr(reader.note, amounts[i].note) == NULL))
            fail_msg("'%s' gave %d, %lld, %s", amounts[i].in, good, (long long)got,
                     reader.note ? reader.note : "nothing said");
        arena_free(&reader.arena);
    }
}

static void test_truth(void **state)
{
    bool truth = false;

    (void)state;
    assert_true(value_bool(SPAN("true"), &truth) && truth);
    assert_true(value_bool(SPAN("Off"), &truth) && !truth);
    assert_true(value_bool(SPAN("on"), &truth) && truth);
    assert_true(value_bool(SPAN("no"), &truth) && !truth);
    assert_true(value_bool(SPAN("yes"), &truth) && truth);
    assert_false(value_bool(SPAN("1"), &truth));
    assert_false(value_bool(SPAN(""), &truth));
}

static bool read_text(const struct directive *directive, const char *in, const char *want, const char *note)
{
    struct value_reader reader = { .arena = arena_new(), .data_root = "/data" };
    struct tree_value value = { .kind = TREE_QUOTED, .text = in };
    const char *got = NULL;
    bool good = value_read(&reader, directive, &value, &got);
    bool as_wanted =
        want ? good && strcmp(got, want) == 0 : !good && got == NULL && strstr(reader.note, note) != NULL;

    arena_free(&reader.arena);
    return as_wanted;
}

static void test_texts(void **state)
{
    (void)state;
    assert_true(read_text(&text, "long", "long", NULL));
    assert_true(read_text(&text, "ab", NULL, "'ab' is wrong: write three letters"));
    assert_true(read_text(&secret, "ab", NULL, "the value is wrong: write three letters"));
    assert_true(read_text(&path, "/a/b", "/a/b", NULL));
    assert_true(read_text(&path, "a/b", "/data/a/b", NULL));
    assert_true(read_text(&path, "", NULL, "is empty"));
}

static void test_written_amounts_read_back(void **state)
{
    static const int64_t usecs[] = { 0,      1, 999,    1000,   1500000, 60 * S,
                                     90 * S, H, 25 * H, 30 * D, S + 1,   INT64_MAX };

    (void)state;
    for (size_t i = 0; i < sizeof(usecs) / sizeof(usecs[0]); i++) {
        struct buf out = { 0 };
        int64_t got = -1;
        bool unit, lenient;
        const char *why;

        period_write(&out, usecs[i]);
        assert_true(period_plain(buf_span(&out), &got, &unit) ||
                    period_iso(buf_span(&out), &got, &lenient, &why));
        assert_true(got == usecs[i]);
        buf_free(&out);
    }
}

static void test_written_forms(void **state)
{
    struct buf out = { 0 };

    (void)state;
    period_write(&out, 30 * D);
    buf_char(&out, ' ');
    period_write(&out, 90 * S);
    buf_char(&out, ' ');
    period_write(&out, 1000001);
    buf_char(&out, ' ');
    value_write_size(&out, 10 << 20);
    buf_char(&out, ' ');
    value_write_size(&out, 1025);
    buf_char(&out, ' ');
    value_write_text(&out, "a'b");
    value_write_text(&out, "a'b\"c");
    buf_char(&out, '\0');
    assert_string_equal(out.at, "30d 90s PT1.000001S 10M 1025 \"a'b\"'a''b\"c'");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_amounts),       cmocka_unit_test(test_truth),
        cmocka_unit_test(test_texts),         cmocka_unit_test(test_written_amounts_read_back),
        cmocka_unit_test(test_written_forms),
    };

    return cmocka_run_group_tests_name("conf_value", tests, NULL, NULL);
}
