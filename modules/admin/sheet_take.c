/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: sheet_take.c - what was typed into a sheet: checked, and as a submission.
 *
 * Hidden fields go back as they came (XEP-0004, FORM_TYPE above all), and fixed ones that have a name, too:
 * some servers look for them. A secret that was left empty is not sent: the server keeps what it has. Values
 * never stand in a complaint. */
#include "sheet.h"

#include "parse/jid.h"
#include "parse/regex.h"
#include "base/text.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define VALUES_MOST 5000 /* of one field */

/* ---- values ---- */

struct values {
    struct span *all; /* in the sheet's arena */
    size_t count, room;
};

static void add_value(struct arena *arena, struct values *values, struct span value)
{
    if (values->count == VALUES_MOST)
        return;
    if (values->count == values->room) {
        struct span *more;

        values->room = values->room ? 2 * values->room : 4;
        more = arena_alloc(arena, values->room * sizeof(*more));
        if (values->count > 0)
            memcpy(more, values->all, values->count * sizeof(*more));
        values->all = more;
    }
    values->all[values->count++] = value;
}

/* One value per line; browsers end lines with CR LF. Empty lines at the end are none. */
static void add_lines(struct arena *arena, struct values *values, struct span text, bool keeps_empty)
{
    while (text.size > 0 && (text.at[text.size - 1] == '\n' || text.at[text.size - 1] == '\r'))
        text.size--;
    while (text.size > 0) {
        struct span line = span_cut(&text, '\n');

        if (line.size > 0 && line.at[line.size - 1] == '\r')
            line.size--;
        if (!keeps_empty)
            line = span_trim(line);
        if (line.size > 0 || keeps_empty)
            add_value(arena, values, line);
    }
}

static void add_own(const struct sheet *sheet, const struct sheet_field *field, struct values *values)
{
    for (const struct xml_element *at = xml_child(field->element, NS_DATA, "value"); at;
         at = xml_next(at, NS_DATA, "value"))
        add_value(sheet->arena, values, xml_text(at, sheet->arena));
}

static void add_typed(const struct sheet *sheet, const struct sheet_field *field,
                      const struct web_form *typed, struct values *values)
{
    for (size_t i = 0; i < typed->count; i++) {
        struct span value = typed->fields[i].value;

        if (!span_eq(typed->fields[i].name, field->name) || typed->fields[i].filename.at)
            continue;
        if (field->type == FORM_LINES || field->type == FORM_JIDS)
            add_lines(sheet->arena, values, value, field->type == FORM_LINES);
        else if (field->type == FORM_CHOICES && field->is_open)
            add_lines(sheet->arena, values, value, false);
        else if (value.size > 0)
            add_value(sheet->arena, values, field->type == FORM_JID ? span_trim(value) : value);
    }
}

const struct span *sheet_values(const struct sheet *sheet, const struct sheet_field *field,
                                const struct web_form *typed, size_t *count_r)
{
    static const struct span truths[] = { { "false", 5 }, { "true", 4 } };
    struct values values = { 0 };

    if (field->type == FORM_HIDDEN || field->type == FORM_FIXED) {
        add_own(sheet, field, &values);
    } else if (field->type == FORM_BOOLEAN) {
        add_typed(sheet, field, typed, &values);
        *count_r = 1;
        return &truths[values.count > 0 && !span_is(values.all[0], "off") &&
                       !span_is(values.all[0], "false") && !span_is(values.all[0], "0")];
    } else {
        add_typed(sheet, field, typed, &values);
    }
    *count_r = values.count;
    return values.all;
}

bool sheet_is_answered(const struct sheet *sheet, const struct web_form *typed)
{
    for (size_t i = 0; i < sheet->count; i++) {
        const struct sheet_field *field = &sheet->fields[i];
        bool is_there =
            field->type == FORM_HIDDEN || field->type == FORM_FIXED || field->type == FORM_BOOLEAN;

        for (size_t k = 0; k < typed->count && !is_there; k++)
            is_there = span_eq(typed->fields[k].name, field->name);
        if (!is_there)
            return false;
    }
    return true;
}

/* ---- checks ---- */

