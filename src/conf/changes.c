/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: changes.c - the file of changes, and what may stand in it; see changes.h. */
#include "conf/changes.h"

#include "base/must.h"
#include "base/text.h"
#include "conf/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHANGE_BYTES_MOST 16384
#define MARK              "#! " /* the comment that says who and when; other comments are people's own */

static const char head[] =
    "# Changed by command; each line wins over config.tdsl, stoactl changes shows them.\n";

/* ---- the file ---- */

char *conf_changes_path(const char *config, const char *data_root)
{
    const char *slash = strrchr(config, '/');
    struct span name = span_of(slash ? slash + 1 : config);
    struct span folder = data_root ? span_of(data_root)
                         : slash   ? span_make(config, (size_t)(slash - config))
                                   : SPAN(".");
    struct buf path = { 0 };

    buf_add(&path, folder);
    buf_char(&path, '/');
    if (!span_is(name, "config.tdsl")) {
        buf_add(&path, span_ends(name, SPAN(".tdsl")) ? span_head(name, name.size - 5) : name);
        buf_char(&path, '.');
    }
    buf_text(&path, "changes.tdsl");
    buf_char(&path, '\0');
    return path.at;
}

/* The folder may belong to the user that the workers are: a file that he put there does not count. */
static const char *mistrust(int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return strerror(errno);
    if (!S_ISREG(status.st_mode))
        return "this is not a file";
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return "this file belongs neither to root nor to the daemon's own user; remove it";
    if (status.st_mode & S_IWOTH)
        return "everybody may write to this file: chmod o-w";
    if (status.st_size > CHANGES_BYTES_MOST)
        return "this file is larger than 128 K";
    return NULL;
}

int conf_changes_read(const char *path, struct buf *out, const char **why_r)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t got = 1;

    *why_r = NULL;
    if (fd < 0 && errno == ENOENT)
        return 0;
    *why_r = fd < 0 ? strerror(errno) : mistrust(fd);
    while (*why_r == NULL && got > 0 && out->size <= CHANGES_BYTES_MOST) {
        got = read(fd, buf_reserve(out, 8192), 8192);
        if (got > 0)
            out->size += (size_t)got;
        else if (got < 0 && errno == EINTR)
            got = 1;
        else if (got < 0)
            *why_r = strerror(errno);
    }
    if (fd >= 0)
        close(fd);
    return *why_r ? -1 : 0;
}

bool conf_changes_next(struct span *rest, unsigned *line_r, struct span *change_r)
{
    while (rest->size) {
        *change_r = span_trim(span_cut(rest, '\n'));
        (*line_r)++;
        if (change_r->size && change_r->at[0] != '#')
            return true;
    }
    return false;
}

struct span conf_changes_path_of(struct span change)
{
    return span_trim(span_cut(&change, '='));
}

/* ---- what may be changed ---- */

bool conf_is_guarded(const struct directive *row)
{
    return row->guarded || row->type == DIRECTIVE_PATH || row->type == DIRECTIVE_OBSOLETE;
}

struct search {
    const struct conf_schema *schema;
    struct arena *arena;
    const char *path; /* so far */
    const struct section *table;
    bool guarded;
};

static const char *unknown(const struct search *search, const char *name)
{
    const char *near = schema_nearest(search->schema, search->path, search->table, name);
    const char *where = search->path[0] ? search->path : "a configuration";

    if (near)
        return arena_printf(search->arena, "'%s' is not known in %s: did you mean '%s'?", name, where, near);
    return arena_printf(search->arena, "'%s' is not known in %s", name, where);
}

static const char *enter_section(struct search *search, const char *name)
{
    struct schema_hit hit = schema_find(search->schema, search->path, search->table, name, true);
    const struct section *table = hit.section ? hit.section : hit.many;

    if (hit.absent)
        return arena_printf(search->arena, "'%s' cannot be changed: %s", name, hit.absent->why);
    if (table == NULL)
        return unknown(search, name);
    search->guarded = search->guarded || table->guarded;
    search->path = schema_join(search->arena, search->path, name);
    search->table = table;
    return NULL;
}

static const char *take_last(struct search *search, const char *name, struct conf_target *target_r)
{
    struct schema_hit hit = schema_find(search->schema, search->path, search->table, name, false);

    if (search->table == NULL)
        return arena_printf(search->arena, "'%s' is not a setting: write path/in/config=value", name);
    target_r->table = search->table;
    target_r->row = hit.directive;
    target_r->path = schema_join(search->arena, search->path, hit.directive ? hit.directive->name : name);
    if (hit.directive == NULL && strcmp(name, "active") != 0)
        return hit.section || hit.many ? arena_printf(search->arena, "'%s' is a section", target_r->path)
                                       : unknown(search, name);
    if (search->guarded || (hit.directive && conf_is_guarded(hit.directive)))
        return arena_printf(search->arena, "%s is not changed by command: write it into config.tdsl",
                            target_r->path);
    return NULL;
}

