/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: answer.h - from a discovery to the text of versions 1 and 2. Pure. */
#ifndef STOA_DNS_ANSWER_H
#define STOA_DNS_ANSWER_H

#include "base/buf.h"
#include "xmpp/discover.h"

#define ANSWER_VERSION_MOST 2
#define ANSWER_BOSH_PORT    5280 /* of version 1: a constant of the reference implementation */

/* order: of the hosts, as discover_order() gives it. reference: not JSON, see the manual of reference-format.
 */
void answer_write(struct buf *out, const struct discovery *discovery, const unsigned *order,
                  struct span domain, unsigned version, bool reference);

#endif
