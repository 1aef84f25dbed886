/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: form_fill.c - answers to data forms; see form.h. */
#include "xmpp/form.h"

#include "xmpp/ns.h"
#include "xmpp/stanza.h"

#include <json-c/json.h>

#define NAMES_SHOWN 40 /* of a form's fields in a complaint */

/* ---- what the caller says ---- */

/* A scalar as text; false: an object or a list. */
static bool scalar_text(struct json_object *value, struct arena *arena, struct span *text_r)
{
    struct buf text = { 0 };

    switch (json_object_get_type(value)) {
    case json_type_null:
        *text_r = SPAN("");
        return true;
    case json_type_string:
        return json_text(value, text_r);
    case json_type_boolean:
    case json_type_int:
    case json_type_double:
        json_write(&text, value);
        *text_r = arena_copy(arena, buf_span(&text));
        buf_free(&text);
        return true;
    default:
        return false;
    }
}

/* An empty value is none: that is how a field is cleared. */
static bool read_values(struct json_object *value, struct arena *arena, struct form_answer *answer)
{
    size_t most = json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 1;

    answer->values = arena_alloc(arena, (most ? most : 1) * sizeof(*answer->values));
    if (!json_object_is_type(value, json_type_array)) {
        if (!scalar_text(value, arena, &answer->values[0]))
            return false;
        answer->count = answer->values[0].size > 0;
        return true;
    }
    for (size_t i = 0; i < most; i++)
        if (!scalar_text(json_object_array_get_idx(value, i), arena, &answer->values[i]))
            return false;
    answer->count = most;
    if (most == 1 && answer->values[0].size == 0)
        answer->count = 0;
    return true;
}

static struct form_answer *answer_named(const struct form_answers *answers, struct span var)
{
    for (size_t i = 0; i < answers->count; i++)
        if (span_eq(answers->all[i].var, var))
            return &answers->all[i];
    return NULL;
}

static bool read_one(struct json_object *field, struct arena *arena, struct form_answers *answers,
                     const char **why_r)
{
    struct form_answer answer = { 0 };

    if (!json_object_is_type(field, json_type_object) || !json_text(json_member(field, "var"), &answer.var) ||
        answer.var.size == 0) {
        *why_r = "Each of the fields needs a \"var\" that names it, and a \"value\"";
        return false;
    }
    if (answer_named(answers, answer.var)) {
        *why_r = arena_printf(arena, "The field \"%.*s\" is given twice; several values go into one list",
                              SPAN_ARG(answer.var));
        return false;
    }
    if (!read_values(json_member(field, "value"), arena, &answer)) {
        *why_r = arena_printf(arena, "The value of \"%.*s\" is neither a text nor a list of texts",
                              SPAN_ARG(answer.var));
        return false;
    }
    answers->all[answers->count++] = answer;
    return true;
}

bool form_answers_read(struct json_object *fields, struct arena *arena, struct form_answers *answers_r,
                       const char **why_r)
{
    struct form_answers answers = { 0 };
    struct span text;
    size_t count;

    *answers_r = answers;
    if (fields == NULL || (json_text(fields, &text) && text.size == 0))
        return true;
    if (!json_object_is_type(fields, json_type_array)) {
        *why_r = "The \"fields\" must be a list of objects with \"var\" and \"value\"";
        return false;
    }
    count = json_object_array_length(fields);
    if (count > FORM_FIELDS_MOST) {
        *why_r = "There are too many fields";
        return false;
    }
    answers.all = arena_alloc(arena, (count ? count : 1) * sizeof(*answers.all));
    for (size_t i = 0; i < count; i++)
        if (!read_one(json_object_array_get_idx(fields, i), arena, &answers, why_r))
            return false;
    *answers_r = answers;
    return true;
}

bool form_answers_left(const struct form_answers *answers)
{
    for (size_t i = 0; i < answers->count; i++)
        if (!answers->all[i].is_used)
            return true;
    return false;
}

/* ---- writing ---- */

static void write_value(struct buf *out, struct span value)
{
    buf_text(out, "<value>");
    stanza_text(out, value);
    buf_text(out, "</value>");
}

static void begin_field(struct buf *out, struct span var)
{
    buf_text(out, "<field");
    stanza_attribute(out, "var", var);
    buf_char(out, '>');
}

