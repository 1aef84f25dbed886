/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: stand.h - how the daemon stands, read from the segment without disturbing it: the same
 * facts for stoactl, the status page and what watches us. */
#ifndef STOA_MODULE_STAND_H
#define STOA_MODULE_STAND_H

#include "parse/json.h"
#include "shm/segment.h"

/* A row of the board that somebody is in. */
bool stand_is_there(const struct board_row *row);
/* How long no password is shown to the XMPP server because it turned us away; 0: they are shown. */
int64_t stand_refused_seconds(const struct login_gate *gate);

/* The duration that share (0..1) of the requests of the last five minutes did not exceed, in microseconds;
 * -1: there were none. */
int64_t stand_quantile(const struct segment *segment, double share);

/* All of it as an object, to be put: version, master_pid, started, uptime_seconds, configuration, reloaded,
 * processes, streams, logins, counters, requests, complaints. Moments are texts as XEP-0082 has them. */
struct json_object *stand_json(const struct segment *segment);
void stand_write(const struct segment *segment, struct buf *out); /* the same as text */

#endif
