/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: form_urlencoded.h - bodies of forms as browsers send them:
 * application/x-www-form-urlencoded here, multipart/form-data in multipart.h; both give the same fields.
 *
 * What is given lies in the arena or in the body itself, and is UTF-8 without NUL, but for contents of files.
 */
#ifndef STOA_PARSE_FORM_URLENCODED_H
#define STOA_PARSE_FORM_URLENCODED_H

#include "base/arena.h"

struct form_field {
    struct span name, value; /* never at NULL */
    struct span filename;    /* of a file; at NULL: none */
};

struct form_fields {
    struct form_field *items; /* in the arena */
    size_t count;
};

enum form_verdict {
    FORM_GOOD,
    FORM_BAD,  /* *why_r: what is wrong, static text */
    FORM_MANY, /* more than most fields */
};

enum form_verdict form_urlencoded_parse(struct arena *arena, struct span body, size_t most,
                                        struct form_fields *fields_r, const char **why_r);

#endif
