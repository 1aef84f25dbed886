/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: load.c - from the tree to the structs, by the tables.
 *
 * Each section is read twice: once to settle which of several entries of one name counts and which names
 * nobody knows, once to fill. Sections that do not stand in the file are made too, with their defaults. */
#include "conf/inside.h"

#include "base/must.h"
#include "conf/value.h"

/* A section being filled. */
struct filling {
    struct conf *conf;
    const char *path;            /* "" at the top */
    const struct section *table; /* NULL at the top */
    struct tree_node *node;      /* NULL: not in the file */
    char *base;                  /* the struct; of the holder when the table has size 0; NULL at the top */
    bool active;                 /* what stands below is active unless it says otherwise */
    struct map *known;           /* owned: from kind and name to the node that counts */
};

static void fill(struct filling *filling);

/* ---- first reading: what counts ---- */

/* One key for all spellings of a name; sections and settings may share one. */
static struct span key_of(struct arena *arena, bool is_section, const char *name)
{
    return span_of(arena_printf(arena, "%c%s", is_section ? '{' : '=', name));
}

static struct tree_node *counting(const struct filling *filling, bool is_section, const char *name)
{
    return map_get(filling->known, key_of(filling->conf->arena, is_section, name));
}

static void complain_unknown(const struct filling *filling, const struct tree_node *node)
{
    struct conf *conf = filling->conf;
    const struct section *many = schema_many(filling->table);
    const char *near = schema_nearest(conf->schema, filling->path, filling->table, node->name);
    const char *names = schema_names(conf->schema, filling->path, filling->table, conf->arena);
    const char *where = filling->path[0] ? arena_printf(conf->arena, "in %s", filling->path) : "here";
    const char *wrong = many && many->check_name ? many->check_name(node->name) : NULL;

    if (near)
        conf_say(conf, CONF_ERROR, &node->at, "'%s' is not known %s: did you mean '%s'?", node->name, where,
                 near);
    else if (wrong)
        conf_say(conf, CONF_ERROR, &node->at, "'%s' is not known %s: write %s", node->name, where, wrong);
    else if (many)
        conf_say(conf, CONF_ERROR, &node->at, "'%s' is a section %s: write %s { }", node->name, where,
                 node->name);
    else if (names)
        conf_say(conf, CONF_ERROR, &node->at, "'%s' is not known %s; known are: %s", node->name, where,
                 names);
    else
        conf_say(conf, CONF_ERROR, &node->at, "'%s' is not known %s", node->name, where);
}

static void note_counting(const struct filling *filling, struct tree_node *node, const char *name)
{
    struct conf *conf = filling->conf;
    struct tree_node *earlier = map_set(filling->known, key_of(conf->arena, node->value == NULL, name), node);

    if (earlier == NULL)
        return;
    earlier->ignored = true;
    if (!node->from_override)
        conf_say(conf, CONF_WARNING, &node->at, "'%s' stands twice: this one counts, not the one at %s:%u:%u",
                 node->name, earlier->at.file, earlier->at.line, earlier->at.column);
}

/* Notes the entry under its name, or says why it is left out. */
static void settle(const struct filling *filling, struct tree_node *node)
{
    struct conf *conf = filling->conf;
    bool is_section = node->value == NULL;
    struct schema_hit hit = schema_find(conf->schema, filling->path, filling->table, node->name, is_section);

    node->ignored = true;
    if (!is_section && filling->table && strcmp(node->name, "active") == 0) {
        node->ignored = false;
        note_counting(filling, node, "active");
    } else if (hit.absent) {
        conf_say(conf, CONF_WARNING, &node->at, "'%s' is skipped: %s", node->name, hit.absent->why);
    } else if (hit.directive && is_section) {
        conf_say(conf, CONF_ERROR, &node->at, "'%s' is a setting, not a section: write %s = value",
                 node->name, node->name);
    } else if (hit.section && !is_section) {
        conf_say(conf, CONF_ERROR, &node->at, "'%s' is a section: write %s { } without a sign between",
                 node->name, node->name);
    } else if (!hit.directive && !hit.section && !hit.many) {
        complain_unknown(filling, node);
    } else {
        node->ignored = false;
        note_counting(filling, node, hit.directive ? hit.directive->name : node->name);
    }
}

/* ---- values ---- */

static void read_value(const struct filling *filling, const struct directive *directive, const char *name,
                       const struct tree_value *value)
{
    struct conf *conf = filling->conf;
    struct value_reader reader = { .arena = conf->arena, .data_root = conf->data_root };

    if (value->kind == TREE_NULL)
        return;
    value_read(&reader, directive, value, filling->base + directive->into);
    if (reader.note)
        conf_say(conf, reader.severity, &value->at, "%s: %s", name, reader.note);
}

/* The tables are ours: a default that does not read is a mistake of the table. */
static void set_default(struct conf *conf, const struct directive *row, char *base)
{
    struct value_reader reader = { .arena = conf->arena, .data_root = conf->data_root };
    struct tree_value bare = { .kind = TREE_BARE, .text = row->initial }, *value = &bare;

    if (row->initial == NULL || row->type == DIRECTIVE_OBSOLETE)
        return;
    if (row->initial[0] == '[' && row->type == DIRECTIVE_TEXT_LIST)
        value = tree_parse_value(conf, "default", span_of(row->initial));
    must(value != NULL && value_read(&reader, row, value, base + row->into));
}

