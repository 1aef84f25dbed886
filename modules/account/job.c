/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: job.c - see job.h: life of a job, and the single steps that jobs are made of. */
#include "job.h"

#include "base/clock.h"
#include "base/must.h"
#include "base/random.h"
#include "os/log.h"
#include "shm/bucket.h"
#include "visit.h"

#include <json-c/json.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#define HOUR        (3600 * USEC_PER_SEC)
#define LATER_LEAST (50 * USEC_PER_MSEC)
#define LATER_MORE  (400 * USEC_PER_MSEC)

/* ---- life ---- */

struct job *job_new(struct account *account, struct visit *visit, struct span jid)
{
    struct arena *arena;
    struct job *job;

    if (account->job_count >= JOBS_MOST) {
        if (visit != NULL)
            visit_trouble(visit, 503, problem_text(PROBLEM_unavailable));
        return NULL;
    }
    arena = arena_new();
    job = arena_make(arena, struct job);
    OBJECT_BORN(job, job);
    job->arena = arena;
    job->store_arena = arena_new();
    job->account = account;
    job->jid = arena_copy(arena, jid);
    job->visit = visit;
    job->client = "";
    if (visit != NULL) {
        job->client = arena_text(arena, span_of(visit->request->client));
        visit->job = job;
    }
    list_append(&account->jobs, &job->node);
    account->job_count++;
    return job;
}

static void release(struct job *job)
{
    struct arena *arena = job->arena;

    list_remove(&job->node);
    job->account->job_count--;
    if (job->password.size > 0)
        OPENSSL_cleanse((void *)job->password.at, job->password.size);
    arena_free(&job->store_arena);
    OBJECT_DEAD(job);
    arena_free(&arena);
}

void job_end(struct job *job)
{
    if (job->visit != NULL)
        job->visit->job = NULL;
    release(job);
}

void job_leave(struct job *job)
{
    job->visit = NULL;
}

/* Requests are gone by now; the store's thread may still be at work in a job. */
void jobs_cut(struct account *account)
{
    account->is_ending = true;
    LIST_EACH (node, &account->jobs) {
        struct job *job = LIST_OF(node, struct job, node);

        ask_cancel(&job->ask);
        steward_cancel(&job->steward);
        task_cancel(&job->put.soon);
        timer_stop(&job->timer);
    }
}

void jobs_free(struct account *account)
{
    while (!list_empty(&account->jobs))
        release(LIST_OF(account->jobs.next, struct job, node));
}

static void on_timer(struct timer *timer)
{
    struct job *job = LIST_OF(timer, struct job, timer);

    job->on_time(job);
}

void job_later(struct job *job, void (*then)(struct job *job))
{
    job->on_time = then;
    timer_set(job->account->host->loop, &job->timer,
              clock_mono() + LATER_LEAST + (int64_t)random_below(LATER_MORE), on_timer);
}

/* ---- the tables ---- */

static void on_changed(struct store_write *write, int result)
{
    struct job *job = LIST_OF(write, struct job, change.write);

    if (!job->account->is_ending)
        job->on_changed(job, result);
}

struct recovery_change *job_change_begin(struct job *job, enum recovery_verb verb)
{
    arena_reset(job->store_arena);
    recovery_change_begin(&job->change, &job->account->recovery, verb, job->store_arena, on_changed);
    job->change.jid = job->jid;
    job->change.now = clock_wall() / USEC_PER_SEC;
    return &job->change;
}

void job_change(struct job *job, void (*then)(struct job *job, int result))
{
    job->on_changed = then;
    store_submit(job->account->store, &job->change.write);
}

void job_keep_token(struct job *job)
{
    job->token = job->change.token;
    job->token.jid = job->jid = arena_copy(job->arena, job->change.token.jid);
    job->token.address = job->address = arena_copy(job->arena, job->change.token.address);
}

/* ---- mails ---- */

const char *job_link(struct account *account, struct arena *arena, enum token_kind kind, const char *token)
{
    const struct account_conf *conf = account->conf;
    const char *rest = account_rest_path(account->host->conf);
    const char *verifier = resetter_conf(account->host->conf)->token_verifier_url;

    if (kind == TOKEN_RESET && verifier != NULL)
        return arena_printf(arena, "%s%s", verifier, token);
    if (kind == TOKEN_RESET)
        return arena_printf(arena, "%s%s/user/resetPassword/%s", conf->link_base, rest, token);
    if (kind == TOKEN_REGISTER)
        return arena_printf(arena, "%s%s/user/confirm/%s", conf->link_base, rest, token);
    return arena_printf(arena, "%s%s/confirm/%s", conf->link_base, conf->context_path, token);
}

/* What people know the place by: the host of the links. */
static struct span site_of(const struct account_conf *conf)
{
    struct span site = span_of(conf->link_base), rest;

    rest = span_from(site, span_starts(site, SPAN("https://")) ? 8 : 7);
    return span_cut(&rest, '/');
}

