/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: stand.c - see stand.h. */
#include "module/stand.h"

#include "base/clock.h"
#include "base/text.h"

#include <json-c/json_object.h>

#define QUANTILES_USEC (300 * USEC_PER_SEC) /* the time over which they are taken */

bool stand_is_there(const struct board_row *row)
{
    uint32_t state = atomic_load(&row->state);

    return state == ROW_STARTING || state == ROW_LIVE || state == ROW_DRAINING;
}

int64_t stand_refused_seconds(const struct login_gate *gate)
{
    int64_t wait = atomic_load(&gate->refused_until) - clock_mono();

    return wait > 0 ? (wait + USEC_PER_SEC - 1) / USEC_PER_SEC : 0;
}

/* From the youngest sample that is old enough, or else the oldest, up to now. */
static void recent_durations(const struct segment *segment, uint64_t buckets_r[HISTOGRAM_BUCKETS])
{
    struct history_sample samples[HISTORY_SLOTS];
    size_t count = history_read(&segment->history.fine, samples), at = 0;
    int64_t since = clock_mono() - QUANTILES_USEC;
    struct histogram_view now;

    histogram_read(&segment->durations, &now);
    while (at + 1 < count && samples[at + 1].mono <= since)
        at++;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        buckets_r[i] = now.buckets[i] - (count > 0 ? samples[at].buckets[i] : 0);
}

int64_t stand_quantile(const struct segment *segment, double share)
{
    uint64_t buckets[HISTOGRAM_BUCKETS];

    recent_durations(segment, buckets);
    return histogram_quantile(buckets, share);
}

/* ---- as JSON ---- */

static void add_text(struct json_object *into, const char *name, const char *text)
{
    struct buf clean = { 0 };
    struct span span = span_of(text);

    if (!text_is_utf8(span)) { /* a name that was cut inside a character */
        text_add_log(&clean, span);
        span = buf_span(&clean);
    }
    json_object_object_add(into, name, json_object_new_string_len(span.at ? span.at : "", (int)span.size));
    buf_free(&clean);
}

static void add_number(struct json_object *into, const char *name, uint64_t number)
{
    json_object_object_add(into, name, json_object_new_uint64(number));
}

static void add_moment(struct json_object *into, const char *name, int64_t usec)
{
    char stamp[STAMP_SIZE];

    text_stamp(usec, stamp);
    json_object_object_add(into, name, usec ? json_object_new_string(stamp) : NULL);
}

static struct json_object *processes(const struct board *board)
{
    struct json_object *list = json_object_new_array();

    for (unsigned i = 0; i < BOARD_ROWS; i++) {
        const struct board_row *row = &board->rows[i];
        struct json_object *one;

        if (!stand_is_there(row))
            continue;
        one = json_object_new_object();
        add_text(one, "kind", board_kind_name((enum process_kind)atomic_load(&row->kind)));
        add_text(one, "state", board_state_name((enum row_state)atomic_load(&row->state)));
        add_number(one, "row", i);
        json_object_object_add(one, "pid", json_object_new_int64(atomic_load(&row->pid)));
        add_number(one, "generation", atomic_load(&row->generation));
        add_number(one, "configuration", atomic_load(&row->conf_generation));
        add_moment(one, "born", atomic_load(&row->born));
        add_number(one, "connections", atomic_load(&row->connections));
        add_number(one, "busy", atomic_load(&row->busy));
        json_object_array_add(list, one);
    }
    return list;
}

static struct json_object *streams(const struct links *links)
{
    struct json_object *list = json_object_new_array();

    for (unsigned i = 0; i < LINKS_MOST; i++) {
        struct json_object *one;
        struct link_view view;

        link_read(&links->links[i], &view);
        if (view.state == LINK_UNUSED)
            continue;
        one = json_object_new_object();
        add_text(one, "name", view.name);
        add_text(one, "state", link_state_name(view.state));
        add_text(one, "trouble", view.trouble);
        add_moment(one, "since", view.since);
        add_number(one, "stanzas_in", view.stanzas_in);
        add_number(one, "stanzas_out", view.stanzas_out);
        json_object_array_add(list, one);
    }
    return list;
}

static struct json_object *logins(const struct login_gate *gate)
{
    struct json_object *out = json_object_new_object();

    add_number(out, "sessions", atomic_load(&gate->sessions));
    add_number(out, "failures_in_a_row", atomic_load(&gate->failures));
    add_number(out, "refused_seconds", (uint64_t)stand_refused_seconds(gate));
    return out;
}

static void add_quantile(struct json_object *into, const char *name, const uint64_t *buckets, double share)
{
    int64_t usec = histogram_quantile(buckets, share);

    json_object_object_add(into, name,
                           usec < 0 ? NULL : json_object_new_double((double)usec / (double)USEC_PER_SEC));
}

static struct json_object *requests(const struct segment *segment)
{
    struct json_object *out = json_object_new_object();
    uint64_t buckets[HISTOGRAM_BUCKETS], sum = 0;

    recent_durations(segment, buckets);
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        sum += buckets[i];
    add_number(out, "last_minutes", QUANTILES_USEC / (60 * USEC_PER_SEC));
    add_number(out, "count", sum);
    add_quantile(out, "p50_seconds", buckets, 0.5);
    add_quantile(out, "p90_seconds", buckets, 0.9);
    add_quantile(out, "p99_seconds", buckets, 0.99);
    return out;
}

static struct json_object *complaints(const struct complaints *from)
{
    struct json_object *list = json_object_new_array();
    struct complaint entries[COMPLAINTS_MOST];
    size_t count = complaints_read(from, entries);

    for (size_t i = 0; i < count; i++) {
        struct json_object *one = json_object_new_object();

        add_text(one, "level", entries[i].is_error ? "error" : "warning");
        add_moment(one, "first", entries[i].first);
        add_moment(one, "last", entries[i].last);
        add_number(one, "times", entries[i].times);
        add_text(one, "process", entries[i].kind);
        json_object_object_add(one, "pid", json_object_new_int64(entries[i].pid));
        add_text(one, "text", entries[i].text);
        json_object_array_add(list, one);
    }
    return list;
}

struct json_object *stand_json(const struct segment *segment)
{
    const struct board *board = &segment->board;
    struct json_object *out = json_object_new_object(), *counters = json_object_new_object();
    int64_t started = atomic_load(&board->started), up = clock_wall() - started;

    add_text(out, "version", STOA_VERSION);
    json_object_object_add(out, "master_pid", json_object_new_int64(atomic_load(&board->master_pid)));
    add_moment(out, "started", started);
    add_number(out, "uptime_seconds", up > 0 ? (uint64_t)(up / USEC_PER_SEC) : 0);
    add_number(out, "configuration", atomic_load(&board->conf_generation));
    add_moment(out, "reloaded", atomic_load(&board->reloaded));
    json_object_object_add(out, "processes", processes(board));
    json_object_object_add(out, "streams", streams(&segment->links));
    json_object_object_add(out, "logins", logins(&segment->logins));
    json_object_object_add(out, "requests", requests(segment));
    for (unsigned i = 0; i < COUNTS; i++)
        add_number(counters, count_name(i), count_sum(&segment->counts, i));
    json_object_object_add(out, "counters", counters);
    json_object_object_add(out, "complaints", complaints(&segment->complaints));
    return out;
}

void stand_write(const struct segment *segment, struct buf *out)
{
    struct json_object *stand = stand_json(segment);

    json_write(out, stand);
    json_object_put(stand);
}
