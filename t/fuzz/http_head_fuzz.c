/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: http_head_fuzz.c - a head reads the same however much of it has come, and its spans lie in
 * it. */
#include "base/must.h"
#include "parse/http_head.h"
#include "parse/uri.h"

static bool inside(struct span in, struct span part)
{
    return part.at >= in.at && part.at + part.size <= in.at + in.size;
}

static void check_done(struct span in, const struct http_head *head)
{
    struct uri_target target;
    struct uri_host host;

    must(head->size <= in.size && head->size >= 16 && memcmp(in.at + head->size - 2, "\r\n", 2) == 0);
    must(inside(in, head->method_text) && inside(in, head->target) && head->target.size > 0);
    must(!(head->chunked && (head->has_length || head->minor == 0)));
    must(head->field_count <= 20 && head->minor <= 1);
    must(uri_target_split(head->target, &target) && target.path.size > 0);
    must(head->host.at ? uri_host_parse(head->host, &host) : head->minor == 0);
    for (unsigned i = 0; i < head->field_count; i++) {
        struct http_field field = head->fields[i];

        must(field.name.size > 0 && inside(in, field.name) && inside(in, field.value));
        for (size_t at = 0; at < field.value.size; at++)
            must(field.value.at[at] != '\r' && field.value.at[at] != '\n' && field.value.at[at] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct http_limits limits = { .head_most = 600, .fields_most = 20 };
    struct span in = { (const char *)data, size };
    struct http_head whole, part;
    enum problem problem = PROBLEM_none, other = PROBLEM_none;
    enum verdict verdict = http_head_parse(in, &limits, &whole, &problem);

    must((verdict == PARSE_BAD) == (problem != PROBLEM_none));
    if (verdict == PARSE_DONE)
        check_done(in, &whole);
    for (size_t cut = 0; cut < size && cut < 700; cut += 1 + cut / 16) {
        enum verdict early = http_head_parse(span_head(in, cut), &limits, &part, &other);

        if (verdict == PARSE_MORE)
            must(early == PARSE_MORE);
        else if (verdict == PARSE_DONE)
            must(early == (cut < whole.size ? PARSE_MORE : PARSE_DONE));
        else
            must(early != PARSE_DONE);
        if (early == PARSE_DONE)
            must(part.size == whole.size && part.field_count == whole.field_count &&
                 part.content_length == whole.content_length && part.chunked == whole.chunked);
    }
    return 0;
}
