/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: status.h - what the files of the module status share. */
#ifndef STOA_STATUS_STATUS_H
#define STOA_STATUS_STATUS_H

#include "base/object.h"
#include "http/forward.h"
#include "http/reply.h"
#include "module/command.h"
#include "module/report.h"
#include "page/page.h"
#include "parse/json.h"
#include "status_conf.h"

/* The worker's state of the module. */
struct status {
    OBJECT_MAGIC
    struct module_host *host; /* borrowed */
    const struct status_conf *conf;
    struct trusted access, metrics; /* owned; who sees what without a login */
    struct page_kit *kit;           /* owned */
};

/* ---- who may see it (status.c) ---- */
/* Whether the request's client is in one of these networks, for certain. */
bool status_is_near(const struct http_request *request, const struct trusted *networks);

/* ---- facts (facts.c) ---- */
/* What the modules and the core's own folders say; all in arena. */
void status_report(const struct status *status, struct arena *arena, struct report *report_r);
/* Texts, one for each thing that keeps us from serving; an empty array: ready. To be put. */
struct json_object *status_reasons(const struct status *status, const struct report *report);
/* All that there is to say, to be put: stand_json and what the modules report. history: the last hour, too.
 */
struct json_object *status_facts(const struct status *status, struct arena *arena, bool history);

/* ---- the last hour (hour.c) ---- */
struct hour_point {
    int64_t wall, usec;            /* when it ended, and how long it was */
    double values[HISTORY_VALUES]; /* totals: a second; the others: as they were at its end */
    int64_t p50, p99;              /* of its requests, microseconds; -1: there were none */
};
/* Of one of the segment's rings; oldest first, up to this moment; returns how many. */
size_t status_hour(const struct segment *segment, const struct history_ring *ring,
                   struct hour_point points_r[HISTORY_SLOTS]);
struct json_object *status_history(const struct segment *segment); /* to be put */

/* Adds "charts" (chart.c has what is in one), "hour_columns" and "hour" to what a template shows. */
void status_charts(const struct segment *segment, struct json_object *values);

/* ---- OpenMetrics (metrics.c) ---- */
/* is_open: OpenMetrics 1.0, else the text format of Prometheus (0.0.4). */
void status_metrics(const struct status *status, struct arena *arena, bool is_open, struct buf *out);

/* ---- the page (page.c) ---- */
void status_page(struct status *status, struct http_request *request);

/* ---- ad-hoc commands (commands.c) ---- */
extern const struct command_table status_commands[];

/* ---- handlers ---- */
void status_show(struct http_request *request); /* status.c: the page, or JSON */
void status_show_metrics(struct http_request *request);
void status_healthz(struct http_request *request);
void status_readyz(struct http_request *request);

#endif
