/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: template.h - HTML templates that escape by the place a value stands in.
 *
 * A template is compiled once; the compiler follows the HTML and decides for each value how it is escaped: in
 * text, in a quoted attribute, or in an attribute that holds an address (href, src, action, formaction),
 * where besides nothing but a relative address, http, https, mailto, tel and xmpp pass: another scheme
 * becomes
 * "#". A value that stands further in an address, behind a literal or another value, is percent-encoded but
 * for its slashes: href="{{base}}{{path}}?node={{node}}". A value anywhere else (a tag's or attribute's name,
 * an unquoted attribute, style and on... attributes, script, style, a comment) does not compile. There is no
 * way to write a value unescaped.
 *
 *   {{name}} {{a.b}}           a value; missing: nothing. Names are looked up in the innermost scope first
 *   {{#name}}...{{/name}}      each item of a list; an object: once, inside it; else once when it is true, a
 *                              number but 0 or a text that is not empty. {{.}} is the item itself
 *   {{^name}}...{{/name}}      when the above would show nothing
 *   {{>part}}                  another template of the same set, with the scope as it stands
 *   {{=text_id a b}}           a text of texts.tbl; {1} {2} in it become values a, b, escaped like any value
 *   {{! remark }}
 *
 * Sections must open and close in the same place of the HTML (text, or the same tag, or attribute); parts
 * stand between tags only, and whole templates begin and end there. A line that holds nothing but one of
 * # ^ / > ! leaves no line. A template whose name ends in ".txt" is no HTML and is rendered as text only. */
#ifndef STOA_PAGE_TEMPLATE_H
#define STOA_PAGE_TEMPLATE_H

#include "base/buf.h"
#include "parse/json.h"

struct template_source {
    const char *name; /* NULL ends */
    struct span text;
};

struct template_set;

/* sources: each set sees its own and those of base (the layout and parts that all pages share); base may be
 * NULL and must outlive it. NULL: a template is bad; name, line and what is wrong in why_r. */
struct template_set *template_set_new(const struct template_set *base, const struct template_source *sources,
                                      char *why_r, size_t why_size);
void template_set_free(struct template_set **set);
bool template_has(const struct template_set *set, const char *name);

/* values: an object. false: no such template, or out would grow beyond most. */
bool template_render(const struct template_set *set, const char *name, struct json_object *values,
                     size_t most, struct buf *out);
/* The same as plain text (mails): nothing is escaped, but control characters other than newline are dropped.
 */
bool template_render_text(const struct template_set *set, const char *name, struct json_object *values,
                          size_t most, struct buf *out);

#endif
