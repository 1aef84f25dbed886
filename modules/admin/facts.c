/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: facts.c - see facts.h. */
#include "facts.h"

#define COMMAND_FACT(node, group, start, danger, rank) { node, group, start, danger, rank },
static const struct command_fact facts[] = {
#include "etc/command-groups.tbl"
    { "*", FACT_GROUP_OTHER, ACTS, NULL, 0 },
};
#undef COMMAND_FACT

/* A star takes as little as will do; what comes after the last one must end the text. */
bool fact_fits(struct span pattern, struct span text)
{
    struct span after = { NULL, 0 }, retry = text;

    for (;;) {
        if (pattern.size > 0 && pattern.at[0] == '*') {
            after = pattern = span_from(pattern, 1);
            retry = text;
        } else if (pattern.size > 0 && text.size > 0 && pattern.at[0] == text.at[0]) {
            pattern = span_from(pattern, 1);
            text = span_from(text, 1);
        } else if (pattern.size == 0 && text.size == 0) {
            return true;
        } else if (after.at == NULL || retry.size == 0) {
            return false;
        } else {
            text = retry = span_from(retry, 1);
            pattern = after;
        }
    }
}

const struct command_fact *fact_of(struct span node)
{
    size_t at = 0;

    while (!fact_fits(span_of(facts[at].node), node))
        at++;
    return &facts[at];
}
