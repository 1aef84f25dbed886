/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: sheet.c - reading a form into a sheet; see sheet.h. */
#include "sheet.h"

#include "base/map.h"
#include "base/text.h"
#include "xmpp/ns.h"

#define NS_VALIDATE "http://jabber.org/protocol/xdata-validate"
#define NAME_MOST   256 /* bytes of a var that becomes the name of a control */

static const struct {
    const char *name;
    enum form_type type;
} types[] = {
    { "hidden", FORM_HIDDEN },      { "fixed", FORM_FIXED },         { "boolean", FORM_BOOLEAN },
    { "text-single", FORM_TEXT },   { "text-private", FORM_SECRET }, { "text-multi", FORM_LINES },
    { "jid-single", FORM_JID },     { "jid-multi", FORM_JIDS },      { "list-single", FORM_CHOICE },
    { "list-multi", FORM_CHOICES },
};

/* Without a type it is text (XEP-0004 3.3), and a type that nobody knows is best shown as that, too. */
static enum form_type type_of(const struct xml_element *element)
{
    struct span text = xml_attribute(element, "type");

    if (xml_attribute(element, "var").size == 0)
        return FORM_FIXED;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (span_is(text, types[i].name))
            return types[i].type;
    return FORM_TEXT;
}

static void read_validation(struct sheet_field *field, struct arena *arena)
{
    const struct xml_element *validate = xml_child(field->element, NS_VALIDATE, "validate");
    const struct xml_element *range, *regex;

    if (validate == NULL)
        return;
    field->datatype = xml_attribute(validate, "datatype");
    field->is_open = xml_child(validate, NS_VALIDATE, "open") != NULL;
    range = xml_child(validate, NS_VALIDATE, "range");
    if (range) {
        field->least = xml_attribute(range, "min");
        field->most = xml_attribute(range, "max");
    }
    regex = xml_child(validate, NS_VALIDATE, "regex");
    if (regex)
        field->regex = xml_text(regex, arena);
}

/* Names that begin with an underscore, and "token", are those of our own hidden fields and buttons; of two
 * fields with the same name only the first could be told apart. */
static bool is_good_name(struct span var, const struct map *taken)
{
    return var.size > 0 && var.size <= NAME_MOST && var.at[0] != '_' && !span_is(var, "token") &&
           !span_is(var, "submit") && !text_has_control(var) && map_get(taken, var) == NULL;
}

static void read_field(struct sheet *sheet, const struct xml_element *element, struct map *taken)
{
    struct sheet_field *field = &sheet->fields[sheet->count];
    struct span label = xml_attribute(element, "label");

    *field = (struct sheet_field){ .element = element,
                                   .type = type_of(element),
                                   .var = xml_attribute(element, "var"),
                                   .is_required = xml_child(element, NS_DATA, "required") != NULL };
    field->label = label.size > 0 ? label : field->var;
    if (is_good_name(field->var, taken)) {
        field->name = field->var;
        map_set(taken, field->name, field);
    } else {
        field->name = span_of(arena_printf(sheet->arena, "_field_%zu", sheet->count));
    }
    read_validation(field, sheet->arena);
    if ((field->type == FORM_CHOICE || field->type == FORM_CHOICES) &&
        xml_child(element, NS_DATA, "option") == NULL)
        field->type = field->type == FORM_CHOICE ? FORM_TEXT : FORM_LINES;
    sheet->has_secret = sheet->has_secret || field->type == FORM_SECRET;
    sheet->count++;
}

void sheet_read(struct sheet *sheet_r, const struct xml_element *form, struct arena *arena)
{
    const struct xml_element *at = form ? xml_child(form, NS_DATA, "field") : NULL;
    struct sheet sheet = { .arena = arena, .form = form };
    struct map *taken = map_new();

    for (const struct xml_element *one = at; one; one = xml_next(one, NS_DATA, "field"))
        sheet.total++;
    sheet.fields =
        arena_alloc(arena, (sheet.total < SHEET_FIELDS_MOST ? sheet.total + 1 : SHEET_FIELDS_MOST) *
                               sizeof(*sheet.fields));
    for (; at && sheet.count < SHEET_FIELDS_MOST; at = xml_next(at, NS_DATA, "field"))
        read_field(&sheet, at, taken);
    map_free(&taken);
    *sheet_r = sheet;
}
