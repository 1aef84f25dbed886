/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: override.c - "path/in/config=value" from a command line or a file of changes, added to the
 * tree so that the loader sees one text. */
#include "conf/inside.h"

#include "base/text.h"

/* What stands behind the sign: the language's quoted values, lists and env(), else the bytes as they are. */
static struct tree_value *override_value(struct conf *conf, struct place at, struct span text)
{
    struct tree_value *value = tree_parse_value(conf, at.file, text);

    if (value == NULL && span_starts(text, SPAN("env("))) {
        conf_say(conf, CONF_ERROR, &at, "this env() cannot be read, or its variable is not set");
        return NULL;
    }
    /* A bare word may have lost what looked like a comment behind it. */
    if (value == NULL || value->kind == TREE_MAP ||
        (value->kind == TREE_BARE && !span_is(text, value->text))) {
        value = arena_make(conf->arena, struct tree_value);
        value->kind = TREE_QUOTED;
        value->text = arena_text(conf->arena, text);
    }
    value->at = at;
    return value;
}

static struct tree_node *override_section(struct conf *conf, struct tree_node *parent, struct span name,
                                          struct place at)
{
    struct tree_node *node = tree_section(parent, name);

    if (node)
        return node;
    node = tree_add(conf, parent, arena_text(conf->arena, name), at);
    node->from_override = true;
    return node;
}

void conf_override(struct conf *conf, struct tree_node *root, const char *override, const struct place *where)
{
    struct span value = span_of(override), path = span_trim(span_cut(&value, '=')), name;
    struct place at = where ? *where : (struct place){ 0 };
    struct tree_node *node = root;

    if (!text_is_utf8(span_of(override)) || text_has_control(span_of(override))) {
        conf_say(conf, CONF_ERROR, where, "an override is not UTF-8 or holds a control character");
        return;
    }
    /* Only the path may be told: the value may be a secret. */
    if (where == NULL)
        at.file = arena_printf(conf->arena, "override '%.*s'", SPAN_ARG(path));
    if (path.size == 0 || path.at + path.size == override + strlen(override)) {
        conf_say(conf, CONF_ERROR, &at, "write path/in/config=value");
        return;
    }
    for (;;) {
        bool last = span_find(path, '/') < 0;

        name = span_trim(span_cut(&path, '/'));
        if (name.size == 0) {
            conf_say(conf, CONF_ERROR, &at, "a name in the path is empty");
            return;
        }
        if (last)
            break;
        node = override_section(conf, node, name, at);
    }
    node = tree_add(conf, node, arena_text(conf->arena, name), at);
    node->from_override = true;
    node->value = override_value(conf, at, span_trim(value));
    if (node->value == NULL) {
        node->value = arena_make(conf->arena, struct tree_value);
        node->value->kind = TREE_NULL;
    }
}
