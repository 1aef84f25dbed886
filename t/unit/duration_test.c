/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: duration_test.c - ISO 8601 durations, with the guide's P6H. */
#include "parse/duration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

static const struct {
    const char *in;
    int64_t usec; /* -1: refused */
    bool lenient;
    const char *text; /* as written again */
} rows[] = {
    { "PT6H", 6 * HOUR, false, "PT6H" },
    { "P30D", 30 * DAY, false, "P30D" },
    { "P1DT2H3.5S", DAY + 2 * HOUR + 3500000, false, "P1DT2H3.5S" },
    { "PT0S", 0, false, "PT0S" },
    { "P0D", 0, false, "PT0S" },
    { "P2W", 14 * DAY, false, "P14D" },
    { "PT90M", 90 * 60 * SECOND, false, "PT1H30M" },
    { "PT0,000001S", 1, false, "PT0.000001S" },
    { "PT0.0000019S", 1, false, "PT0.000001S" },
    { "PT1.5H", HOUR + HOUR / 2, false, "PT1H30M" },
    { "P0.5D", DAY / 2, false, "PT12H" },
    { "PT36H", 36 * HOUR, false, "P1DT12H" },
    { "P6H", 6 * HOUR, true, "PT6H" },
    { "P30S", 30 * SECOND, true, "PT30S" },
    { "P1D6H", DAY + 6 * HOUR, true, "P1DT6H" },
    { "P6H30M", 6 * HOUR + HOUR / 2, true, "PT6H30M" },
    { "P106751991D", INT64_C(106751991) * DAY, false, "P106751991D" },
    { "P106751992D", -1, false, NULL },
    { "PT9223372036854775807S", -1, false, NULL },
    { "PT99999999999999999999S", -1, false, NULL },
    { "", -1, false, NULL },
    { "P", -1, false, NULL },
    { "PT", -1, false, NULL },
    { "P1DT", -1, false, NULL },
    { "6H", -1, false, NULL },
    { "T6H", -1, false, NULL },
    { "pt6h", -1, false, NULL },
    { "P1M", -1, false, NULL },
    { "P1Y", -1, false, NULL },
    { "P5M", -1, false, NULL },
    { "PT1D", -1, false, NULL },
    { "PT1W", -1, false, NULL },
    { "PT1S1M", -1, false, NULL },
    { "PT1M1M", -1, false, NULL },
    { "PT1.5H1M", -1, false, NULL },
    { "PT1.H", -1, false, NULL },
    { "PT.5H", -1, false, NULL },
    { "PT-6H", -1, false, NULL },
    { "-PT6H", -1, false, NULL },
    { "PT6", -1, false, NULL },
    { "PT6X", -1, false, NULL },
    { "PT6H ", -1, false, NULL },
    { "PTT6H", -1, false, NULL },
    { "P6HT6M", -1, false, NULL },
};

static void rows_are_read_and_written(void **state)
{
    struct buf out = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t usec = -1;
        bool lenient = false;
        const char *why = NULL;

        if (duration_parse(span_of(rows[i].in), &usec, &lenient, &why) != (rows[i].usec >= 0) ||
            usec != rows[i].usec || lenient != rows[i].lenient || (usec < 0) != (why != NULL))
            fail_msg("%s: %lld", rows[i].in, (long long)usec);
        if (usec < 0)
            continue;
        buf_clear(&out);
        duration_write(&out, usec);
        if (!span_is(buf_span(&out), rows[i].text))
            fail_msg("%s: %.*s", rows[i].in, SPAN_ARG(buf_span(&out)));
    }
    buf_free(&out);
}

static void reasons_say_what_to_write(void **state)
{
    int64_t usec;
    bool lenient;
    const char *why = "";

    (void)state;
    assert_false(duration_parse(SPAN("P1M"), &usec, &lenient, &why));
    assert_non_null(strstr(why, "PT5M"));
    assert_false(duration_parse(SPAN("P1Y"), &usec, &lenient, &why));
    assert_non_null(strstr(why, "days"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_and_written),
        cmocka_unit_test(reasons_say_what_to_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