static void end_field(struct buf *out)
{
    buf_text(out, "</field>");
}

void form_submit(const struct form_answers *answers, struct buf *out)
{
    buf_text(out, "<x xmlns='" NS_DATA "' type='submit'>");
    for (size_t i = 0; i < answers->count; i++) {
        begin_field(out, answers->all[i].var);
        for (size_t k = 0; k < answers->all[i].count; k++)
            write_value(out, answers->all[i].values[k]);
        end_field(out);
    }
    buf_text(out, "</x>");
}

/* ---- filling ---- */

struct filling {
    const struct xml_element *form;
    struct form_answers *answers;
    struct arena *arena;
    struct buf *out;
    const char *why;
};

static bool is_type(const struct xml_element *field, const char *type)
{
    return span_is(xml_attribute(field, "type"), type);
}

static bool takes_many(const struct xml_element *field)
{
    return span_ends(xml_attribute(field, "type"), SPAN("-multi"));
}

static struct span var_of(const struct xml_element *field)
{
    return xml_attribute(field, "var");
}

static const struct xml_element *field_named(const struct xml_element *form, struct span var)
{
    for (const struct xml_element *at = xml_child(form, NS_DATA, "field"); at;
         at = xml_next(at, NS_DATA, "field"))
        if (span_eq(var_of(at), var))
            return at;
    return NULL;
}

/* One of a stem and many of it. */
static bool is_plural(struct span one, struct span many)
{
    return one.size > 0 && many.size == one.size + 1 && many.at[one.size] == 's' && span_starts(many, one);
}

static bool means_same(struct span a, struct span b)
{
    return is_plural(a, b) || is_plural(b, a) || (span_is(a, "announcement") && span_is(b, "body")) ||
           (span_is(a, "body") && span_is(b, "announcement"));
}

/* The field that an answer is for: the one of its name, else one that means the same and is not named by
 * another answer. */
static const struct xml_element *field_for(const struct filling *filling, const struct form_answer *answer)
{
    const struct xml_element *field = field_named(filling->form, answer->var);

    if (field)
        return field;
    for (field = xml_child(filling->form, NS_DATA, "field"); field; field = xml_next(field, NS_DATA, "field"))
        if (means_same(var_of(field), answer->var) && answer_named(filling->answers, var_of(field)) == NULL)
            return field;
    return NULL;
}

static const struct form_answer *answer_for(const struct filling *filling, const struct xml_element *field,
                                            const struct xml_element *const *targets)
{
    for (size_t i = 0; i < filling->answers->count; i++)
        if (targets[i] == field)
            return &filling->answers->all[i];
    return NULL;
}

static bool complain(struct filling *filling, const struct xml_element *field, const char *what)
{
    filling->why = arena_printf(filling->arena, "The field \"%.*s\" %s", SPAN_ARG(var_of(field)), what);
    return false;
}

/* XEP-0004 3.3: 1, 0, true, false. */
static bool write_truth(struct filling *filling, const struct xml_element *field, struct span value)
{
    bool yes = span_is(value, "1") || span_eq_nocase(value, SPAN("true"));

    if (!yes && !span_is(value, "0") && !span_eq_nocase(value, SPAN("false")))
        return complain(filling, field, "takes true or false");
    write_value(filling->out, yes ? SPAN("1") : SPAN("0"));
    return true;
}

/* Each line of a text-multi is a value (XEP-0004 3.3). */
static void write_lines(struct buf *out, struct span text)
{
    do {
        struct span line = span_cut(&text, '\n');

        if (line.size && line.at[line.size - 1] == '\r')
            line.size--;
        write_value(out, line);
    } while (text.size);
}

static bool write_answer(struct filling *filling, const struct xml_element *field,
                         const struct form_answer *answer)
{
    if (answer->count > 1 && !takes_many(field) && !is_type(field, "hidden"))
        return complain(filling, field, "takes one value only");
    for (size_t i = 0; i < answer->count; i++) {
        if (is_type(field, "boolean")) {
            if (!write_truth(filling, field, answer->values[i]))
                return false;
        } else if (is_type(field, "text-multi")) {
            write_lines(filling->out, answer->values[i]);
        } else {
            write_value(filling->out, answer->values[i]);
        }
    }
    return true;
}

