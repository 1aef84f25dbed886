/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: period.c - see period.h. */
#include "conf/period.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>

#define MINUTE (60 * USEC_PER_SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static const char no_period[] = "is not a duration: write for example PT30S, PT6H, P30D, or 30s, 6h, 30d";

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static struct span take_digits(struct span *text)
{
    struct span digits = span_head(*text, 0);

    while (text->size && text->at[0] >= '0' && text->at[0] <= '9') {
        digits.size++;
        *text = span_from(*text, 1);
    }
    return digits;
}

/* Decimals of a second as microseconds; what is finer is dropped. */
static uint64_t micros(struct span decimals)
{
    uint64_t sum = 0, weight = USEC_PER_SEC / 10;

    for (size_t i = 0; i < decimals.size && weight > 0; i++, weight /= 10)
        sum += (uint64_t)(decimals.at[i] - '0') * weight;
    return sum;
}

static bool add(int64_t *sum, uint64_t count, int64_t unit)
{
    int64_t product;

    return count <= INT64_MAX && !__builtin_mul_overflow((int64_t)count, unit, &product) &&
           !__builtin_add_overflow(*sum, product, sum);
}

/* One designator, in the order in which they must come. */
struct designator {
    char letter;
    bool time; /* belongs behind T */
    int64_t unit;
};

static const struct designator designators[] = {
    { 'W', false, 7 * DAY }, { 'D', false, DAY },         { 'H', true, HOUR },
    { 'M', true, MINUTE },   { 'S', true, USEC_PER_SEC },
};
#define DESIGNATORS (sizeof(designators) / sizeof(designators[0]))

struct iso {
    struct span rest;
    int64_t usec;
    size_t next; /* the first designator that may still come */
    bool in_time, lenient;
    const char *why;
};

static bool iso_designate(struct iso *iso, uint64_t count, struct span decimals, char letter)
{
    if (!iso->in_time && (letter == 'Y' || letter == 'M')) {
        iso->why =
            "holds years or months, which have no fixed length: write days, as in P30D (minutes are PT1M)";
        return false;
    }
    for (size_t i = iso->next; i < DESIGNATORS; i++) {
        if (designators[i].letter != letter || (iso->in_time && !designators[i].time))
            continue;
        if (decimals.size && letter != 'S')
            return false;
        if (designators[i].time && !iso->in_time)
            iso->in_time = iso->lenient = true;
        iso->next = i + 1;
        return add(&iso->usec, count, designators[i].unit) && add(&iso->usec, micros(decimals), 1);
    }
    return false;
}

static bool iso_part(struct iso *iso)
{
    struct span digits, decimals = { NULL, 0 };
    uint64_t count;
    char letter;

    if (upper(iso->rest.at[0]) == 'T') {
        if (iso->in_time)
            return false;
        iso->in_time = true;
        iso->rest = span_from(iso->rest, 1);
    }
    digits = take_digits(&iso->rest);
    if (iso->rest.size && (iso->rest.at[0] == '.' || iso->rest.at[0] == ',')) {
        iso->rest = span_from(iso->rest, 1);
        decimals = take_digits(&iso->rest);
        if (decimals.size == 0)
            return false;
    }
    if (iso->rest.size == 0 || !text_to_u64(digits, &count))
        return false;
    letter = upper(iso->rest.at[0]);
    iso->rest = span_from(iso->rest, 1);
    return iso_designate(iso, count, decimals, letter);
}

bool period_iso(struct span text, int64_t *usec_r, bool *lenient_r, const char **why_r)
{
    struct iso iso = { .rest = span_from(text, 1), .why = no_period };

    *why_r = no_period;
    if (text.size < 3 || upper(text.at[0]) != 'P')
        return false;
    while (iso.rest.size)
        if (!iso_part(&iso)) {
            *why_r = iso.why;
            return false;
        }
    *usec_r = iso.usec;
    *lenient_r = iso.lenient;
    return true;
}

bool period_plain(struct span text, int64_t *usec_r, bool *unit_r)
{
    static const struct {
        const char *name;
        int64_t unit;
    } units[] = { { "", 1 },       { "ms", USEC_PER_MSEC }, { "s", USEC_PER_SEC },
                  { "m", MINUTE }, { "h", HOUR },           { "d", DAY } };
    struct span digits = take_digits(&text);
    uint64_t count;

    if (!text_to_u64(digits, &count))
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (span_eq_nocase(text, span_of(units[i].name))) {
            *usec_r = 0;
            *unit_r = i > 0;
            return add(usec_r, count, units[i].unit);
        }
    return false;
}

void period_write(struct buf *out, int64_t usec)
{
    static const struct {
        const char *name;
        int64_t unit;
    } units[] = {
        { "d", DAY }, { "h", HOUR }, { "m", MINUTE }, { "s", USEC_PER_SEC }, { "ms", USEC_PER_MSEC }
    };

    for (size_t i = 0; usec > 0 && i < sizeof(units) / sizeof(units[0]); i++)
        if (usec % units[i].unit == 0) {
            buf_printf(out, "%" PRId64 "%s", usec / units[i].unit, units[i].name);
            return;
        }
    if (usec == 0)
        buf_text(out, "0s");
    else
        buf_printf(out, "PT%" PRId64 ".%06" PRId64 "S", usec / USEC_PER_SEC, usec % USEC_PER_SEC);
}
