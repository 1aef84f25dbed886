/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: uri_fuzz.c - a decoded path has no second reading: encoded again and decoded again it is
 * the same. */
#include "base/codec.h"
#include "base/must.h"
#include "base/text.h"
#include "parse/uri.h"

static void paths(struct span in)
{
    struct buf once = { 0 }, encoded = { 0 }, twice = { 0 };
    enum problem problem = PROBLEM_none;
    struct span path, rest;

    if (uri_path_decode(in, &once, &problem)) {
        path = buf_span(&once);
        must(problem == PROBLEM_none && path.size > 0 && path.at[0] == '/' && path.size <= in.size);
        must(text_is_utf8(path) && !text_has_control(path) && span_find(path, '\\') < 0);
        for (rest = span_from(path, 1); rest.size;) {
            struct span segment = span_cut(&rest, '/');

            must(segment.size > 0 && !span_is(segment, ".") && !span_is(segment, ".."));
        }
        codec_percent(&encoded, path, "/");
        must(uri_path_decode(buf_span(&encoded), &twice, &problem) && span_eq(buf_span(&twice), path));
    } else {
        must(problem == PROBLEM_bad_request && once.size == 0);
    }
    buf_free(&once);
    buf_free(&encoded);
    buf_free(&twice);
}

static void queries(struct span in)
{
    struct span rest = in, name, value;
    struct buf out = { 0 };

    while (uri_query_next(&rest, &name, &value)) {
        if (uri_query_decode(value, &out))
            must(text_is_utf8(buf_span(&out)) && span_find(buf_span(&out), '\0') < 0);
        buf_clear(&out);
    }
    must(uri_query_find(in, "a", &out) == 1 || out.size == 0);
    buf_free(&out);
}

static void hosts(struct span in)
{
    struct uri_host host, again;
    char text[URI_HOST_MOST + 3];
    struct ip_network network;
    size_t size;

    if (uri_host_parse(in, &host)) {
        size = strlen(host.name);
        must(size > 0 && size <= URI_HOST_MOST && host.name[size - 1] != '.');
        text[0] = '[';
        memcpy(text + 1, host.name, size);
        text[size + 1] = ']';
        must(uri_host_parse(host.is_ip6 ? span_make(text, size + 2) : span_of(host.name), &again));
        must(strcmp(host.name, again.name) == 0 && host.is_ip == again.is_ip && again.port == 0);
    }
    if (ip_network_parse(in, &network))
        must(network.bits <= 128 && ip_network_has(&network, &network.address));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = { (const char *)data, size };
    struct uri_target target;

    if (uri_target_split(in, &target))
        must(target.path.size > 0 && target.path.size + target.query.size <= in.size + 1);
    paths(in);
    queries(in);
    hosts(in);
    return 0;
}
