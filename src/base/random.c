/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: random.c - see random.h. */
#include "base/random.h"

#include "base/must.h"

#include <errno.h>
#include <sys/random.h>

void random_bytes(void *into, size_t size)
{
    char *at = into;

    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);

        if (got < 0 && errno == EINTR)
            continue;
        must(got > 0);
        at += got;
        size -= (size_t)got;
    }
}

uint64_t random_below(uint64_t limit)
{
    uint64_t number;

    must(limit > 0);
    random_bytes(&number, sizeof(number));
    return number % limit;
}
