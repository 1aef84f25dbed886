/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: form_write.h - data forms (XEP-0004) that we make, and the check of what comes back.
 *
 * A draft is filled field by field, written as <x type='form'/> or 'result', and checks a submission against
 * itself: types, required, options, XEP-0122 ranges, lengths. All texts are borrowed and must live as long as
 * the draft, which lies in an arena. */
#ifndef STOA_XMPP_FORM_WRITE_H
#define STOA_XMPP_FORM_WRITE_H

#include "base/arena.h"
#include "base/buf.h"
#include "parse/xml.h"

enum form_type {
    FORM_HIDDEN,
    FORM_FIXED,
    FORM_BOOLEAN,
    FORM_TEXT,    /* text-single */
    FORM_SECRET,  /* text-private */
    FORM_LINES,   /* text-multi */
    FORM_JID,     /* jid-single */
    FORM_JIDS,    /* jid-multi */
    FORM_CHOICE,  /* list-single */
    FORM_CHOICES, /* list-multi */
};

struct form_option {
    struct span label, value;
};

struct form_field {
    enum form_type type;
    const char *var;          /* NULL only for FORM_FIXED */
    const char *label, *desc; /* NULL: none */
    bool is_required;
    const struct form_option *options; /* FORM_CHOICE(S) */
    size_t option_count;
    bool is_open; /* of a choice: other values are good, too (XEP-0122 open) */
    const struct span *values;
    size_t value_count;
    const char *datatype; /* XEP-0122: "xs:integer", "xs:anyURI" ...; NULL: none */
    int64_t least, most;  /* of xs:integer, when least < most */
    size_t longest;       /* bytes of each value; 0: 4,096 (FORM_LINES: 64 KiB in all) */
};

struct form_draft {
    struct arena *arena;
    const char *title, *instructions; /* NULL: none */
    const char *form_type;            /* hidden FORM_TYPE; NULL: none */
    struct form_field *fields;
    size_t count, room;
    /* One table (reported and items), of results; columns are fields with var, label and type. */
    struct form_field *columns;
    size_t column_count;
    struct span *cells; /* row by row */
    size_t cell_count, cell_room;
};

void form_draft_begin(struct form_draft *draft, struct arena *arena, const char *title);
/* Copies *field; returns the copy, to change it further. */
struct form_field *form_draft_add(struct form_draft *draft, const struct form_field *field);
/* Short ways; value at NULL: none. */
struct form_field *form_draft_text(struct form_draft *draft, enum form_type type, const char *var,
                                   const char *label, struct span value);
void form_draft_columns(struct form_draft *draft, const struct form_field *columns, size_t count);
void form_draft_row(struct form_draft *draft, const struct span *cells); /* as many as there are columns */

void form_draft_write(const struct form_draft *draft, bool is_result, struct buf *out);

/* form: the submission, or NULL. Puts the values into the draft's fields (texts in draft->arena): booleans as
 * "true" or "false", JIDs prepared, line ends as LF. false: *var_r is the field at fault (NULL: the whole)
 * and *why_r a sentence that never quotes the value. */
bool form_draft_take(struct form_draft *draft, const struct xml_element *form, const char **var_r,
                     const char **why_r);
/* After that. */
struct span form_draft_value(const struct form_draft *draft, const char *var); /* the first; at NULL: none */
const struct form_field *form_draft_field(const struct form_draft *draft,
                                          const char *var); /* NULL: no such */

#endif
