/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: tree.h - a config.tdsl as sections and values with their places, before any table is asked.
 *
 * All nodes and texts live in the conf's arena. */
#ifndef STOA_CONF_TREE_H
#define STOA_CONF_TREE_H

#include "conf/lexer.h"

struct conf;
struct tree_node;

enum tree_value_kind {
    TREE_BARE,   /* without quotes */
    TREE_QUOTED, /* with quotes, or from the environment */
    TREE_NULL,   /* null: as if the line were not there */
    TREE_LIST,
    TREE_MAP, /* { } behind =; no directive takes one */
};

struct tree_value {
    enum tree_value_kind kind;
    const char *text;                /* bare and quoted: trimmed, without control characters but tab */
    struct tree_value *first, *last; /* of a list */
    size_t count;                    /* of a list */
    struct tree_value *next;         /* in a list */
    struct place at;
};

struct tree_node {
    const char *name; /* never empty */
    struct place at;
    struct tree_value *value; /* NULL: a section */
    /* Of a section. */
    struct tree_value *class_name, *active; /* the attributes, or NULL */
    struct tree_node *first, *last;
    struct tree_node *next; /* in the section that holds it */
    /* Notes of the loader. */
    bool ignored; /* a later one of that name counts instead, or no table knows it */
    bool from_override;
};

struct include_chain; /* include.h */

/* Reads text into the section root. chain: the file that text is from, for its includes; NULL: it may include
 * nothing. Syntax errors go to conf; the first one ends the reading, since what follows would be guesswork.
 * false: there was one. */
bool tree_parse(struct conf *conf, struct tree_node *root, const struct include_chain *chain,
                const char *file, struct span text);
/* One value that is all of text; NULL when text is not a quoted value, list, map or env(), or goes on. */
struct tree_value *tree_parse_value(struct conf *conf, const char *file, struct span text);

struct tree_node *tree_add(struct conf *conf, struct tree_node *parent, const char *name, struct place at);
/* The last section of that name, which is the one that counts; NULL: none. */
struct tree_node *tree_section(struct tree_node *parent, struct span name);

#endif
