/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: template_inside.h - a template as it was compiled; the template*.c alone include it. */
#ifndef STOA_PAGE_TEMPLATE_INSIDE_H
#define STOA_PAGE_TEMPLATE_INSIDE_H

#include "base/arena.h"
#include "base/map.h"
#include "page/template.h"
#include "parse/html.h"

#define TEMPLATE_BYTES_MOST    (256 * 1024) /* of one source */
#define TEMPLATE_SECTIONS_MOST 32           /* within each other, in one template */
#define TEMPLATE_PARTS_MOST    16           /* within each other */
#define TEMPLATE_WORDS_MOST    8            /* a.b.c... */
#define TEMPLATE_FILLS_MOST    9            /* {1} to {9} of a text */

enum node_kind { NODE_LITERAL, NODE_VALUE, NODE_TEXT, NODE_SECTION, NODE_UNLESS, NODE_PART };

/* a.b.c as C strings; count 0 is the item itself */
struct node_name {
    const char *words[TEMPLATE_WORDS_MOST];
    unsigned count;
};

struct node {
    enum node_kind kind;
    enum html_place place;        /* value and text: how it is written */
    unsigned line;                /* where it began */
    struct span text;             /* literal; text of texts.tbl; name of a part */
    const struct node_name *name; /* value, section, unless; text: its values, fill_count of them */
    unsigned fill_count;
    size_t end;                  /* section, unless: the first node behind it */
    const struct template *part; /* borrowed: of the set or of its base */
};

struct template
{
    const char *name;
    bool is_plain;      /* ends in ".txt": no HTML, for template_render_text alone */
    struct node *nodes; /* owned */
    size_t count, room;
    unsigned height; /* parts within each other below it, and 1; 0: not known yet */
    bool looking;    /* it is being measured: whoever comes by again has found a ring */
};

struct template_set {
    const struct template_set *base; /* borrowed; may be NULL */
    struct arena *arena;             /* owned: names, literals */
    struct map *templates;           /* owned, with each struct template */
};

/* false: name, line and what is wrong in why. */
bool template_compile(struct template *one, struct arena *arena, struct span text, char *why,
                      size_t why_size);
const struct template *template_find(const struct template_set *set, struct span name);

#endif