static bool is_whole_number(struct span text)
{
    if (text.size > 0 && (text.at[0] == '-' || text.at[0] == '+'))
        text = span_from(text, 1);
    for (size_t i = 0; i < text.size; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return text.size > 0;
}

static bool to_number(struct span text, double *number_r)
{
    char copy[64], *end;

    if (text.size == 0 || text.size >= sizeof(copy) || text.at[0] == ' ')
        return false;
    memcpy(copy, text.at, text.size);
    copy[text.size] = '\0';
    *number_r = strtod(copy, &end);
    return *end == '\0' && isfinite(*number_r);
}

static bool is_whole_type(struct span datatype)
{
    static const char *const names[] = { "xs:integer", "xs:int", "xs:long", "xs:short", "xs:byte" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (span_is(datatype, names[i]))
            return true;
    return false;
}

static bool is_number_type(struct span datatype)
{
    return is_whole_type(datatype) || span_is(datatype, "xs:decimal") || span_is(datatype, "xs:double");
}

static const char *check_range(const struct sheet *sheet, const struct sheet_field *field, double number)
{
    double bound;

    if (to_number(field->least, &bound) && number < bound)
        return arena_printf(sheet->arena, "This must be %.*s or more", SPAN_ARG(span_head(field->least, 40)));
    if (to_number(field->most, &bound) && number > bound)
        return arena_printf(sheet->arena, "This must be %.*s or less", SPAN_ARG(span_head(field->most, 40)));
    return NULL;
}

/* A pattern of a stranger: one that is no good, or too hard, is the server's to judge. */
static bool fits_regex(struct span pattern, struct span value)
{
    char why[100];
    struct regex *regex = pattern.size <= 500 ? regex_new(pattern, REGEX_WHOLE, why, sizeof(why)) : NULL;
    bool fits = regex == NULL || value.size > 1000 || regex_match(regex, value, 0, NULL, 0) != REGEX_NONE;

    if (regex)
        regex_free(&regex);
    return fits;
}

static bool is_option(const struct sheet *sheet, const struct sheet_field *field, struct span value)
{
    for (const struct xml_element *option = xml_child(field->element, NS_DATA, "option"); option;
         option = xml_next(option, NS_DATA, "option")) {
        const struct xml_element *own = xml_child(option, NS_DATA, "value");

        if (own && span_eq(xml_text(own, sheet->arena), value))
            return true;
    }
    return false;
}

static const char *check_value(const struct sheet *sheet, const struct sheet_field *field, struct span value)
{
    double number;
    struct jid jid;

    if (!text_is_utf8(value) || value.size > 1 << 20)
        return "This cannot be sent";
    if (field->type != FORM_LINES && text_has_control(value))
        return "Line ends and control characters cannot be sent";
    if ((field->type == FORM_JID || field->type == FORM_JIDS) && !jid_parse(sheet->arena, value, &jid))
        return field->type == FORM_JID ? "This is no address of the form name@example.org"
                                       : "A line is no address of the form name@example.org";
    if ((field->type == FORM_CHOICE || field->type == FORM_CHOICES) && !field->is_open &&
        !is_option(sheet, field, value))
        return "Choose one of the options";
    if (is_whole_type(field->datatype) && !is_whole_number(value))
        return "This must be a whole number";
    if (is_number_type(field->datatype)) {
        if (!to_number(value, &number))
            return "This must be a number";
        return check_range(sheet, field, number);
    }
    if (field->regex.at && !fits_regex(field->regex, value))
        return "This does not have the form that the server wants";
    return NULL;
}

bool sheet_check(struct sheet *sheet, const struct web_form *typed)
{
    bool is_good = true;

    for (size_t i = 0; i < sheet->count; i++) {
        struct sheet_field *field = &sheet->fields[i];
        const struct span *values;
        size_t count;

        if (field->type == FORM_HIDDEN || field->type == FORM_FIXED || field->type == FORM_BOOLEAN)
            continue;
        values = sheet_values(sheet, field, typed, &count);
        if (field->is_required && count == 0)
            field->fault = "This is needed";
        for (size_t k = 0; k < count && field->fault == NULL; k++)
            field->fault = check_value(sheet, field, values[k]);
        is_good = is_good && field->fault == NULL;
    }
    return is_good;
}

/* ---- as XML ---- */

static bool has_own(const struct sheet_field *field)
{
    const struct xml_element *value = xml_child(field->element, NS_DATA, "value");

    return value != NULL && value->children != NULL;
}

static void write_field(const struct sheet *sheet, const struct sheet_field *field,
                        const struct web_form *typed, struct buf *out)
{
    size_t count;
    const struct span *values = sheet_values(sheet, field, typed, &count);

    if (field->var.size == 0 || (count == 0 && field->type == FORM_SECRET))
        return;
    buf_text(out, "<field");
    stanza_attribute(out, "var", field->var);
    if (span_is(field->var, "FORM_TYPE"))
        stanza_attribute(out, "type", SPAN("hidden"));
    buf_char(out, '>');
    for (size_t i = 0; i < count; i++) {
        buf_text(out, "<value>");
        stanza_text(out, values[i]);
        buf_text(out, "</value>");
    }
    if (count == 0 && field->type == FORM_TEXT && has_own(field)) /* emptied, not left out */
        buf_text(out, "<value/>");
    buf_text(out, "</field>");
}

void sheet_submit(const struct sheet *sheet, const struct web_form *typed, struct buf *out)
{
    buf_text(out, "<x xmlns='" NS_DATA "' type='submit'>");
    for (size_t i = 0; i < sheet->count; i++)
        write_field(sheet, &sheet->fields[i], typed, out);
    buf_text(out, "</x>");
}
