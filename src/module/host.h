/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: host.h - the modules as they stand in one process: their hosts, their IQs, their claims.
 */
#ifndef STOA_MODULE_HOST_H
#define STOA_MODULE_HOST_H

#include "module/load.h"
#include "shm/mail.h"

#define CORE_ERRANDS "core" /* what a module's name is in an errand that the keeper itself does */

struct hosts {
    struct module_host items[MODULES_MOST]; /* of the active modules only */
    size_t count;
    enum process_kind kind;  /* of the process that has them */
    struct module_host core; /* for what no module asks: its module is NULL */
    const struct modules *installed;
    void (*track)(struct span file, struct span line); /* of a keeper */
    const struct errand_row *core_errands;             /* the keeper's own; NULL: none */
};

/* A host per active module, without anything started. */
void hosts_make(struct hosts *hosts, const struct modules *modules, const struct heritage *heritage,
                struct loop *loop);

/* ---- a process's desk between letters and modules: IQs that come in, what modules ask, errands ---- */
struct desk;

struct desk *desk_new(struct hosts *hosts, struct loop *loop); /* sets each host's desk */
void desk_free(struct desk **desk); /* nothing that was asked is answered any more; no done is called */
/* Before the first letter may come: where answers go. */
void desk_attach(struct desk *desk, struct post *post);
/* The calls of a post whose data is the desk: the router comes up (claims, descriptions, READY), goes (what
 * was asked of it fails), says something. */
extern const struct post_calls desk_post_calls;

/* This process is to end: asks the router to give it nothing more. */
void desk_leave(struct desk *desk);
/* How much is in hand: IQs that came in, what modules asked; and 1 more for a router that has not let us go
 * after desk_leave. */
unsigned desk_open(const struct desk *desk);
/* After desk_leave: the router has been told and gives nothing more. */
bool desk_was_let_go(const struct desk *desk);
unsigned desk_errands(const struct desk *desk); /* that this keeper works on and somebody waits for */

#endif
