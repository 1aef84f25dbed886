/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: job.h - work that goes on behind an answer, or after who asked for it has left: a token
 * is stored, a mail queued, a password set.
 *
 * A job owns its memory and outlives the request. One thing is under way at a time; its end calls the
 * function that was given with it, and somebody in the end calls job_end. When the worker leaves, whatever is
 * under way is cut and nothing more is called. */
#ifndef STOA_ACCOUNT_JOB_H
#define STOA_ACCOUNT_JOB_H

#include "account.h"
#include "recovery.h"
#include "steward.h"

#define JOBS_MOST 500 /* in each worker; then 503 */

struct linking;
struct visit;

struct job {
    OBJECT_MAGIC
    struct list node;
    struct account *account;
    struct arena *arena;       /* owned; the loop's */
    struct arena *store_arena; /* owned; of the change under way */
    struct visit *visit;       /* who waits for it; NULL: nobody (any more) */
    struct span jid;           /* bare, prepared */
    struct span address;       /* to which mails go */
    struct span password;      /* wiped at the end */
    const char *client;        /* whence it was asked */
    void *data;                /* of who made it */
    struct linking *linking;   /* of job_mail_link */

    struct timer timer;
    struct ask ask;
    struct steward_call steward;
    struct recovery_change change; /* what a claim found is here until the next change begins */
    struct recovery_token token;   /* that was claimed; for job_give_back */
    unsigned char digest[SHA256_BYTES];
    struct mail_put put;
    void (*on_time)(struct job *job);
    void (*on_linked)(struct job *job, int result);
    void (*on_changed)(struct job *job, int result);
    void (*on_mailed)(struct job *job);
    void (*on_steward)(struct job *job, enum steward_end end);
};

/* visit NULL: nobody waits. NULL: too many are under way; then the visit has been answered. */
struct job *job_new(struct account *account, struct visit *visit, struct span jid);
void job_end(struct job *job);   /* the visit, if it is still there, must have been answered */
void job_leave(struct job *job); /* the visit goes */
void jobs_cut(
    struct account *account); /* the worker leaves: nothing is called any more; then close the store */
void jobs_free(struct account *account); /* after that */

/* Goes on in a while that nobody can foretell: what is done then cannot be heard in the time of an answer. */
void job_later(struct job *job, void (*then)(struct job *job));

/* A change of the tables; set its texts before in job->change (job_change_begin), then job_change. */
struct recovery_change *job_change_begin(struct job *job, enum recovery_verb verb);
void job_change(struct job *job, void (*on_changed)(struct job *job, int result));

/* After a claim: keeps what the token was, and takes jid and address from it. */
void job_keep_token(struct job *job);

/* Issues a token for job->jid, mails it to job->address as `link` in that template, and ends the job.
 * job->on_linked, when it is set, is told once the token is stored or refused. */
void job_mail_link(struct job *job, enum token_kind kind, const char *template);
/* A mail that only tells; address may be empty: then none is sent. */
void job_mail(struct job *job, const char *template, struct span address, void (*on_mailed)(struct job *job));

/* An administrator's command with the account's JID and, when is_new, its password. */
void job_steward(struct job *job, const char *node, bool has_password, bool has_verify,
                 void (*on_steward)(struct job *job, enum steward_end end));

/* Sets job->password, then whatever must follow: tokens void, sessions ended, caches dropped, a mail to
 * job->address. then: not DONE: nothing was changed. */
void job_set_password(struct job *job, void (*then)(struct job *job, enum steward_end end));
/* What must follow alone: the user has set it. */
void job_password_was_set(struct job *job, void (*then)(struct job *job, enum steward_end end));

/* The address of a link of that kind. */
const char *job_link(struct account *account, struct arena *arena, enum token_kind kind, const char *token);

/* Whether one more mail may go to job->address for job->jid just now. */
bool job_may_mail(struct job *job);

#endif
