/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0 and libxml2: xml.h - the one guarded entrance for XML: streams, bodies, imports.
 *
 * Refused, with a reason: DTDs, comments, processing instructions, entities but the five, encodings other
 * than UTF-8, unbound prefixes, too many bytes, levels or attributes. The bounds are checked by a small
 * scanner before libxml2 sees a byte, as parts of libxml2 are quadratic. What comes out is a tree in an arena
 * whose names and texts are good UTF-8. xml_start() belongs into the process that forks the others. */
#ifndef STOA_PARSE_XML_H
#define STOA_PARSE_XML_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"

void xml_start(void); /* once, before the first fork and before any thread */

struct xml_limits {
    size_t
        element_most; /* bytes of one first-level element, of a stream header, or of a document; <= 8 MiB */
    unsigned depth_most;      /* levels, the first-level element (or root) is 1; <= 200 */
    unsigned attributes_most; /* of one element, namespace declarations included */
};

/* 64 levels and 256 attributes; ready-made sizes. */
extern const struct xml_limits xml_limits_component; /* 256 KiB: what a server sends us */
extern const struct xml_limits xml_limits_client;    /* 64 KiB: BOSH, WebSocket, REST bodies */

#define XML_NS_XML "http://www.w3.org/XML/1998/namespace"

struct xml_attribute {
    struct span name, ns; /* ns is empty without a prefix; xmlns declarations are not among the attributes */
    struct span value;    /* references resolved */
};

struct xml_element;

struct xml_node {                /* a child: an element or a piece of text */
    struct xml_node *next;       /* the following one; NULL: last */
    struct xml_element *element; /* NULL: text */
    struct span text;            /* references and CDATA resolved; neighbours are always joined */
};

/* All in one arena, for the reader to look at; xml_set() and xml_remove() may change attributes. */
struct xml_element {
    struct span name, ns;
    struct xml_attribute *attributes;
    size_t attribute_count;
    struct xml_node *children;  /* in document order */
    struct xml_node *last;      /* the last of them */
    struct xml_node *node;      /* by which it hangs in its parent; NULL for a root */
    struct xml_element *parent; /* NULL for a root */
};

/* Value of the attribute of that name without a namespace; at == NULL when absent. */
struct span xml_attribute(const struct xml_element *element, const char *name);
/* The same for one with a namespace, such as xml:lang: xml_attribute_ns(e, XML_NS_XML, "lang"). */
struct span xml_attribute_ns(const struct xml_element *element, const char *ns, const char *name);
bool xml_is(const struct xml_element *element, const char *ns, const char *name); /* NULL: any */

/* First child element, or the next sibling behind one, with that namespace and name (NULL: any). NULL: none.
 *     for (c = xml_child(form, NS_DATA, "field"); c; c = xml_next(c, NS_DATA, "field")) */
struct xml_element *xml_child(const struct xml_element *parent, const char *ns, const char *name);
struct xml_element *xml_next(const struct xml_element *sibling, const char *ns, const char *name);

/* All text directly below the element, joined; the copy, if one is needed, is in arena. Never at == NULL. */
struct span xml_text(const struct xml_element *element, struct arena *arena);

/* Trees of our own. Names must be XML names that we wrote, never foreign; values are copied. */
struct xml_element *xml_make(struct arena *arena, const char *ns, const char *name);
void xml_append(struct arena *arena, struct xml_element *parent,
                struct xml_element *child); /* a root becomes a child */
void xml_append_text(struct arena *arena, struct xml_element *parent, struct span text);
void xml_set(struct arena *arena, struct xml_element *element, const char *name, struct span value);
void xml_remove(struct xml_element *element, const char *name); /* the attribute; absent is fine */

/* Appends the element as text that parses to the same tree: escaped, with the declarations it needs where
 * default_ns is the default namespace at the place it is put ("jabber:client" inside such a stream; empty:
 * none). No prefix but xml is taken for granted. Foreign bytes never pass but through the escaper. */
void xml_write(struct buf *out, const struct xml_element *element, struct span default_ns);
/* The start tag alone ("<stream:stream ...>" is the caller's business), and children only: for wrapping. */
void xml_write_children(struct buf *out, const struct xml_element *element, struct span default_ns);

/* --- a document --- */

/* One element, with at most an XML declaration and white space around it. 1: *root_r is in arena. 0: refused,
 * *why_r is static text. */
int xml_document(struct span text, const struct xml_limits *limits, struct arena *arena,
                 struct xml_element **root_r, const char **why_r);
/* The same; *at_r: where the tag begins, or the text before it, at which it was refused. */
int xml_document_at(struct span text, const struct xml_limits *limits, struct arena *arena,
                    struct xml_element **root_r, const char **why_r, size_t *at_r);

/* --- a stream --- */

struct xml_stream;

/* Trees and arena live until the callback returns; copy (or write) what must stay. NULL callbacks are left
 * out. A callback may call xml_stream_restart() and xml_stream_free() on its own stream, but not feed it. */
struct xml_callbacks {
    void (*opened)(void *data, struct xml_element *header); /* the root's start tag: no children */
    void (*element)(void *data, struct xml_element *element,
                    struct arena *arena); /* one child of it, whole */
    void (*closed)(void *data);           /* the root's end tag */
    /* A child beyond a bound of size, levels, attributes or memory was passed over. NULL: it breaks the
     * stream. For streams on which others' words come, who could else end them. May not free the stream. */
    void (*skipped)(void *data, const char *why);
};

/* callbacks must outlive the stream; limits are copied. */
struct xml_stream *xml_stream_new(const struct xml_callbacks *callbacks, void *data,
                                  const struct xml_limits *limits);

/* Bytes in any pieces; calls back for what became whole. White space between elements is fine (keep-alive).
 * false: broken for ever (xml_stream_why() says why; nothing more will be called), or freed by a callback:
 * look at your own pointer, which xml_stream_free() nulled, before you ask why. */
bool xml_stream_feed(struct xml_stream *stream, struct span bytes);

/* Static text; NULL while the stream is good. */
const char *xml_stream_why(const struct xml_stream *stream);

/* Expects a new header (RFC 6120 4.3.3, after SASL). In a callback: what follows the present element in the
 * same feed belongs to the new stream. */
void xml_stream_restart(struct xml_stream *stream);

/* In a callback too: the memory then lives until xml_stream_feed() returns. Sets *stream to NULL. */
void xml_stream_free(struct xml_stream **stream);

/* How often the parser was replaced because a peer's new names had filled its dictionary; for tests, status.
 */
unsigned xml_stream_renewals(const struct xml_stream *stream);

#endif
