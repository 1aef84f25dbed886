/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: sheet_view.c - a sheet as values for templates: controls to fill in, or results.
 *
 * Each control has one member that says what it is: is_text, is_secret, is_lines, is_boolean, is_radio,
 * is_select, is_checks, is_fixed, is_hidden. */
#include "sheet.h"

#include "base/text.h"
#include "xmpp/ns.h"

#include <json-c/json.h>

#define NS_MEDIA    "urn:xmpp:media-element"
#define RADIOS_MOST 4  /* more options are easier to find in a list */
#define CHECKS_MOST 24 /* more options are a list, too */
#define ROWS_LEAST  4  /* of a text area */
#define ROWS_MOST   20
#define LINE_LONG   48 /* bytes of a result that stands in one line */

static struct json_object *text_object(struct span text)
{
    return json_object_new_string_len(text.size ? text.at : "", (int)text.size);
}

static void put_text(struct json_object *into, const char *name, struct span text)
{
    if (text.size > 0)
        json_object_object_add(into, name, text_object(text));
}

static void put_flag(struct json_object *into, const char *name, bool is_so)
{
    if (is_so)
        json_object_object_add(into, name, json_object_new_boolean(true));
}

static void put_sentence(struct json_object *into, const char *name, const char *text)
{
    if (text)
        json_object_object_add(into, name, json_object_new_string(text));
}

/* ---- values ---- */

static struct span join(struct arena *arena, const struct span *values, size_t count, char between)
{
    struct buf text = { 0 };
    struct span joined;

    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_char(&text, between);
        buf_add(&text, values[i]);
    }
    joined = arena_copy(arena, buf_span(&text));
    buf_free(&text);
    return joined;
}

static struct span own_text(const struct sheet *sheet, const struct sheet_field *field)
{
    struct buf text = { 0 };
    struct span joined;

    for (const struct xml_element *at = xml_child(field->element, NS_DATA, "value"); at;
         at = xml_next(at, NS_DATA, "value")) {
        if (text.size > 0)
            buf_char(&text, '\n');
        buf_add(&text, xml_text(at, sheet->arena));
    }
    joined = arena_copy(sheet->arena, buf_span(&text));
    buf_free(&text);
    return joined;
}

/* What stands in the control: what was typed, exactly, or the form's own value. */
static struct span shown_text(const struct sheet *sheet, const struct sheet_field *field,
                              const struct web_form *typed)
{
    if (typed == NULL)
        return own_text(sheet, field);
    for (size_t i = 0; i < typed->count; i++)
        if (span_eq(typed->fields[i].name, field->name))
            return typed->fields[i].value;
    return SPAN("");
}

static bool is_chosen(const struct sheet *sheet, const struct sheet_field *field,
                      const struct web_form *typed, struct span value)
{
    if (typed) {
        for (size_t i = 0; i < typed->count; i++)
            if (span_eq(typed->fields[i].name, field->name) && span_eq(typed->fields[i].value, value))
                return true;
        return false;
    }
    for (const struct xml_element *at = xml_child(field->element, NS_DATA, "value"); at;
         at = xml_next(at, NS_DATA, "value"))
        if (span_eq(xml_text(at, sheet->arena), value))
            return true;
    return false;
}

static bool is_true(struct span value)
{
    return span_is(value, "true") || span_is(value, "1") || span_is(value, "on");
}

/* ---- options ---- */

static size_t option_count(const struct sheet_field *field)
{
    size_t count = 0;

    for (const struct xml_element *at = xml_child(field->element, NS_DATA, "option"); at;
         at = xml_next(at, NS_DATA, "option"))
        count++;
    return count;
}

