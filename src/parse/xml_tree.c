/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: xml_tree.c - looking at the trees of xml.h, changing them, and writing them out. */
#include "parse/xml.h"

#include "base/text.h"

struct span xml_attribute_ns(const struct xml_element *element, const char *ns, const char *name)
{
    for (size_t i = 0; i < element->attribute_count; i++)
        if (span_is(element->attributes[i].name, name) && span_is(element->attributes[i].ns, ns))
            return element->attributes[i].value;
    return span_make(NULL, 0);
}

struct span xml_attribute(const struct xml_element *element, const char *name)
{
    return xml_attribute_ns(element, "", name);
}

bool xml_is(const struct xml_element *element, const char *ns, const char *name)
{
    return (ns == NULL || span_is(element->ns, ns)) && (name == NULL || span_is(element->name, name));
}

static struct xml_element *first_from(const struct xml_node *node, const char *ns, const char *name)
{
    for (; node; node = node->next)
        if (node->element && xml_is(node->element, ns, name))
            return node->element;
    return NULL;
}

struct xml_element *xml_child(const struct xml_element *parent, const char *ns, const char *name)
{
    return first_from(parent->children, ns, name);
}

struct xml_element *xml_next(const struct xml_element *sibling, const char *ns, const char *name)
{
    return sibling->node ? first_from(sibling->node->next, ns, name) : NULL;
}

struct span xml_text(const struct xml_element *element, struct arena *arena)
{
    const struct xml_node *only = NULL;
    size_t size = 0, count = 0;
    char *at;

    for (const struct xml_node *node = element->children; node; node = node->next) {
        if (node->element)
            continue;
        only = node;
        size += node->text.size;
        count++;
    }
    if (count < 2)
        return only ? only->text : span_make("", 0);
    at = arena_alloc(arena, size + 1);
    size = 0;
    for (const struct xml_node *node = element->children; node; node = node->next) {
        if (node->element || node->text.size == 0)
            continue;
        memcpy(at + size, node->text.at, node->text.size);
        size += node->text.size;
    }
    return span_make(at, size);
}

static struct xml_node *node_append(struct arena *arena, struct xml_element *parent)
{
    struct xml_node *node = arena_make(arena, struct xml_node);

    if (parent->last)
        parent->last->next = node;
    else
        parent->children = node;
    parent->last = node;
    return node;
}

struct xml_element *xml_make(struct arena *arena, const char *ns, const char *name)
{
    struct xml_element *element = arena_make(arena, struct xml_element);

    element->name = arena_copy(arena, span_of(name));
    element->ns = arena_copy(arena, span_of(ns));
    return element;
}

void xml_append(struct arena *arena, struct xml_element *parent, struct xml_element *child)
{
    child->node = node_append(arena, parent);
    child->node->element = child;
    child->parent = parent;
}

void xml_append_text(struct arena *arena, struct xml_element *parent, struct span text)
{
    if (text.size)
        node_append(arena, parent)->text = arena_copy(arena, text);
}

void xml_set(struct arena *arena, struct xml_element *element, const char *name, struct span value)
{
    struct xml_attribute *grown;
    size_t count = element->attribute_count;

    value = arena_copy(arena, value);
    for (size_t i = 0; i < count; i++) {
        if (element->attributes[i].ns.size == 0 && span_is(element->attributes[i].name, name)) {
            element->attributes[i].value = value;
            return;
        }
    }
    grown = arena_alloc(arena, (count + 1) * sizeof(*grown));
    if (count)
        memcpy(grown, element->attributes, count * sizeof(*grown));
    grown[count] = (struct xml_attribute){ arena_copy(arena, span_of(name)), span_make("", 0), value };
    element->attributes = grown;
    element->attribute_count = count + 1;
}

void xml_remove(struct xml_element *element, const char *name)
{
    for (size_t i = 0; i < element->attribute_count; i++) {
        if (element->attributes[i].ns.size || !span_is(element->attributes[i].name, name))
            continue;
        element->attribute_count--;
        memmove(&element->attributes[i], &element->attributes[i + 1],
                (element->attribute_count - i) * sizeof(*element->attributes));
        return;
    }
}

static void write_value(struct buf *out, struct span value)
{
    buf_text(out, "='");
    text_add_xml(out, value);
    buf_char(out, '\'');
}

/* Prefixes are ours: n and the index of the first attribute of that namespace on this element. */
static void write_attribute(struct buf *out, const struct xml_element *element, size_t index)
{
    const struct xml_attribute *attribute = &element->attributes[index];
    size_t first = 0;

    if (span_is(attribute->ns, XML_NS_XML)) {
        buf_text(out, " xml:");
    } else if (attribute->ns.size) {
        while (!span_eq(element->attributes[first].ns, attribute->ns))
            first++;
        if (first == index) {
            buf_text(out, " xmlns:n");
            buf_number(out, index);
            write_value(out, attribute->ns);
        }
        buf_text(out, " n");
        buf_number(out, first);
        buf_char(out, ':');
    } else {
        buf_char(out, ' ');
    }
    buf_add(out, attribute->name);
    write_value(out, attribute->value);
}

static void write_name(struct buf *out, const struct xml_element *element)
{
    if (span_is(element->ns, XML_NS_XML))
        buf_text(out, "xml:");
    buf_add(out, element->name);
}

void xml_write(struct buf *out, const struct xml_element *element, struct span default_ns)
{
    buf_char(out, '<');
    write_name(out, element);
    /* The xml namespace may not be a default (Namespaces in XML 1.0, 3): it goes by its own prefix. */
    if (!span_eq(element->ns, default_ns) && !span_is(element->ns, XML_NS_XML)) {
        buf_text(out, " xmlns");
        write_value(out, element->ns);
        default_ns = element->ns;
    }
    for (size_t i = 0; i < element->attribute_count; i++)
        write_attribute(out, element, i);
    if (element->children == NULL) {
        buf_text(out, "/>");
        return;
    }
    buf_char(out, '>');
    xml_write_children(out, element, default_ns);
    buf_text(out, "</");
    write_name(out, element);
    buf_char(out, '>');
}

void xml_write_children(struct buf *out, const struct xml_element *element, struct span default_ns)
{
    for (const struct xml_node *node = element->children; node; node = node->next) {
        if (node->element)
            xml_write(out, node->element, default_ns);
        else
            text_add_xml(out, node->text);
    }
}
