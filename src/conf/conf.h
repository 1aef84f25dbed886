/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: conf.h - reading config.tdsl against the tables of directive.h.
 *
 * A schema is put together once (the core's sections, then each module's), a conf is loaded against it whole
 * or not at all; the schema must outlive the conf. A conf is immutable and read by all processes that inherit
 * it; it may be freed when no process of this address space uses it. */
#ifndef STOA_CONF_CONF_H
#define STOA_CONF_CONF_H

#include "base/buf.h"
#include "base/span.h"
#include "conf/directive.h"

struct conf_schema;

struct conf_schema *conf_schema_new(void);
void conf_schema_free(struct conf_schema **schema);
/* path: where the section stands, with slashes and without its own name: "" (top level), "http".
 * The table must outlive the schema. */
void conf_schema_add(struct conf_schema *schema, const char *path, const struct section *section);
/* A name below path that is known to belong to something not installed: a section of that name is skipped
 * with a warning which gives why. */
void conf_schema_absent(struct conf_schema *schema, const char *path, const char *name, const char *why);

enum conf_severity { CONF_ERROR, CONF_WARNING, CONF_NOTICE };

struct conf_problem {
    enum conf_severity severity;
    const char *file; /* NULL: not about one place */
    unsigned line, column;
    const char *text; /* a sentence that says what to write instead */
};

struct conf;

/* Reads file (and what it includes), then its changes (changes.h). Relative paths in values are taken from
 * data_root; NULL: from the folder of file. overrides: "path/in/config=value" strings that win over the file
 * (names may hold dots; a name with a slash cannot be reached), NULL-terminated array or NULL. Never NULL:
 * ask conf_errors; if it is not 0 nothing of it may be used but the problems. */
struct conf *conf_load(const struct conf_schema *schema, const char *file, const char *data_root,
                       const char *const *overrides);
/* The same, but changes is the text of that other file, whatever lies on the disk. */
struct conf *conf_load_changed(const struct conf_schema *schema, const char *file, const char *data_root,
                               struct span changes, const char *const *overrides);
/* The same for a text that is in memory, without changes: name stands for the file in problems, include is
 * refused, a data_root of NULL is the working directory. */
struct conf *conf_load_text(const struct conf_schema *schema, const char *name, struct span text,
                            const char *data_root, const char *const *overrides);
void conf_free(struct conf **conf);

size_t conf_errors(const struct conf *conf);
size_t conf_problem_count(const struct conf *conf);
const struct conf_problem *conf_problem(const struct conf *conf, size_t index); /* in the order of the file */
/* For checks that need more than one directive; before anybody else reads the conf. at may be NULL. */
void conf_complain(struct conf *conf, enum conf_severity severity, const struct conf_section *at,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));
/* "config.tdsl:12:5: error: ..." without newline. */
void conf_problem_print(const struct conf_problem *problem, struct buf *out);

/* The filled struct of a top-level section or one below a path: "httpServer", "http/rest". Never NULL for a
 * name that the schema has: a section that is not in the file holds the defaults. */
const void *conf_section(const struct conf *conf, const char *path);
/* One directive of a section that another module registered, by name: TEXT and TEXT_LIST. NULL: there is no
 * such section or directive, or it is unset. For modules that live below or beside another one's path. */
const char *conf_text(const struct conf *conf, const char *path, const char *name);
const struct conf_list *conf_texts(const struct conf *conf, const char *path, const char *name);

/* All that is in force, as a config.tdsl that would load to the same; secrets are hidden. */
void conf_print(const struct conf *conf, struct buf *out);
/* The text below path alone, secrets included: equal texts mean that nothing changed there. Never for a log.
 */
void conf_print_exact(const struct conf *conf, const char *path, struct buf *out);

/* stoa.tdsl(5), in mdoc, from the tables. */
void conf_manual(const struct conf_schema *schema, struct buf *out);

#endif
