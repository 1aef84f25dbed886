/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: human.c - see human.h. */
#include "human.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Groups of three digits, from the right. */
static void group(unsigned long long number, char text_r[HUMAN_TEXT])
{
    char digits[24];
    size_t size = (size_t)snprintf(digits, sizeof(digits), "%llu", number), out = 0;

    for (size_t i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0)
            text_r[out++] = ',';
        text_r[out++] = digits[i];
    }
    text_r[out] = '\0';
}

void human_number(double number, char text_r[HUMAN_TEXT])
{
    if (!(number > 0) || number > 1e18)
        snprintf(text_r, HUMAN_TEXT, number > 0 ? "very many" : "0");
    else if (number == floor(number) || number >= 100)
        group((unsigned long long)(number + 0.5), text_r);
    else
        snprintf(text_r, HUMAN_TEXT, number < 0.01 ? "%.2g" : number < 10 ? "%.2f" : "%.1f", number);
}

void human_bytes(double bytes, char text_r[HUMAN_TEXT])
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
    unsigned unit = 0;

    if (!(bytes > 0))
        bytes = 0;
    while (bytes >= 1023.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        bytes /= 1024;
        unit++;
    }
    snprintf(text_r, HUMAN_TEXT, unit == 0 || bytes >= 99.95 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

void human_span(int64_t usec, char text_r[HUMAN_TEXT])
{
    static const struct {
        int64_t below, divisor; /* seconds */
        const char *unit;
    } steps[] = {
        { 120, 1, "s" },
        { 7200, 60, "min" },
        { 172800, 3600, "h" },
        { INT64_MAX, 86400, "days" },
    };
    int64_t seconds = usec > 0 ? usec / USEC_PER_SEC : 0;
    unsigned step = 0;

    while (seconds >= steps[step].below)
        step++;
    snprintf(text_r, HUMAN_TEXT, "%lld %s", (long long)(seconds / steps[step].divisor), steps[step].unit);
}

void human_ago(int64_t usec, char text_r[HUMAN_TEXT])
{
    char span[HUMAN_TEXT];

    if (usec < 2 * USEC_PER_SEC) {
        snprintf(text_r, HUMAN_TEXT, "just now");
        return;
    }
    human_span(usec, span);
    snprintf(text_r, HUMAN_TEXT, "%.30s ago", span);
}

void human_duration(int64_t usec, char text_r[HUMAN_TEXT])
{
    double milliseconds = (double)usec / 1000;

    if (usec < 0)
        snprintf(text_r, HUMAN_TEXT, "none");
    else if (milliseconds < 1000)
        snprintf(text_r, HUMAN_TEXT, milliseconds < 10 ? "%.1f ms" : "%.0f ms", milliseconds);
    else
        snprintf(text_r, HUMAN_TEXT, "%.1f s", milliseconds / 1000);
}
