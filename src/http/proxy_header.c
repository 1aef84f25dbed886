/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: proxy_header.c - see proxy_header.h. */
#include "http/proxy_header.h"

#include "base/text.h"

#define V1_MOST 107 /* bytes of a v1 line, CRLF included, as its specification counts them */
#define V2_HEAD 16

static const char v2_signature[12] = "\r\n\r\n\0\r\nQUIT\n";

static bool is_port(struct span text)
{
    uint64_t port;

    return text.size >= 1 && text.size <= 5 && text_to_u64(text, &port) && port <= 65535;
}

/* The line without CRLF. */
static enum verdict v1_line(struct span line, struct proxy_header *header_r)
{
    struct span family, source, target, source_port;
    struct ip_address other;
    bool is4;

    span_cut(&line, ' ');
    family = span_cut(&line, ' ');
    if (span_is(family, "UNKNOWN"))
        return PARSE_DONE;
    is4 = span_is(family, "TCP4");
    if (!is4 && !span_is(family, "TCP6"))
        return PARSE_BAD;
    source = span_cut(&line, ' ');
    target = span_cut(&line, ' ');
    source_port = span_cut(&line, ' ');
    if (!ip_address_parse(source, &header_r->source) || !ip_address_parse(target, &other) ||
        !is_port(source_port) || !is_port(line))
        return PARSE_BAD;
    if (is4 != (span_find(source, ':') < 0) || is4 != (span_find(target, ':') < 0))
        return PARSE_BAD;
    header_r->has_source = true;
    return PARSE_DONE;
}

static enum verdict v1_parse(struct span in, struct proxy_header *header_r)
{
    ssize_t end = span_find(span_head(in, V1_MOST), '\n');

    if (end < 0)
        return in.size >= V1_MOST ? PARSE_BAD : PARSE_MORE;
    if (end < 1 || in.at[end - 1] != '\r')
        return PARSE_BAD;
    header_r->size = (size_t)end + 1;
    return v1_line(span_head(in, (size_t)end - 1), header_r);
}

static enum verdict v2_source(struct span body, unsigned char family, struct proxy_header *header_r)
{
    switch (family) {
    case 0x11: /* TCP over IPv4: two addresses, two ports */
        if (body.size < 12)
            return PARSE_BAD;
        header_r->source.bytes[10] = header_r->source.bytes[11] = 0xff;
        memcpy(header_r->source.bytes + 12, body.at, 4);
        header_r->has_source = true;
        return PARSE_DONE;
    case 0x21: /* TCP over IPv6 */
        if (body.size < 36)
            return PARSE_BAD;
        memcpy(header_r->source.bytes, body.at, 16);
        header_r->has_source = true;
        return PARSE_DONE;
    default: /* unix, UDP, unspecified: nothing that we could use */
        return PARSE_DONE;
    }
}

static enum verdict v2_parse(struct span in, struct proxy_header *header_r)
{
    const unsigned char *bytes = (const void *)in.at;
    size_t size;

    if (in.size < V2_HEAD)
        return in.size > 12 && bytes[12] >> 4 != 2 ? PARSE_BAD : PARSE_MORE;
    size = V2_HEAD + (size_t)(bytes[14] << 8 | bytes[15]);
    if (bytes[12] >> 4 != 2 || (bytes[12] & 15) > 1 || size > PROXY_HEADER_MOST)
        return PARSE_BAD;
    if (in.size < size)
        return PARSE_MORE;
    header_r->size = size;
    if ((bytes[12] & 15) == 0)
        return PARSE_DONE; /* LOCAL: the balancer's own health check */
    return v2_source(span_make(in.at + V2_HEAD, size - V2_HEAD), bytes[13], header_r);
}

enum verdict proxy_header_parse(struct span in, struct proxy_header *header_r)
{
    static const struct span v1_start = { "PROXY ", 6 };
    struct span v2_start = span_make(v2_signature, sizeof(v2_signature));

    *header_r = (struct proxy_header){ 0 };
    if (span_starts(in, v2_start))
        return v2_parse(in, header_r);
    if (span_starts(in, v1_start))
        return v1_parse(in, header_r);
    return span_starts(v2_start, in) || span_starts(v1_start, in) ? PARSE_MORE : PARSE_BAD;
}
