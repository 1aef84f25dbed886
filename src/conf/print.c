/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: print.c - all that is in force, as a file that loads to the same. */
#include "conf/inside.h"

#include "base/must.h"
#include "conf/value.h"

struct printing {
    const struct conf *conf;
    struct buf *out;
    bool exact; /* with secrets */
    unsigned depth;
};

static void print_section(struct printing *printing, const char *path, const struct section *table,
                          const struct section *holder, const char *name, const void *base);

static void indent(struct printing *printing)
{
    for (unsigned i = 0; i < printing->depth; i++)
        buf_text(printing->out, "    ");
}

static bool is_plain_name(const char *name)
{
    for (const char *at = name; *at; at++)
        if (!((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') ||
              *at == '-' || *at == '_'))
            return false;
    return strcmp(name, "include") != 0;
}

static void print_name(struct printing *printing, const char *name)
{
    if (is_plain_name(name))
        buf_text(printing->out, name);
    else
        value_write_text(printing->out, name);
}

static bool is_unset(const struct directive *row, const void *field)
{
    if (row->type == DIRECTIVE_TEXT || row->type == DIRECTIVE_PATH)
        return *(const char *const *)field == NULL;
    return row->type == DIRECTIVE_OBSOLETE;
}

static bool is_secret(const struct printing *printing, const struct directive *row, const void *field)
{
    if (!row->secret || printing->exact)
        return false;
    if (row->type == DIRECTIVE_TEXT_LIST)
        return ((const struct conf_list *)field)->count > 0;
    return **(const char *const *)field != '\0';
}

/* A group may hold another name of a field that its holder has already printed. */
static bool is_printed_above(const struct directive *row, const struct section *table,
                             const struct section *holder)
{
    if (table->size != 0 || holder == NULL)
        return false;
    for (const struct directive *above = holder->directives; above && above->name; above++)
        if (above->into == row->into && above->type != DIRECTIVE_OBSOLETE)
            return true;
    return false;
}

static void print_directives(struct printing *printing, const struct section *table,
                             const struct section *holder, const char *base)
{
    for (const struct directive *row = table->directives; row && row->name; row++) {
        const void *field = base + row->into;

        if (is_unset(row, field) || is_printed_above(row, table, holder))
            continue;
        indent(printing);
        print_name(printing, row->name);
        buf_text(printing->out, " = ");
        if (is_secret(printing, row, field))
            value_write_text(printing->out, "(hidden)");
        else
            value_write(printing->out, row, field);
        buf_char(printing->out, '\n');
    }
}

static void print_added(struct printing *printing, const char *path)
{
    const struct conf *conf = printing->conf;

    for (size_t i = 0; i < conf->schema->added_count; i++) {
        const struct section *table = conf->schema->added[i].section;
        const char *below;

        if (strcmp(conf->schema->added[i].path, path) != 0)
            continue;
        below = schema_join(conf->arena, path, table->name);
        print_section(printing, below, table, NULL, table->name, conf_section(conf, below));
    }
}

static void print_sections(struct printing *printing, const char *path, const struct section *table,
                           const char *base)
{
    const struct section *many = schema_many(table);

    for (const struct section *row = table->sections; row && row->name; row++)
        if (row != many)
            print_section(printing, schema_join(printing->conf->arena, path, row->name), row, table,
                          row->name,
                          row->size ? *(void *const *)(const void *)(base + row->into) : (const void *)base);
    print_added(printing, path);
    if (many == NULL)
        return;
    const struct conf_sections *sections = (const struct conf_sections *)(const void *)(base + many->into);

    for (size_t i = 0; i < sections->count; i++) {
        const struct conf_section *section = sections->items[i];

        print_section(printing, schema_join(printing->conf->arena, path, section->name), many, table,
                      section->name, section);
    }
}

static void print_section(struct printing *printing, const char *path, const struct section *table,
                          const struct section *holder, const char *name, const void *base)
{
    size_t start = printing->out->size, body;

    indent(printing);
    print_name(printing, name);
    if (table->size && !((const struct conf_section *)base)->active)
        buf_text(printing->out, " (active: false)");
    buf_text(printing->out, " {\n");
    body = printing->out->size;
    printing->depth++;
    print_directives(printing, table, holder, base);
    print_sections(printing, path, table, base);
    printing->depth--;
    if (table->size == 0 && printing->out->size == body) {
        printing->out->size = start; /* an empty group says nothing */
        return;
    }
    indent(printing);
    buf_text(printing->out, "}\n");
}

void conf_print(const struct conf *conf, struct buf *out)
{
    struct printing printing = { .conf = conf, .out = out };

    print_added(&printing, "");
}

static const struct section *child_table(const struct conf *conf, const char *path,
                                         const struct section *table, const char *name)
{
    return schema_find(conf->schema, path, table, name, true).section;
}

void conf_print_exact(const struct conf *conf, const char *path, struct buf *out)
{
    struct printing printing = { .conf = conf, .out = out, .exact = true };
    const struct section *table = NULL, *holder = NULL;
    const void *base = NULL;
    struct span rest = span_of(path);
    const char *here = "";

    if (path[0] == '\0') {
        print_added(&printing, "");
        return;
    }
    while (rest.size) {
        const char *name = arena_text(conf->arena, span_cut(&rest, '/'));

        holder = table;
        table = child_table(conf, here, table, name);
        must(table != NULL); /* a path that no table has is a mistake of ours */
        here = schema_join(conf->arena, here, name);
        base = table->size ? conf_section(conf, here) : base;
    }
    print_section(&printing, here, table, holder, table->name, base);
}
