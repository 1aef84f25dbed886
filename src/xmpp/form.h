/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: form.h - data forms (XEP-0004): shown as maps, and filled from maps.
 *
 * Pure functions. A form is the other side's <x xmlns='jabber:x:data'/>, so nothing in it is believed: names
 * and texts go into maps and through the escaper only. An answer to a form is made from that form: its hidden
 * fields come back as they were, its defaults stay where the caller says nothing, and a name that it does not
 * have is refused by name, as servers say little about that. Values never stand in a complaint: one may be a
 * password. */
#ifndef STOA_XMPP_FORM_H
#define STOA_XMPP_FORM_H

#include "base/arena.h"
#include "base/buf.h"
#include "parse/json.h"
#include "parse/xml.h"

/* ---- shown: new objects, the caller's to put ---- */

/* [{var, label?, type?, value?, options?}]: no <value/>: no value; one: a text, or null when it is empty;
 * more: a list. form NULL: an empty list. */
struct json_object *form_fields(const struct xml_element *form, struct arena *arena);
/* [{label, items: [{fields: [{var, value}]}]}], one for each <reported/>; NULL without one. */
struct json_object *form_tables(const struct xml_element *form, struct arena *arena);
/* [{jid, subscription, name?, groups?}] of a roster query in the form; NULL without one. */
struct json_object *form_roster(const struct xml_element *form, struct arena *arena);
/* The texts of its children of that name ("title", "instructions"), one per line; at NULL: there is none. */
struct span form_words(const struct xml_element *form, const char *name, struct arena *arena);

/* ---- filled ---- */

#define FORM_FIELDS_MOST 500 /* said by a caller, or in a form that is to be filled */

struct form_answer { /* what the caller says for one field */
    struct span var;
    struct span *values;
    size_t count;
    bool is_used; /* a form that was filled had this field */
};

struct form_answers { /* in the arena of form_answers_read */
    struct form_answer *all;
    size_t count;
};

/* fields: [{var, value}], value a text, number, truth or null, or a list of these; NULL, null or an empty
 * text: none. false: *why_r is a sentence in arena or static. */
bool form_answers_read(struct json_object *fields, struct arena *arena, struct form_answers *answers_r,
                       const char **why_r);
bool form_answers_left(const struct form_answers *answers); /* some were not used by any form yet */

/* Appends the form, filled, as <x type='submit'/>. An answer whose name the form does not have may go by
 * another name that servers use for the same: one or many of a stem (accountjid, accountjids), announcement
 * and body. is_strict: an answer that fits no field is refused, else it is left unused. false: out and
 * answers are as before, *why_r is a sentence in arena. */
bool form_fill(const struct xml_element *form, struct form_answers *answers, bool is_strict,
               struct arena *arena, struct buf *out, const char **why_r);
/* The answers as they are, for a form that was shown to the caller in an earlier request. */
void form_submit(const struct form_answers *answers, struct buf *out);

#endif
