/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: report.c - see report.h. */
#include "module/report.h"

#include "module/desk.h"
#include "store/store.h"

#include <errno.h>
#include <sys/statvfs.h>

#define FIGURES_MOST 64 /* of one module */
#define FAULTS_MOST  64 /* of all: somebody looks at them */

void report_gauge(struct report *report, const char *name, const char *unit, const char *about, double value)
{
    struct report_figure *figure = arena_make(report->arena, struct report_figure);

    must(report->count++ < FIGURES_MOST);
    figure->module = report->module;
    figure->name = name;
    figure->unit = unit;
    figure->about = about;
    figure->value = value;
    list_append(&report->figures, &figure->node);
}

void report_store(struct report *report, const char *name, struct store *store)
{
    struct report_store_row *row = arena_make(report->arena, struct report_store_row);
    struct store_size size;

    store_size(store, &size);
    if (size.map_bytes == 0) {
        report_fault(report, true, name, "the data base cannot be read; the log says why");
        return;
    }
    row->name = arena_text(report->arena, span_of(name));
    row->used_bytes = size.used_bytes;
    row->map_bytes = size.map_bytes;
    row->entries = size.entries;
    row->readers = size.readers;
    list_append(&report->stores, &row->node);
}

void report_folder(struct report *report, const char *name, const char *path)
{
    struct report_folder_row *row;
    struct statvfs room;

    if (statvfs(path, &room) != 0) {
        report_fault(report, true, path, strerror(errno));
        return;
    }
    row = arena_make(report->arena, struct report_folder_row);
    row->name = arena_text(report->arena, span_of(name));
    row->path = arena_text(report->arena, span_of(path));
    row->free_bytes = (uint64_t)room.f_bavail * room.f_frsize;
    row->bytes = (uint64_t)room.f_blocks * room.f_frsize;
    list_append(&report->folders, &row->node);
}

void report_fault(struct report *report, bool blocks, const char *what, const char *why)
{
    struct report_fault_row *row;
    unsigned count = 0;

    LIST_EACH (node, &report->faults)
        count++;
    if (count >= FAULTS_MOST && !blocks)
        return;
    row = arena_make(report->arena, struct report_fault_row);
    row->module = report->module;
    row->what = arena_text(report->arena, span_of(what));
    row->why = arena_text(report->arena, span_of(why));
    row->blocks = blocks;
    list_append(&report->faults, &row->node);
}

void report_all(const struct module_host *host, struct arena *arena, struct report *report_r)
{
    struct hosts *hosts = host->desk ? host->desk->hosts : NULL;

    *report_r = (struct report){ .arena = arena };
    list_init(&report_r->figures);
    list_init(&report_r->stores);
    list_init(&report_r->folders);
    list_init(&report_r->faults);
    for (size_t i = 0; hosts && i < hosts->count; i++) {
        struct module_host *one = &hosts->items[i];

        if (one->module->report == NULL)
            continue;
        report_r->module = one->module->name;
        report_r->count = 0;
        one->module->report(one, report_r);
    }
    report_r->module = NULL;
}
