/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: http_value.c - see http_value.h. Ranges and validators are in http_range.c. */
#include "parse/http_value.h"

#include "base/codec.h"
#include "base/text.h"
#include "parse/http_chars.h"
#include "parse/uri.h"

#define QUALITY_FULL 1000u

bool http_is_token(struct span text)
{
    return text.size > 0 && http_chars_all(text, HTTP_TCHAR);
}

/* Bytes of the quoted-string at the front, quotes included; 0: none, or it has no end. */
static size_t quoted_size(struct span text)
{
    if (text.size < 2 || text.at[0] != '"')
        return 0;
    for (size_t i = 1; i < text.size; i++) {
        if (text.at[i] == '"')
            return i + 1;
        if (text.at[i] == '\\')
            i++;
        if (i >= text.size || !(http_chars[(unsigned char)text.at[i]] & HTTP_VALUE))
            return 0;
    }
    return 0;
}

bool http_quoted_decode(struct span text, struct buf *out)
{
    if (text.size < 2 || quoted_size(text) != text.size)
        return false;
    for (size_t i = 1; i + 1 < text.size; i++) {
        if (text.at[i] == '\\')
            i++;
        buf_char(out, text.at[i]);
    }
    return true;
}

bool http_quoted_encode(struct span text, struct buf *out)
{
    if (!http_chars_all(text, HTTP_VALUE))
        return false;
    buf_char(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] == '"' || text.at[i] == '\\')
            buf_char(out, '\\');
        buf_char(out, text.at[i]);
    }
    buf_char(out, '"');
    return true;
}

/* Up to the first separator outside of quoted strings; an open quote goes to the end. */
static struct span cut_outside_quotes(struct span *rest, char separator)
{
    struct span head;
    size_t i = 0;

    while (i < rest->size && rest->at[i] != separator) {
        size_t quoted = rest->at[i] == '"' ? quoted_size(span_from(*rest, i)) : 1;

        i = quoted ? i + quoted : rest->size;
    }
    head = span_head(*rest, i);
    *rest = span_from(*rest, i < rest->size ? i + 1 : i);
    return head;
}

bool http_list_next(struct span *rest, struct span *item_r)
{
    while (rest->size) {
        *item_r = span_trim(cut_outside_quotes(rest, ','));
        if (item_r->size)
            return true;
    }
    return false;
}

bool http_list_has(struct span list, const char *token)
{
    struct span item, wanted = span_of(token);

    while (http_list_next(&list, &item))
        if (span_eq_nocase(item, wanted))
            return true;
    return false;
}

/* name "=" ( token / quoted-string ) at the front of text, stepped over. */
static bool take_pair(struct span *text, struct span *name_r, struct span *value_r)
{
    size_t name = http_chars_span(*text, HTTP_TCHAR), value;
    struct span rest = span_from(*text, name + 1);

    if (name == 0 || name >= text->size || text->at[name] != '=' || rest.size == 0)
        return false;
    value = rest.at[0] == '"' ? quoted_size(rest) : http_chars_span(rest, HTTP_TCHAR);
    if (value == 0)
        return false;
    *name_r = span_head(*text, name);
    *value_r = span_head(rest, value);
    *text = span_from(rest, value);
    return true;
}

int http_parameter_next(struct span *rest, struct span *name_r, struct span *value_r)
{
    struct span text = span_trim(*rest);
    bool separated = false;

    for (; text.size && text.at[0] == ';'; separated = true)
        text = span_trim(span_from(text, 1)); /* RFC 9110 5.6.6: parameters may be empty */
    if (text.size == 0) {
        *rest = text;
        return 0;
    }
    if (!separated || !take_pair(&text, name_r, value_r))
        return -1;
    *rest = text;
    text = span_trim(text);
    return text.size == 0 || text.at[0] == ';' ? 1 : -1;
}

bool media_type_parse(struct span text, struct media_type *type_r)
{
    struct span rest, name, value;
    int more;

    text = span_trim(text);
    type_r->type = span_head(text, http_chars_span(text, HTTP_TCHAR));
    rest = span_from(text, type_r->type.size);
    if (type_r->type.size == 0 || rest.size == 0 || rest.at[0] != '/')
        return false;
    rest = span_from(rest, 1);
    type_r->subtype = span_head(rest, http_chars_span(rest, HTTP_TCHAR));
    rest = span_trim(span_from(rest, type_r->subtype.size));
    type_r->parameters = rest;
    if (type_r->subtype.size == 0 || (rest.size && rest.at[0] != ';'))
        return false;
    do
        more = http_parameter_next(&rest, &name, &value);
    while (more > 0);
    return more == 0;
}

bool media_type_same(struct span a, struct span b)
{
    struct media_type one, other;

    return media_type_parse(a, &one) && media_type_parse(b, &other) && span_eq_nocase(one.type, other.type) &&
           span_eq_nocase(one.subtype, other.subtype);
}

/* qvalue (RFC 9110 12.4.2) in thousandths; -1: malformed. */
static int quality_of(struct span text)
{
    int quality, unit = 100;

    if (text.size == 0 || text.size > 5 || (text.at[0] != '0' && text.at[0] != '1') ||
        (text.size > 1 && text.at[1] != '.'))
        return -1;
    quality = (text.at[0] - '0') * 1000;
    for (size_t i = 2; i < text.size; i++, unit /= 10) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return -1;
        quality += (text.at[i] - '0') * unit;
    }
    return quality > 1000 ? -1 : quality;
}

