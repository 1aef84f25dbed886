/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: chart.c - the last hour as lines: what the SVG of a template needs, computed here.
 *
 * A point is a rate over some time, so lines are steps, as wide as that time: a gap in the samples shows as a
 * long step and not as a slope that nobody measured. */
#include "base/clock.h"
#include "base/text.h"
#include "human.h"
#include "page/texts.h"
#include "status.h"

#include <math.h>
#include <stdio.h>

#define WIDTH      600.0
#define HEIGHT     150.0 /* of the plane; the labels stand below it */
#define SPAN_LEAST (5 * 60 * USEC_PER_SEC)
#define FINE_SPAN  ((HISTORY_SLOTS - 1) * HISTORY_FINE_USEC)
#define TABLE_ROWS 12

enum scale { SCALE_NUMBER, SCALE_BYTES, SCALE_DURATION };

struct plane {
    const struct hour_point *points;
    size_t count;
    int64_t from, span; /* wall clock of the left edge, width */
};

/* One of the lines: a value of a point, in the unit of its chart; below 0: nothing is there. */
typedef double reading(const struct hour_point *point);

static double requests(const struct hour_point *point)
{
    return point->values[HISTORY_requests];
}

static double failures(const struct hour_point *point)
{
    return point->values[HISTORY_replies_5xx];
}

static double median(const struct hour_point *point)
{
    return (double)point->p50;
}

static double slowest(const struct hour_point *point)
{
    return (double)point->p99;
}

static double bytes_in(const struct hour_point *point)
{
    return point->values[HISTORY_bytes_in];
}

static double bytes_out(const struct hour_point *point)
{
    return point->values[HISTORY_bytes_out];
}

static double connections(const struct hour_point *point)
{
    return point->values[HISTORY_connections];
}

static double in_hand(const struct hour_point *point)
{
    return point->values[HISTORY_busy];
}

static const struct chart {
    enum page_text title, first, second;
    reading *one, *two;
    enum scale scale;
} charts[] = {
    { TEXT_status_chart_requests, TEXT_status_line_all, TEXT_status_line_5xx, requests, failures,
      SCALE_NUMBER },
    { TEXT_status_chart_time, TEXT_status_line_half, TEXT_status_line_p99, median, slowest, SCALE_DURATION },
    { TEXT_status_chart_bytes, TEXT_status_line_out, TEXT_status_line_in, bytes_out, bytes_in, SCALE_BYTES },
    { TEXT_status_chart_open, TEXT_status_line_connections, TEXT_status_line_hand, connections, in_hand,
      SCALE_NUMBER },
};
#define CHARTS (sizeof(charts) / sizeof(charts[0]))

static void write_value(enum scale scale, double value, char text_r[HUMAN_TEXT])
{
    if (scale == SCALE_BYTES)
        human_bytes(value, text_r);
    else if (scale == SCALE_DURATION)
        human_duration((int64_t)value, text_r);
    else
        human_number(value, text_r);
}

/* The least of 1, 2, 5, 10, 20 ... that is not below: the top of the plane. */
static double round_up(double value)
{
    double ten = value > 1 ? pow(10, floor(log10(value))) : 1;
    static const double steps[] = { 1, 2, 5, 10 };

    for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (value <= ten * steps[i])
            return ten * steps[i];
    return ten * 10;
}

/* Bytes are told by powers of 1024, so they are rounded by them. */
static double top_of(enum scale scale, double most)
{
    double unit = 1;

    while (scale == SCALE_BYTES && most >= 1024 * unit)
        unit *= 1024;
    return round_up(most / unit) * unit;
}

static double most_of(const struct plane *plane, reading *read)
{
    double most = 0;

    for (size_t i = 0; i < plane->count; i++)
        most = fmax(most, read(&plane->points[i]));
    return most;
}

static double x_of(const struct plane *plane, int64_t wall)
{
    double x = WIDTH * (double)(wall - plane->from) / (double)plane->span;

    return fmin(fmax(x, 0), WIDTH);
}

/* A path of steps; closed down to the axis when it shall be filled. Where nothing is there it breaks. */
static void add_path(const struct plane *plane, reading *read, double top, bool filled, struct buf *out)
{
    bool is_open = false;

    for (size_t i = 0; i < plane->count; i++) {
        const struct hour_point *point = &plane->points[i];
        double value = read(point), y = HEIGHT - HEIGHT * fmin(value, top) / top;
        double from = x_of(plane, point->wall - point->usec), to = x_of(plane, point->wall);

        if (value >= 0) {
            if (!is_open)
                buf_printf(out, filled ? "M%.1f %.0fV%.1f" : "M%.1f %.1f", from, filled ? HEIGHT : y, y);
            else
                buf_printf(out, "V%.1f", y);
            buf_printf(out, "H%.1f", to);
            is_open = true;
        }
        if (filled && is_open && (value < 0 || i + 1 == plane->count))
            buf_printf(out, "V%.0fZ", HEIGHT);
        is_open = is_open && value >= 0;
    }
}

static void put(struct json_object *into, const char *name, const char *text)
{
    json_object_object_add(into, name, json_object_new_string(text));
}

