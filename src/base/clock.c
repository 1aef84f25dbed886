/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: clock.c - see clock.h. */
#include "base/clock.h"

#include <stdlib.h>
#include <time.h>

#ifdef STOA_DEVELOPER
#include <stdio.h>

static int64_t test_offset(void)
{
    const char *file = getenv("STOA_TEST_CLOCK_FILE");
    const char *text = getenv("STOA_TEST_CLOCK");
    char line[32] = "";

    if (file) {
        FILE *in = fopen(file, "re");

        if (in) {
            text = fgets(line, sizeof(line), in) ? line : NULL;
            fclose(in);
        }
    }
    return text ? strtoll(text, NULL, 10) * USEC_PER_SEC : 0;
}
#else
static int64_t test_offset(void)
{
    return 0;
}
#endif

static int64_t read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

int64_t clock_wall(void)
{
    return read_clock(CLOCK_REALTIME) + test_offset();
}

int64_t clock_mono(void)
{
    return read_clock(CLOCK_MONOTONIC);
}
