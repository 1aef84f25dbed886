/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: route_book.h - what the workers serve, as text, for stoactl: a line for each route.
 *
 * Every worker writes it when it comes up, those of one configuration all the same. A digest over it tells a
 * whole text from one that is being written, or was left half written. */
#ifndef STOA_SHM_ROUTE_BOOK_H
#define STOA_SHM_ROUTE_BOOK_H

#include "base/buf.h"

#include <stdatomic.h>
#include <stdint.h>

#define ROUTE_BOOK_MOST  32768
#define ROUTE_BOOK_WORDS (ROUTE_BOOK_MOST / 8)

struct route_book {
    uint64_t seed; /* fixed before the first fork */
    _Atomic uint64_t check;
    _Atomic uint32_t size;
    _Atomic uint64_t words[ROUTE_BOOK_WORDS];
};

void route_book_write(struct route_book *book, struct span text); /* cut to ROUTE_BOOK_MOST */
/* Appends it to out. false: it is being written, or nobody wrote it. */
bool route_book_read(const struct route_book *book, struct buf *out);

#endif
