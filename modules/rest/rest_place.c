/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_place.c - see rest_place.h. */
#include "rest_place.h"

#include <stdio.h>

void rest_place_say(struct span text, size_t at, const char *format, const char *why, char *why_r,
                    size_t why_size)
{
    unsigned line = 1, column = 1;

    for (size_t i = 0; i < at && i < text.size; i++) {
        if (text.at[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text.at[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    snprintf(why_r, why_size, "The %s is bad at line %u, column %u: %s", format, line, column, why);
}
