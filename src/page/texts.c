/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0: texts.c - see texts.h. */
#include "page/texts.h"

#include "base/must.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name, *english;
} rows[] = {
#define TEXT_ROW(symbol, english) { #symbol, english },
#include "page/texts.tbl"
#undef TEXT_ROW
};

const char *page_text(enum page_text text)
{
    must(text < TEXT_COUNT);
    return rows[text].english;
}

const char *page_text_find(const char *name)
{
    for (size_t i = 0; i < TEXT_COUNT; i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].english;
    return NULL;
}
