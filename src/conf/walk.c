/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: walk.c - each section of a configuration, with its table and its struct: for forms. */
#include "conf/changes.h"

#include "conf/inside.h"
#include "conf/value.h"

struct walk {
    const struct conf *conf;
    struct arena *arena;
    void (*each)(void *data, const struct conf_view *view);
    void *data;
};

static void walk_section(const struct walk *walk, const char *path, const struct section *table,
                         const void *base, bool guarded);

static void walk_added(const struct walk *walk, const char *path, bool guarded)
{
    const struct conf_schema *schema = walk->conf->schema;

    for (size_t i = 0; i < schema->added_count; i++) {
        const struct section *table = schema->added[i].section;
        const char *below;

        if (strcmp(schema->added[i].path, path) != 0)
            continue;
        below = schema_join(walk->arena, path, table->name);
        walk_section(walk, below, table, conf_section(walk->conf, below), guarded);
    }
}

static void walk_section(const struct walk *walk, const char *path, const struct section *table,
                         const void *base, bool guarded)
{
    const struct section *many = schema_many(table);
    struct conf_view view = {
        .path = path, .table = table, .base = base, .is_guarded = guarded || table->guarded
    };
    const struct conf_sections *sections;

    walk->each(walk->data, &view);
    for (const struct section *row = table->sections; row && row->name; row++)
        if (row != many)
            walk_section(walk, schema_join(walk->arena, path, row->name), row,
                         row->size ? *(void *const *)(const void *)((const char *)base + row->into) : base,
                         view.is_guarded);
    walk_added(walk, path, view.is_guarded);
    if (many == NULL)
        return;
    sections = (const struct conf_sections *)(const void *)((const char *)base + many->into);
    for (size_t i = 0; i < sections->count; i++) {
        const struct conf_section *section = sections->items[i];

        walk_section(walk, schema_join(walk->arena, path, section->name), many, section, view.is_guarded);
    }
}

void conf_walk(const struct conf *conf, struct arena *arena,
               void (*each)(void *data, const struct conf_view *view), void *data)
{
    struct walk walk = { .conf = conf, .arena = arena, .each = each, .data = data };

    walk_added(&walk, "", false);
}

void conf_value(const struct directive *row, const void *base, bool bare, struct buf *out)
{
    const void *field = (const char *)base + row->into;
    bool is_text = row->type == DIRECTIVE_TEXT || row->type == DIRECTIVE_PATH;

    if (row->type == DIRECTIVE_OBSOLETE)
        return;
    if (!is_text)
        value_write(out, row, field);
    else if (*(const char *const *)field == NULL)
        buf_text(out, bare ? "" : "null");
    else if (bare)
        buf_text(out, *(const char *const *)field);
    else
        value_write(out, row, field);
}
