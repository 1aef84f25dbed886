/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: ticket.h - TLS session-ticket keys, the same for every worker; rotated by master.
 *
 * Two keys: the newest makes tickets, both open them. Written by master under a sequence counter. */
#ifndef STOA_SHM_TICKET_H
#define STOA_SHM_TICKET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define TICKET_KEYS 2

struct ticket_key {
    unsigned char name[16], cipher[32], mac[32];
};

struct tickets {
    _Atomic uint32_t sequence;           /* odd: being written */
    struct ticket_key keys[TICKET_KEYS]; /* [0] newest */
};

void tickets_rotate(struct tickets *tickets); /* master; also at the start */
void tickets_newest(const struct tickets *tickets, struct ticket_key *key_r);
/* *newest_r says whether the ticket need not be renewed. false: no key of that name. */
bool tickets_find(const struct tickets *tickets, const unsigned char name[16], struct ticket_key *key_r,
                  bool *newest_r);

#endif