static struct json_object *option(const struct sheet *sheet, const struct sheet_field *field,
                                  const struct web_form *typed, const struct xml_element *element,
                                  size_t number)
{
    const struct xml_element *own = xml_child(element, NS_DATA, "value");
    struct span value = own ? xml_text(own, sheet->arena) : SPAN(""), label = xml_attribute(element, "label");
    struct json_object *one = json_object_new_object();

    json_object_object_add(one, "value", text_object(value));
    json_object_object_add(one, "label", text_object(label.size > 0 ? label : value));
    put_flag(one, "chosen", is_chosen(sheet, field, typed, value));
    put_sentence(one, "id",
                 arena_printf(sheet->arena, "f%td-%zu", (ptrdiff_t)(field - sheet->fields), number));
    return one;
}

static void put_options(struct json_object *into, const struct sheet *sheet, const struct sheet_field *field,
                        const struct web_form *typed)
{
    struct json_object *list = json_object_new_array();
    size_t number = 0;

    for (const struct xml_element *at = xml_child(field->element, NS_DATA, "option");
         at && number < SHEET_OPTIONS_MOST; at = xml_next(at, NS_DATA, "option"))
        json_object_array_add(list, option(sheet, field, typed, at, number++));
    json_object_object_add(into, "options", list);
}

/* ---- what kind of control ---- */

