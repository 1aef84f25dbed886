/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: changes.h - what was changed beside the file, by command: changes.tdsl, and what may be.
 *
 * The file has a line for each change, as on a command line: path/in/config=value; above it a comment says
 * who and when. It is written by master alone, but read with as little trust as if anybody could have written
 * it: what is guarded (directive.h) can only stand in config.tdsl, so that whoever may change a configuration
 * by command does not thereby get at files, ports, other users' rights or the XMPP server's secrets. */
#ifndef STOA_CONF_CHANGES_H
#define STOA_CONF_CHANGES_H

#include "base/arena.h"
#include "conf/conf.h"

#define CHANGES_BYTES_MOST (128 * 1024)
#define CHANGES_MOST       1000

/* changes.tdsl in the data root, for a config.tdsl; NAME.changes.tdsl for any other NAME.tdsl. The caller
 * frees it. data_root as for conf_load. */
char *conf_changes_path(const char *config, const char *data_root);
/* One that is not there is empty. -1: *why_r is a sentence, static or of errno. */
int conf_changes_read(const char *path, struct buf *out, const char **why_r);

/* One path of a configuration. */
struct conf_target {
    const char *path;            /* in the spelling of the tables */
    const struct section *table; /* that holds it */
    const struct directive *row; /* NULL: the section's own "active" */
};
/* What path means, if it may be changed by command: else a sentence that says why not (in arena). */
const char *conf_target(const struct conf_schema *schema, struct arena *arena, struct span path,
                        struct conf_target *target_r);

/* old, with lines put in: "path=value", or "path" alone for what config.tdsl says. who and when (text_stamp)
 * go into the comments. NULL, or a sentence that says which line cannot be (in arena; it quotes no value). */
const char *conf_changes_merge(const struct conf_schema *schema, struct arena *arena, struct span old,
                               struct span lines, struct span who, const char *when, struct buf *out);
/* The next change of a file's text: its line without the blanks around it, and the number of that line.
 * false: there is none any more. *line_r begins at 0. */
bool conf_changes_next(struct span *rest, unsigned *line_r, struct span *change_r);
/* "path" of "path=value", trimmed. */
struct span conf_changes_path_of(struct span change);

/* text, of a configuration or of changes, with the values of all secrets hidden; those in comments, too. It
 * need not be well-formed: whatever follows the name of a secret and a sign is hidden to the end of the value
 * and of the line. */
void conf_mask(const struct conf_schema *schema, struct span text, struct buf *out);

/* ---- looking at a whole configuration ---- */
struct conf_view {
    const char *path;            /* "httpServer/connections/8080" */
    const struct section *table; /* size 0: a group, whose base is its holder's */
    const void *base;            /* the filled struct */
    bool is_guarded;             /* nothing in it can be changed by command */
};
/* Each section that there is, a holder before what it holds. Texts in arena. */
void conf_walk(const struct conf *conf, struct arena *arena,
               void (*each)(void *data, const struct conf_view *), void *data);
bool conf_is_guarded(const struct directive *row);
/* As it would be written behind the sign; texts without quotes when bare. A secret: as it is. */
void conf_value(const struct directive *row, const void *base, bool bare, struct buf *out);
/* What was read, in that order: config.tdsl first. */
size_t conf_file_count(const struct conf *conf);
const char *conf_file_name(const struct conf *conf, size_t index);

#endif
