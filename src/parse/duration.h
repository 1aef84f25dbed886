/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: duration.h - ISO 8601 durations (PT6H, P30D, P1DT2H3.5S, P2W) as microseconds. */
#ifndef STOA_PARSE_DURATION_H
#define STOA_PARSE_DURATION_H

#include "base/buf.h"
#include "base/span.h"

#include <stdint.h>

/* true: *usec_r is the duration, 0 or more; *lenient_r tells that a "T" was missing ("P6H", as the guide of
 * the reference implementation has it) and understood. false: *why_r is static text that says what to write
 * instead. Refused: years and months (their length is not fixed), signs, more than 292,000 years. Only the
 * last number may have a fraction ('.' or ','). */
bool duration_parse(struct span text, int64_t *usec_r, bool *lenient_r, const char **why_r);

/* Appends the shortest text of it: "PT6H", "P1DT2H3.5S", "PT0S". usec is not negative. */
void duration_write(struct buf *out, int64_t usec);

#endif
