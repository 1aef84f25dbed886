/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: route_book.c - see route_book.h. */
#include "shm/route_book.h"

#include "shm/hash.h"

void route_book_write(struct route_book *book, struct span text)
{
    text = span_head(text, ROUTE_BOOK_MOST);
    for (size_t i = 0; i < (text.size + 7) / 8; i++) {
        uint64_t word = 0;
        struct span piece = span_head(span_from(text, 8 * i), 8);

        memcpy(&word, piece.at, piece.size);
        atomic_store_explicit(&book->words[i], word, memory_order_relaxed);
    }
    atomic_store(&book->size, (uint32_t)text.size);
    atomic_store(&book->check, hash_name(book->seed, text));
}

bool route_book_read(const struct route_book *book, struct buf *out)
{
    uint64_t check = atomic_load(&book->check);
    uint32_t size = atomic_load(&book->size);
    char *into;

    if (size == 0 || size > ROUTE_BOOK_MOST)
        return false;
    into = buf_reserve(out, size + 8);
    for (uint32_t i = 0; i < (size + 7) / 8; i++) {
        uint64_t word = atomic_load_explicit(&book->words[i], memory_order_relaxed);

        memcpy(into + 8 * i, &word, sizeof(word));
    }
    if (hash_name(book->seed, span_make(into, size)) != check)
        return false;
    out->size += size;
    return true;
}
