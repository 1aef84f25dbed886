/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: heritage.h - all that a child knows by birth; filled by master only, const for the child.
 */
#ifndef STOA_SHM_HERITAGE_H
#define STOA_SHM_HERITAGE_H

#include "shm/segment.h"

#include <sys/types.h>

#define LISTEN_MOST 64

struct conf; /* floor 4: opaque here */
struct settings;
struct connection_settings;

struct listener {
    int fd;                                     /* bound by master; a worker accepts, never closes */
    const struct connection_settings *settings; /* of the configuration that this child runs */
};

struct heritage {
    struct listener listeners[LISTEN_MOST];
    unsigned listener_count;
    int bell_fd[BOARD_ROWS]; /* eventfds, made once before the first fork; [row] wakes that row */
    struct segment *segment;
    unsigned row;
    uint32_t generation;
    enum process_kind kind;
    int steer_fd; /* the keeper's line to master (src/master/README.md); -1: none */
    pid_t master_pid;
    struct conf *conf; /* the configuration that this child runs, and its core part */
    const struct settings *settings;
    const void *prepared; /* what master_options.prepare made of it (TLS contexts); borrowed */
};

#endif
