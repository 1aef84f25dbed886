/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: sheet.h - a data form (XEP-0004) of somebody else, as people see it, fill it in and send
 * it back.
 *
 * A sheet is read from the form's XML whenever it is needed: what was shown goes back to us with the page
 * (step.h), so any worker can take what was typed. Nothing of the form is believed: it is cut to limits, and
 * every text of it goes through templates or the XML escaper only. Values of text-private fields never leave
 * this file for a page. */
#ifndef STOA_ADMIN_SHEET_H
#define STOA_ADMIN_SHEET_H

#include "base/arena.h"
#include "base/buf.h"
#include "module/web.h"
#include "parse/json.h"
#include "parse/xml.h"
#include "xmpp/form_write.h"

#define SHEET_FIELDS_MOST  500    /* that are shown; a form with more cannot be filled in here */
#define SHEET_OPTIONS_MOST 2000   /* of one field, that are shown */
#define SHEET_RESULT_MOST  262144 /* bytes of one value that is shown as a result */

struct sheet_field { /* texts in the form or in the sheet's arena */
    const struct xml_element *element;
    enum form_type type;
    struct span var, label;
    struct span name;        /* of its control in the page: the var, where that is fit for it */
    struct span datatype;    /* XEP-0122; empty: none */
    struct span least, most; /* of a range; at NULL: none */
    struct span regex;       /* at NULL: none */
    bool is_required;
    bool is_open;      /* values besides the options are good */
    const char *fault; /* what is wrong with what was typed; NULL: nothing */
};

struct sheet {
    struct arena *arena; /* borrowed */
    const struct xml_element *form;
    struct sheet_field *fields;
    size_t count; /* of fields */
    size_t total; /* that the form has: more than count: it was cut */
    bool has_secret;
};

/* form NULL: a sheet without fields. */
void sheet_read(struct sheet *sheet_r, const struct xml_element *form, struct arena *arena);

/* ---- shown (sheet_view.c): new objects, the caller's to put ---- */

/* The fields as controls. typed: what stood in them when they were sent, or NULL: the form's own values. */
struct json_object *sheet_controls(const struct sheet *sheet, const struct web_form *typed);
/* The fields as what came out, without the hidden ones. */
struct json_object *sheet_results(const struct sheet *sheet);
/* What was typed, for people who are to confirm it: [{label, value}], and as hidden fields: [{name, value}];
 * secrets are in neither. */
struct json_object *sheet_typed(const struct sheet *sheet, const struct web_form *typed);
struct json_object *sheet_carried(const struct sheet *sheet, const struct web_form *typed);
/* Only the fields of type text-private, as empty controls. */
struct json_object *sheet_secrets(const struct sheet *sheet);
/* The faults, as the part errors of all pages wants them: [{field, text}]. */
struct json_object *sheet_faults(const struct sheet *sheet);

/* ---- tables (sheet_table.c) ---- */
/* [{caption, columns: [{label}], rows: [{cells: [{text}]}], count, total, is_cut, csv}]; NULL: none. */
struct json_object *sheet_tables(const struct xml_element *form, struct arena *arena);

/* ---- taken (sheet_take.c) ---- */

/* Whether a control of each field that wants a value was sent: then a caller who never saw the form knows it.
 */
bool sheet_is_answered(const struct sheet *sheet, const struct web_form *typed);
/* Checks what was typed: types, required, options, XEP-0122; sets fault. false: something is wrong. */
bool sheet_check(struct sheet *sheet, const struct web_form *typed);
/* Appends <x type='submit'>. After a check. */
void sheet_submit(const struct sheet *sheet, const struct web_form *typed, struct buf *out);
/* The values of one field that were typed, as they are sent; in the sheet's arena. */
const struct span *sheet_values(const struct sheet *sheet, const struct sheet_field *field,
                                const struct web_form *typed, size_t *count_r);

#endif
