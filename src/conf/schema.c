/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: schema.c - all tables together, and which name means what in them. */
#include "conf/inside.h"

#include "base/must.h"

#include <stdlib.h>

#define NAME_BYTES_MOST  60 /* of names that are compared for likeness */
#define NAMES_TOLD_MOST  12
#define COST_OF_NO_MATCH 1000

struct conf_schema *conf_schema_new(void)
{
    return must_alloc(sizeof(struct conf_schema));
}

void conf_schema_free(struct conf_schema **schema)
{
    if (*schema == NULL)
        return;
    for (size_t i = 0; i < (*schema)->added_count; i++)
        free((*schema)->added[i].path);
    for (size_t i = 0; i < (*schema)->absent_count; i++) {
        free((*schema)->absent[i].path);
        free((*schema)->absent[i].name);
        free((*schema)->absent[i].why);
    }
    free((*schema)->added);
    free((*schema)->absent);
    free(*schema);
    *schema = NULL;
}

void conf_schema_add(struct conf_schema *schema, const char *path, const struct section *section)
{
    must(section->name != NULL && strcmp(section->name, "*") != 0 &&
         section->size >= sizeof(struct conf_section));
    schema->added = must_realloc(schema->added, (schema->added_count + 1) * sizeof(*schema->added));
    schema->added[schema->added_count++] = (struct schema_added){ must_strdup(path), section };
}

void conf_schema_absent(struct conf_schema *schema, const char *path, const char *name, const char *why)
{
    schema->absent = must_realloc(schema->absent, (schema->absent_count + 1) * sizeof(*schema->absent));
    schema->absent[schema->absent_count++] =
        (struct schema_absent){ must_strdup(path), must_strdup(name), must_strdup(why) };
}

const char *schema_join(struct arena *arena, const char *path, const char *name)
{
    return path[0] ? arena_printf(arena, "%s/%s", path, name) : name;
}

const struct directive *schema_directive(const struct section *table, const char *name)
{
    for (const struct directive *row = table ? table->directives : NULL; row && row->name; row++)
        if (strcmp(row->name, name) == 0 || (row->alias && strcmp(row->alias, name) == 0))
            return row;
    return NULL;
}

const struct section *schema_many(const struct section *table)
{
    for (const struct section *row = table ? table->sections : NULL; row && row->name; row++)
        if (strcmp(row->name, "*") == 0)
            return row;
    return NULL;
}

static const struct section *fixed_section(const struct conf_schema *schema, const char *path,
                                           const struct section *table, const char *name)
{
    for (const struct section *row = table ? table->sections : NULL; row && row->name; row++)
        if (strcmp(row->name, name) == 0 && strcmp(name, "*") != 0)
            return row;
    for (size_t i = 0; i < schema->added_count; i++)
        if (strcmp(schema->added[i].path, path) == 0 && strcmp(schema->added[i].section->name, name) == 0)
            return schema->added[i].section;
    return NULL;
}

struct schema_hit schema_find(const struct conf_schema *schema, const char *path, const struct section *table,
                              const char *name, bool is_section)
{
    struct schema_hit hit = { .directive = schema_directive(table, name) };
    const struct section *many = schema_many(table);

    if (hit.directive && !is_section)
        return hit;
    hit.section = fixed_section(schema, path, table, name);
    if (hit.section)
        hit.directive = NULL;
    if (hit.section || hit.directive)
        return hit;
    /* What is installed wins over the note that it is not. */
    for (size_t i = 0; i < schema->absent_count; i++)
        if (strcmp(schema->absent[i].path, path) == 0 && strcmp(schema->absent[i].name, name) == 0) {
            hit.absent = &schema->absent[i];
            return hit;
        }
    if (many && is_section && (many->check_name == NULL || many->check_name(name) == NULL))
        hit.many = many;
    return hit;
}

/* ---- likeness ---- */

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Letters to insert, delete, replace or swap with their neighbour to make b of a, whatever their case. */
static unsigned distance(const char *a, const char *b)
{
    unsigned rows[3][NAME_BYTES_MOST + 1];
    size_t size_a = strlen(a), size_b = strlen(b);

    if (size_a > NAME_BYTES_MOST || size_b > NAME_BYTES_MOST)
        return COST_OF_NO_MATCH;
    for (size_t j = 0; j <= size_b; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= size_a; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i - 1) % 3], *above2 = rows[(i + 1) % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= size_b; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);

            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + !same);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
                row[j] = least(row[j], above2[j - 2] + 1);
        }
    }
    return rows[size_a % 3][size_b];
}

struct nearest {
    const char *name, *best;
    unsigned cost;
};

static void consider(struct nearest *nearest, const char *known)
{
    unsigned cost = known ? distance(nearest->name, known) : COST_OF_NO_MATCH;

    if (cost < nearest->cost) {
        nearest->cost = cost;
        nearest->best = known;
    }
}

const char *schema_nearest(const struct conf_schema *schema, const char *path, const struct section *table,
                           const char *name)
{
    struct nearest nearest = { .name = name, .cost = COST_OF_NO_MATCH };
    size_t size = strlen(name);

    for (const struct directive *row = table ? table->directives : NULL; row && row->name; row++) {
        consider(&nearest, row->name);
        consider(&nearest, row->alias);
    }
    for (const struct section *row = table ? table->sections : NULL; row && row->name; row++)
        if (strcmp(row->name, "*") != 0)
            consider(&nearest, row->name);
    for (size_t i = 0; i < schema->added_count; i++)
        if (strcmp(schema->added[i].path, path) == 0)
            consider(&nearest, schema->added[i].section->name);
    if (path[0])
        consider(&nearest, "active");
    /* A third of the letters wrong is another word. */
    return nearest.cost <= (size < 6 ? 1 : size / 3) ? nearest.best : NULL;
}

static void tell(struct buf *names, size_t *count, const char *name)
{
    if (strcmp(name, "*") == 0)
        return;
    buf_printf(names, "%s%s", names->size ? ", " : "", name);
    (*count)++;
}

const char *schema_names(const struct conf_schema *schema, const char *path, const struct section *table,
                         struct arena *arena)
{
    struct buf names = { 0 };
    const char *text = NULL;
    size_t count = 0;

    for (const struct directive *row = table ? table->directives : NULL; row && row->name; row++)
        tell(&names, &count, row->name);
    for (const struct section *row = table ? table->sections : NULL; row && row->name; row++)
        tell(&names, &count, row->name);
    for (size_t i = 0; i < schema->added_count; i++)
        if (strcmp(schema->added[i].path, path) == 0)
            tell(&names, &count, schema->added[i].section->name);
    if (count > 0 && count <= NAMES_TOLD_MOST)
        text = arena_text(arena, buf_span(&names));
    buf_free(&names);
    return text;
}
