/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script_template_fuzz.c - whatever template loads, no value can change what its page is.
 *
 * The same template is rendered with harmless and with hostile values; both pages are then read by the
 * machine that knows where in a page one stands: they must end in the same place, and in no address that runs
 * code. */
#include "base/must.h"
#include "module/script.h"
#include "parse/html.h"
#include "parse/xml.h"

#include <json-c/json.h>
#include <signal.h>

static const struct script_limits limits = {
    .memory_most = 1 << 20, .cpu_most = 20000, .answer_most = 1000000, .calls_most = 1
};

static const char *const texts[] = {
    "{\"a\":\"x\",\"b\":\"y\",\"list\":[\"x\",\"y\"],\"map\":{\"k\":\"v\"}}",
    "{\"a\":\"\\\"'><script>alert(1)</script><!--\",\"b\":\" javascript:alert(1)//\","
    "\"list\":[\"</textarea><style>\",\"data:text/html,<b>\"],\"map\":{\"'><i onclick=\":\"--><p title=\"}}",
};

static struct script_engine *engine;
static struct json_object *values[2];

static void start(void)
{
    static struct loop *loop;

    xml_start();
    loop = loop_new();
    engine = script_engine_new(loop, &limits, NULL);
    for (int i = 0; i < 2; i++)
        values[i] = json_tokener_parse(texts[i]);
    must(values[0] && values[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script_template *one;
    struct html ends[2] = { 0 };
    bool whole = true, read = true;
    char why[500] = "";

    if (engine == NULL)
        start();
    one = script_template_load(engine, "/nonexistent/a.html", span_make((const char *)data, size), why,
                               sizeof(why));
    must((one == NULL) == (why[0] != '\0'));
    for (int i = 0; one && i < 2; i++) {
        struct buf page = { 0 };
        const char *reason;

        whole = script_template_render(one, values[i], &page, why, sizeof(why)) && whole;
        if (whole)
            read = html_feed(&ends[i], buf_span(&page), &reason) && read;
        buf_free(&page);
    }
    if (one && whole)
        must(read && ends[0].state == ends[1].state && strcmp(ends[0].tag, ends[1].tag) == 0 &&
             strcmp(ends[0].name, ends[1].name) == 0);
    script_template_free(&one);
    return 0;
}
