/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: template_fuzz.c - whatever template compiles, no value changes what its page is.
 *
 * Input: a template, a NUL, a value. The page with that value and the page with "x" in its place are read in
 * a plain way of the test's own; tags and attributes must be the same. */
#include "base/must.h"
#include "page/template.h"
#include "../unit/html_tags.h"

#include <json-c/json.h>
#include <stdint.h>

#define MOST (1u << 16)

static struct json_object *values_of(struct span text)
{
    struct json_object *values = json_object_new_object(), *list = json_object_new_array(),
                       *object = json_object_new_object(),
                       *value = json_object_new_string_len(text.at, (int)text.size);

    json_object_array_add(list, json_object_get(value));
    json_object_array_add(list, json_object_get(value));
    json_object_object_add(object, "v", json_object_get(value));
    json_object_object_add(values, "l", list);
    json_object_object_add(values, "o", object);
    json_object_object_add(values, "v", value);
    return values;
}

static bool tags_with(const struct template_set *set, struct span text, struct buf *tags)
{
    struct json_object *values = values_of(text);
    struct buf page = { 0 }, plain = { 0 };
    bool well = template_render(set, "a", values, MOST, &page);

    template_render_text(set, "a", values, MOST, &plain);
    must(page.size <= MOST && plain.size <= MOST);
    if (well)
        html_tags(buf_span(&page), tags);
    buf_free(&page);
    buf_free(&plain);
    json_object_put(values);
    return well;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span value = { (const char *)data, size }, text = span_cut(&value, '\0');
    const struct template_source sources[] = { { "a", text },
                                               { "p", SPAN("<b>{{v}}</b>") },
                                               { NULL, { 0 } } };
    char why[300] = "";
    struct template_set *set = template_set_new(NULL, sources, why, sizeof(why));
    struct buf want = { 0 }, tags = { 0 };

    must((set == NULL) == (why[0] != '\0'));
    if (set && value.size && tags_with(set, SPAN("x"), &want) && tags_with(set, value, &tags))
        must(span_eq(buf_span(&want), buf_span(&tags)));
    buf_free(&want);
    buf_free(&tags);
    template_set_free(&set);
    return 0;
}
