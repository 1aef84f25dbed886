/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: report.h - figures that a module tells of itself, for the status page, JSON and
 * OpenMetrics. What counts.tbl counts is there anyway; this is for what must be looked up: bytes stored,
 * quota, sizes of tables, queues. */
#ifndef STOA_MODULE_REPORT_H
#define STOA_MODULE_REPORT_H

#include "module/module.h"

struct report;

/* name: as in OpenMetrics without the prefix ("upload_stored_bytes"); unit: "bytes", "seconds" or ""; about:
 * a sentence. All static texts. At most 64 figures for one module. */
void report_gauge(struct report *report, const char *name, const char *unit, const char *about, double value);
/* The size of one LMDB environment: as stoa_store_bytes{store="upload"} and the like. */
struct store;
void report_store(struct report *report, const char *name, struct store *store);

#endif
