/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: config_form.c - a section of the configuration as a form, and what came back as changes.
 *
 * A field for each setting that may be changed by command, with its type, its limits, its value and its
 * paragraph of the manual; what is only changed in the file is shown as text. Secrets are never shown; an
 * empty one stays as it is. A digest of what was shown travels along: if somebody else changed the section
 * meanwhile, his change is not undone unseen. */
#include "config_form.h"

#include "base/codec.h"
#include "base/digest.h"
#include "base/text.h"
#include "conf/value.h"
#include "manage.h"

#define SHOWN "shown-values" /* the hidden field with the digest */

/* ---- finding sections ---- */

struct finding {
    const char *path;
    struct conf_view found;
};

static void find_one(void *data, const struct conf_view *view)
{
    struct finding *finding = data;

    if (strcmp(view->path, finding->path) == 0)
        finding->found = *view;
}

bool config_find(struct command_call *call, struct span path, struct conf_view *view_r)
{
    struct finding finding = { .path = arena_text(call->arena, path) };

    conf_walk(call->host->conf, call->arena, find_one, &finding);
    *view_r = finding.found;
    return finding.found.path != NULL;
}

bool config_has_switch(const struct conf_view *view)
{
    return view->table->size > 0 && !view->is_guarded;
}

bool config_is_open(const struct conf_view *view)
{
    if (view->is_guarded)
        return false;
    for (const struct directive *row = view->table->directives; row && row->name; row++)
        if (!conf_is_guarded(row))
            return true;
    return config_has_switch(view);
}

/* ---- values ---- */

static struct span text_of(struct arena *arena, struct buf *buf)
{
    struct span text = arena_copy(arena, buf_span(buf));

    buf_free(buf);
    return text;
}

static struct span value_of(struct arena *arena, const struct directive *row, const void *base)
{
    struct buf out = { 0 };

    if (row->type == DIRECTIVE_CHOICE)
        return span_of(row->choices[*(const int64_t *)(const void *)((const char *)base + row->into)]);
    conf_value(row, base, true, &out);
    return text_of(arena, &out);
}

static const struct conf_list *list_of(const struct directive *row, const void *base)
{
    return (const struct conf_list *)(const void *)((const char *)base + row->into);
}

static bool is_shown(const struct directive *row)
{
    return row->type != DIRECTIVE_OBSOLETE;
}

/* Of all that can be seen; a secret counts by whether it is there. */
static struct span digest_of(struct arena *arena, const struct conf_view *view)
{
    unsigned char digest[SHA256_BYTES];
    struct buf all = { 0 };

    if (config_has_switch(view))
        buf_text(&all, ((const struct conf_section *)view->base)->active ? "on" : "off");
    for (const struct directive *row = view->table->directives; row && row->name; row++) {
        if (!is_shown(row) || row->secret)
            continue;
        buf_printf(&all, "\n%s=", row->name);
        conf_value(row, view->base, true, &all);
    }
    digest_sha256(buf_span(&all), digest);
    buf_clear(&all);
    codec_hex(&all, span_make((const char *)digest, 16));
    return text_of(arena, &all);
}

/* ---- the form ---- */

static void add_range(struct buf *out, const struct directive *row)
{
    if (row->least == 0 && row->most == 0)
        return;
    buf_text(out, " From ");
    value_write(out, row, &row->least);
    if (row->most) {
        buf_text(out, " to ");
        value_write(out, row, &row->most);
        buf_char(out, '.');
    } else {
        buf_text(out, " on.");
    }
}

static const char *description(struct arena *arena, const struct directive *row)
{
    struct buf out = { 0 };

    buf_text(&out, row->manual ? row->manual : "");
    if (row->type == DIRECTIVE_SIZE)
        buf_text(&out, " A size: digits with K, M, G or T.");
    if (row->type == DIRECTIVE_DURATION)
        buf_text(&out, " A time: digits with ms, s, m, h or d.");
    if (row->type == DIRECTIVE_SIZE || row->type == DIRECTIVE_DURATION || row->type == DIRECTIVE_NUMBER)
        add_range(&out, row);
    if (row->type == DIRECTIVE_TEXT_LIST)
        buf_text(&out, " One a line.");
    if (row->secret)
        buf_text(&out, " A secret: it is not shown; empty leaves it as it is.");
    buf_text(&out,
             row->effect == ON_RELOAD ? " A change counts at once." : " A change counts after a restart.");
    return text_of(arena, &out).at;
}

