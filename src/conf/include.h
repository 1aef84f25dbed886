/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: include.h - files as text: the main one, and those that an include names. */
#ifndef STOA_CONF_INCLUDE_H
#define STOA_CONF_INCLUDE_H

#include "conf/tree.h"

#include <sys/stat.h>

#define INCLUDE_DEPTH_MOST 8

/* Who includes whom, from the file being read up to the first; each on the stack of its reader. */
struct include_chain {
    const struct include_chain *includer; /* NULL: the first file */
    const char *file;
    dev_t device;
    ino_t inode;
    unsigned depth;
};

/* Reads file into root; false after saying why. */
bool include_main(struct conf *conf, struct tree_node *root, const char *file);
/* Reads all files that pattern matches, in the order of their names, into the section into. A pattern with
 * wildcards may match nothing. false after saying why. */
bool include_files(struct conf *conf, const struct include_chain *chain, struct tree_node *into,
                   const char *pattern, const struct place *at);

#endif
