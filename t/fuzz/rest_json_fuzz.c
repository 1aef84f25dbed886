/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_json_fuzz.c - bodies as JSON: read(write(x)) is x, in plain ASCII; as XML every map
 * is one element that can be read. */
#include "modules/rest/rest.h"

#include "base/must.h"
#include "parse/xml.h"

#include <stdio.h>

#define WHY_MOST 256

static void check_place(struct span text, const char *why)
{
    unsigned line = 0, column = 0, lines = 1;

    must(sscanf(why, "The JSON is bad at line %u, column %u: ", &line, &column) == 2);
    for (size_t i = 0; i < text.size; i++)
        lines += text.at[i] == '\n';
    must(line >= 1 && line <= lines && column >= 1 && column <= text.size + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct xml_limits wide = { .element_most = 8 << 20, .depth_most = 64, .attributes_most = 4 };
    struct span in = { (const char *)data, size };
    struct json_object *map = NULL, *again = NULL;
    struct arena *arena;
    struct xml_element *root;
    struct buf text = { 0 };
    char why[WHY_MOST] = "";
    const char *trouble;

    if (!rest_read_json(in, &map, why, sizeof(why))) {
        check_place(in, why);
        return 0;
    }
    rest_write_json(&text, map);
    for (size_t i = 0; i < text.size; i++)
        must((unsigned char)text.at[i] >= 0x0a && (unsigned char)text.at[i] < 0x7f);
    must(rest_read_json(buf_span(&text), &again, why, sizeof(why)));
    must(json_object_equal(map, again));
    json_object_put(again);
    buf_clear(&text);
    rest_write_xml(&text, map);
    arena = arena_new();
    must(text.size > wide.element_most || xml_document(buf_span(&text), &wide, arena, &root, &trouble));
    arena_free(&arena);
    json_object_put(map);
    buf_free(&text);
    return 0;
}
