/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: track.h - writing down what somebody does (shm/tracker.h), from a worker's side. */
#ifndef STOA_MODULE_TRACK_H
#define STOA_MODULE_TRACK_H

#include "module/call.h"
#include "shm/tracker.h"

/* As ask_errand; file empty: no more. bad_request: text says why not. */
void track_ask(struct module_host *host, struct ask *ask, struct arena *arena, struct span jid,
               struct span file);
/* To each file into which what jid does belongs; text: without line end. Costs a load when nobody is tracked.
 */
void track_say(struct module_host *host, struct span jid, struct span text);

#endif
