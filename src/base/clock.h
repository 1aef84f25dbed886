/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: clock.h - the time, in microseconds, through one door.
 *
 * Wall time is for what people and files see; monotonic time for deadlines: it never jumps. In developer
 * builds the environment variable STOA_TEST_CLOCK (seconds, may be negative) or the file that
 * STOA_TEST_CLOCK_FILE names (holding the same, read at each call) is added to the wall clock, so that tests
 * can let things expire. */
#ifndef STOA_BASE_CLOCK_H
#define STOA_BASE_CLOCK_H

#include <stdint.h>

#define USEC_PER_SEC  INT64_C(1000000)
#define USEC_PER_MSEC INT64_C(1000)

int64_t clock_wall(void); /* microseconds since 1970-01-01T00:00:00Z */
int64_t clock_mono(void); /* microseconds since some moment of this boot; the same in all processes */

#endif