const char *conf_target(const struct conf_schema *schema, struct arena *arena, struct span path,
                        struct conf_target *target_r)
{
    struct search search = { .schema = schema, .arena = arena, .path = "" };
    const char *why = NULL;

    if (!text_is_utf8(path) || text_has_control(path) || path.size > 1000)
        return "the path is not UTF-8, holds a control character or is too long";
    while (why == NULL) {
        bool last = span_find(path, '/') < 0;
        const char *name = arena_text(arena, span_trim(span_cut(&path, '/')));

        if (name[0] == '\0')
            return "a name in the path is empty: write path/in/config=value";
        if (last)
            return take_last(&search, name, target_r);
        why = enter_section(&search, name);
    }
    return why;
}

void conf_changes_apply(struct conf *conf, struct tree_node *root, const char *file, struct span text)
{
    struct place at = { .file = file, .column = 1 };
    struct conf_target target;
    struct span change;
    size_t count = 0;

    conf_file(conf, file);
    while (conf_changes_next(&text, &at.line, &change) && !conf_full(conf)) {
        const char *why = conf_target(conf->schema, conf->arena, conf_changes_path_of(change), &target);

        if (++count > CHANGES_MOST)
            why = "there are more than 1000 changes";
        if (why)
            conf_say(conf, CONF_ERROR, &at, "%s", why);
        else
            conf_override(conf, root, arena_text(conf->arena, change), &at);
    }
}

/* ---- putting changes in ---- */

static bool is_own_comment(struct span line)
{
    return span_starts(line, SPAN(MARK)) || span_eq(line, span_make(head, sizeof(head) - 2));
}

/* Whether one of lines is about the same setting. */
static bool is_replaced(const struct conf_schema *schema, struct arena *arena, struct span change,
                        struct span lines)
{
    struct conf_target old, new;
    struct span line;
    unsigned number = 0;

    if (conf_target(schema, arena, conf_changes_path_of(change), &old) != NULL)
        return false; /* the load will complain of it */
    while (conf_changes_next(&lines, &number, &line))
        if (conf_target(schema, arena, conf_changes_path_of(line), &new) == NULL &&
            strcmp(old.path, new.path) == 0)
            return true;
    return false;
}

/* People's comments stay where they are, ours go with their line. */
static void keep_old(const struct conf_schema *schema, struct arena *arena, struct span old,
                     struct span lines, struct buf *out)
{
    struct span mark = SPAN("");

    while (old.size) {
        struct span line = span_trim(span_cut(&old, '\n'));

        if (span_starts(line, SPAN(MARK)))
            mark = line;
        if (line.size == 0 || is_own_comment(line))
            continue;
        if (line.at[0] != '#' && is_replaced(schema, arena, line, lines)) {
            mark = SPAN("");
            continue;
        }
        if (line.at[0] != '#' && mark.size) {
            buf_add(out, mark);
            buf_char(out, '\n');
            mark = SPAN("");
        }
        buf_add(out, line);
        buf_char(out, '\n');
    }
}

static const char *check_line(const struct conf_schema *schema, struct arena *arena, struct span line,
                              struct conf_target *target_r)
{
    struct span value = line, path = span_trim(span_cut(&value, '='));
    const char *why = conf_target(schema, arena, path, target_r);

    if (why)
        return why;
    if (line.size > CHANGE_BYTES_MOST)
        return arena_printf(arena, "%s: the value is longer than 16 K", target_r->path);
    if (!text_is_utf8(line) || text_has_control(line))
        return arena_printf(arena, "%s: the value is not UTF-8 or holds a control character", target_r->path);
    if (span_starts(span_trim(value), SPAN("env("))) /* it would read what the daemon was started with */
        return arena_printf(arena, "%s: env() is for config.tdsl only", target_r->path);
    return NULL;
}

const char *conf_changes_merge(const struct conf_schema *schema, struct arena *arena, struct span old,
                               struct span lines, struct span who, const char *when, struct buf *out)
{
    struct span rest = lines, line;
    struct conf_target target;
    unsigned number = 0;
    size_t count = 0;

    buf_text(out, head);
    keep_old(schema, arena, old, lines, out);
    while (conf_changes_next(&rest, &number, &line)) {
        const char *why = check_line(schema, arena, line, &target);
        struct span value = line;

        if (why == NULL && ++count > CHANGES_MOST)
            why = "these are too many changes at once";
        if (why)
            return why;
        if (span_find(line, '=') < 0 || is_replaced(schema, arena, line, rest))
            continue;
        span_cut(&value, '=');
        buf_text(out, MARK);
        text_add_log(out, who);
        buf_printf(out, " %s\n%s = %.*s\n", when, target.path, SPAN_ARG(span_trim(value)));
    }
    if (count == 0)
        return "no change is given: write path/in/config=value";
    return out->size > CHANGES_BYTES_MOST ? "the file of changes would be larger than 128 K" : NULL;
}