/* What the server proposed; how many values that was. */
static size_t write_default(struct filling *filling, const struct xml_element *field)
{
    size_t count = 0;

    for (const struct xml_element *at = xml_child(field, NS_DATA, "value"); at;
         at = xml_next(at, NS_DATA, "value")) {
        struct span text = xml_text(at, filling->arena);

        write_value(filling->out, text);
        count += text.size > 0;
    }
    return count;
}

static bool fill_field(struct filling *filling, const struct xml_element *field,
                       const struct form_answer *answer)
{
    size_t count = 0;

    if (var_of(field).size == 0 || (is_type(field, "fixed") && answer == NULL))
        return true;
    begin_field(filling->out, var_of(field));
    if (answer == NULL)
        count = write_default(filling, field);
    else if (write_answer(filling, field, answer))
        count = answer->count;
    else
        return false;
    end_field(filling->out);
    if (count == 0 && xml_child(field, NS_DATA, "required") && !is_type(field, "hidden"))
        return complain(filling, field, "is required");
    return true;
}

static const char *names_of(const struct xml_element *form, struct arena *arena)
{
    struct buf names = { 0 };
    unsigned count = 0;
    const char *text;

    for (const struct xml_element *at = xml_child(form, NS_DATA, "field"); at && count <= NAMES_SHOWN;
         at = xml_next(at, NS_DATA, "field")) {
        if (var_of(at).size == 0 || is_type(at, "hidden") || is_type(at, "fixed"))
            continue;
        if (count++)
            buf_text(&names, ", ");
        if (count > NAMES_SHOWN)
            buf_text(&names, "...");
        else
            buf_add(&names, var_of(at));
    }
    text = count ? arena_text(arena, buf_span(&names)) : "none";
    buf_free(&names);
    return text;
}

static bool is_taken(const struct xml_element *field, const struct xml_element *const *targets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (targets[i] == field)
            return true;
    return false;
}

/* FORM_TYPE may be said by a caller that knows the forms of another server: it does no harm where it is not
 * asked for. */
static bool find_targets(struct filling *filling, bool is_strict, const struct xml_element **targets)
{
    for (size_t i = 0; i < filling->answers->count; i++) {
        struct form_answer *answer = &filling->answers->all[i];

        targets[i] = answer->is_used ? NULL : field_for(filling, answer);
        if (targets[i] && is_taken(targets[i], targets, i))
            targets[i] = NULL;
        if (targets[i] || answer->is_used || !is_strict || span_is(answer->var, "FORM_TYPE"))
            continue;
        filling->why = arena_printf(filling->arena, "The form has no field \"%.*s\"; its fields are: %s",
                                    SPAN_ARG(answer->var), names_of(filling->form, filling->arena));
        return false;
    }
    return true;
}

static bool is_fillable(struct filling *filling)
{
    size_t count = 0;

    for (const struct xml_element *at = xml_child(filling->form, NS_DATA, "field"); at;
         at = xml_next(at, NS_DATA, "field"))
        count++;
    filling->why = "The form has too many fields to be filled here";
    return count <= FORM_FIELDS_MOST;
}

static bool fill_all(struct filling *filling, const struct xml_element *const *targets)
{
    buf_text(filling->out, "<x xmlns='" NS_DATA "' type='submit'>");
    for (const struct xml_element *at = xml_child(filling->form, NS_DATA, "field"); at;
         at = xml_next(at, NS_DATA, "field"))
        if (!fill_field(filling, at, answer_for(filling, at, targets)))
            return false;
    buf_text(filling->out, "</x>");
    return true;
}

bool form_fill(const struct xml_element *form, struct form_answers *answers, bool is_strict,
               struct arena *arena, struct buf *out, const char **why_r)
{
    struct filling filling = { form, answers, arena, out, NULL };
    const struct xml_element **targets = arena_alloc(arena, (answers->count + 1) * sizeof(*targets));
    size_t before = out->size;

    if (!is_fillable(&filling) || !find_targets(&filling, is_strict, targets) ||
        !fill_all(&filling, targets)) {
        out->size = before;
        *why_r = filling.why;
        return false;
    }
    for (size_t i = 0; i < answers->count; i++)
        answers->all[i].is_used |= targets[i] != NULL || span_is(answers->all[i].var, "FORM_TYPE");
    return true;
}
