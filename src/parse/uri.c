/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: uri.c - see uri.h. */
#include "parse/uri.h"

#include "base/codec.h"
#include "base/text.h"
#include "parse/http_chars.h"

#include <arpa/inet.h>

#define LABEL_MOST 63 /* RFC 1035 2.3.4 */

bool uri_target_split(struct span target, struct uri_target *target_r)
{
    ssize_t mark;

    *target_r = (struct uri_target){ 0 };
    if (span_is(target, "*")) {
        target_r->path = target;
        return true;
    }
    if (target.size == 0)
        return false;
    if (target.at[0] != '/') {
        size_t at = strncasecmp(target.at, "http://", target.size < 7 ? target.size : 7) == 0 ? 7 : 8;

        if (target.size <= at || (at == 8 && strncasecmp(target.at, "https://", 8) != 0))
            return false;
        while (at < target.size && target.at[at] != '/' && target.at[at] != '?')
            at++;
        target = span_from(target, at);
    }
    mark = span_find(target, '?');
    target_r->has_query = mark >= 0;
    target_r->path = mark >= 0 ? span_head(target, (size_t)mark) : target;
    target_r->query = mark >= 0 ? span_from(target, (size_t)mark + 1) : span_make(NULL, 0);
    if (target_r->path.size == 0)
        target_r->path = SPAN("/");
    return true;
}

/* Two hex digits behind a '%' at text.at[at]; -1: they are not there. */
static int escape_at(struct span text, size_t at)
{
    int high = at + 2 < text.size ? codec_hex_digit(text.at[at + 1]) : -1;
    int low = high >= 0 ? codec_hex_digit(text.at[at + 2]) : -1;

    return low < 0 ? -1 : high << 4 | low;
}

/* Decodes a path; false at the first thing that has, or could be given, two meanings. */
static bool decode_path(struct span path, struct buf *out)
{
    for (size_t i = 0; i < path.size; i++) {
        int c = (unsigned char)path.at[i];

        if (c == '%') {
            c = escape_at(path, i);
            if (c < 0 || c == '/' || c == '\\')
                return false;
            i += 2;
        } else if (!(http_chars[c] & HTTP_TARGET) || c == '\\' || c == '?') {
            return false;
        } else if (c == '/' && i + 1 < path.size && path.at[i + 1] == '/') {
            return false;
        }
        if (c < 0x20 || c == 0x7f)
            return false;
        buf_char(out, (char)c);
    }
    return true;
}

/* decoded begins with a slash. */
static bool has_dot_segment(struct span decoded)
{
    struct span rest = span_from(decoded, 1);

    while (rest.size) {
        struct span segment = span_cut(&rest, '/');

        if (span_is(segment, ".") || span_is(segment, ".."))
            return true;
    }
    return false;
}

bool uri_path_decode(struct span path, struct buf *out, enum problem *problem_r)
{
    size_t before = out->size;
    struct span decoded;

    if (path.size > 0 && path.at[0] == '/' && decode_path(path, out)) {
        decoded = span_from(buf_span(out), before);
        if (text_is_utf8(decoded) && !has_dot_segment(decoded))
            return true;
    }
    out->size = before;
    *problem_r = PROBLEM_bad_request;
    return false;
}

bool uri_query_next(struct span *rest, struct span *name_r, struct span *value_r)
{
    while (rest->size) {
        struct span pair = span_cut(rest, '&');

        if (pair.size == 0)
            continue;
        *name_r = span_cut(&pair, '=');
        *value_r = pair;
        return true;
    }
    return false;
}

bool uri_query_decode(struct span encoded, struct buf *out)
{
    size_t before = out->size;

    for (size_t i = 0; i < encoded.size; i++) {
        int c = (unsigned char)encoded.at[i];

        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            c = escape_at(encoded, i);
            i += 2;
        }
        if (c <= 0) {
            out->size = before;
            return false;
        }
        buf_char(out, (char)c);
    }
    if (text_is_utf8(span_from(buf_span(out), before)))
        return true;
    out->size = before;
    return false;
}

int uri_query_find(struct span query, const char *name, struct buf *value)
{
    size_t before = value->size;
    struct span key, text;

    while (uri_query_next(&query, &key, &text)) {
        bool same;

        if (!uri_query_decode(key, value))
            return -1;
        same = span_is(span_from(buf_span(value), before), name);
        value->size = before;
        if (same)
            return uri_query_decode(text, value) ? 1 : -1;
    }
    return 0;
}

/* ":" and a port, or nothing. */
static bool read_port(struct span text, uint16_t *port_r)
{
    uint64_t port = 0;

    if (text.size == 0)
        return true;
    text = span_from(text, 1);
    if (text.size > 5 || !text_to_u64(text, &port) || port == 0 || port > UINT16_MAX)
        return false;
    *port_r = (uint16_t)port;
    return true;
}

/* "[...]" at the front of text; the address goes into the name in its one usual form. */
static bool read_literal(struct span *text, struct uri_host *host)
{
    ssize_t end = span_find(*text, ']');
    struct ip_address address;

    if (end < 0 || !ip_address_parse(span_head(*text, (size_t)end + 1), &address))
        return false;
    host->is_ip = host->is_ip6 = true;
    if (inet_ntop(AF_INET6, address.bytes, host->name, sizeof(host->name)) == NULL)
        return false;
    *text = span_from(*text, (size_t)end + 1);
    return text->size == 0 || text->at[0] == ':';
}

static bool read_name(struct span *text, struct uri_host *host)
{
    size_t size = http_chars_span(*text, HTTP_HOST), label = 0;
    struct ip_address address;

    if (size < text->size && text->at[size] != ':')
        return false;
    if (size > 0 && text->at[size - 1] == '.')
        size--;
    if (size == 0 || size > URI_HOST_MOST)
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = text->at[i];

        label = c == '.' ? 0 : label + 1;
        if (label > LABEL_MOST || (c == '.' && (i == 0 || text->at[i - 1] == '.')))
            return false;
        host->name[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    if (host->name[size - 1] == '.')
        return false;
    host->name[size] = '\0';
    host->is_ip = host->name[size - 1] <= '9' && ip_address_parse(span_make(host->name, size), &address);
    *text = span_from(*text, http_chars_span(*text, HTTP_HOST));
    return true;
}

bool uri_host_parse(struct span text, struct uri_host *host_r)
{
    host_r->port = 0;
    host_r->is_ip = host_r->is_ip6 = false;
    if (text.size == 0)
        return false;
    if (text.at[0] == '[' ? !read_literal(&text, host_r) : !read_name(&text, host_r))
        return false;
    return read_port(text, &host_r->port);
}
