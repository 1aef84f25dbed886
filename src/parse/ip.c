/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: ip.c - see ip.h. */
#include "parse/ip.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#define MAPPED_BITS 96u /* of the prefix before an IPv4 address */

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

bool ip_address_is4(const struct ip_address *address)
{
    return memcmp(address->bytes, mapped, sizeof(mapped)) == 0;
}

bool ip_address_parse(struct span text, struct ip_address *address_r)
{
    struct ip_address address;
    char line[IP_TEXT];

    if (text.size > 2 && text.at[0] == '[' && text.at[text.size - 1] == ']') {
        text = span_make(text.at + 1, text.size - 2);
        if (span_find(text, ':') < 0)
            return false;
    }
    if (text.size == 0 || text.size >= sizeof(line) || span_find(text, '\0') >= 0)
        return false;
    memcpy(line, text.at, text.size);
    line[text.size] = '\0';
    if (span_find(text, ':') >= 0) {
        if (inet_pton(AF_INET6, line, address.bytes) != 1)
            return false;
    } else {
        memcpy(address.bytes, mapped, sizeof(mapped));
        if (inet_pton(AF_INET, line, address.bytes + sizeof(mapped)) != 1)
            return false;
    }
    *address_r = address;
    return true;
}

void ip_address_text(const struct ip_address *address, char text_r[IP_TEXT])
{
    if (ip_address_is4(address))
        inet_ntop(AF_INET, address->bytes + sizeof(mapped), text_r, IP_TEXT);
    else
        inet_ntop(AF_INET6, address->bytes, text_r, IP_TEXT);
}

/* Whether the two agree in the first bits. */
static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

bool ip_network_parse(struct span text, struct ip_network *network_r)
{
    struct span address = span_cut(&text, '/');
    bool has_bits = text.at != address.at + address.size; /* a slash was there */
    struct ip_network network = { .bits = 128 };
    uint64_t bits, most;

    if (!ip_address_parse(address, &network.address))
        return false;
    most = span_find(address, ':') < 0 ? 32 : 128;
    if (has_bits) {
        if (text.size > 3 || !text_to_u64(text, &bits) || bits > most)
            return false;
        network.bits = (unsigned)bits + (most == 32 ? MAPPED_BITS : 0);
    }
    for (unsigned bit = network.bits; bit < 128; bit++)
        if (network.address.bytes[bit / 8] & (0x80u >> bit % 8))
            return false;
    *network_r = network;
    return true;
}

bool ip_network_has(const struct ip_network *network, const struct ip_address *address)
{
    return same_bits(network->address.bytes, address->bytes, network->bits);
}
