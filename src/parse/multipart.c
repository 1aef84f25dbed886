/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: multipart.c - see multipart.h. */
#include "parse/multipart.h"

#include "base/buf.h"
#include "base/text.h"
#include "parse/http_value.h"

/* ---- the boundary ---- */

static bool is_boundary_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("'()+_,-./:=? ", c));
}

static bool take_boundary(struct span value, char boundary_r[MULTIPART_BOUNDARY_MOST + 1])
{
    struct buf plain = { 0 };
    bool good;

    if (value.size && value.at[0] == '"')
        good = http_quoted_decode(value, &plain);
    else
        good = true, buf_add(&plain, value);
    good = good && plain.size > 0 && plain.size <= MULTIPART_BOUNDARY_MOST && plain.at[plain.size - 1] != ' ';
    for (size_t i = 0; good && i < plain.size; i++)
        good = is_boundary_char(plain.at[i]);
    if (good) {
        memcpy(boundary_r, plain.at, plain.size);
        boundary_r[plain.size] = '\0';
    }
    buf_free(&plain);
    return good;
}

bool multipart_boundary(struct span content_type, char boundary_r[MULTIPART_BOUNDARY_MOST + 1])
{
    struct media_type type;
    struct span name, value;
    bool found = false;

    if (!media_type_parse(content_type, &type) || !span_eq_nocase(type.type, SPAN("multipart")) ||
        !span_eq_nocase(type.subtype, SPAN("form-data")))
        return false;
    while (http_parameter_next(&type.parameters, &name, &value) > 0) {
        if (!span_eq_nocase(name, SPAN("boundary")))
            continue;
        if (found || !take_boundary(value, boundary_r)) /* two of them are read two ways */
            return false;
        found = true;
    }
    return found;
}

/* ---- the fields of one part ---- */

struct part {
    struct span name, filename;
    bool has_disposition;
};

/* What stands between quotes: a backslash is itself, as browsers write it; a quotation mark ends it. */
static bool take_quoted(struct span *rest, struct span *text_r)
{
    ssize_t end;

    if (rest->size == 0 || rest->at[0] != '"')
        return false;
    *rest = span_from(*rest, 1);
    end = span_find(*rest, '"');
    if (end < 0)
        return false;
    *text_r = span_head(*rest, (size_t)end);
    *rest = span_from(*rest, (size_t)end + 1);
    return true;
}

static bool decode_name(struct arena *arena, struct span text, struct span *name_r)
{
    static const struct {
        struct span from;
        char to;
    } escapes[] = { { { "%22", 3 }, '"' }, { { "%0D", 3 }, '\r' }, { { "%0A", 3 }, '\n' } };
    char *out = arena_alloc(arena, text.size + 1);
    size_t size = 0;

    while (text.size) {
        char c = *text.at;
        size_t step = 1;

        for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++)
            if (text.size >= 3 && span_eq_nocase(span_head(text, 3), escapes[i].from))
                c = escapes[i].to, step = 3;
        out[size++] = c;
        text = span_from(text, step);
    }
    *name_r = span_make(out, size);
    return text_is_utf8(*name_r) && (size == 0 || memchr(out, '\0', size) == NULL);
}

/* form-data; name="..."; filename="...": each value in quotes, as all browsers write it, or a token. */
static bool read_disposition(struct arena *arena, struct span value, struct part *part)
{
    struct span rest = value;
    struct span kind = span_trim(span_cut(&rest, ';'));

    if (part->has_disposition || !span_eq_nocase(kind, SPAN("form-data")))
        return false;
    part->has_disposition = true;
    for (rest = span_trim(rest); rest.size; rest = span_trim(rest)) {
        ssize_t equals = span_find(rest, '=');
        struct span name, text, *into;

        if (equals <= 0)
            return false;
        name = span_trim(span_head(rest, (size_t)equals));
        rest = span_trim(span_from(rest, (size_t)equals + 1));
        if (!http_is_token(name))
            return false;
        if (rest.size && rest.at[0] == '"') {
            if (!take_quoted(&rest, &text))
                return false;
        } else {
            text = span_trim(
                span_head(rest, span_find(rest, ';') < 0 ? rest.size : (size_t)span_find(rest, ';')));
            if (!http_is_token(text))
                return false;
            rest = span_from(rest, (size_t)(text.at + text.size - rest.at));
        }
        rest = span_trim(rest);
        if (rest.size && rest.at[0] != ';')
            return false;
        rest = span_from(rest, 1);
        into = span_eq_nocase(name, SPAN("name"))       ? &part->name
               : span_eq_nocase(name, SPAN("filename")) ? &part->filename
                                                        : NULL;
        if (into && (into->at || !decode_name(arena, text, into)))
            return false;
    }
    return part->name.at != NULL;
}

/* RFC 7578 4.7 forbids Content-Transfer-Encoding; what changes nothing is let pass. */
static bool is_plain_encoding(struct span value)
{
    return span_eq_nocase(value, SPAN("binary")) || span_eq_nocase(value, SPAN("8bit")) ||
           span_eq_nocase(value, SPAN("7bit"));
}

