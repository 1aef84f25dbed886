/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: page.c - the facts as a page: numbers and times become words here, the rest is the
 * template's. */
#include "base/clock.h"
#include "base/text.h"
#include "human.h"
#include "module/stand.h"
#include "page/texts.h"
#include "status.h"

#include <stdio.h>

static void put(struct json_object *into, const char *name, const char *text)
{
    json_object_object_add(into, name, json_object_new_string(text));
}

static void put_truth(struct json_object *into, const char *name, bool truth)
{
    json_object_object_add(into, name, json_object_new_boolean(truth));
}

static int64_t whole(struct json_object *json, const char *name)
{
    int64_t number = 0;

    json_whole(json_member(json, name), &number);
    return number;
}

static const char *text(struct json_object *json, const char *name)
{
    struct json_object *member = json_member(json, name);

    return json_object_is_type(member, json_type_string) ? json_object_get_string(member) : "";
}

static double real(struct json_object *json, const char *name)
{
    return json_object_get_double(json_member(json, name));
}

/* Beside a moment "since" its words as "since_text". */
static void put_ago(struct json_object *row, const char *name, const char *as)
{
    char words[HUMAN_TEXT];
    int64_t moment;

    if (!text_to_stamp(span_of(text(row, name)), &moment))
        return;
    human_ago(clock_wall() - moment, words);
    put(row, as, words);
}

static void put_grouped(struct json_object *row, const char *name, const char *as)
{
    char words[HUMAN_TEXT];

    human_number((double)whole(row, name), words);
    put(row, as, words);
}

#define EACH(index, list) for (size_t index = 0; index < json_object_array_length(list); index++)

static void tell_streams(struct json_object *list)
{
    EACH(i, list)
    {
        struct json_object *row = json_object_array_get_idx(list, i);

        put_truth(row, "is_up", span_is(span_of(text(row, "state")), "up"));
        put_ago(row, "since", "since_text");
        put_grouped(row, "stanzas_in", "in");
        put_grouped(row, "stanzas_out", "out");
    }
}

static void tell_processes(struct json_object *list)
{
    EACH(i, list)
    {
        struct json_object *row = json_object_array_get_idx(list, i);
        const char *kind = text(row, "kind");
        char name[40];

        if (span_is(span_of(kind), "worker"))
            snprintf(name, sizeof(name), "%s %lld", kind, (long long)whole(row, "row") - ROW_WORKER_0);
        else
            snprintf(name, sizeof(name), "%s", kind);
        put(row, "name", name);
        put_truth(row, "is_live", span_is(span_of(text(row, "state")), "live"));
        put_ago(row, "born", "born_text");
    }
}

static void tell_complaints(struct json_object *list)
{
    EACH(i, list)
    {
        struct json_object *row = json_object_array_get_idx(list, i);

        put_truth(row, "is_error", span_is(span_of(text(row, "level")), "error"));
        put_ago(row, "last", "last_text");
    }
}

/* ---- figures on top ---- */

static void add_figure(struct json_object *list, const char *label, const char *value, const char *more)
{
    struct json_object *row = json_object_new_object();

    put(row, "label", label);
    put(row, "value", value);
    put(row, "more", more);
    json_object_array_add(list, row);
}

static void add_number(struct json_object *list, const char *label, double value, const char *more)
{
    char words[HUMAN_TEXT];

    human_number(value, words);
    add_figure(list, label, words, more);
}

/* Of all processes. */
static int64_t sum_of(struct json_object *processes, const char *name)
{
    int64_t sum = 0;

    EACH(i, processes)
    sum += whole(json_object_array_get_idx(processes, i), name);
    return sum;
}

static double figure(struct json_object *facts, const char *name)
{
    struct json_object *list = json_member(facts, "figures");

    EACH(i, list)
    {
        struct json_object *row = json_object_array_get_idx(list, i);

        if (span_is(span_of(text(row, "name")), name))
            return real(row, "value");
    }
    return -1;
}

static struct json_object *top_figures(struct json_object *facts, const struct segment *segment)
{
    struct json_object *list = json_object_new_array(), *counters = json_member(facts, "counters");
    struct json_object *processes = json_member(facts, "processes");
    char words[HUMAN_TEXT], more[2 * HUMAN_TEXT + 8];

    human_duration(stand_quantile(segment, 0.99), words);
    snprintf(more, sizeof(more), "99 %% in %s", words);
    human_duration(stand_quantile(segment, 0.5), words);
    add_figure(list, TEXT(status_time), words, more);
    human_number((double)whole(counters, "replies_5xx"), words);
    snprintf(more, sizeof(more), "%s with 5xx", words);
    add_number(list, TEXT(status_requests), (double)whole(counters, "requests"), more);
    human_number((double)sum_of(processes, "busy"), words);
    snprintf(more, sizeof(more), "%s in hand", words);
    add_number(list, TEXT(status_connections), (double)sum_of(processes, "connections"), more);
    human_bytes((double)whole(counters, "upload_bytes"), more);
    add_number(list, TEXT(status_uploads), (double)whole(counters, "uploads"), more);
    if (figure(facts, "upload_stored_bytes") >= 0) {
        human_bytes(figure(facts, "upload_stored_bytes"), words);
        human_number(figure(facts, "upload_stored_files"), more);
        snprintf(more + strlen(more), sizeof(more) - strlen(more), " files");
        add_figure(list, TEXT(status_stored), words, more);
    }
    add_number(list, TEXT(status_sessions), (double)whole(json_member(facts, "logins"), "sessions"),
               TEXT(status_sessions_more));
    return list;
}

