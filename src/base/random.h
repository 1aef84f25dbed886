/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: random.h - unpredictable bytes from the kernel; nothing else in Stoa makes random (R8).
 */
#ifndef STOA_BASE_RANDOM_H
#define STOA_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *into, size_t size); /* getrandom(2): no state of ours, so a fork needs no reseed */
uint64_t random_below(uint64_t limit); /* 0 .. limit-1; limit > 0; the bias is below 2^-32 for small limits */

#endif
