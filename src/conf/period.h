/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: period.h - lengths of time as they stand in a config.tdsl.
 *
 * Not parse/duration.h: that floor is not seen from here, and a file written by a person wants other answers
 * than a request does. */
#ifndef STOA_CONF_PERIOD_H
#define STOA_CONF_PERIOD_H

#include "base/buf.h"
#include "base/span.h"

#include <stdint.h>

/* ISO 8601 (P1W, P30D, PT6H, P1DT2H3.5S, as java.time.Duration reads them) into microseconds.
 * *lenient_r: the T was missing before hours or seconds, as in P6H. false: *why_r is a sentence. */
bool period_iso(struct span text, int64_t *usec_r, bool *lenient_r, const char **why_r);

/* Digits with ms, s, m, h or d; *unit_r is false when they are bare, *usec_r then holds the bare number. */
bool period_plain(struct span text, int64_t *usec_r, bool *unit_r);

/* The shortest form that one of the two reads back: 30d, 90s, 250ms, PT0.000001S. */
void period_write(struct buf *out, int64_t usec);

#endif
