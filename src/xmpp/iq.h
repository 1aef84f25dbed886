/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2: iq.h - the book of IQs that a component has sent and waits for.
 *
 * One table per component JID, so the component is part of every match. An id is 128 bits from the kernel: it
 * cannot be guessed. An answer counts only when it comes from the very JID that was asked (R: whoever reads
 * an id from a log must not be able to answer for another). Every wait ends exactly once. */
#ifndef STOA_XMPP_IQ_H
#define STOA_XMPP_IQ_H

#include "base/list.h"
#include "base/object.h"
#include "base/problem.h"
#include "os/loop.h"
#include "parse/jid.h"
#include "parse/xml.h"

#define IQ_ID_SIZE 33 /* 32 hex digits and NUL */

struct iq_table;

/* Owned by who asks, zero-initialised; may be freed in its own done. */
struct iq_wait {
    OBJECT_MAGIC
    char id[IQ_ID_SIZE];
    struct iq_table *table; /* borrowed; NULL when it waits for nothing */
    struct list node;       /* in the table */
    struct timer timer;
    char *asked; /* owned; the prepared JID that was asked */
    size_t asked_size;
    /* answer: the whole IQ of type result or error, valid until this returns, problem is PROBLEM_none. NULL:
     * there is none, and problem says why (server_silent at the deadline, else what iq_table_fail was told).
     * The wait is out of the book already. */
    void (*done)(struct iq_wait *wait, enum problem problem, const struct xml_element *answer);
};

struct iq_table *iq_table_new(struct loop *loop);
void iq_table_free(struct iq_table **table); /* must be empty: iq_table_fail first */
size_t iq_table_count(const struct iq_table *table);

/* Makes the id and starts the clock; the caller then sends the stanza with wait->id. deadline as
 * clock_mono().
 */
void iq_wait_start(struct iq_table *table, struct iq_wait *wait, struct jid asked, int64_t deadline,
                   void (*done)(struct iq_wait *wait, enum problem problem,
                                const struct xml_element *answer));
/* Forgets it without calling done; no harm when it does not wait. */
void iq_wait_stop(struct iq_wait *wait);

/* An IQ result or error that came. false: nobody waits for that id from that JID; ignore it. */
bool iq_table_answer(struct iq_table *table, struct span id, struct jid from, const struct xml_element *iq,
                     struct arena *arena);
/* All that wait now end with problem; those that a done starts meanwhile are left. */
void iq_table_fail(struct iq_table *table, enum problem problem);

#endif
