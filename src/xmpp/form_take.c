/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: form_take.c - what comes back for a draft (form_write.h), checked against it.
 *
 * The other side may send anything: a field it was never shown is passed over, one that comes twice, a value
 * that is not among the choices, a line break in a text of one line are refused. No complaint holds a value.
 */
#include "xmpp/form_write.h"

#include "base/text.h"
#include "parse/jid.h"
#include "xmpp/form.h"
#include "xmpp/ns.h"

#include <stdlib.h>

#define VALUES_MOST   500
#define LINES_MOST    20000 /* of one text */
#define TEXT_LONGEST  4096
#define LINES_LONGEST ((size_t)64 * 1024)

struct taking {
    struct form_draft *draft;
    struct form_field *field;
    struct span *values; /* in the draft's arena */
    size_t count;
    const char *why;
};

static bool refuse(struct taking *taking, const char *why)
{
    taking->why = why;
    return false;
}

static bool is_many(enum form_type type)
{
    return type == FORM_LINES || type == FORM_JIDS || type == FORM_CHOICES || type == FORM_HIDDEN;
}

static size_t longest_of(const struct form_field *field)
{
    if (field->longest)
        return field->longest;
    return field->type == FORM_LINES || field->type == FORM_HIDDEN ? LINES_LONGEST : TEXT_LONGEST;
}

/* ---- one value ---- */

static bool check_truth(struct taking *taking, struct span *value)
{
    if (span_is(*value, "1") || span_is(*value, "true"))
        *value = SPAN("true");
    else if (span_is(*value, "0") || span_is(*value, "false"))
        *value = SPAN("false");
    else
        return refuse(taking, "takes true or false");
    return true;
}

static bool check_jid(struct taking *taking, struct span *value)
{
    struct jid jid;

    if (!jid_parse(taking->draft->arena, *value, &jid))
        return refuse(taking, "takes an address such as user@example.org");
    *value = jid_text(taking->draft->arena, jid);
    return true;
}

static bool check_choice(struct taking *taking, struct span value)
{
    const struct form_field *field = taking->field;

    if (field->is_open)
        return true;
    for (size_t i = 0; i < field->option_count; i++)
        if (span_eq(field->options[i].value, value))
            return true;
    return refuse(taking, "takes one of its choices only");
}

/* A decimal number that fits 64 bits; false: it is none. */
static bool read_integer(struct span text, int64_t *number_r)
{
    bool is_negative = text.size > 1 && text.at[0] == '-';
    uint64_t digits;

    if (text.size > 1 && (text.at[0] == '-' || text.at[0] == '+'))
        text = span_from(text, 1);
    if (!text_to_u64(text, &digits) || digits > INT64_MAX)
        return false;
    *number_r = is_negative ? -(int64_t)digits : (int64_t)digits;
    return true;
}

static bool check_integer(struct taking *taking, struct span value)
{
    const struct form_field *field = taking->field;
    int64_t number;

    if (!read_integer(value, &number))
        return refuse(taking, "takes a whole number");
    if (field->least < field->most && (number < field->least || number > field->most))
        return refuse(taking, arena_printf(taking->draft->arena, "takes a number from %lld to %lld",
                                           (long long)field->least, (long long)field->most));
    return true;
}

static bool check_line(struct taking *taking, struct span value)
{
    if (taking->field->type != FORM_LINES && taking->field->type != FORM_HIDDEN && text_has_control(value))
        return refuse(taking, "takes one line without control characters");
    if (taking->field->datatype && strcmp(taking->field->datatype, "xs:integer") == 0)
        return check_integer(taking, value);
    return true;
}

static bool check_value(struct taking *taking, struct span *value)
{
    if (value->size > longest_of(taking->field))
        return refuse(
            taking, arena_printf(taking->draft->arena, "takes %zu bytes at most", longest_of(taking->field)));
    switch (taking->field->type) {
    case FORM_BOOLEAN:
        return check_truth(taking, value);
    case FORM_JID:
    case FORM_JIDS:
        return check_jid(taking, value);
    case FORM_CHOICE:
    case FORM_CHOICES:
        return check_choice(taking, *value);
    default:
        return check_line(taking, *value);
    }
}

/* ---- one field ---- */

