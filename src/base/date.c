/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: date.c - the dates of text.h: RFC 9110 5.6.7 and XEP-0082. No locale, no time zone file.
 */
#include "base/text.h"

#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void text_http_date(int64_t unix_seconds, char text_r[HTTP_DATE_SIZE])
{
    time_t seconds = (time_t)unix_seconds;
    struct tm tm;

    gmtime_r(&seconds, &tm);
    snprintf(text_r, HTTP_DATE_SIZE, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT", days + 3 * tm.tm_wday,
             (unsigned)tm.tm_mday % 100, months + 3 * tm.tm_mon, (unsigned)(tm.tm_year + 1900) % 10000,
             (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

static int month_of(const char name[4])
{
    for (int i = 0; i < 12; i++)
        if (memcmp(months + 3 * i, name, 3) == 0)
            return i;
    return -1;
}

/* true when the fields are a real moment; a second 60 counts as 59. */
static bool to_seconds(struct tm *tm, int64_t *unix_seconds_r)
{
    static const int month_days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year = tm->tm_year + 1900;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    if (year < 0 || year > 9999 || (tm->tm_mon == 1 && tm->tm_mday == 29 && !leap))
        return false;
    if (tm->tm_mon < 0 || tm->tm_mon > 11 || tm->tm_mday < 1 || tm->tm_mday > month_days[tm->tm_mon] ||
        tm->tm_hour < 0 || tm->tm_hour > 23 || tm->tm_min < 0 || tm->tm_min > 59 || tm->tm_sec < 0 ||
        tm->tm_sec > 60)
        return false;
    if (tm->tm_sec == 60)
        tm->tm_sec = 59;
    *unix_seconds_r = (int64_t)timegm(tm);
    return true;
}

bool text_to_http_date(struct span text, int64_t *unix_seconds_r)
{
    char line[40], month[4] = "";
    struct tm tm = { 0 };
    int end = -1;

    if (text.size == 0 || text.size >= sizeof(line))
        return false;
    memcpy(line, text.at, text.size);
    line[text.size] = '\0';
    if (sscanf(line, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &tm.tm_mday, month, &tm.tm_year,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) == 6 &&
        end == (int)text.size) {
        tm.tm_year -= 1900;
    } else if (end = -1, sscanf(line, "%*[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &tm.tm_mday, month,
                                &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) == 6 &&
                             end == (int)text.size) {
        time_t now = (time_t)(clock_wall() / USEC_PER_SEC);
        struct tm today;

        gmtime_r(&now, &today); /* two digits: never more than 50 years ahead */
        tm.tm_year += today.tm_year - today.tm_year % 100;
        if (tm.tm_year > today.tm_year + 50)
            tm.tm_year -= 100;
    } else if (end = -1, sscanf(line, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month, &tm.tm_mday,
                                &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &tm.tm_year, &end) == 6 &&
                             end == (int)text.size) {
        tm.tm_year -= 1900;
    } else {
        return false;
    }
    tm.tm_mon = month_of(month);
    return to_seconds(&tm, unix_seconds_r);
}

void text_stamp(int64_t usec, char text_r[STAMP_SIZE])
{
    time_t seconds = (time_t)(usec / USEC_PER_SEC);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    snprintf(text_r, STAMP_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)(tm.tm_year + 1900) % 10000,
             (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
             (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

/* "Z", "+hh:mm" or "-hh:mm" as seconds east of UTC. */
static bool zone_of(struct span text, int64_t *east_r)
{
    uint64_t hours, minutes;

    if (span_is(text, "Z")) {
        *east_r = 0;
        return true;
    }
    if (text.size != 6 || (text.at[0] != '+' && text.at[0] != '-') || text.at[3] != ':' ||
        !text_to_u64(span_make(text.at + 1, 2), &hours) ||
        !text_to_u64(span_make(text.at + 4, 2), &minutes) || hours > 23 || minutes > 59)
        return false;
    *east_r = (int64_t)(hours * 3600 + minutes * 60) * (text.at[0] == '-' ? -1 : 1);
    return true;
}

bool text_to_stamp(struct span text, int64_t *usec_r)
{
    int64_t seconds, east, fraction = 0;
    char line[20];
    struct tm tm = { 0 };
    int end = -1;

    if (text.size < sizeof(line))
        return false;
    memcpy(line, text.at, sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    if (sscanf(line, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec, &end) != 6 ||
        end != 19)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    text = span_from(text, 19);
    if (text.at[0] == '.') {
        int64_t unit = USEC_PER_SEC / 10;

        text = span_from(text, 1);
        for (; text.size && text.at[0] >= '0' && text.at[0] <= '9'; text = span_from(text, 1), unit /= 10)
            fraction += (text.at[0] - '0') * unit;
    }
    if (!zone_of(text, &east) || !to_seconds(&tm, &seconds))
        return false;
    *usec_r = (seconds - east) * USEC_PER_SEC + fraction;
    return true;
}
