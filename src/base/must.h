/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: must.h - our own book-keeping, checked all day.
 *
 * must() is for what only a mistake of ours can break; it prints where and aborts with a core.
 * A peer's nonsense never reaches it. */
#ifndef STOA_BASE_MUST_H
#define STOA_BASE_MUST_H

#define must(condition) ((condition) ? (void)0 : must_failed(#condition, __FILE__, __LINE__))

_Noreturn void must_failed(const char *condition, const char *file, int line);

/* malloc and friends that end the process when memory is out: every caller would do so. */
void *must_alloc(unsigned long size);                /* zeroed; release with free() */
void *must_realloc(void *block, unsigned long size); /* not zeroed */
char *must_strdup(const char *text);

#endif
