/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: inside.h - what the files of this folder share: the inside of a conf and of a schema. */
#ifndef STOA_CONF_INSIDE_H
#define STOA_CONF_INSIDE_H

#include "base/arena.h"
#include "base/map.h"
#include "conf/conf.h"
#include "conf/tree.h"

struct schema_added {
    char *path; /* owned */
    const struct section *section;
};

struct schema_absent {
    char *path, *name, *why; /* owned */
};

struct conf_schema {
    struct schema_added *added; /* owned, in the order of registration */
    size_t added_count;
    struct schema_absent *absent; /* owned */
    size_t absent_count;
};

struct conf {
    struct arena *arena;              /* owned: the tree, the structs, all texts */
    const struct conf_schema *schema; /* borrowed; outlives the conf */
    struct map *sections;             /* owned: from path to struct in arena; fixed names only */
    struct conf_problem *problems;    /* owned */
    size_t problem_count, problem_room, errors;
    const char *data_root; /* absolute, in arena */
    const char **files;    /* owned array: every file read, in that order; orders the problems */
    size_t file_count;
};

/* What a name below a path means. At most one of the pointers is set; all NULL: unknown. */
struct schema_hit {
    const struct directive *directive;
    const struct section *section; /* of a fixed name */
    const struct section *many;    /* the "*" row, and its check_name took the name */
    const struct schema_absent *absent;
};

/* table: of the section at path; NULL for the top level. is_section: it stands there with braces. */
struct schema_hit schema_find(const struct conf_schema *schema, const char *path, const struct section *table,
                              const char *name, bool is_section);
/* The nearest known name, or NULL when nothing is close. */
const char *schema_nearest(const struct conf_schema *schema, const char *path, const struct section *table,
                           const char *name);
/* "a, b, c": the known names, when they are few enough to help; else NULL. */
const char *schema_names(const struct conf_schema *schema, const char *path, const struct section *table,
                         struct arena *arena);
const struct section *schema_many(const struct section *table); /* its "*" row, or NULL */
const struct directive *schema_directive(const struct section *table, const char *name);
/* path and name with a slash between, or name alone at the top. */
const char *schema_join(struct arena *arena, const char *path, const char *name);

#define PROBLEMS_MOST 100 /* then the rest is not looked at: nobody reads more, and files may be hostile */

void conf_file(struct conf *conf, const char *file); /* one more is read; file is in the arena */
bool conf_full(const struct conf *conf);
void conf_say(struct conf *conf, enum conf_severity severity, const struct place *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Fills the structs from the tree. */
void conf_fill(struct conf *conf, struct tree_node *root);
/* Adds one "path/in/config=value" to the tree. at NULL: it is from the command line. */
void conf_override(struct conf *conf, struct tree_node *root, const char *override, const struct place *at);
/* The same with each line of a text of changes; what is guarded is an error. */
void conf_changes_apply(struct conf *conf, struct tree_node *root, const char *file, struct span text);

#endif
