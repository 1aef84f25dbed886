/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: template.c - sets of templates: compiled, and each part found. See template.h. */
#include "base/must.h"
#include "page/template_inside.h"

#include <stdio.h>
#include <stdlib.h>

const struct template *template_find(const struct template_set *set, struct span name)
{
    for (; set; set = set->base) {
        const struct template *one = map_get(set->templates, name);

        if (one)
            return one;
    }
    return NULL;
}

static bool add(struct template_set *set, const struct template_source *source, char *why, size_t why_size)
{
    struct template *one = must_alloc(sizeof(*one)), *other;

    one->name = arena_text(set->arena, span_of(source->name));
    one->is_plain = span_ends(span_of(one->name), SPAN(".txt"));
    other = map_set(set->templates, span_of(one->name), one);
    if (other) {
        snprintf(why, why_size, "%s: there are two of that name", one->name);
        free(other->nodes);
        free(other);
        return false;
    }
    return template_compile(one, set->arena, source->text, why, why_size);
}

/* ---- parts ---- */
static bool complain(const struct template *one, const struct node *node, const char *what, char *why,
                     size_t why_size)
{
    snprintf(why, why_size, "%s:%u: %s", one->name, node->line, what);
    return false;
}

/* Finds the parts of one and of those below it, and how many lie within each other. */
static bool measure(const struct template_set *set, struct template *one, unsigned depth, char *why,
                    size_t why_size)
{
    one->looking = true;
    one->height = 1;
    for (size_t i = 0; i < one->count; i++) {
        struct node *node = &one->nodes[i];
        struct template *part;

        if (node->kind != NODE_PART)
            continue;
        node->part = template_find(set, node->text);
        if (node->part == NULL)
            return complain(one, node, "there is no such part", why, why_size);
        if (node->part->is_plain != one->is_plain)
            return complain(one, node, "HTML and plain text do not mix", why, why_size);
        part = map_get(set->templates, node->text); /* those of base are measured */
        if (node->part->looking)
            return complain(one, node, "parts that include each other", why, why_size);
        if (depth == TEMPLATE_PARTS_MOST)
            return complain(one, node, "too many parts within each other", why, why_size);
        if (part && part->height == 0 && !measure(set, part, depth + 1, why, why_size))
            return false;
        if (node->part->height + 1 > one->height)
            one->height = node->part->height + 1;
        if (one->height > TEMPLATE_PARTS_MOST)
            return complain(one, node, "too many parts within each other", why, why_size);
    }
    one->looking = false;
    return true;
}

static bool measure_all(struct template_set *set, char *why, size_t why_size)
{
    struct span name;
    size_t at = 0;
    void *value;

    while (map_next(set->templates, &at, &name, &value)) {
        struct template *one = value;

        if (one->height == 0 && !measure(set, one, 1, why, why_size))
            return false;
    }
    return true;
}

/* ---- the set ---- */
struct template_set *template_set_new(const struct template_set *base, const struct template_source *sources,
                                      char *why_r, size_t why_size)
{
    struct template_set *set = must_alloc(sizeof(*set));

    set->base = base;
    set->arena = arena_new();
    set->templates = map_new();
    for (; sources->name; sources++)
        if (!add(set, sources, why_r, why_size))
            break;
    if (sources->name == NULL && measure_all(set, why_r, why_size))
        return set;
    template_set_free(&set);
    return NULL;
}

void template_set_free(struct template_set **address)
{
    struct template_set *set = *address;
    struct span name;
    size_t at = 0;
    void *value;

    if (set == NULL)
        return;
    while (map_next(set->templates, &at, &name, &value)) {
        struct template *one = value;

        free(one->nodes);
        free(one);
    }
    map_free(&set->templates);
    arena_free(&set->arena);
    free(set);
    *address = NULL;
}

bool template_has(const struct template_set *set, const char *name)
{
    return template_find(set, span_of(name)) != NULL;
}