/* Takes the fields and the empty line behind them off the front of *rest. NULL: good. */
static const char *read_part(struct arena *arena, struct span *rest, struct part *part)
{
    const char *end = memmem(rest->at, rest->size, "\r\n\r\n", 4);
    struct span head;

    if (rest->size >= 2 && memcmp(rest->at, "\r\n", 2) == 0)
        return "a part of the form has no fields";
    if (end == NULL || end - rest->at > MULTIPART_HEAD_MOST)
        return "the fields of a part of the form do not end, or are too large";
    head = span_head(*rest, (size_t)(end - rest->at) + 2);
    *rest = span_from(*rest, head.size + 2);
    while (head.size) {
        struct span value = span_cut(&head, '\n'), name;

        value = span_head(value, value.size ? value.size - 1 : 0); /* \r: checked next */
        if (value.size == 0 || value.at[value.size] != '\r' || text_has_control(value) ||
            span_find(value, ':') < 0)
            return "a field of a part of the form is no field";
        name = span_cut(&value, ':');
        value = span_trim(value);
        if (!http_is_token(name))
            return "a field of a part of the form is no field";
        if (span_eq_nocase(name, SPAN("Content-Disposition")) && !read_disposition(arena, value, part))
            return "a part of the form does not say its name as form-data does";
        if (span_eq_nocase(name, SPAN("Content-Transfer-Encoding")) && !is_plain_encoding(value))
            return "a part of the form has a transfer encoding";
        if (span_eq_nocase(name, SPAN("Content-Type")) && value.size >= 10 &&
            span_eq_nocase(span_head(value, 10), SPAN("multipart/")))
            return "a part of the form has parts of its own";
    }
    return part->has_disposition ? NULL : "a part of the form has no name";
}

/* ---- the body ---- */

/* Where the next boundary line begins, and what is behind it. at NULL: there is none. is_last_r: "--" stands
 * behind it. The line break before a boundary belongs to it (RFC 2046 5.1.1). */
static struct span find_boundary(struct span body, struct span mark, bool at_start, struct span *behind_r,
                                 bool *is_last_r)
{
    struct span rest = body;

    while (rest.size) {
        const char *at = memmem(rest.at, rest.size, mark.at, mark.size);
        struct span behind;
        bool is_last;

        if (at == NULL)
            break;
        behind = span_from(rest, (size_t)(at - rest.at) + mark.size);
        is_last = span_starts(behind, SPAN("--"));
        rest = behind;
        if (at != body.at || !at_start) {
            if (at - body.at < 2 || memcmp(at - 2, "\r\n", 2) != 0)
                continue;
            at -= 2;
        }
        behind = span_from(behind, is_last ? 2 : 0);
        while (behind.size && (behind.at[0] == ' ' || behind.at[0] == '\t'))
            behind = span_from(behind, 1);
        if (!span_starts(behind, SPAN("\r\n")) && !(is_last && behind.size == 0))
            continue; /* a longer boundary that begins like ours is text */
        behind = span_from(behind, 2);
        *behind_r = behind;
        *is_last_r = is_last;
        return span_make(body.at, (size_t)(at - body.at));
    }
    return (struct span){ 0 };
}

static bool add_field(struct arena *arena, struct form_fields *fields, size_t *room,
                      const struct form_field *field)
{
    if (fields->count == *room) {
        struct form_field *old = fields->items;

        *room = *room ? 2 * *room : 16;
        fields->items = arena_alloc(arena, *room * sizeof(*fields->items));
        if (fields->count)
            memcpy(fields->items, old, fields->count * sizeof(*old));
    }
    fields->items[fields->count++] = *field;
    return field->filename.at ||
           (text_is_utf8(field->value) && (field->value.size == 0 || span_find(field->value, '\0') < 0));
}

enum form_verdict multipart_parse(struct arena *arena, struct span body, const char *boundary, size_t most,
                                  struct form_fields *fields_r, const char **why_r)
{
    struct span mark = span_of(arena_printf(arena, "--%s", boundary)), rest;
    bool is_last = false;
    size_t room = 0;

    *fields_r = (struct form_fields){ 0 };
    *why_r = "the form has no boundary where one is due: it did not come whole";
    if (body.size == 0 || find_boundary(body, mark, true, &rest, &is_last).at == NULL)
        return FORM_BAD;
    while (!is_last) {
        struct part part = { 0 };
        struct form_field field;

        if (fields_r->count == most)
            return FORM_MANY;
        *why_r = read_part(arena, &rest, &part);
        if (*why_r)
            return FORM_BAD;
        *why_r = "the form has no boundary where one is due: it did not come whole";
        /* An empty value has its line break just before: step back over it. */
        rest = span_make(rest.at - 2, rest.size + 2);
        field = (struct form_field){ .name = part.name,
                                     .filename = part.filename,
                                     .value = find_boundary(rest, mark, false, &rest, &is_last) };
        if (field.value.at == NULL)
            return FORM_BAD;
        field.value = field.value.size >= 2 ? span_from(field.value, 2) : SPAN("");
        *why_r = "a field of the form is not UTF-8";
        if (!add_field(arena, fields_r, &room, &field))
            return FORM_BAD;
    }
    return FORM_GOOD;
}
