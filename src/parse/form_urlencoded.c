/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: form_urlencoded.c - see form_urlencoded.h. */
#include "parse/form_urlencoded.h"

#include "parse/uri.h"

/* Straight into the arena: decoded is never longer than encoded, so nothing grows, and no copy of a password
 * is left in memory that was given back. */
static bool decode(struct arena *arena, struct span encoded, struct span *text_r)
{
    struct buf room = { .at = arena_alloc(arena, encoded.size + 1), .size = 0, .room = encoded.size + 1 };

    if (!uri_query_decode(encoded, &room))
        return false;
    room.at[room.size] = '\0';
    *text_r = buf_span(&room);
    return true;
}

enum form_verdict form_urlencoded_parse(struct arena *arena, struct span body, size_t most,
                                        struct form_fields *fields_r, const char **why_r)
{
    struct span rest = body, name, value;
    size_t count = 0;

    *fields_r = (struct form_fields){ 0 };
    while (uri_query_next(&rest, &name, &value))
        if (++count > most)
            return FORM_MANY;
    fields_r->items = arena_alloc(arena, (count + 1) * sizeof(*fields_r->items));
    for (rest = body; uri_query_next(&rest, &name, &value);) {
        struct form_field *field = &fields_r->items[fields_r->count];

        if (!decode(arena, name, &field->name) || !decode(arena, value, &field->value)) {
            *why_r = "a field of the form is not UTF-8 with good escapes";
            fields_r->count = 0;
            return FORM_BAD;
        }
        fields_r->count++;
    }
    return FORM_GOOD;
}
