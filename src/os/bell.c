/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: bell.c - see bell.h. */
#include "os/bell.h"

#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int bell_new(void)
{
    return eventfd(0, EFD_NONBLOCK);
}

/* EAGAIN means that the counter is full, so the sleeper is awake anyway; nothing else can happen. */
void bell_ring(int fd)
{
    uint64_t one = 1;
    ssize_t ignored = write(fd, &one, sizeof(one));

    (void)ignored;
}

void bell_clear(int fd)
{
    uint64_t count;
    ssize_t ignored = read(fd, &count, sizeof(count));

    (void)ignored;
}