static void set_defaults(struct conf *conf, const struct section *table, char *base)
{
    for (const struct directive *row = table->directives; row && row->name; row++)
        set_default(conf, row, base);
    for (const struct section *row = table->sections; row && row->name; row++)
        if (row->size == 0 && strcmp(row->name, "*") != 0)
            set_defaults(conf, row, base);
}

static bool read_active(const struct filling *filling, const struct tree_value *value, bool otherwise)
{
    bool truth = otherwise;

    if (value == NULL || value->kind == TREE_NULL)
        return otherwise;
    if ((value->kind != TREE_BARE && value->kind != TREE_QUOTED) || !value_bool(span_of(value->text), &truth))
        conf_say(filling->conf, CONF_ERROR, &value->at, "active: write true or false");
    return truth;
}

static bool is_active(const struct filling *filling, bool otherwise)
{
    struct tree_node *key = counting(filling, false, "active");
    bool by_attribute = filling->node ? read_active(filling, filling->node->active, otherwise) : otherwise;

    return read_active(filling, key ? key->value : NULL, by_attribute);
}

static void read_class(const struct filling *filling)
{
    const struct tree_value *value = filling->node ? filling->node->class_name : NULL;
    const struct directive *directive = schema_directive(filling->table, "class");

    if (value == NULL)
        return;
    if (directive == NULL)
        conf_say(filling->conf, CONF_NOTICE, &value->at,
                 "class %s is ignored: '%s' has one implementation here", value->text, filling->node->name);
    else if (counting(filling, false, directive->name) == NULL)
        read_value(filling, directive, "class", value);
}

/* ---- second reading: filling ---- */

static void *make_section(const struct filling *holder, const struct section *table, struct tree_node *node)
{
    struct conf *conf = holder->conf;
    struct conf_section *section = arena_alloc(conf->arena, table->size);
    struct filling filling = { .conf = conf, .table = table, .node = node, .base = (char *)section };

    section->name = node ? node->name : table->name;
    section->given = node != NULL;
    if (node) {
        section->file = node->at.file;
        section->line = node->at.line;
        section->column = node->at.column;
    }
    section->active = holder->active && (node != NULL || !table->initially_inactive);
    filling.active = section->active;
    filling.path = schema_join(conf->arena, holder->path, section->name);
    set_defaults(conf, table, filling.base);
    fill(&filling);
    section->active = filling.active && holder->active;
    return section;
}

static void fill_fixed(struct filling *filling, const struct section *table, bool into_holder)
{
    struct conf *conf = filling->conf;
    struct tree_node *node = counting(filling, true, table->name);
    void *made;

    if (table->size == 0) {
        struct filling group = *filling;

        group.path = schema_join(conf->arena, filling->path, table->name);
        group.table = table;
        group.node = node;
        fill(&group);
        return;
    }
    made = make_section(filling, table, node);
    if (into_holder)
        *(void **)(void *)(filling->base + table->into) = made;
    map_set(conf->sections, span_of(schema_join(conf->arena, filling->path, table->name)), made);
}

static void fill_many(struct filling *filling, const struct section *many)
{
    struct conf_sections *sections = (struct conf_sections *)(void *)(filling->base + many->into);
    struct tree_node *node;
    size_t count = 0;

    for (node = filling->node ? filling->node->first : NULL; node; node = node->next)
        count += node->value == NULL && !node->ignored;
    if (count == 0)
        return;
    sections->items = arena_alloc(filling->conf->arena, count * sizeof(*sections->items));
    for (node = filling->node->first; node && !conf_full(filling->conf); node = node->next)
        if (node->value == NULL && !node->ignored &&
            schema_find(filling->conf->schema, filling->path, filling->table, node->name, true).many)
            sections->items[sections->count++] = make_section(filling, many, node);
}

static void fill_sections(struct filling *filling)
{
    struct conf *conf = filling->conf;
    struct filling below = *filling;
    const struct section *many = schema_many(filling->table);

    /* Only a group passes its inactivity on: it has no flag of its own that anybody could ask. */
    below.active = filling->table && filling->table->size == 0 ? filling->active : true;
    for (const struct section *row = filling->table ? filling->table->sections : NULL; row && row->name;
         row++)
        if (row != many)
            fill_fixed(&below, row, true);
    for (size_t i = 0; i < conf->schema->added_count; i++)
        if (strcmp(conf->schema->added[i].path, filling->path) == 0)
            fill_fixed(&below, conf->schema->added[i].section, false);
    if (many)
        fill_many(&below, many);
}

static void fill(struct filling *filling)
{
    struct tree_node *first = filling->node ? filling->node->first : NULL;

    filling->known = map_new();
    for (struct tree_node *node = first; node && !conf_full(filling->conf); node = node->next)
        settle(filling, node);
    if (filling->table) {
        filling->active = is_active(filling, filling->active);
        read_class(filling);
    }
    for (struct tree_node *node = first; node && !conf_full(filling->conf); node = node->next) {
        const struct directive *directive = schema_directive(filling->table, node->name);

        if (node->value && !node->ignored && directive)
            read_value(filling, directive, node->name, node->value);
    }
    fill_sections(filling);
    map_free(&filling->known);
}

void conf_fill(struct conf *conf, struct tree_node *root)
{
    struct filling filling = { .conf = conf, .path = "", .node = root, .active = true };

    fill(&filling);
    if (conf_full(conf))
        conf_say(conf, CONF_ERROR, NULL, "more than %d problems: the rest was not looked at", PROBLEMS_MOST);
}