/* The weight among parameters; 1000 without one; -1: malformed. */
static int weight_of(struct span parameters)
{
    struct span name, value;
    int weight = 1000, more;

    while ((more = http_parameter_next(&parameters, &name, &value)) > 0)
        if (span_eq_nocase(name, SPAN("q")))
            weight = quality_of(value);
    return more < 0 ? -1 : weight;
}

/* How closely a media range fits: 3 by name, 2 type and any subtype, 1 anything, 0 not. */
static int fit_of(const struct media_type *range, const struct media_type *type)
{
    if (span_is(range->type, "*"))
        return span_is(range->subtype, "*") ? 1 : 0;
    if (!span_eq_nocase(range->type, type->type))
        return 0;
    if (span_is(range->subtype, "*"))
        return 2;
    return span_eq_nocase(range->subtype, type->subtype) ? 3 : 0;
}

unsigned http_accept_quality(struct span accept, const char *type)
{
    struct media_type wanted, range;
    struct span item;
    unsigned quality = 0;
    int best = 0;

    if (span_trim(accept).size == 0)
        return QUALITY_FULL;
    if (!media_type_parse(span_of(type), &wanted))
        return 0;
    while (http_list_next(&accept, &item)) {
        int fit = media_type_parse(item, &range) ? fit_of(&range, &wanted) : 0;
        int weight = fit > best ? weight_of(range.parameters) : -1;

        if (weight >= 0) {
            best = fit;
            quality = (unsigned)weight;
        }
    }
    return quality;
}

unsigned http_word_quality(struct span list, const char *word)
{
    struct span item, wanted = span_of(word);
    int exact = -1, any = -1;

    while (http_list_next(&list, &item)) {
        struct span name = span_trim(span_head(item, http_chars_span(item, HTTP_TCHAR)));
        struct span rest = span_trim(span_from(item, name.size));
        int weight = rest.size == 0 || rest.at[0] == ';' ? weight_of(rest) : -1;

        if (weight < 0)
            continue;
        if (span_eq_nocase(name, wanted))
            exact = weight;
        else if (span_is(name, "*"))
            any = weight;
    }
    if (exact >= 0)
        return (unsigned)exact;
    if (any >= 0)
        return (unsigned)any;
    return span_is(wanted, "identity") ? 1 : 0;
}

bool http_credentials(struct span authorization, const char *scheme, struct span *credentials_r)
{
    struct span name = span_head(authorization, http_chars_span(authorization, HTTP_TCHAR));
    struct span rest = span_from(authorization, name.size);

    if (!span_eq_nocase(name, span_of(scheme)) || rest.size == 0 || rest.at[0] != ' ')
        return false;
    *credentials_r = span_trim(rest);
    return credentials_r->size > 0;
}

bool http_basic_parse(struct span authorization, struct buf *user, struct buf *password)
{
    struct buf decoded = { 0 };
    struct span text, name;
    bool good = false;

    if (!http_credentials(authorization, "Basic", &text))
        return false;
    if (codec_base64_decode(&decoded, text)) {
        text = buf_span(&decoded);
        good = span_find(text, ':') >= 0 && text_is_utf8(text) && !text_has_control(text);
    }
    if (good) {
        name = span_cut(&text, ':');
        buf_add(user, name);
        buf_add(password, text);
    }
    if (decoded.at)
        explicit_bzero(decoded.at, decoded.room); /* a password was in it */
    buf_free(&decoded);
    return good;
}

/* Where the value of that pair of a Forwarded element goes; NULL: an extension. */
static struct span *slot_of(struct http_forwarded *element, struct span name)
{
    if (span_eq_nocase(name, SPAN("for")))
        return &element->for_node;
    if (span_eq_nocase(name, SPAN("by")))
        return &element->by_node;
    if (span_eq_nocase(name, SPAN("host")))
        return &element->host;
    if (span_eq_nocase(name, SPAN("proto")))
        return &element->proto;
    return NULL;
}

static bool read_forwarded(struct span item, struct http_forwarded *element)
{
    *element = (struct http_forwarded){ 0 };
    while (item.size) {
        struct span pair = span_trim(cut_outside_quotes(&item, ';')), name, value;
        struct span *slot;

        if (pair.size == 0)
            continue;
        if (!take_pair(&pair, &name, &value) || pair.size)
            return false;
        slot = slot_of(element, name);
        if (value.at[0] == '"') {
            if (span_find(value, '\\') >= 0)
                return false;
            value = span_make(value.at + 1, value.size - 2);
        }
        if (slot && slot->at)
            return false;
        if (slot)
            *slot = value;
    }
    return true;
}

int http_forwarded_parse(struct span value, struct http_forwarded *elements_r, unsigned room)
{
    struct span item;
    unsigned count = 0;

    while (http_list_next(&value, &item)) {
        if (count == room || !read_forwarded(item, &elements_r[count]))
            return -1;
        count++;
    }
    return (int)count;
}

bool http_node_address(struct span node, struct ip_address *address_r, uint16_t *port_r)
{
    ssize_t first = span_find(node, ':');
    struct uri_host host;

    if (port_r)
        *port_r = 0;
    if (node.size && node.at[0] != '[' && first >= 0 &&
        span_find(span_from(node, (size_t)first + 1), ':') >= 0)
        return ip_address_parse(node, address_r); /* two colons, no brackets: a bare IPv6 address */
    if (!uri_host_parse(node, &host) || !host.is_ip || !ip_address_parse(span_of(host.name), address_r))
        return false;
    if (port_r)
        *port_r = host.port;
    return true;
}
