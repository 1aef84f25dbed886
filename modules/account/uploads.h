/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: uploads.h - somebody's own uploads, as the upload component's commands tell them:
 * listed, counted, deleted; no other module is looked into. */
#ifndef STOA_ACCOUNT_UPLOADS_H
#define STOA_ACCOUNT_UPLOADS_H

#include "module/command.h"
#include "parse/json.h"

#define UPLOADS_PAGE "20" /* files shown at once */

struct uploads_ask { /* zero-initialised; lives until done or uploads_cancel */
    struct ask ask;
    void (*done)(struct uploads_ask *ask);
    void *data;
    bool is_good; /* the command was completed */
    struct command command;
};

/* The upload component, if it can be asked here; else at NULL. */
struct span uploads_component(const struct module_host *host);

/* Runs that command with one or two fields as the user; var NULL: none. Texts must live until done. */
void uploads_run(struct uploads_ask *ask, struct module_host *host, struct arena *arena, struct span user,
                 const char *node, const char *const *vars, struct span *values, size_t count);
void uploads_cancel(struct uploads_ask *ask);

/* After query-files: [{id, name, size, type, stamp, expires, url}], new; *next_r: behind which the next page
 * begins, or empty. */
struct json_object *uploads_list(const struct uploads_ask *ask, struct arena *arena, struct span *next_r);
/* A number of query-space-used; -1: it is not told. */
int64_t uploads_number(const struct uploads_ask *ask, struct arena *arena, const char *var);

/* "1.4 MB" */
const char *uploads_size(struct arena *arena, int64_t bytes);

#endif
