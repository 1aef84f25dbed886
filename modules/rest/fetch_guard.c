/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: fetch_guard.c - which addresses, methods and headers a script's request may have; how
 * it is packed. */
#include "fetch.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* IANA's special-purpose registries, and what clouds put at public addresses. */
static const struct bad_network {
    unsigned char bytes[16];
    unsigned bits;
} bad_networks[] = {
#define V4(a, b, c, d, bits)                                                                                 \
    {                                                                                                        \
        { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d }, 96 + (bits)                                \
    }
    V4(0, 0, 0, 0, 8),        /* this host */
    V4(10, 0, 0, 0, 8),       /* private */
    V4(100, 64, 0, 0, 10),    /* shared with a provider; metadata of one cloud */
    V4(127, 0, 0, 0, 8),      /* loopback */
    V4(168, 63, 129, 16, 32), /* metadata of another cloud */
    V4(169, 254, 0, 0, 16),   /* link-local; metadata of most clouds */
    V4(172, 16, 0, 0, 12),    /* private */
    V4(192, 0, 0, 0, 24),     /* protocols */
    V4(192, 0, 2, 0, 24),     /* documentation */
    V4(192, 88, 99, 0, 24),   /* relays of 6to4 */
    V4(192, 168, 0, 0, 16),   /* private */
    V4(198, 18, 0, 0, 15),    /* measurements */
    V4(198, 51, 100, 0, 24),  /* documentation */
    V4(203, 0, 113, 0, 24),   /* documentation */
    V4(224, 0, 0, 0, 4),      /* multicast */
    V4(240, 0, 0, 0, 4),      /* reserved, broadcast */
#undef V4
    { { 0x20, 0x01, 0x00 }, 23 },       /* protocols, among them tunnels */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
    { { 0x20, 0x02 }, 16 },             /* 6to4: holds an IPv4 address */
    { { 0x3f, 0xff, 0x00 }, 20 },       /* documentation */
};

static bool is_mapped(const struct ip_address *address)
{
    return ip_address_is4(address);
}

static bool is_within(const struct bad_network *network, const struct ip_address *address)
{
    struct ip_network one = { .bits = network->bits };

    memcpy(one.address.bytes, network->bytes, sizeof(one.address.bytes));
    return ip_network_has(&one, address);
}

bool fetch_address_good(const struct ip_address *address, const struct ip_network *allowed, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ip_network_has(&allowed[i], address))
            return true;
    /* Of IPv6 only 2000::/3 is the Internet: all the rest is loopback, local, mapped or unassigned. */
    if (!is_mapped(address) && (address->bytes[0] & 0xe0) != 0x20)
        return false;
    for (size_t i = 0; i < sizeof(bad_networks) / sizeof(bad_networks[0]); i++)
        if (is_within(&bad_networks[i], address))
            return false;
    return true;
}

bool fetch_sockaddr_good(const struct sockaddr *address, const struct ip_network *allowed, size_t count,
                         char text_r[IP_TEXT])
{
    struct ip_address ip = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff } };

    text_r[0] = '\0';
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, address, sizeof(in));
        memcpy(ip.bytes + 12, &in.sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, address, sizeof(in6));
        memcpy(ip.bytes, &in6.sin6_addr, 16);
        if (is_mapped(&ip)) {
            ip_address_text(&ip, text_r);
            return false;
        }
    } else {
        return false;
    }
    ip_address_text(&ip, text_r);
    return fetch_address_good(&ip, allowed, count);
}

bool fetch_method_good(struct span method)
{
    static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" };

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (span_is(method, methods[i]))
            return true;
    return false;
}

static bool is_token(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.at[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL)))
            return false;
    }
    return text.size > 0 && text.size <= 64;
}

bool fetch_header_good(struct span name, struct span value, const char **why_r)
{
    /* How a message ends and whom it goes to is not the script's: requests could be smuggled in. */
    static const char *const ours[] = { "connection", "content-length",    "expect",
                                        "host",       "keep-alive",        "te",
                                        "trailer",    "transfer-encoding", "upgrade" };

    *why_r = "a header's name is no HTTP token";
    if (!is_token(name))
        return false;
    *why_r = "a header's value holds a control character, or is longer than 8192 bytes";
    if (value.size > 8192 || text_has_control(value))
        return false;
    *why_r = "that header is not the script's to set";
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (span_eq_nocase(name, span_of(ours[i])))
            return false;
    return name.size < 6 || !span_eq_nocase(span_head(name, 6), SPAN("proxy-"));
}

void fetch_pack(struct buf *out, struct json_object *head, struct span bytes)
{
    struct buf text = { 0 };

    json_write(&text, head);
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_char(out, (char)(text.size >> shift));
    buf_add(out, buf_span(&text));
    buf_add(out, bytes);
    buf_free(&text);
}

bool fetch_unpack(struct span packed, struct json_object **head_r, struct span *bytes_r)
{
    static const struct json_limits limits = { .size_most = 256 * 1024, .depth_most = 8, .items_most = 4096 };
    const unsigned char *at = (const unsigned char *)packed.at;
    const char *why;
    size_t size;

    if (packed.size < 4)
        return false;
    size = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
    if (size > packed.size - 4)
        return false;
    if (json_parse(span_make(packed.at + 4, size), &limits, head_r, &why) != 1)
        return false;
    *bytes_r = span_from(packed, 4 + size);
    if (json_object_is_type(*head_r, json_type_object))
        return true;
    json_object_put(*head_r);
    *head_r = NULL;
    return false;
}