static void add_choices(struct form_field *field, struct arena *arena, const struct directive *row)
{
    struct form_option *options;
    size_t count = 0;

    while (row->choices[count])
        count++;
    options = arena_alloc(arena, count * sizeof(*options));
    for (size_t i = 0; i < count; i++)
        options[i].label = options[i].value = span_of(row->choices[i]);
    field->options = options;
    field->option_count = count;
}

static void add_list(struct form_field *field, struct arena *arena, const struct conf_list *list)
{
    struct span *values = arena_alloc(arena, (list->count + 1) * sizeof(*values));

    for (size_t i = 0; i < list->count; i++)
        values[i] = span_of(list->texts[i]);
    field->values = values;
    field->value_count = list->count;
}

static enum form_type form_type_of(const struct directive *row)
{
    if (row->type == DIRECTIVE_TEXT_LIST)
        return FORM_LINES;
    if (row->secret)
        return FORM_SECRET;
    return row->type == DIRECTIVE_BOOL     ? FORM_BOOLEAN
           : row->type == DIRECTIVE_CHOICE ? FORM_CHOICE
                                           : FORM_TEXT;
}

static void add_field(struct form_draft *draft, const struct directive *row, const void *base)
{
    struct arena *arena = draft->arena;
    struct form_field *field;

    field = form_draft_text(draft, form_type_of(row), row->name, row->name,
                            row->secret || row->type == DIRECTIVE_TEXT_LIST ? (struct span){ NULL, 0 }
                                                                            : value_of(arena, row, base));
    field->desc = description(arena, row);
    field->longest = row->type == DIRECTIVE_TEXT_LIST ? 0 : 4096;
    if (row->type == DIRECTIVE_TEXT_LIST && !row->secret)
        add_list(field, arena, list_of(row, base));
    if (row->type == DIRECTIVE_CHOICE)
        add_choices(field, arena, row);
    if (row->type == DIRECTIVE_NUMBER) {
        field->datatype = "xs:integer";
        field->least = row->least;
        field->most = row->most ? row->most : INT64_MAX;
    }
}

static void add_guarded(struct form_draft *draft, const struct directive *row, const void *base)
{
    struct buf text = { 0 };

    buf_printf(&text, "%s = ", row->name);
    if (row->secret)
        buf_text(&text, "(hidden)");
    else
        conf_value(row, base, false, &text);
    buf_text(&text, " (in config.tdsl only)");
    form_draft_text(draft, FORM_FIXED, NULL, NULL, text_of(draft->arena, &text));
}

void config_form_fill(struct form_draft *draft, const struct conf_view *view)
{
    draft->title = arena_printf(draft->arena, "Settings of %s", view->path);
    draft->instructions =
        "What you change counts for all processes as soon as the new ones serve; no request is "
        "dropped. What does not load is refused, and nothing is different.";
    form_draft_text(draft, FORM_HIDDEN, SHOWN, NULL, digest_of(draft->arena, view));
    if (config_has_switch(view))
        form_draft_text(draft, FORM_BOOLEAN, "active", "active",
                        ((const struct conf_section *)view->base)->active ? SPAN("true") : SPAN("false"))
            ->desc = "Whether this section, and what it stands for, is switched on.";
    for (const struct directive *row = view->table->directives; row && row->name; row++) {
        if (!is_shown(row))
            continue;
        if (view->is_guarded || conf_is_guarded(row))
            add_guarded(draft, row, view->base);
        else
            add_field(draft, row, view->base);
    }
}

/* ---- what came back ---- */