static void put_path(struct json_object *into, const char *name, const struct plane *plane, reading *read,
                     double top, bool filled)
{
    struct buf path = { 0 };

    add_path(plane, read, top, filled, &path);
    json_object_object_add(into, name, json_object_new_string_len(path.at ? path.at : "", (int)path.size));
    buf_free(&path);
}

static void put_value(struct json_object *into, const char *name, enum scale scale, double value)
{
    char text[HUMAN_TEXT];

    write_value(scale, value, text);
    put(into, name, text);
}

static struct json_object *chart_values(const struct chart *chart, const struct plane *plane, unsigned number)
{
    const struct hour_point *last = &plane->points[plane->count - 1];
    double one = most_of(plane, chart->one), two = most_of(plane, chart->two);
    double top = top_of(chart->scale, fmax(one, two));
    struct json_object *out = json_object_new_object();
    char ago[HUMAN_TEXT];

    json_object_object_add(out, "number", json_object_new_int((int)number));
    put(out, "title", page_text(chart->title));
    put(out, "first", page_text(chart->first));
    put(out, "second", page_text(chart->second));
    put_value(out, "first_now", chart->scale, chart->one(last));
    put_value(out, "first_most", chart->scale, one);
    put_value(out, "second_now", chart->scale, chart->two(last));
    put_value(out, "second_most", chart->scale, two);
    put_value(out, "top", chart->scale, top);
    human_ago(plane->span, ago);
    put(out, "ago", ago);
    put_path(out, "area", plane, chart->one, top, true);
    put_path(out, "line", plane, chart->one, top, false);
    put_path(out, "other", plane, chart->two, top, false);
    return out;
}

/* ---- the same as a table ---- */

static void put_cell(struct json_object *cells, enum scale scale, double value)
{
    char text[HUMAN_TEXT];

    write_value(scale, value, text);
    json_object_array_add(cells, json_object_new_string(text));
}

/* Of some points together: rates by their time, durations the longest. */
static void put_row(struct json_object *rows, const struct hour_point *points, size_t count)
{
    struct json_object *row = json_object_new_object(), *cells = json_object_new_array();
    struct hour_point sum = points[count - 1];
    double seconds = 0, weighed[HISTORY_VALUES] = { 0 };
    char stamp[STAMP_SIZE];

    for (size_t i = 0; i < count; i++) {
        double part = (double)points[i].usec / (double)USEC_PER_SEC;

        seconds += part;
        for (unsigned k = 0; k < HISTORY_VALUES; k++)
            weighed[k] += points[i].values[k] * part;
        sum.p50 = points[i].p50 > sum.p50 ? points[i].p50 : sum.p50;
        sum.p99 = points[i].p99 > sum.p99 ? points[i].p99 : sum.p99;
    }
    for (unsigned k = 0; k < HISTORY_VALUES; k++)
        sum.values[k] = weighed[k] / seconds;
    for (unsigned i = 0; i < CHARTS; i++) {
        put_cell(cells, charts[i].scale, charts[i].one(&sum));
        put_cell(cells, charts[i].scale, charts[i].two(&sum));
    }
    text_stamp(sum.wall, stamp);
    put(row, "until", stamp);
    json_object_object_add(row, "clock", json_object_new_string_len(stamp + 11, 5));
    json_object_object_add(row, "cells", cells);
    json_object_array_add(rows, row);
}

static struct json_object *table(const struct plane *plane)
{
    struct json_object *rows = json_object_new_array();
    size_t each = (plane->count + TABLE_ROWS - 1) / TABLE_ROWS;

    for (size_t end = plane->count; end > 0;) { /* the latest on top */
        size_t from = end > each ? end - each : 0;

        put_row(rows, &plane->points[from], end - from);
        end = from;
    }
    return rows;
}

static struct json_object *columns(void)
{
    struct json_object *list = json_object_new_array();

    for (unsigned i = 0; i < CHARTS; i++) {
        const enum page_text lines[] = { charts[i].first, charts[i].second };

        for (unsigned k = 0; k < 2; k++) {
            struct json_object *one = json_object_new_object();

            put(one, "chart", page_text(charts[i].title));
            put(one, "line", page_text(lines[k]));
            json_object_array_add(list, one);
        }
    }
    return list;
}

void status_charts(const struct segment *segment, struct json_object *values)
{
    struct hour_point points[HISTORY_SLOTS];
    struct plane plane = { .points = points, .span = SPAN_LEAST };
    struct json_object *list = json_object_new_array();
    int64_t now = clock_wall(), age = now - atomic_load(&segment->board.started);
    bool is_young = age < FINE_SPAN;

    plane.count = status_hour(segment, is_young ? &segment->history.fine : &segment->history.coarse, points);
    if (plane.count > 0) {
        int64_t oldest = now - (points[0].wall - points[0].usec);

        plane.span = oldest > SPAN_LEAST ? oldest : SPAN_LEAST;
        plane.from = now - plane.span;
        for (unsigned i = 0; i < CHARTS; i++)
            json_object_array_add(list, chart_values(&charts[i], &plane, i));
        json_object_object_add(values, "hour", table(&plane));
        json_object_object_add(values, "hour_columns", columns());
    }
    json_object_object_add(values, "charts", list);
}
