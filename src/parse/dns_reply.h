/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: dns_reply.h - what the reply of a name server says to one question, from bytes to values
 * (RFC 1035, 2308, 2782, 3596).
 *
 * A reply is a stranger's: whoever owns the domain that was asked for wrote it. Records that do not belong to
 * the name asked for, or to where its aliases lead, are passed over; names that no host has are, too. */
#ifndef STOA_PARSE_DNS_REPLY_H
#define STOA_PARSE_DNS_REPLY_H

#include "base/arena.h"
#include "base/span.h"
#include "parse/ip.h"

#include <stdint.h>

#define DNS_NAME_TEXT    256  /* a name as text, without its last dot, with NUL: 253 characters at most */
#define DNS_RECORDS_MOST 32   /* that are taken of one reply */
#define DNS_ALIASES_MOST 8    /* that are followed within one reply */
#define DNS_TEXT_MOST    1024 /* bytes of a TXT record; longer ones are passed over */

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_SOA = 6, DNS_TXT = 16, DNS_AAAA = 28, DNS_SRV = 33 };

struct dns_record {
    struct ip_address address;       /* A, AAAA */
    struct span text;                /* TXT: its strings joined; any bytes */
    struct span target;              /* SRV: lower case, without last dot; empty: "." (no such service) */
    unsigned priority, weight, port; /* SRV */
};

struct dns_records {
    unsigned count;
    struct dns_record items[DNS_RECORDS_MOST]; /* what they point at is in the arena */
    uint32_t ttl; /* seconds for which this may be remembered; for DNS_NOTHING as the zone says, or 0 */
};

enum dns_verdict {
    DNS_FOUND,   /* at least one record */
    DNS_NOTHING, /* the name, or a record of that type, does not exist */
    DNS_TROUBLE, /* the server says that it failed or refuses */
    DNS_BROKEN,  /* not a reply to that question, or malformed */
};

/* name: as it was asked for, lower case, without last dot. */
enum dns_verdict dns_reply_read(struct arena *arena, struct span reply, struct span name, enum dns_type type,
                                struct dns_records *records_r);

#endif
