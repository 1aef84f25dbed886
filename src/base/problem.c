/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: problem.c - see problem.h. */
#include "base/problem.h"

#include "base/must.h"

static const struct {
    int status;
    const char *condition, *type, *text;
} rows[PROBLEM_COUNT] = {
#define PROBLEM(symbol, http, condition, type, text) [PROBLEM_##symbol] = { http, condition, type, text },
#include "base/problem.tbl"
#undef PROBLEM
};

int problem_status(enum problem problem)
{
    must(problem < PROBLEM_COUNT);
    return rows[problem].status;
}

const char *problem_condition(enum problem problem)
{
    must(problem < PROBLEM_COUNT);
    return rows[problem].condition;
}

const char *problem_type(enum problem problem)
{
    must(problem < PROBLEM_COUNT);
    return rows[problem].type;
}

const char *problem_text(enum problem problem)
{
    must(problem < PROBLEM_COUNT);
    return rows[problem].text;
}
