/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: http_value_fuzz.c - every reader of a field value over the same bytes; what they give is in
 * bounds. */
#include "base/must.h"
#include "parse/http_value.h"

static void lists(struct span in)
{
    struct span rest = in, item;
    size_t left = in.size + 1;

    while (http_list_next(&rest, &item)) {
        must(rest.size < left && item.size > 0 && item.at >= in.at && item.at + item.size <= in.at + in.size);
        left = rest.size;
    }
    http_list_has(in, "close");
}

static void ranges(struct span in, uint64_t size)
{
    struct http_range got[HTTP_RANGES_MOST];
    unsigned count = 99;
    enum http_range_answer answer = http_range_parse(in, size, got, &count);

    must(count <= HTTP_RANGES_MOST && (count > 0) == (answer == HTTP_RANGE_PARTS));
    for (unsigned i = 0; i < count; i++)
        must(got[i].first <= got[i].last && got[i].last < size);
}

static void validators(struct span in)
{
    /* what matches strongly matches weakly too */
    must(!http_etag_matches(in, SPAN("\"a\""), HTTP_STRONG) ||
         http_etag_matches(in, SPAN("\"a\""), HTTP_WEAK));
    must(!http_etag_matches(in, SPAN(""), HTTP_WEAK));
    http_etag_matches(SPAN("\"a\""), in, HTTP_WEAK);
    http_if_range_holds(in, SPAN("\"a\""), 0);
}

static void types(struct span in)
{
    struct media_type type;
    struct span name, value;

    if (media_type_parse(in, &type)) {
        must(media_type_same(in, in) && http_is_token(type.type) && http_is_token(type.subtype));
        while (http_parameter_next(&type.parameters, &name, &value) > 0)
            must(http_is_token(name) && value.size > 0);
    }
    must(http_accept_quality(in, "text/html") <= 1000 && http_word_quality(in, "gzip") <= 1000);
}

static void quotes(struct span in)
{
    struct buf quoted = { 0 }, plain = { 0 };

    if (http_quoted_encode(in, &quoted)) {
        must(http_quoted_decode(buf_span(&quoted), &plain) && span_eq(buf_span(&plain), in));
        buf_clear(&plain);
    }
    if (!http_quoted_decode(in, &plain))
        must(plain.size == 0);
    buf_free(&quoted);
    buf_free(&plain);
}

static void credentials(struct span in)
{
    struct buf user = { 0 }, password = { 0 };

    if (http_basic_parse(in, &user, &password))
        must(span_find(buf_span(&user), ':') < 0 && in.size > 6);
    else
        must(user.size == 0 && password.size == 0);
    buf_free(&user);
    buf_free(&password);
}

static void forwarding(struct span in)
{
    struct http_forwarded got[4];
    struct ip_address address, again;
    char text[IP_TEXT];
    int count = http_forwarded_parse(in, got, 4);

    must(count >= -1 && count <= 4);
    for (int i = 0; i < count; i++)
        must(got[i].for_node.at == NULL || span_find(got[i].for_node, '"') < 0);
    if (!http_node_address(in, &address, NULL))
        return;
    ip_address_text(&address, text);
    must(ip_address_parse(span_of(text), &again) && memcmp(&address, &again, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = { (const char *)data, size };

    lists(in);
    ranges(in, 10);
    ranges(in, UINT64_MAX);
    ranges(in, 0);
    validators(in);
    types(in);
    quotes(in);
    credentials(in);
    forwarding(in);
    return 0;
}
