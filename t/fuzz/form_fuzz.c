/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: form_fuzz.c - bodies of forms of both kinds: what they give is in bounds and is text, and a
 * form that was read is written and read again to the same. */
#include "base/codec.h"
#include "base/must.h"
#include "base/text.h"
#include "parse/multipart.h"

#include <stdint.h>

#define FIELDS_MOST 50

static void look(struct arena *arena, struct span in, const struct form_fields *fields)
{
    struct form_fields again;
    struct buf out = { 0 };
    const char *why;

    must(fields->count <= FIELDS_MOST);
    for (size_t i = 0; i < fields->count; i++) {
        const struct form_field *field = &fields->items[i];

        must(field->name.at && field->value.at && field->value.size <= in.size && text_is_utf8(field->name));
        if (field->filename.at)
            must(text_is_utf8(field->filename));
        else
            must(text_is_utf8(field->value) && span_find(field->value, '\0') < 0);
        buf_char(&out, '&');
        codec_percent(&out, field->name, "");
        buf_char(&out, '=');
        if (!field->filename.at)
            codec_percent(&out, field->value, "");
    }
    must(form_urlencoded_parse(arena, buf_span(&out), FIELDS_MOST, &again, &why) == FORM_GOOD);
    must(again.count == fields->count);
    for (size_t i = 0; i < fields->count; i++)
        must(span_eq(again.items[i].name, fields->items[i].name) &&
             (fields->items[i].filename.at || span_eq(again.items[i].value, fields->items[i].value)));
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = { (const char *)data, size }, first = span_cut(&in, '\n');
    char boundary[MULTIPART_BOUNDARY_MOST + 1];
    struct arena *arena = arena_new();
    struct form_fields fields;
    const char *why = NULL;

    if (form_urlencoded_parse(arena, in, FIELDS_MOST, &fields, &why) == FORM_GOOD)
        look(arena, in, &fields);
    if (multipart_boundary(first, boundary)) {
        switch (multipart_parse(arena, in, boundary, FIELDS_MOST, &fields, &why)) {
        case FORM_GOOD:
            look(arena, in, &fields);
            break;
        case FORM_BAD:
            must(why != NULL);
            break;
        case FORM_MANY:
            must(fields.count == FIELDS_MOST);
        }
    }
    arena_free(&arena);
    return 0;
}
