/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mailer.h - the keeper's half of mails: takes one after the other off the queue and gives
 * it to the mail server.
 *
 * Each step is durable before the next begins: SENDING before a byte goes to the server, SENT before anything
 * else is done once the server has said yes. What follows from that:
 *  - the keeper dies before the last byte is on its way: the mail is sent by the next one;
 *  - the server refuses, is slow or goes away before it said yes: the mail is tried again, by and by;
 *  - the server goes away, or the keeper dies, between the last byte and the answer: nobody can know, so the
 *    mail is sent again, under the same Message-ID, by which mail programs and servers know duplicates;
 *  - the keeper dies between the server's yes and the commit of SENT: the same. That is the time of one
 * commit (some milliseconds), and the only one in which a mail goes twice to a server that said yes. After a
 * reload two keepers live for a while: whoever sends a mail has claimed its id in the segment, and a keeper
 * that shall leave waits for the server's answer when one is due. */
#ifndef STOA_ACCOUNT_MAILER_H
#define STOA_ACCOUNT_MAILER_H

#include "account.h"

struct mailer;

/* In the keeper; where the section mailer is not active there is none, and the others do nothing with NULL.
 */
struct mailer *mailer_new(struct account *account);
/* In two steps, as the store answers what is under way when it is closed in between. */
void mailer_stop(struct mailer *mailer);
void mailer_free(struct mailer **mailer);

/* The keeper shall end: nothing new is begun; true while something should be waited for. */
bool mailer_leaving(struct mailer *mailer);

extern const struct keeper_job mailer_jobs[];
void mailer_errand(struct errand *errand);

#endif
