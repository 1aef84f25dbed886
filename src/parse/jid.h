/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0 and libidn: jid.h - addresses of XMPP: split, prepared, compared (RFC 7622, by the
 * stringprep profiles of RFC 6122, which the servers we serve use).
 *
 * Only prepared parts are compared, hashed or stored; text as it came is never a key. Pure and reentrant. */
#ifndef STOA_PARSE_JID_H
#define STOA_PARSE_JID_H

#include "base/arena.h"
#include "base/span.h"

#define JID_PART_MOST 1023                    /* bytes of each part after preparation */
#define JID_BARE_MOST (2 * JID_PART_MOST + 1) /* bytes of local@domain */
#define JID_MOST      (3 * JID_PART_MOST + 2) /* bytes of local@domain/resource */

struct jid {
    struct span local;    /* empty: none */
    struct span domain;   /* never empty; lower case, no trailing dot; U-labels; IPv6 in brackets */
    struct span resource; /* empty: none; its case counts */
};

/* false: not a JID; *jid_r is all empty then. Parts are in arena. */
bool jid_parse(struct arena *arena, struct span text, struct jid *jid_r);

/* One part alone, such as a user name from a form. false: not a good one, or empty. */
bool jid_prepare_local(struct arena *arena, struct span text, struct span *local_r);
bool jid_prepare_domain(struct arena *arena, struct span text, struct span *domain_r);

struct span jid_text(struct arena *arena, struct jid jid);      /* [local@]domain[/resource], NUL behind it */
struct span jid_bare_text(struct arena *arena, struct jid jid); /* [local@]domain, NUL behind it */
struct jid jid_bare(struct jid jid);                            /* the same parts without the resource */

bool jid_equal(struct jid a, struct jid b);
bool jid_equal_bare(struct jid a, struct jid b); /* whatever the resources */

#endif