static const char *input_type(const struct sheet_field *field)
{
    static const struct {
        const char *datatype, *type;
    } rows[] = { { "xs:integer", "number" }, { "xs:int", "number" },  { "xs:long", "number" },
                 { "xs:short", "number" },   { "xs:byte", "number" }, { "xs:decimal", "number" },
                 { "xs:double", "number" },  { "xs:anyURI", "url" },  { "xs:date", "date" } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (span_is(field->datatype, rows[i].datatype))
            return rows[i].type;
    return "text";
}

/* Only what means the same to browsers: they complain of other patterns, and then check nothing. */
static bool is_plain_pattern(struct span pattern)
{
    for (size_t i = 0; i < pattern.size; i++)
        if (!((pattern.at[i] >= 'a' && pattern.at[i] <= 'z') ||
              (pattern.at[i] >= 'A' && pattern.at[i] <= 'Z') ||
              (pattern.at[i] >= '0' && pattern.at[i] <= '9') || pattern.at[i] == '.' ||
              pattern.at[i] == ' ' || pattern.at[i] == '@'))
            return false;
    return pattern.size > 0;
}

static void put_input(struct json_object *into, const struct sheet *sheet, const struct sheet_field *field,
                      const struct web_form *typed)
{
    const char *type = input_type(field);

    put_flag(into, "is_text", true);
    put_sentence(into, "type", type);
    put_text(into, "value", shown_text(sheet, field, typed));
    if (strcmp(type, "number") == 0) {
        put_text(into, "least", field->least);
        put_text(into, "most", field->most);
        put_sentence(into, "grain",
                     span_is(field->datatype, "xs:decimal") || span_is(field->datatype, "xs:double") ? "any"
                                                                                                     : "1");
    }
    if (is_plain_pattern(field->regex))
        put_text(into, "pattern", field->regex);
    if (field->type == FORM_JID)
        put_flag(into, "is_address", true);
}

static void put_lines(struct json_object *into, const struct sheet *sheet, const struct sheet_field *field,
                      const struct web_form *typed)
{
    struct span text = shown_text(sheet, field, typed);
    int rows = 1;

    for (size_t i = 0; i < text.size && rows < ROWS_MOST; i++)
        rows += text.at[i] == '\n';
    put_flag(into, "is_lines", true);
    put_flag(into, "is_addresses", field->type == FORM_JIDS);
    put_text(into, "value", text);
    json_object_object_add(into, "rows", json_object_new_int(rows < ROWS_LEAST ? ROWS_LEAST : rows));
}

static void put_choice(struct json_object *into, const struct sheet *sheet, const struct sheet_field *field,
                       const struct web_form *typed)
{
    size_t count = option_count(field);

    if (field->is_open && field->type == FORM_CHOICE) {
        put_input(into, sheet, field, typed);
        put_flag(into, "has_list", true);
    } else if (field->is_open) {
        put_lines(into, sheet, field, typed);
    } else if (field->type == FORM_CHOICES && count <= CHECKS_MOST) {
        put_flag(into, "is_checks", true);
    } else if (field->type == FORM_CHOICE && count <= RADIOS_MOST && field->is_required) {
        put_flag(into, "is_radio", true);
    } else {
        put_flag(into, "is_select", true);
        put_flag(into, "is_multiple", field->type == FORM_CHOICES);
        put_flag(into, "has_none",
                 field->type == FORM_CHOICE && !(field->is_required && own_text(sheet, field).size > 0));
    }
    put_options(into, sheet, field, typed);
}

/* ---- XEP-0221: nothing is fetched; what a browser can fetch by itself becomes a link ---- */

static void put_media(struct json_object *into, const struct sheet *sheet, const struct sheet_field *field)
{
    const struct xml_element *media = xml_child(field->element, NS_MEDIA, "media");
    const struct xml_element *uri = media ? xml_child(media, NS_MEDIA, "uri") : NULL;
    struct json_object *list;

    if (media == NULL)
        return;
    list = json_object_new_array();
    for (; uri && json_object_array_length(list) < 10; uri = xml_next(uri, NS_MEDIA, "uri")) {
        struct span address = span_trim(xml_text(uri, sheet->arena));
        struct json_object *one;

        if (!span_starts(address, SPAN("https://")))
            continue;
        one = json_object_new_object();
        put_text(one, "address", address);
        json_object_object_add(one, "type", text_object(xml_attribute(uri, "type")));
        json_object_array_add(list, one);
    }
    put_flag(into, "has_unshown_media", json_object_array_length(list) == 0);
    json_object_object_add(into, "media", list);
}

/* ---- controls ---- */

static struct json_object *new_control(const struct sheet *sheet, const struct sheet_field *field)
{
    const struct xml_element *desc = xml_child(field->element, NS_DATA, "desc");
    struct span words = desc ? text_head(xml_text(desc, sheet->arena), 4096) : SPAN("");
    char *id = arena_printf(sheet->arena, "f%td", (ptrdiff_t)(field - sheet->fields));
    struct json_object *control = json_object_new_object();

    put_sentence(control, "id", id);
    put_text(control, "name", field->name);
    put_text(control, "label", field->label);
    put_text(control, "desc", words);
    put_flag(control, "required", field->is_required);
    put_sentence(control, "fault", field->fault);
    if (words.size > 0 || field->fault)
        put_sentence(control, "described",
                     arena_printf(sheet->arena, "%s%s%s%s%s", words.size ? id : "", words.size ? "-desc" : "",
                                  words.size && field->fault ? " " : "", field->fault ? id : "",
                                  field->fault ? "-fault" : ""));
    put_media(control, sheet, field);
    return control;
}

static void put_fixed(struct json_object *into, const struct sheet *sheet, const struct sheet_field *field)
{
    struct span text = own_text(sheet, field);

    put_flag(into, "is_fixed", true);
    if (text.size > 0)
        json_object_object_add(into, "value", text_object(text));
}

static struct json_object *control_of(const struct sheet *sheet, const struct sheet_field *field,
                                      const struct web_form *typed)
{
    struct json_object *control = new_control(sheet, field);

    switch (field->type) {
    case FORM_FIXED:
        put_fixed(control, sheet, field);
        break;
    case FORM_BOOLEAN:
        put_flag(control, "is_boolean", true);
        put_flag(control, "checked", is_true(shown_text(sheet, field, typed)));
        break;
    case FORM_SECRET:
        put_flag(control, "is_secret", true);
        break;
    case FORM_LINES:
    case FORM_JIDS:
        put_lines(control, sheet, field, typed);
        break;
    case FORM_CHOICE:
    case FORM_CHOICES:
        put_choice(control, sheet, field, typed);
        break;
    default:
        put_input(control, sheet, field, typed);
        break;
    }
    return control;
}

struct json_object *sheet_controls(const struct sheet *sheet, const struct web_form *typed)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < sheet->count; i++)
        if (sheet->fields[i].type != FORM_HIDDEN)
            json_object_array_add(list, control_of(sheet, &sheet->fields[i], typed));
    return list;
}

