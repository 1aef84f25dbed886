/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0 and json-c: json_fuzz.c - what is read, written and read again is written the same; json-c
 * agrees that it is JSON. */
#include "base/must.h"
#include "base/text.h"
#include "parse/json.h"

#include <json-c/json.h>

static const struct json_limits limits = { .size_most = 1 << 20, .depth_most = 16, .items_most = 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = { (const char *)data, size };
    struct buf once = { 0 }, twice = { 0 };
    struct json_object *json = NULL, *again = NULL;
    struct json_tokener *other = json_tokener_new_ex(32);
    const char *why = NULL;

    if (json_parse(in, &limits, &json, &why)) {
        json_write(&once, json);
        must(text_is_utf8(buf_span(&once)) && !text_has_control(buf_span(&once)));
        must(json_parse(buf_span(&once), &limits, &again, &why));
        json_write(&twice, again);
        must(span_eq(buf_span(&once), buf_span(&twice)));
        json_object_put(again);
        again = json_tokener_parse_ex(other, once.at, (int)once.size);
        must(json_tokener_get_error(other) == json_tokener_success ||
             json_tokener_get_error(other) == json_tokener_continue); /* a lone number has no end for it */
        json_object_put(again);
    } else {
        must(why != NULL && json == NULL);
    }
    json_tokener_free(other);
    json_object_put(json);
    buf_free(&once);
    buf_free(&twice);
    return 0;
}
