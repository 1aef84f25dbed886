/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: facts.c - what there is to say, as JSON, and what keeps us from serving. */
#include "status.h"

#include "base/clock.h"
#include "base/text.h"
#include "module/stand.h"

#include <stdarg.h>
#include <stdio.h>

void status_report(const struct status *status, struct arena *arena, struct report *report_r)
{
    const struct settings *settings = status->host->settings;

    report_all(status->host, arena, report_r);
    report_folder(report_r, "data", settings->processes->data_dir);
    if (settings->log->target == LOG_TO_FILES)
        report_folder(report_r, "logs", settings->log->directory);
}

/* ---- readiness ---- */

static void add_reason(struct json_object *reasons, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add_reason(struct json_object *reasons, const char *format, ...)
{
    char text[600];
    struct buf clean = { 0 };
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    text_add_log(&clean, span_of(text)); /* one line, whatever a server says of itself */
    json_object_array_add(reasons, json_object_new_string_len(clean.at, (int)clean.size));
    buf_free(&clean);
}

static bool find_link(const struct links *links, const char *name, struct link_view *view_r)
{
    for (size_t i = 0; i < LINKS_MOST; i++) {
        link_read(&links->links[i], view_r);
        if (view_r->state != LINK_UNUSED && span_is(span_of(view_r->name), name))
            return true;
    }
    return false;
}

static void add_streams(struct json_object *reasons, const struct status *status)
{
    const struct conf_sections *components = &status->host->settings->xmpp->components;

    for (size_t i = 0; i < components->count; i++) {
        const struct component_settings *component = components->items[i];
        char since[STAMP_SIZE];
        struct link_view view;

        if (!component->section.active)
            continue;
        if (!find_link(&status->host->segment->links, component->section.name, &view)) {
            add_reason(reasons, "no stream for %s yet", component->section.name);
        } else if (view.state != LINK_UP) {
            text_stamp(view.since, since);
            add_reason(reasons, "no stream for %s since %s: %s", component->section.name, since,
                       view.trouble[0] ? view.trouble : "it is being opened");
        }
    }
}

/* A worker that drains says so only when nobody takes its place: after a reload others serve already. */
static void add_processes(struct json_object *reasons, const struct board *board)
{
    bool serves = false, drains = false;

    for (unsigned row = ROW_WORKER_0; row < BOARD_ROWS; row++) {
        uint32_t state = atomic_load(&board->rows[row].state);

        serves |= state == ROW_LIVE;
        drains |= state == ROW_DRAINING;
    }
    if (!serves)
        add_reason(reasons, drains ? "the daemon drains: it takes nothing new" : "no worker is ready yet");
    if (atomic_load(&board->rows[ROW_ROUTER].state) != ROW_LIVE)
        add_reason(reasons, "the router is not ready: it is being started");
}

struct json_object *status_reasons(const struct status *status, const struct report *report)
{
    struct json_object *reasons = json_object_new_array();
    uint64_t least = (uint64_t)status->conf->min_free_space;

    add_processes(reasons, &status->host->segment->board);
    add_streams(reasons, status);
    LIST_EACH (node, &report->folders) {
        const struct report_folder_row *row = LIST_OF(node, struct report_folder_row, node);

        if (row->free_bytes < least)
            add_reason(reasons, "no space: %llu bytes are left below %s, less than the %llu that are wanted",
                       (unsigned long long)row->free_bytes, row->path, (unsigned long long)least);
    }
    LIST_EACH (node, &report->faults) {
        const struct report_fault_row *row = LIST_OF(node, struct report_fault_row, node);

        if (row->blocks)
            add_reason(reasons, "%s: %s", row->what, row->why);
    }
    return reasons;
}

/* ---- all of it ---- */

static void add_text(struct json_object *into, const char *name, const char *text)
{
    json_object_object_add(into, name, text ? json_object_new_string(text) : NULL);
}

static void add_number(struct json_object *into, const char *name, uint64_t number)
{
    json_object_object_add(into, name, json_object_new_uint64(number));
}

static struct json_object *figures(const struct report *report)
{
    struct json_object *list = json_object_new_array();

    LIST_EACH (node, &report->figures) {
        const struct report_figure *figure = LIST_OF(node, struct report_figure, node);
        struct json_object *one = json_object_new_object();

        add_text(one, "module", figure->module);
        add_text(one, "name", figure->name);
        add_text(one, "unit", figure->unit);
        add_text(one, "about", figure->about);
        json_object_object_add(one, "value", json_object_new_double(figure->value));
        json_object_array_add(list, one);
    }
    return list;
}

static struct json_object *stores(const struct report *report)
{
    struct json_object *list = json_object_new_array();

    LIST_EACH (node, &report->stores) {
        const struct report_store_row *row = LIST_OF(node, struct report_store_row, node);
        struct json_object *one = json_object_new_object();

        add_text(one, "name", row->name);
        add_number(one, "bytes", row->used_bytes);
        add_number(one, "map_bytes", row->map_bytes);
        add_number(one, "entries", row->entries);
        add_number(one, "readers", row->readers);
        json_object_array_add(list, one);
    }
    return list;
}

static struct json_object *folders(const struct report *report)
{
    struct json_object *list = json_object_new_array();

    LIST_EACH (node, &report->folders) {
        const struct report_folder_row *row = LIST_OF(node, struct report_folder_row, node);
        struct json_object *one = json_object_new_object();

        add_text(one, "name", row->name);
        add_text(one, "path", row->path);
        add_number(one, "free_bytes", row->free_bytes);
        add_number(one, "bytes", row->bytes);
        json_object_array_add(list, one);
    }
    return list;
}

static struct json_object *faults(const struct report *report)
{
    struct json_object *list = json_object_new_array();

    LIST_EACH (node, &report->faults) {
        const struct report_fault_row *row = LIST_OF(node, struct report_fault_row, node);
        struct json_object *one = json_object_new_object();

        add_text(one, "module", row->module);
        add_text(one, "what", row->what);
        add_text(one, "why", row->why);
        json_object_object_add(one, "blocks", json_object_new_boolean(row->blocks));
        json_object_array_add(list, one);
    }
    return list;
}

struct json_object *status_facts(const struct status *status, struct arena *arena, bool history)
{
    struct json_object *out = stand_json(status->host->segment), *reasons;
    struct report report;

    status_report(status, arena, &report);
    reasons = status_reasons(status, &report);
    json_object_object_add(out, "ready", json_object_new_boolean(json_object_array_length(reasons) == 0));
    json_object_object_add(out, "reasons", reasons);
    json_object_object_add(out, "figures", figures(&report));
    json_object_object_add(out, "stores", stores(&report));
    json_object_object_add(out, "folders", folders(&report));
    json_object_object_add(out, "faults", faults(&report));
    if (history)
        json_object_object_add(out, "history", status_history(status->host->segment));
    return out;
}
