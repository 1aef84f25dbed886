/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: host.h - the modules as they stand in one process: their hosts, their IQs, their claims.
 */
#ifndef STOA_MODULE_HOST_H
#define STOA_MODULE_HOST_H

#include "module/load.h"
#include "shm/mail.h"

struct hosts {
    struct module_host items[MODULES_MOST]; /* of the active modules only */
    size_t count;
};

/* A host per active module, without anything started. */
void hosts_make(struct hosts *hosts, const struct modules *modules, const struct heritage *heritage,
                struct loop *loop);

/* ---- IQs: a worker's desk between the router's letters and the modules' rows ---- */
struct iq_desk;

struct iq_desk *iq_desk_new(struct hosts *hosts);
void iq_desk_free(struct iq_desk **desk);
/* Before the first letter may come: where answers go. */
void iq_desk_attach(struct iq_desk *desk, struct post *post);
/* The router came up: claims, descriptions, READY. */
void iq_desk_joined(struct iq_desk *desk, unsigned row, uint32_t generation);
/* It is gone: whoever still works on an IQ of it may answer, and nobody hears. */
void iq_desk_lost(struct iq_desk *desk, unsigned row, uint32_t generation);
void iq_desk_letter(struct iq_desk *desk, unsigned row, uint32_t generation, const struct letter *letter);
unsigned iq_desk_open(const struct iq_desk *desk); /* IQs in hand */

#endif
