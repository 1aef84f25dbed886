/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: directive.h - the tables that say what may stand in config.tdsl.
 *
 * A section fills one struct, a directive one field of it. The tables are read by the loader (types, ranges,
 * defaults, misspellings), by the printer of what is in force (stoad -T), and by the writer of stoa.tdsl(5).
 */
#ifndef STOA_CONF_DIRECTIVE_H
#define STOA_CONF_DIRECTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The type of a directive and the C type of the field that it fills. */
enum directive_type {
    DIRECTIVE_BOOL,   /* bool: true, false, yes, no, on, off, with or without quotes */
    DIRECTIVE_NUMBER, /* int64_t, within least..most */
    DIRECTIVE_SIZE, /* int64_t bytes: digits with optional K, M, G, T (powers of 1024); within least..most */
    DIRECTIVE_DURATION, /* int64_t microseconds: ISO 8601 (PT6H, P30D; P6H means PT6H, with a warning), or
                         * digits with ms, s, m, h, d; bare digits are in .unit ("s", "ms", or "s/ms": below
                         * 1000 seconds, else milliseconds, with a notice); least..most in microseconds */
    DIRECTIVE_TEXT,     /* const char *, never NULL when .initial is given */
    DIRECTIVE_PATH, /* const char *: a relative one is taken from the configuration file's folder's data root
                     * (see conf_load), so that the working directory never matters */
    DIRECTIVE_CHOICE,    /* int64_t: index into .choices */
    DIRECTIVE_TEXT_LIST, /* struct conf_list of texts: [ 'a', 'b' ], or one string with commas */
    DIRECTIVE_OBSOLETE,  /* nothing: understood, without effect here; .manual says why, as a notice */
};

/* When a changed value counts. */
enum directive_effect { ON_RELOAD, ON_RESTART };

struct conf_list {
    const char **texts; /* each and the array owned by the conf */
    size_t count;
};

struct directive {
    const char *name;
    const char *alias; /* another spelling that is taken without a word, or NULL */
    enum directive_type type;
    int64_t least, most;        /* most 0: no upper bound */
    const char *initial;        /* as it would be written; NULL: unset (NULL, 0, false, empty list) */
    const char *unit;           /* of bare digits: "bytes", "s", "ms"; NULL when it has none */
    const char *const *choices; /* ends in NULL */
    enum directive_effect effect;
    bool secret;  /* printed as (hidden) */
    bool guarded; /* changed in the file only, never by command (changes.h); a path always is */
    size_t into;  /* offsetof the field in the section's struct */
    /* Further check of one text (each one of a list): NULL when good, else what to write instead. */
    const char *(*check)(const char *text);
    const char *manual; /* its paragraph of stoa.tdsl(5) */
};

/* Every section's struct begins with this. */
struct conf_section {
    const char *name; /* as written in the file; the table's name when it is not there */
    bool active;      /* by attribute or by key; when nothing is said, a section that stands in the file is
                       * active, and one that does not is unless .initially_inactive */
    bool given;       /* stands in the file */
    const char *file; /* where; NULL when not given */
    unsigned line, column;
};

/* Children of any name: pointers to their structs, in the order of the file. */
struct conf_sections {
    void **items;
    size_t count;
};

struct section {
    const char *name;    /* NULL ends a table; "*": children of any name */
    const char *name_is; /* for "*": what the name means, in the manual ("port", "domain") */
    size_t size;         /* sizeof the struct that it fills; 0: none of its own, what stands in it fills the
                          * struct of the section that holds it (and is inactive when it is) */
    size_t into;         /* offsetof, in the parent's struct: a pointer, or for "*" a struct conf_sections */
    bool initially_inactive;
    bool guarded; /* as all of its directives and what it holds, and whether it is active */
    const struct directive *directives;          /* ends in name NULL; may be NULL */
    const struct section *sections;              /* ends in name NULL; may be NULL; at most one "*" */
    const char *(*check_name)(const char *name); /* for "*": NULL when good, else what to write */
    const char *manual;
};

#define DIRECTIVES_END                                                                                       \
    {                                                                                                        \
        .name = NULL                                                                                         \
    }
#define SECTIONS_END                                                                                         \
    {                                                                                                        \
        .name = NULL                                                                                         \
    }

#endif
