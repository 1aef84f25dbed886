/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: problem.h - the rows of problem.tbl as an enum, and what each means to whom. */
#ifndef STOA_BASE_PROBLEM_H
#define STOA_BASE_PROBLEM_H

enum problem {
#define PROBLEM(symbol, http, condition, type, text) PROBLEM_##symbol,
#include "base/problem.tbl"
#undef PROBLEM
    PROBLEM_COUNT
};

int problem_status(enum problem problem);            /* HTTP status code */
const char *problem_condition(enum problem problem); /* element name of RFC 6120 8.3.3 */
const char *problem_type(enum problem problem);      /* auth, cancel, modify, wait */
const char *problem_text(enum problem problem);      /* a sentence without full stop */

#endif
