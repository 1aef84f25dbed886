/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: ip.h - addresses and networks (CIDR) as values, for trusted proxies, limits and logs.
 *
 * IPv4 is held as IPv4-mapped IPv6 (::ffff:a.b.c.d), so a client is the same whichever socket it came by. */
#ifndef STOA_PARSE_IP_H
#define STOA_PARSE_IP_H

#include "base/span.h"

#define IP_TEXT 46 /* longest text form with NUL */

struct ip_address {
    unsigned char bytes[16]; /* network order */
};

struct ip_network {
    struct ip_address address; /* bits behind the prefix are zero */
    unsigned bits;             /* 0..128 of the mapped form: 10.0.0.0/8 has 104 */
};

/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]"; no zone, no port, no octal or short forms. */
bool ip_address_parse(struct span text, struct ip_address *address_r);
/* The usual text: dotted for IPv4, RFC 5952 for IPv6, without brackets. */
void ip_address_text(const struct ip_address *address, char text_r[IP_TEXT]);
bool ip_address_is4(const struct ip_address *address);

/* "10.0.0.0/8", "2001:db8::/32", or an address alone. Bits set behind the prefix make it false: a typing
 * mistake in a list of those we trust. */
bool ip_network_parse(struct span text, struct ip_network *network_r);
bool ip_network_has(const struct ip_network *network, const struct ip_address *address);

#endif
