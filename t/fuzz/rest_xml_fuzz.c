/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_xml_fuzz.c - bodies as XML: whatever is read can be written, and what was written
 * reads as the same map again; what is refused is refused with a place in it. */
#include "modules/rest/rest.h"

#include "base/must.h"
#include "base/text.h"
#include "parse/xml.h"

#include <stdio.h>

#define WHY_MOST 256

/* The place that a refusal names lies in the text. */
static void check_place(struct span text, const char *why)
{
    unsigned line = 0, column = 0, lines = 1;

    must(sscanf(why, "The XML is bad at line %u, column %u: ", &line, &column) == 2);
    for (size_t i = 0; i < text.size; i++)
        lines += text.at[i] == '\n';
    must(line >= 1 && line <= lines && column >= 1 && column <= text.size + 1);
}

static void check_again(struct json_object *map)
{
    struct buf xml = { 0 }, twice = { 0 };
    struct json_object *again = NULL;
    char why[WHY_MOST];

    rest_write_xml(&xml, map);
    must(text_is_utf8(buf_span(&xml)));
    if (!rest_read_xml(buf_span(&xml), &again, why, sizeof(why)))
        must(strstr(why, "level") != NULL); /* a root around what had none is one more */
    else
        rest_write_xml(&twice, again);
    /* A map that holds a list of one name, or nothing but <item>, is read as what it looks like. Written once
     * more it changes no further. */
    if (again != NULL) {
        struct json_object *third = NULL;
        struct buf last = { 0 };

        must(rest_read_xml(buf_span(&twice), &third, why, sizeof(why)) || strstr(why, "level") != NULL);
        if (third != NULL) {
            rest_write_xml(&last, third);
            must(text_is_utf8(buf_span(&last)));
        }
        json_object_put(third);
        buf_free(&last);
    }
    json_object_put(again);
    buf_free(&twice);
    buf_free(&xml);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = { (const char *)data, size };
    struct json_object *map = NULL;
    struct buf json = { 0 };
    char why[WHY_MOST] = "";

    if (!rest_read_xml(in, &map, why, sizeof(why))) {
        check_place(in, why);
        return 0;
    }
    check_again(map);
    rest_write_json(&json, map);
    for (size_t i = 0; i < json.size; i++)
        must((unsigned char)json.at[i] >= 0x0a && (unsigned char)json.at[i] < 0x7f);
    json_object_put(map);
    buf_free(&json);
    return 0;
}
