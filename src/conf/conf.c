/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: conf.c - a conf's life and its list of problems; see conf.h. */
#include "conf/conf.h"

#include "base/must.h"
#include "base/text.h"
#include "conf/changes.h"
#include "conf/include.h"
#include "conf/inside.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- problems ---- */

static size_t file_index(const struct conf *conf, const char *file)
{
    size_t i;

    for (i = 0; i < conf->file_count && file; i++)
        if (strcmp(conf->files[i], file) == 0)
            return i;
    return conf->file_count; /* overrides, and what has no place, come last */
}

static bool before(const struct conf *conf, const struct conf_problem *a, const struct conf_problem *b)
{
    size_t file_a = file_index(conf, a->file), file_b = file_index(conf, b->file);

    if (file_a != file_b)
        return file_a < file_b;
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

static void problem_add(struct conf *conf, const struct conf_problem *problem)
{
    size_t at;

    if (conf->problem_count == conf->problem_room) {
        conf->problem_room = conf->problem_room ? conf->problem_room * 2 : 16;
        conf->problems = must_realloc(conf->problems, conf->problem_room * sizeof(*conf->problems));
    }
    for (at = conf->problem_count; at > 0 && before(conf, problem, &conf->problems[at - 1]); at--)
        conf->problems[at] = conf->problems[at - 1];
    conf->problems[at] = *problem;
    conf->problem_count++;
    conf->errors += problem->severity == CONF_ERROR;
}

bool conf_full(const struct conf *conf)
{
    return conf->problem_count >= PROBLEMS_MOST;
}

static void say(struct conf *conf, enum conf_severity severity, const struct place *at, const char *format,
                va_list list)
{
    struct conf_problem problem = { .severity = severity };
    char text[2000]; /* what is longer is cut: it quotes something that stands in the file */
    int size = vsnprintf(text, sizeof(text), format, list);

    must(size >= 0);
    if (at) {
        problem.file = at->file;
        problem.line = at->line;
        problem.column = at->column;
    }
    /* An error is always counted, or a bad file could pass; only the reading of it gets boring. */
    if (conf_full(conf) && severity != CONF_ERROR)
        return;
    problem.text = arena_text(conf->arena, span_of(text));
    problem_add(conf, &problem);
}

void conf_say(struct conf *conf, enum conf_severity severity, const struct place *at, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say(conf, severity, at, format, list);
    va_end(list);
}

void conf_complain(struct conf *conf, enum conf_severity severity, const struct conf_section *at,
                   const char *format, ...)
{
    struct place place = { 0 };
    va_list list;

    if (at && at->file)
        place = (struct place){ at->file, at->line, at->column };
    va_start(list, format);
    say(conf, severity, &place, format, list);
    va_end(list);
}

size_t conf_errors(const struct conf *conf)
{
    return conf->errors;
}

size_t conf_problem_count(const struct conf *conf)
{
    return conf->problem_count;
}

const struct conf_problem *conf_problem(const struct conf *conf, size_t index)
{
    must(index < conf->problem_count);
    return &conf->problems[index];
}

void conf_problem_print(const struct conf_problem *problem, struct buf *out)
{
    static const char *const severities[] = { "error", "warning", "notice" };

    if (problem->file && problem->line)
        buf_printf(out, "%s:%u:%u: ", problem->file, problem->line, problem->column);
    else if (problem->file)
        buf_printf(out, "%s: ", problem->file);
    buf_printf(out, "%s: %s", severities[problem->severity], problem->text);
}

/* ---- life ---- */

void conf_file(struct conf *conf, const char *file)
{
    conf->files = must_realloc(conf->files, (conf->file_count + 1) * sizeof(*conf->files));
    conf->files[conf->file_count++] = file;
}

size_t conf_file_count(const struct conf *conf)
{
    return conf->file_count;
}

const char *conf_file_name(const struct conf *conf, size_t index)
{
    must(index < conf->file_count);
    return conf->files[index];
}

/* Absolute, so that a later chdir() changes no path. */
static const char *root_of(struct arena *arena, const char *data_root)
{
    char *real = realpath(data_root, NULL);
    const char *root = real ? arena_text(arena, span_of(real)) : NULL;
    char here[4096];

    free(real);
    if (root == NULL && data_root[0] == '/')
        root = arena_text(arena, span_of(data_root));
    else if (root == NULL && getcwd(here, sizeof(here)) != NULL)
        root = arena_printf(arena, "%s/%s", here, data_root);
    return root ? root : "/";
}

static struct conf *conf_new(const struct conf_schema *schema)
{
    struct conf *conf = must_alloc(sizeof(*conf));

    conf->arena = arena_new();
    conf->schema = schema;
    conf->sections = map_new();
    return conf;
}

/* As it is named: a link in /etc to a file elsewhere keeps its data beside the link. */
static const char *folder_of(struct arena *arena, const char *file)
{
    const char *slash = strrchr(file, '/');

    if (slash == NULL)
        return ".";
    return slash == file ? "/" : arena_text(arena, span_make(file, (size_t)(slash - file)));
}

/* The structs are filled even when the tree is broken, so that conf_section always has an answer. */
static struct conf *finish(struct conf *conf, struct tree_node *root, bool parsed, const char *changes_file,
                           struct span changes, const char *const *overrides)
{
    struct tree_node nothing = { .name = "" };

    if (!parsed) {
        conf_fill(conf, &nothing);
        return conf;
    }
    if (changes.size)
        conf_changes_apply(conf, root, changes_file, changes);
    for (size_t i = 0; overrides && overrides[i]; i++)
        conf_override(conf, root, overrides[i], NULL);
    conf_fill(conf, root);
    return conf;
}

struct conf *conf_load_changed(const struct conf_schema *schema, const char *file, const char *data_root,
                               struct span changes, const char *const *overrides)
{
    struct conf *conf = conf_new(schema);
    struct tree_node root = { .name = "" };
    char *path = conf_changes_path(file, data_root);
    const char *changes_file = arena_text(conf->arena, span_of(path));
    bool parsed;

    free(path);
    conf->data_root = root_of(conf->arena, data_root ? data_root : folder_of(conf->arena, file));
    parsed = include_main(conf, &root, file);
    return finish(conf, &root, parsed, changes_file, changes, overrides);
}

struct conf *conf_load(const struct conf_schema *schema, const char *file, const char *data_root,
                       const char *const *overrides)
{
    char *path = conf_changes_path(file, data_root);
    struct buf changes = { 0 };
    const char *why;
    struct conf *conf;
    bool read = conf_changes_read(path, &changes, &why) == 0;

    conf = conf_load_changed(schema, file, data_root, buf_span(&changes), overrides);
    if (!read) {
        struct place at = { .file = arena_text(conf->arena, span_of(path)) };

        conf_say(conf, CONF_ERROR, &at, "%s", why);
    }
    buf_free(&changes);
    free(path);
    return conf;
}

struct conf *conf_load_text(const struct conf_schema *schema, const char *name, struct span text,
                            const char *data_root, const char *const *overrides)
{
    struct conf *conf = conf_new(schema);
    struct tree_node root = { .name = "" };
    const char *file = arena_text(conf->arena, span_of(name));
    bool parsed;

    conf->data_root = root_of(conf->arena, data_root ? data_root : ".");
    conf_file(conf, file);
    parsed = tree_parse(conf, &root, NULL, file, arena_copy(conf->arena, text));
    return finish(conf, &root, parsed, NULL, SPAN(""), overrides);
}

void conf_free(struct conf **conf)
{
    if (*conf == NULL)
        return;
    map_free(&(*conf)->sections);
    arena_free(&(*conf)->arena);
    free((*conf)->problems);
    free((*conf)->files);
    free(*conf);
    *conf = NULL;
}

const void *conf_section(const struct conf *conf, const char *path)
{
    return map_get(conf->sections, span_of(path));
}

/* The field that the directive fills; NULL: no such. */
static const void *field_of(const struct conf *conf, const char *path, const char *name,
                            enum directive_type type)
{
    const char *at = conf_section(conf, path);

    for (size_t i = 0; at && i < conf->schema->added_count; i++) {
        const struct schema_added *added = &conf->schema->added[i];
        const struct directive *directive;

        if (!span_is(span_of(schema_join(conf->arena, added->path, added->section->name)), path))
            continue;
        directive = schema_directive(added->section, name);
        return directive && directive->type == type ? at + directive->into : NULL;
    }
    return NULL;
}

const char *conf_text(const struct conf *conf, const char *path, const char *name)
{
    const char *const *field = field_of(conf, path, name, DIRECTIVE_TEXT);

    return field ? *field : NULL;
}

const struct conf_list *conf_texts(const struct conf *conf, const char *path, const char *name)
{
    return field_of(conf, path, name, DIRECTIVE_TEXT_LIST);
}
