/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: job_password.c - a new password, and what must follow so that the old one opens nothing.
 *
 * In this order: the server's own command; our tokens; the account's sessions there, which one of the servers
 * that we serve leaves running; the session that our router keeps and what was proved of the old password, on
 * all workers; browsers; a mail, so that an owner who did not ask for it hears of it. */
#include "job.h"

#include "module/web.h"
#include "os/log.h"

typedef void then_fn(struct job *job, enum steward_end end);

struct changing {
    then_fn *then;
};

static void tell(struct job *job)
{
    struct changing *changing = job->data;

    changing->then(job, STEWARD_DONE);
}

static void on_logged_out(struct ask *ask)
{
    struct job *job = OBJECT(ask->data, job);

    if (ask->problem != PROBLEM_none)
        log_warn("account: the session of %.*s here may last until its idle time: %s", SPAN_ARG(job->jid),
                 problem_text(ask->problem));
    web_end_sessions(job->account->host, job->jid, NULL);
    job_mail(job, "changed", job->address, tell);
}

static void on_ended(struct job *job, enum steward_end end)
{
    if (end != STEWARD_DONE && end != STEWARD_REFUSED) /* refused: it has none, some servers say */
        log_warn("account: the sessions of %.*s at the server could not be ended", SPAN_ARG(job->jid));
    job->ask = (struct ask){ .done = on_logged_out, .data = job };
    ask_logout(job->account->host, &job->ask, job->arena, job->jid);
}

static void on_void(struct job *job, int result)
{
    if (result != 0 && result != RECOVERY_ABSENT)
        log_error("account: links that were mailed for %.*s may still be good", SPAN_ARG(job->jid));
    job_steward(job, "end-user-session", false, false, on_ended);
}

static void void_links(struct job *job)
{
    log_notice("account: the password of %.*s was set, as %s asked", SPAN_ARG(job->jid), job->client);
    job_change_begin(job, RECOVERY_CHANGED);
    job_change(job, on_void);
}

static void on_set(struct job *job, enum steward_end end)
{
    struct changing *changing = job->data;

    if (end == STEWARD_DONE)
        void_links(job);
    else
        changing->then(job, end);
}

static void begin(struct job *job, then_fn *then)
{
    struct changing *changing = arena_make(job->arena, struct changing);

    changing->then = then;
    job->data = changing;
}

void job_set_password(struct job *job, then_fn *then)
{
    begin(job, then);
    job_steward(job, "change-user-password", true, false, on_set);
}

void job_password_was_set(struct job *job, then_fn *then)
{
    begin(job, then);
    void_links(job);
}