/* ---- room ---- */

static void add_room(struct json_object *list, const char *name, const char *size, const char *more)
{
    struct json_object *row = json_object_new_object();

    put(row, "name", name);
    put(row, "size", size);
    put(row, "more", more);
    json_object_array_add(list, row);
}

static struct json_object *room(struct json_object *facts)
{
    struct json_object *list = json_object_new_array(), *stores = json_member(facts, "stores");
    struct json_object *folders = json_member(facts, "folders");
    char name[300], words[HUMAN_TEXT], other[HUMAN_TEXT], more[400];

    EACH(i, folders)
    {
        struct json_object *row = json_object_array_get_idx(folders, i);

        human_bytes(real(row, "free_bytes"), words);
        human_bytes(real(row, "bytes"), other);
        snprintf(name, sizeof(name), "Free for %s", text(row, "name"));
        snprintf(more, sizeof(more), "of %s, %s", other, text(row, "path"));
        add_room(list, name, words, more);
    }
    EACH(i, stores)
    {
        struct json_object *row = json_object_array_get_idx(stores, i);

        human_bytes(real(row, "bytes"), words);
        human_number(real(row, "entries"), other);
        snprintf(name, sizeof(name), "Data base %s", text(row, "name"));
        snprintf(more, sizeof(more), "%s entries", other);
        add_room(list, name, words, more);
    }
    return list;
}

static void put_quota(struct json_object *values, struct json_object *facts)
{
    double most = figure(facts, "upload_quota_bytes");
    double used = figure(facts, "upload_stored_bytes") + figure(facts, "upload_promised_bytes");
    struct json_object *quota;
    char words[HUMAN_TEXT];

    if (!(most > 0) || !(used >= 0))
        return;
    quota = json_object_new_object();
    human_bytes(used, words);
    put(quota, "used", words);
    human_bytes(most, words);
    put(quota, "most", words);
    json_object_object_add(quota, "percent", json_object_new_int((int)(used / most * 100)));
    json_object_object_add(values, "quota", quota);
}

/* ---- everything that is counted ---- */

static void add_row(struct json_object *list, const char *name, const char *value, const char *about)
{
    struct json_object *row = json_object_new_object();

    put(row, "name", name);
    put(row, "value", value);
    put(row, "about", about);
    json_object_array_add(list, row);
}

static struct json_object *all_counters(struct json_object *facts, const struct segment *segment)
{
    struct json_object *list = json_object_new_array(), *figures = json_member(facts, "figures");
    char words[HUMAN_TEXT];

    for (unsigned i = 0; i < COUNTS; i++) {
        double value = (double)count_sum(&segment->counts, i);

        if (span_is(span_of(count_unit(i)), "bytes"))
            human_bytes(value, words);
        else
            human_number(value, words);
        add_row(list, count_name(i), words, count_help(i));
    }
    EACH(i, figures)
    {
        struct json_object *row = json_object_array_get_idx(figures, i);

        if (span_is(span_of(text(row, "unit")), "bytes"))
            human_bytes(real(row, "value"), words);
        else
            human_number(real(row, "value"), words);
        add_row(list, text(row, "name"), words, text(row, "about"));
    }
    return list;
}

static void share(struct json_object *values, struct json_object *facts, const char *name)
{
    json_object_object_add(values, name, json_object_get(json_member(facts, name)));
}

void status_page(struct status *status, struct http_request *request)
{
    static const char *const as_they_are[] = { "reasons",    "streams",  "processes",    "faults",
                                               "complaints", "reloaded", "configuration" };
    const struct segment *segment = status->host->segment;
    struct json_object *facts = status_facts(status, request->arena, false);
    struct json_object *values = json_object_new_object();
    char words[HUMAN_TEXT];

    put(values, "title", TEXT(status_title));
    put(values, "place", "status");
    put(values, "path", arena_text(request->arena, span_from(request->path, 1)));
    for (unsigned i = 0; i < sizeof(as_they_are) / sizeof(as_they_are[0]); i++)
        share(values, facts, as_they_are[i]);
    tell_streams(json_member(values, "streams"));
    tell_processes(json_member(values, "processes"));
    tell_complaints(json_member(values, "complaints"));
    put_truth(values, "has_streams", json_object_array_length(json_member(facts, "streams")) > 0);
    put_truth(values, "has_complaints", json_object_array_length(json_member(facts, "complaints")) > 0);
    put_truth(values, "is_ready", json_object_get_boolean(json_member(facts, "ready")));
    human_span(whole(facts, "uptime_seconds") * USEC_PER_SEC, words);
    put(values, "up", words);
    put(values, "started_text", text(facts, "started"));
    if (json_member(facts, "reloaded") != NULL)
        put_ago(values, "reloaded", "reloaded_text");
    json_object_object_add(values, "stats", top_figures(facts, segment));
    status_charts(segment, values);
    put_truth(values, "has_hour", json_member(values, "hour") != NULL);
    json_object_object_add(values, "room", room(facts));
    put_quota(values, facts);
    json_object_object_add(values, "counters", all_counters(facts, segment));
    json_object_put(facts);
    page_answer(status->kit, request, 200, page_wants_part(request) ? "now" : "status", values);
}