struct json_object *sheet_secrets(const struct sheet *sheet)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < sheet->count; i++)
        if (sheet->fields[i].type == FORM_SECRET)
            json_object_array_add(list, control_of(sheet, &sheet->fields[i], NULL));
    return list;
}

struct json_object *sheet_faults(const struct sheet *sheet)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < sheet->count; i++) {
        const struct sheet_field *field = &sheet->fields[i];
        struct json_object *one;

        if (field->fault == NULL)
            continue;
        one = json_object_new_object();
        put_sentence(one, "field", arena_printf(sheet->arena, "f%zu", i));
        put_sentence(
            one, "text",
            arena_printf(sheet->arena, "%.*s: %s", SPAN_ARG(text_head(field->label, 200)), field->fault));
        json_object_array_add(list, one);
    }
    return list;
}

/* ---- what was typed ---- */

struct json_object *sheet_typed(const struct sheet *sheet, const struct web_form *typed)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < sheet->count; i++) {
        const struct sheet_field *field = &sheet->fields[i];
        struct json_object *one;
        const struct span *values;
        size_t count;

        if (field->type == FORM_HIDDEN || field->type == FORM_FIXED || field->type == FORM_SECRET)
            continue;
        values = sheet_values(sheet, field, typed, &count);
        if (count == 0)
            continue;
        one = json_object_new_object();
        put_text(one, "label", field->label);
        put_text(one, "value", text_head(join(sheet->arena, values, count, '\n'), 4096));
        json_object_array_add(list, one);
    }
    return list;
}

struct json_object *sheet_carried(const struct sheet *sheet, const struct web_form *typed)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < sheet->count; i++) {
        const struct sheet_field *field = &sheet->fields[i];

        if (field->type == FORM_HIDDEN || field->type == FORM_FIXED || field->type == FORM_SECRET)
            continue;
        for (size_t k = 0; k < typed->count; k++) {
            struct json_object *one;

            if (!span_eq(typed->fields[k].name, field->name) || typed->fields[k].filename.at)
                continue;
            one = json_object_new_object();
            put_text(one, "name", field->name);
            json_object_object_add(one, "value", text_object(typed->fields[k].value));
            json_object_array_add(list, one);
        }
    }
    return list;
}

/* ---- results ---- */

static struct span option_label(const struct sheet *sheet, const struct sheet_field *field, struct span value)
{
    for (const struct xml_element *at = xml_child(field->element, NS_DATA, "option"); at;
         at = xml_next(at, NS_DATA, "option")) {
        const struct xml_element *own = xml_child(at, NS_DATA, "value");

        if (own && span_eq(xml_text(own, sheet->arena), value) && xml_attribute(at, "label").size > 0)
            return xml_attribute(at, "label");
    }
    return value;
}

static struct json_object *result_of(const struct sheet *sheet, const struct sheet_field *field)
{
    struct span text = own_text(sheet, field);
    struct json_object *one = new_control(sheet, field);
    int rows = 1;

    if (field->type == FORM_BOOLEAN)
        text = is_true(text) ? SPAN("Yes") : SPAN("No");
    else if (field->type == FORM_CHOICE)
        text = option_label(sheet, field, text);
    else if (field->type == FORM_SECRET && text.size > 0)
        put_flag(one, "is_private", true);
    put_flag(one, "is_cut", text.size > SHEET_RESULT_MOST);
    text = text_head(text, SHEET_RESULT_MOST);
    for (size_t i = 0; i < text.size && rows < ROWS_MOST; i++)
        rows += text.at[i] == '\n';
    put_flag(one, "is_long", rows > 1 || text.size > LINE_LONG);
    json_object_object_add(one, "rows", json_object_new_int(rows > 1 ? rows : 2));
    json_object_object_add(one, "value", text_object(text));
    return one;
}

struct json_object *sheet_results(const struct sheet *sheet)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < sheet->count; i++)
        if (sheet->fields[i].type != FORM_HIDDEN)
            json_object_array_add(list, result_of(sheet, &sheet->fields[i]));
    return list;
}
