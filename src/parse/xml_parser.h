/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0 and libxml2: xml_parser.h - libxml2's push parser with everything dangerous switched off,
 * building trees. For xml.c alone: it feeds one tag at a time (xml_scan.h) and has checked the bounds of
 * bytes. */
#ifndef STOA_PARSE_XML_PARSER_H
#define STOA_PARSE_XML_PARSER_H

#include "parse/xml.h"

#include <libxml/parser.h>

#define XML_PARSER_SPACES 8 /* namespaces remembered while a tree grows: more than a stanza has */

/* What one tag can bring about. */
enum xml_event {
    XML_OPENED = 1,  /* parser->root is an element above the base level: a stream header */
    XML_ELEMENT = 2, /* parser->root is a whole element of the base level */
    XML_CLOSED = 4,  /* an element above the base level has ended */
};

struct xml_parser {
    xmlParserCtxt *ctxt; /* owned; NULL before xml_parser_begin() */
    struct arena *arena; /* borrowed: where trees are built; its owner resets it between elements */
    size_t arena_before; /* what the arena held before this element */
    size_t arena_most;   /* bytes by which it may grow: an element of n bytes fits well into 48 * n */
    unsigned base;       /* open elements above those that are built: 1 in a stream, 0 in a document */
    unsigned level;      /* open elements */
    unsigned depth_most;
    unsigned events;          /* of the present feed */
    struct xml_element *root; /* in arena; see enum xml_event */
    struct xml_element *open; /* the innermost one that is being built; NULL: none */
    struct buf text;          /* characters that have not become a node yet */
    const char *why;          /* static text; not NULL: broken */
    bool is_beyond;           /* why is a bound of ours: the text may be good XML */
    struct {                  /* uri is a string of ctxt's dictionary: equal when the pointer is */
        const xmlChar *uri;
        struct span ns; /* in arena */
    } spaces[XML_PARSER_SPACES];
    unsigned next_space;
};

/* All zero before; may be called again on the same object for a new parser. */
void xml_parser_begin(struct xml_parser *parser, unsigned base, const struct xml_limits *limits,
                      struct arena *arena);
void xml_parser_end(struct xml_parser *parser);

/* Text and the one tag behind it. Returns the events; parser->why says if it broke. */
unsigned xml_parser_feed(struct xml_parser *parser, struct span piece);

/* Bytes that the names seen so far hold; they are never given back. */
size_t xml_parser_names(const struct xml_parser *parser);

#endif
