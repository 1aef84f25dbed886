/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_place.h - where in a body something is wrong, as people count: lines and columns.
 */
#ifndef STOA_REST_REST_PLACE_H
#define STOA_REST_REST_PLACE_H

#include "base/span.h"

/* "The XML is bad at line 2, column 7: why" */
void rest_place_say(struct span text, size_t at, const char *format, const char *why, char *why_r,
                    size_t why_size);

#endif
