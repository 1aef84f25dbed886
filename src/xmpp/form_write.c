/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: form_write.c - a draft of a form: filled, and written as XML. What comes back is checked
 * in form_take.c. */
#include "xmpp/form_write.h"

#include "base/must.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"

static const char *const type_names[] = {
    [FORM_HIDDEN] = "hidden",      [FORM_FIXED] = "fixed",         [FORM_BOOLEAN] = "boolean",
    [FORM_TEXT] = "text-single",   [FORM_SECRET] = "text-private", [FORM_LINES] = "text-multi",
    [FORM_JID] = "jid-single",     [FORM_JIDS] = "jid-multi",      [FORM_CHOICE] = "list-single",
    [FORM_CHOICES] = "list-multi",
};

void form_draft_begin(struct form_draft *draft, struct arena *arena, const char *title)
{
    *draft = (struct form_draft){ .arena = arena, .title = title };
}

/* Room for `more` behind `count` of a list in an arena; the old place stays until the arena dies, so growth
 * doubles. */
static void *grown(struct arena *arena, void *list, size_t count, size_t more, size_t *room, size_t size)
{
    void *wider;

    if (count + more <= *room)
        return list;
    while (*room < count + more)
        *room = *room ? *room * 2 : 16;
    wider = arena_alloc(arena, *room * size);
    if (count)
        memcpy(wider, list, count * size);
    return wider;
}

struct form_field *form_draft_add(struct form_draft *draft, const struct form_field *field)
{
    must(field->var != NULL || field->type == FORM_FIXED);
    draft->fields =
        grown(draft->arena, draft->fields, draft->count, 1, &draft->room, sizeof(struct form_field));
    draft->fields[draft->count] = *field;
    return &draft->fields[draft->count++];
}

struct form_field *form_draft_text(struct form_draft *draft, enum form_type type, const char *var,
                                   const char *label, struct span value)
{
    struct form_field *field =
        form_draft_add(draft, &(struct form_field){ .type = type, .var = var, .label = label });

    if (value.at) {
        struct span *one = arena_make(draft->arena, struct span);

        *one = value;
        field->values = one;
        field->value_count = 1;
    }
    return field;
}

void form_draft_columns(struct form_draft *draft, const struct form_field *columns, size_t count)
{
    must(draft->cell_count == 0);
    draft->columns = arena_alloc(draft->arena, count * sizeof(*columns));
    memcpy(draft->columns, columns, count * sizeof(*columns));
    draft->column_count = count;
}

void form_draft_row(struct form_draft *draft, const struct span *cells)
{
    draft->cells = grown(draft->arena, draft->cells, draft->cell_count, draft->column_count,
                         &draft->cell_room, sizeof(struct span));
    memcpy(draft->cells + draft->cell_count, cells, draft->column_count * sizeof(*cells));
    draft->cell_count += draft->column_count;
}

const struct form_field *form_draft_field(const struct form_draft *draft, const char *var)
{
    for (size_t i = 0; i < draft->count; i++)
        if (draft->fields[i].var && strcmp(draft->fields[i].var, var) == 0)
            return &draft->fields[i];
    return NULL;
}

struct span form_draft_value(const struct form_draft *draft, const char *var)
{
    const struct form_field *field = form_draft_field(draft, var);

    return field && field->value_count ? field->values[0] : (struct span){ NULL, 0 };
}

/* ---- as XML ---- */

static void write_element(struct buf *out, const char *name, struct span text)
{
    buf_printf(out, "<%s>", name);
    stanza_text(out, text);
    buf_printf(out, "</%s>", name);
}

/* One element a line: XEP-0004 3.3 wants no line breaks inside. */
static void write_lines(struct buf *out, const char *name, struct span text)
{
    do {
        struct span line = span_cut(&text, '\n');

        if (line.size && line.at[line.size - 1] == '\r')
            line.size--;
        write_element(out, name, line);
    } while (text.size);
}

/* XEP-0122. */
static void write_validate(struct buf *out, const struct form_field *field)
{
    bool is_range = field->least < field->most;

    if (field->datatype == NULL && !field->is_open)
        return;
    buf_text(out, "<validate xmlns='" NS_DATA_VALIDATE "'");
    stanza_attribute(out, "datatype", span_of(field->datatype ? field->datatype : "xs:string"));
    buf_char(out, '>');
    if (is_range)
        buf_printf(out, "<range min='%lld' max='%lld'/>", (long long)field->least, (long long)field->most);
    else if (field->is_open)
        buf_text(out, "<open/>");
    else
        buf_text(out, "<basic/>");
    buf_text(out, "</validate>");
}

static void write_options(struct buf *out, const struct form_field *field)
{
    for (size_t i = 0; i < field->option_count; i++) {
        buf_text(out, "<option");
        if (field->options[i].label.size)
            stanza_attribute(out, "label", field->options[i].label);
        buf_char(out, '>');
        write_element(out, "value", field->options[i].value);
        buf_text(out, "</option>");
    }
}

/* What was typed as a secret never goes back to where it could be seen. */
static void write_values(struct buf *out, const struct form_field *field)
{
    if (field->type == FORM_SECRET)
        return;
    for (size_t i = 0; i < field->value_count; i++) {
        if (field->type == FORM_LINES)
            write_lines(out, "value", field->values[i]);
        else
            write_element(out, "value", field->values[i]);
    }
}

static void open_field(struct buf *out, const struct form_field *field)
{
    buf_text(out, "<field");
    if (field->var)
        stanza_attribute(out, "var", span_of(field->var));
    stanza_attribute(out, "type", span_of(type_names[field->type]));
    if (field->label)
        stanza_attribute(out, "label", span_of(field->label));
    buf_char(out, '>');
}

static void write_field(struct buf *out, const struct form_field *field, bool is_result)
{
    open_field(out, field);
    if (!is_result) {
        if (field->desc)
            write_element(out, "desc", span_of(field->desc));
        if (field->is_required)
            buf_text(out, "<required/>");
        write_validate(out, field);
    }
    write_values(out, field);
    if (!is_result)
        write_options(out, field);
    buf_text(out, "</field>");
}

static void write_table(struct buf *out, const struct form_draft *draft)
{
    buf_text(out, "<reported>");
    for (size_t i = 0; i < draft->column_count; i++) {
        open_field(out, &draft->columns[i]);
        buf_text(out, "</field>");
    }
    buf_text(out, "</reported>");
    for (size_t at = 0; at < draft->cell_count; at += draft->column_count) {
        buf_text(out, "<item>");
        for (size_t i = 0; i < draft->column_count; i++) {
            buf_text(out, "<field");
            stanza_attribute(out, "var", span_of(draft->columns[i].var));
            buf_char(out, '>');
            write_element(out, "value", draft->cells[at + i]);
            buf_text(out, "</field>");
        }
        buf_text(out, "</item>");
    }
}

void form_draft_write(const struct form_draft *draft, bool is_result, struct buf *out)
{
    buf_printf(out, "<x xmlns='" NS_DATA "' type='%s'>", is_result ? "result" : "form");
    if (draft->title)
        write_element(out, "title", span_of(draft->title));
    if (draft->instructions)
        write_lines(out, "instructions", span_of(draft->instructions));
    if (draft->form_type) {
        buf_text(out, "<field var='FORM_TYPE' type='hidden'>");
        write_element(out, "value", span_of(draft->form_type));
        buf_text(out, "</field>");
    }
    for (size_t i = 0; i < draft->count; i++)
        write_field(out, &draft->fields[i], is_result);
    if (draft->column_count)
        write_table(out, draft);
    buf_text(out, "</x>");
}
