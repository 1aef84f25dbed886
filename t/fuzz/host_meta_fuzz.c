/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: host_meta_fuzz.c - a URL from a stranger's TXT record, a host from his SRV record, a
 * name of a callback from a request: every document stays what it is. */
#include "base/must.h"
#include "base/text.h"
#include "http/document.h"
#include "modules/dns-webservice/answer.h"
#include "parse/json.h"
#include "xmpp/host_meta.h"

/* No byte in it ends a script, a string or a comment. */
static void is_safe_json(const struct buf *out)
{
    struct json_object *json = NULL;
    const char *why;

    must(json_parse(buf_span(out), &json_limits_body, &json, &why) == 1);
    json_object_put(json);
    for (size_t i = 0; i < out->size; i++)
        must(strchr("<>&", out->at[i]) == NULL && (unsigned char)out->at[i] >= ' ');
    must(memmem(out->at, out->size, "\342\200\250", 3) == NULL);
}

static void host_meta(struct span url, enum host_meta_relation relation)
{
    struct host_meta_link link = { .relation = relation, .href = url };
    struct host_meta meta = { .links = &link, .link_count = 1 };
    struct buf out = { 0 };
    unsigned quotes = 0;

    if (!host_meta_url_is_good(relation, url, true))
        return;
    must(host_meta_url_host(url, &out) && out.size > 0);
    buf_clear(&out);
    host_meta_json(&meta, &out);
    is_safe_json(&out);
    buf_clear(&out);
    host_meta_xrd(&meta, &out);
    for (size_t i = 0; i < out.size; i++)
        quotes += out.at[i] == '"';
    must(quotes == 4 && text_is_utf8(buf_span(&out)));
    buf_free(&out);
}

static void answer(struct span url)
{
    static const unsigned order[] = { 0 };
    struct discovery discovery = { .host_count = 1 };
    struct buf out = { 0 };
    unsigned quotes = 0;

    if (!text_is_utf8(url) || text_has_control(url)) /* a discovery holds none of these */
        return;
    discovery.hosts[0] = (struct discovered_host){
        .host = SPAN("a.example"), .port = 1, .direct_tls = true, .address_count = 1
    };
    discovery.bosh.count = discovery.websocket.count = 1;
    discovery.bosh.items[0] = discovery.websocket.items[0] = url;
    answer_write(&out, &discovery, order, SPAN("example.org"), 2, false);
    is_safe_json(&out);
    buf_clear(&out);
    answer_write(&out, &discovery, order, SPAN("example.org"), 2, true);
    for (size_t i = 0; i < out.size; i++)
        quotes += out.at[i] == '\'';
    must(quotes == 12); /* six texts */
    buf_free(&out);
}

static void callback(struct span name)
{
    if (!document_callback_is_good(name))
        return;
    must(name.size >= 1 && name.size <= 64);
    for (size_t i = 0; i < name.size; i++)
        must(name.at[i] == '$' || name.at[i] == '.' || name.at[i] == '_' ||
             ((unsigned char)name.at[i] < 128 && strchr("(){}[];<>/*'\"`=-+!, \\\n", name.at[i]) == NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = { (const char *)data, size };

    if (size > 4096)
        return 0;
    callback(in);
    host_meta(in, RELATION_WEBSOCKET);
    host_meta(in, RELATION_BOSH);
    answer(in);
    return 0;
}