/* The lines as one text. */
static bool join_lines(struct taking *taking)
{
    struct form_draft *draft = taking->draft;
    struct buf text = { 0 };

    for (size_t i = 0; i < taking->count && text.size <= longest_of(taking->field); i++) {
        if (i)
            buf_char(&text, '\n');
        for (size_t k = 0; k < taking->values[i].size; k++) {
            char c = taking->values[i].at[k];

            if (c == '\r' && k + 1 < taking->values[i].size && taking->values[i].at[k + 1] == '\n')
                continue;
            buf_char(&text, c == '\r' ? '\n' : c);
        }
    }
    taking->values[0] = arena_copy(draft->arena, buf_span(&text));
    taking->count = 1;
    buf_free(&text);
    return check_value(taking, &taking->values[0]);
}

static bool check_values(struct taking *taking)
{
    size_t kept = 0;

    if (taking->field->type == FORM_LINES)
        return join_lines(taking);
    for (size_t i = 0; i < taking->count; i++) {
        struct span value = taking->values[i];

        if (value.size == 0 && taking->field->type != FORM_HIDDEN)
            continue; /* a field that was left empty */
        if (kept && !is_many(taking->field->type))
            return refuse(taking, "takes one value only");
        if (!check_value(taking, &value))
            return false;
        taking->values[kept++] = value;
    }
    taking->count = kept;
    return true;
}

static bool read_values(struct taking *taking, const struct xml_element *element)
{
    struct arena *arena = taking->draft->arena;
    bool is_text = taking->field->type == FORM_LINES;
    const struct xml_element *first = xml_child(element, NS_DATA, "value"), *at;
    size_t count = 0;

    for (at = first; at; at = xml_next(at, NS_DATA, "value"))
        count++;
    if (count > (is_text ? LINES_MOST : VALUES_MOST))
        return refuse(taking, is_text ? "has too many lines" : "has too many values");
    taking->values = arena_alloc(arena, (count + 1) * sizeof(struct span));
    taking->count = 0;
    for (at = first; at; at = xml_next(at, NS_DATA, "value"))
        taking->values[taking->count++] = xml_text(at, arena);
    return count == 0 || check_values(taking);
}

static bool is_empty(const struct form_field *field)
{
    for (size_t i = 0; i < field->value_count; i++)
        if (field->values[i].size)
            return false;
    return true;
}

/* element NULL: it was not sent, so what the form proposed stands. */
static bool take_field(struct taking *taking, const struct xml_element *element)
{
    struct form_field *field = taking->field;

    if (element != NULL && field->type != FORM_FIXED) {
        if (!read_values(taking, element))
            return false;
        field->values = taking->values;
        field->value_count = taking->count;
    }
    if (field->type == FORM_BOOLEAN && field->value_count == 0) {
        static const struct span no = { "false", 5 };

        field->values = &no;
        field->value_count = 1;
    }
    return !field->is_required || !is_empty(field) || refuse(taking, "is required");
}

static const struct xml_element *element_of(const struct xml_element *form, const char *var)
{
    for (const struct xml_element *at = xml_child(form, NS_DATA, "field"); at;
         at = xml_next(at, NS_DATA, "field"))
        if (span_is(xml_attribute(at, "var"), var))
            return at;
    return NULL;
}

static const struct xml_element *second_of(const struct xml_element *first)
{
    for (const struct xml_element *at = xml_next(first, NS_DATA, "field"); at;
         at = xml_next(at, NS_DATA, "field"))
        if (span_eq(xml_attribute(at, "var"), xml_attribute(first, "var")))
            return at;
    return NULL;
}

static const char *bad_form(const struct xml_element *form)
{
    size_t count = 0;

    if (form == NULL)
        return NULL;
    if (!xml_is(form, NS_DATA, "x") || !span_is(xml_attribute(form, "type"), "submit"))
        return "This is no submitted form";
    for (const struct xml_element *at = xml_child(form, NS_DATA, "field"); at;
         at = xml_next(at, NS_DATA, "field"))
        if (++count > FORM_FIELDS_MOST)
            return "The form has too many fields";
    return NULL;
}

bool form_draft_take(struct form_draft *draft, const struct xml_element *form, const char **var_r,
                     const char **why_r)
{
    struct taking taking = { .draft = draft };

    *var_r = NULL;
    *why_r = bad_form(form);
    if (*why_r)
        return false;
    for (size_t i = 0; i < draft->count; i++) {
        const struct xml_element *element;

        taking.field = &draft->fields[i];
        if (taking.field->var == NULL)
            continue;
        element = form ? element_of(form, taking.field->var) : NULL;
        *var_r = taking.field->var;
        if (element && second_of(element))
            refuse(&taking, "is there twice");
        if (taking.why || !take_field(&taking, element)) {
            *why_r = taking.why;
            return false;
        }
    }
    *var_r = NULL;
    return true;
}