/* The lines of a field: a client may send one value for each, or all in one. */
static bool next_line(const struct form_field *field, size_t *at, struct span *rest, struct span *line_r)
{
    for (;;) {
        while (rest->size) {
            *line_r = span_trim(span_cut(rest, '\n'));
            if (line_r->size)
                return true;
        }
        if (*at == field->value_count)
            return false;
        *rest = field->values[(*at)++];
    }
}

static void write_new(struct buf *out, struct arena *arena, const struct directive *row,
                      const struct form_field *field)
{
    struct span value = field->value_count ? span_trim(field->values[0]) : SPAN("");
    struct span rest = SPAN("");
    bool first = true;
    size_t at = 0;

    if (row->type == DIRECTIVE_TEXT_LIST) {
        buf_char(out, '[');
        while (next_line(field, &at, &rest, &value)) {
            buf_text(out, first ? " " : ", ");
            value_write_text(out, arena_text(arena, value));
            first = false;
        }
        buf_text(out, first ? "]" : " ]");
    } else if (value.size == 0) {
        buf_text(out, "null");
    } else if (row->type == DIRECTIVE_TEXT || row->type == DIRECTIVE_CHOICE) {
        value_write_text(out, arena_text(arena, value));
    } else {
        buf_add(out, value);
    }
}

static bool same_list(const struct conf_list *list, const struct form_field *field)
{
    struct span rest = SPAN(""), line;
    size_t at = 0, same = 0;

    while (next_line(field, &at, &rest, &line)) {
        if (same == list->count || !span_is(line, list->texts[same]))
            return false;
        same++;
    }
    return same == list->count;
}

static bool is_same(struct arena *arena, const struct directive *row, const void *base,
                    const struct form_field *field)
{
    struct span value = field->value_count ? field->values[0] : SPAN("");

    if (row->secret) { /* it was shown as nothing */
        for (size_t i = 0; i < field->value_count; i++)
            if (span_trim(field->values[i]).size)
                return false;
        return true;
    }
    if (row->type == DIRECTIVE_TEXT_LIST)
        return same_list(list_of(row, base), field);
    return span_eq(span_trim(value), span_trim(value_of(arena, row, base)));
}

/* Each change is one line of text on its way: nothing may make it two. */
static bool is_one_line(const struct directive *row, const struct form_field *field)
{
    struct span rest = SPAN(""), line;
    size_t at = 0;

    if (row->type != DIRECTIVE_TEXT_LIST)
        return field->value_count == 0 ||
               (!text_has_control(field->values[0]) && text_is_utf8(field->values[0]));
    while (next_line(field, &at, &rest, &line))
        if (text_has_control(line) || !text_is_utf8(line))
            return false;
    return true;
}

bool config_form_lines(struct command_call *call, const struct conf_view *view, struct buf *lines,
                       const char **var_r, const char **why_r)
{
    const struct form_draft *draft = &call->draft;
    const struct form_field *field = form_draft_field(draft, "active");
    bool active = view->table->size > 0 && ((const struct conf_section *)view->base)->active;

    *var_r = NULL;
    if (!span_eq(command_value(call, SHOWN), digest_of(call->arena, view))) {
        *why_r = "Somebody else changed this section meanwhile. Begin again, to see what it says now";
        return false;
    }
    if (field && field->value_count && span_is(field->values[0], "true") != active)
        buf_printf(lines, "%s/active=%s\n", view->path, active ? "false" : "true");
    for (const struct directive *row = view->table->directives; row && row->name; row++) {
        if (!is_shown(row) || view->is_guarded || conf_is_guarded(row))
            continue;
        field = form_draft_field(draft, row->name);
        if (field == NULL || is_same(call->arena, row, view->base, field))
            continue;
        if (!is_one_line(row, field)) {
            *var_r = row->name;
            *why_r = "holds a control character";
            return false;
        }
        buf_printf(lines, "%s/%s=", view->path, row->name);
        write_new(lines, call->arena, row, field);
        buf_char(lines, '\n');
    }
    return true;
}
