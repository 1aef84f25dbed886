/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: bell.h - an eventfd by which one process wakes another that sleeps in epoll.
 *
 * The order is fixed (style: clear, look, only then sleep): the sleeper clears the bell, then looks for work.
 */
#ifndef STOA_OS_BELL_H
#define STOA_OS_BELL_H

int bell_new(
    void); /* non-blocking, close-on-exec is NOT set: children inherit it by fork only; -1 with errno */
void bell_ring(int fd);  /* never blocks, cannot fail */
void bell_clear(int fd); /* never blocks */

#endif