static void on_put(struct mail_put *put, enum mail_verdict verdict)
{
    struct job *job = LIST_OF(put, struct job, put);
    static const char *const words[] = { [MAIL_QUEUED] = "queued",
                                         [MAIL_TWICE] = "queued before",
                                         [MAIL_CROWD] = "refused: the queue is full",
                                         [MAIL_OFF] = "refused: there is no mailer",
                                         [MAIL_LOST] = "refused: the store failed" };

    if (job->account->is_ending)
        return;
    if (verdict == MAIL_QUEUED || verdict == MAIL_TWICE)
        log_info("account: a mail for %.*s is %s", SPAN_ARG(job->jid), words[verdict]);
    else
        log_error("account: a mail for %.*s is %s", SPAN_ARG(job->jid), words[verdict]);
    job->on_mailed(job);
}

static void put_mail(struct job *job, const char *template, struct span address, const char *link,
                     int64_t not_after, void (*then)(struct job *job))
{
    struct json_object *values = json_object_new_object();
    struct mail mail = { .to = address,
                         .template = template,
                         .values = values,
                         .not_after = not_after,
                         .on_request = span_of(job->client) };

    json_put_text(values, "jid", job->jid);
    json_put_text(values, "site", site_of(job->account->conf));
    json_put_text(values, "address", job->address);
    if (link != NULL)
        json_put_text(values, "link", span_of(link));
    json_object_object_add(values, "minutes",
                           json_object_new_int64(job->account->conf->link_life / (60 * USEC_PER_SEC)));
    job->on_mailed = then;
    job->put = (struct mail_put){ 0 };
    mail_put(job->account->box, &job->put, &mail, on_put);
    json_object_put(values);
}

void job_mail(struct job *job, const char *template, struct span address, void (*then)(struct job *job))
{
    if (address.size > 0)
        put_mail(job, template, address, NULL, 0, then);
    else
        then(job);
}

/* A link that is to be mailed. */
struct linking {
    const char *template;
    enum token_kind kind;
    int64_t until;
    char token[RECOVERY_TOKEN_TEXT];
};

static void on_issued(struct job *job, int result)
{
    struct linking *linking = job->linking;
    const char *link;

    if (job->on_linked != NULL)
        job->on_linked(job, result);
    if (result != 0) {
        if (result == RECOVERY_TAKEN)
            log_info("account: the name %.*s is reserved for another address", SPAN_ARG(job->jid));
        else
            log_error("account: no link for %.*s could be stored", SPAN_ARG(job->jid));
        job_end(job);
        return;
    }
    link = job_link(job->account, job->arena, linking->kind, linking->token);
    put_mail(job, linking->template, job->address, link, linking->until, job_end);
    OPENSSL_cleanse(linking->token, sizeof(linking->token));
    OPENSSL_cleanse((void *)link, strlen(link));
}

void job_mail_link(struct job *job, enum token_kind kind, const char *template)
{
    struct recovery_change *change = job_change_begin(job, RECOVERY_ISSUE);
    struct linking *linking = arena_make(job->arena, struct linking);

    linking->template = template;
    linking->kind = kind;
    linking->until = change->now + job->account->conf->link_life / USEC_PER_SEC;
    recovery_token_make(linking->token, change->digest);
    job->linking = linking;
    change->kind = kind;
    change->address = job->address;
    change->until = linking->until;
    job_change(job, on_issued);
}

static bool take(struct job *job, const char *what, struct span name, int64_t per_hour)
{
    struct bucket_rule rule = { .burst = (uint32_t)per_hour, .interval = per_hour > 0 ? HOUR / per_hour : 0 };
    char *bucket = arena_printf(job->arena, "account-mail-%s/%.*s", what, SPAN_ARG(name));

    return per_hour == 0 ||
           bucket_take(&job->account->host->segment->buckets, span_of(bucket), &rule, clock_mono()) <= 0;
}

bool job_may_mail(struct job *job)
{
    const struct account_conf *conf = job->account->conf;
    struct span mailbox;

    if (!mail_address_normal(job->arena, job->address, &mailbox))
        return false;
    for (size_t i = 0; i < mailbox.size; i++) /* one mailbox, however it is written */
        if (mailbox.at[i] >= 'A' && mailbox.at[i] <= 'Z')
            ((char *)mailbox.at)[i] = (char)(mailbox.at[i] + ('a' - 'A'));
    if (take(job, "account", job->jid, conf->mails_per_account) &&
        take(job, "mailbox", mailbox, conf->mails_per_mailbox))
        return true;
    log_notice("account: no further mail for %.*s in this hour", SPAN_ARG(job->jid));
    return false;
}

/* ---- the administrator's commands ---- */

static void on_steward(struct steward_call *call, enum steward_end end)
{
    struct job *job = LIST_OF(call, struct job, steward);

    job->on_steward(job, end);
}

void job_steward(struct job *job, const char *node, bool has_password, bool has_verify,
                 void (*then)(struct job *job, enum steward_end end))
{
    struct jid jid;

    must(jid_parse(job->arena, job->jid, &jid));
    job->on_steward = then;
    job->steward = (struct steward_call){ .done = on_steward };
    steward_field(&job->steward, "accountjid", &job->jid);
    if (has_password)
        steward_field(&job->steward, "password", &job->password);
    if (has_verify)
        steward_field(&job->steward, "password-verify", &job->password);
    steward_run(&job->steward, &job->account->steward, job->account->host, job->arena, jid.domain, node);
}
