/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: facts.h - what etc/command-groups.tbl knows of commands. */
#ifndef STOA_ADMIN_FACTS_H
#define STOA_ADMIN_FACTS_H

#include "base/span.h"

enum command_start { ACTS, ASKS, TELLS };

struct command_fact {
    const char *node;
    const char *group;
    enum command_start start;
    const char *danger; /* NULL: none */
    unsigned rank;      /* among the most common actions; 0: none */
};

#define FACT_GROUP_OTHER "Other"

/* Never NULL: of a node that nobody knows the group is Other, and it acts. */
const struct command_fact *fact_of(struct span node);
/* Whether text fits the pattern, in which each star stands for any text. */
bool fact_fits(struct span pattern, struct span text);

#endif
