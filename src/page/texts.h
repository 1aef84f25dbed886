/* SPDX-License-Identifier: ISC */
/* floor 5 sees libc: texts.h - the texts of texts.tbl, by symbol for C and by name for templates. */
#ifndef STOA_PAGE_TEXTS_H
#define STOA_PAGE_TEXTS_H

enum page_text {
#define TEXT_ROW(symbol, english) TEXT_##symbol,
#include "page/texts.tbl"
#undef TEXT_ROW
    TEXT_COUNT
};

#define TEXT(symbol) page_text(TEXT_##symbol)

const char *page_text(enum page_text text);
/* NULL: there is none of that name. */
const char *page_text_find(const char *name);

#endif
