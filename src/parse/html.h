/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: html.h - where in a page a template's value lands, and how it is written there. */
#ifndef STOA_PARSE_HTML_H
#define STOA_PARSE_HTML_H

#include "base/buf.h"

enum html_state {
    HTML_TEXT,        /* between tags; also within title and textarea */
    HTML_OPEN,        /* behind '<' */
    HTML_TAG_NAME,    /* within a start tag's name */
    HTML_IN_TAG,      /* between attributes */
    HTML_NAME,        /* within an attribute's name */
    HTML_AFTER_NAME,  /* behind it: '=' or the next name */
    HTML_BEFORE,      /* behind '=' */
    HTML_DOUBLE,      /* within "..." */
    HTML_SINGLE,      /* within '...' */
    HTML_BARE,        /* within a value without quotes */
    HTML_END_TAG,     /* within </name> */
    HTML_COMMENT,     /* within <!-- --> */
    HTML_DECLARATION, /* within <!doctype> */
    HTML_RAW,         /* within script or style, until its end tag */
};

/* All zero is the beginning of a page. Compare two of them by html_same. */
struct html {
    enum html_state state;
    char tag[16], name[24]; /* of the element and the attribute, in lower case; cut */
    char seen[10];          /* the last bytes within a comment or raw text */
    bool started;           /* an address: its value has a first byte or a first value */
    bool by_value;          /* ... and it came from a value */
    bool fixed;             /* an address is past its scheme and host: behind / ? or # */
};

enum html_place {
    PLACE_TEXT,     /* text, or a quoted attribute that is no address */
    PLACE_URL,      /* the start of an address: its scheme is looked at */
    PLACE_URL_MORE, /* further in one: a piece of path or query, percent-encoded */
    PLACE_URL_OURS, /* an address that brings code or pages in: by link() only */
};

/* Goes on over literal text of the template. false: *why_r is static text. */
bool html_feed(struct html *html, struct span text, const char **why_r);
/* A value stands here: how it must be written. false: it cannot stand here. */
bool html_value(struct html *html, enum html_place *place_r, const char **why_r);
/* A branch or a loop begins or ends here. */
bool html_block(struct html *html, const char **why_r);
bool html_same(const struct html *a, const struct html *b);
/* Two ways lead here: *html becomes what holds whichever was taken. false: they end in different places. */
bool html_join(struct html *html, const struct html *other);

/* Writes a foreign text at such a place. PLACE_URL_OURS: the caller has seen that it is ours. */
void html_write(struct buf *out, enum html_place place, struct span text);
bool html_address_is_harmless(struct span url);               /* no scheme, or one that runs nothing */
void html_write_component(struct buf *out, struct span text); /* percent-encoded but RFC 3986's unreserved */

#endif
