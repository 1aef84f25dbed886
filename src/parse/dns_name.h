/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0 and libidn: dns_name.h - from a domain as people write it to the name that DNS is asked for.
 */
#ifndef STOA_PARSE_DNS_NAME_H
#define STOA_PARSE_DNS_NAME_H

#include "base/arena.h"
#include "base/span.h"

/* domain_r: prepared as in a JID (lower case, U-labels); name_r: the same in A-labels, with a NUL behind it.
 * false: an address, an empty or too long label, more than 253 characters, or a character that no host name
 * has. */
bool dns_name_prepare(struct arena *arena, struct span text, struct span *domain_r, struct span *name_r);

/* Letters, digits and hyphens in labels of 1 to 63, the last of them not a number; underscores pass. */
bool dns_name_is_good(struct span name);

/* A name without dot, or below one that is nobody's in the public DNS (RFC 6761, 6762, 7686, 8375, and what
 * private networks use), or of the tree of addresses: not a stranger's business. */
bool dns_name_is_private(struct span name);

#endif
