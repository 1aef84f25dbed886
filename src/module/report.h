/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: report.h - figures that a module tells of itself, for the status page, JSON and
 * OpenMetrics. What counts.tbl counts is there anyway; this is for what must be looked up: bytes stored,
 * quota, sizes of tables, queues. */
#ifndef STOA_MODULE_REPORT_H
#define STOA_MODULE_REPORT_H

#include "base/list.h"
#include "module/module.h"

struct report;

/* name: as in OpenMetrics without the prefix ("upload_stored_bytes"); unit: "bytes", "seconds" or ""; about:
 * a sentence. All static texts. At most 64 figures for one module. */
void report_gauge(struct report *report, const char *name, const char *unit, const char *about, double value);
/* The size of one LMDB environment: as stoa_store_bytes{store="upload"} and the like. */
struct store;
void report_store(struct report *report, const char *name, struct store *store);

/* How much room is left where that folder lies, as stoa_folder_free_bytes{folder="upload"}; too little of it
 * (http/status/min-free-space) makes readyz answer 503. */
void report_folder(struct report *report, const char *name, const char *path);
/* What is wrong with the module now. blocks: it cannot do its work, so readyz answers 503; else it is told on
 * the status page only. what: which thing ("scripts/rest/stats/Stats.lua"), why: a sentence; both copied. */
void report_fault(struct report *report, bool blocks, const char *what, const char *why);

/* ---- for who shows them ---- */
struct report_figure {
    struct list node;
    const char *module, *name, *unit, *about;
    double value;
};
struct report_store_row {
    struct list node;
    const char *name;
    uint64_t used_bytes, map_bytes, entries;
    unsigned readers;
};
struct report_folder_row {
    struct list node;
    const char *name, *path;
    uint64_t free_bytes, bytes;
};
struct report_fault_row {
    struct list node;
    const char *module, *what, *why;
    bool blocks;
};

struct report {
    struct arena *arena;
    struct list figures, stores, folders, faults; /* of the rows above */
    const char *module;                           /* which is asked just now; NULL: none, the core itself */
    unsigned count;                               /* figures of that one */
};

/* What all active modules of this process say now; all of it lies in arena. */
void report_all(const struct module_host *host, struct arena *arena, struct report *report_r);

#endif
