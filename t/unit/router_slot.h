/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_slot.h - what the router's tests ask and hear: slot requests of
 * Alice.
 */
#ifndef STOA_TEST_ROUTER_SLOT_H
#define STOA_TEST_ROUTER_SLOT_H

#include "router_stage.h"

#define FROM_ALICE " from='Alice@LocalHost/a' to='upload.localhost' id='1'"
#define REQUEST    "<request xmlns='urn:xmpp:http:upload:0' filename='a' size='1'/>"
#define SLOT_ASKED "<iq type='get'" FROM_ALICE ">" REQUEST "</iq>"
#define TO_ALICE   " from='upload.localhost' to='Alice@LocalHost/a' id='1'>"
#define REFUSED(type, condition)                                                                             \
    "<iq type='error'" TO_ALICE "<error type='" type "'><" condition                                         \
    " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"

static inline bool arrived(void *data)
{
    return workers[*(unsigned *)data].arrived > 0;
}

static inline void assert_part(const struct worker *worker, unsigned part, const char *text)
{
    assert_int_equal(worker->parts[part].size, strlen(text));
    assert_memory_equal(worker->parts[part].at, text, strlen(text));
}

/* A request to worker 0, which has it in hand then. */
static inline void ask_worker(void)
{
    unsigned zero = 0;

    workers[0].arrived = 0;
    buf_clear(&fake.in);
    fake_say(&fake, SLOT_ASKED);
    assert_true(run_until(loop, arrived, &zero));
}

static inline bool let_go(void *data)
{
    return workers[*(unsigned *)data].last == LETTER_LET_GO;
}

#endif
