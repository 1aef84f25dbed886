/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: desk.h - what desk.c, iq.c, ask.c and errand.c share. */
#ifndef STOA_MODULE_DESK_H
#define STOA_MODULE_DESK_H

#include "base/map.h"
#include "base/must.h"
#include "module/call.h"
#include "module/host.h"

struct desk {
    OBJECT_MAGIC
    struct hosts *hosts; /* borrowed */
    struct loop *loop;   /* borrowed */
    struct post *post;   /* borrowed; NULL before attach and after the end */
    uint32_t router;     /* generation of the router that joined; 0: none */
    bool leaving, let_go;
    bool freed; /* the last incoming call frees the desk */

    struct list in; /* struct iq_call of iq.c */
    unsigned in_count;

    struct list asked;     /* struct ask */
    struct map *asked_map; /* owned; by the bytes of ask->call */
    unsigned asked_count;
    uint64_t serial;

    struct list errands; /* struct errand_call of errand.c */
    unsigned errand_count;

    struct list commands; /* struct command_run of command_run.c */
    unsigned command_count;
};

/* false: it is gone, or its queue is full. */
bool desk_say(struct desk *desk, unsigned row, uint32_t generation, const struct letter *letter);

/* As ask_errand, for a module of that name. */
void desk_errand(struct module_host *host, struct ask *ask, struct arena *arena, const char *module,
                 const char *name, struct span body, int64_t wait);

void desk_iq_letter(struct desk *desk, unsigned row, uint32_t generation, const struct letter *letter);
void desk_ask_letter(struct desk *desk, const struct letter *letter);
void desk_asks_fail(struct desk *desk, enum problem problem);
void desk_asks_forget(struct desk *desk);
void desk_errand_letter(struct desk *desk, const struct letter *letter);
void desk_commands_forget(
    struct desk *desk); /* those that were asked by ask_* functions; the others are IQs */
/* Whether the IQ is for our own commands, and has been taken care of. */
bool desk_command_iq(struct desk *desk, struct span service, struct iq_request *request);
void desk_settle(struct desk *desk); /* frees it when it may go */

#endif
