/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: xml_scan.h - where tags end: cuts XML into pieces that each hold one whole tag, and no
 * more.
 *
 * Why: libxml2 is then fed whole tags only, so events come exactly at their last byte (bounds, restarts and a
 * fresh parser need that), and nothing is looked at twice however small the pieces are in which it arrives.
 * Attributes are counted before libxml2, which is quadratic in them, sees one. Not here: names, nesting,
 * text. */
#ifndef STOA_PARSE_XML_SCAN_H
#define STOA_PARSE_XML_SCAN_H

#include "base/span.h"

enum xml_scan_state {
    XML_SCAN_START,       /* no byte seen: only here an XML declaration may begin */
    XML_SCAN_TEXT,        /* between tags */
    XML_SCAN_FIRST_OPEN,  /* behind a '<' that was the very first byte */
    XML_SCAN_OPEN,        /* behind any other '<' */
    XML_SCAN_TAG,         /* inside a tag or the XML declaration, outside of quotes */
    XML_SCAN_SINGLE,      /* inside '...' */
    XML_SCAN_DOUBLE,      /* inside "..." */
    XML_SCAN_CDATA_START, /* behind "<!": matched bytes of "[CDATA[" are read */
    XML_SCAN_CDATA,       /* inside CDATA: matched bytes of "]]" are read */
};

/* All zero is a scanner before the first byte. */
struct xml_scan {
    enum xml_scan_state state;
    unsigned matched;
    unsigned attributes; /* quoted values of the present tag so far */
    bool is_end;         /* the present tag, or the last one: </x> */
    bool is_empty;       /* the last one: <x/> */
    char last;           /* byte inside the tag, outside of quotes */
};

/* Reads up to the '>' that ends the next tag, or to the end of in; returns how many bytes that was. *whole_r:
 * the last of them ends a tag. *why_r: NULL, or static text: refused. */
size_t xml_scan_next(struct xml_scan *scan, struct span in, unsigned attributes_most, bool *whole_r,
                     const char **why_r);

#endif
