/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: reset_link.c - what the link of a mail opens: a form, and only the form acts (mail
 * scanners follow links). */
#include "reset.h"

#include "base/clock.h"
#include "base/text.h"
#include "job.h"
#include "page/texts.h"

#include <json-c/json.h>

#define PASSWORD_MOST 1000 /* bytes: less than any server refuses */

/* ---- two entries ---- */

static size_t characters(struct span text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.size; i++)
        count += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    return count;
}

bool reset_read_password(struct visit *visit, struct span *password_r)
{
    const struct account_conf *conf = visit->account->conf;
    struct arena *arena = visit->request->arena;
    struct span again;
    bool is_good = visit_field(visit, "password-entry", password_r);

    if (!visit_field(visit, "password-reentry", &again) || !is_good || password_r->size > PASSWORD_MOST) {
        visit_wrong(visit, "f-password", TEXT(account_password_bad));
        return false;
    }
    if (characters(*password_r) < (size_t)conf->password_least) {
        visit_wrong(visit, "f-password",
                    arena_printf(arena, "The password needs at least %lld characters.",
                                 (long long)conf->password_least));
        return false;
    }
    if (!span_eq(*password_r, again)) {
        visit_wrong(visit, "f-password-again", TEXT(account_password_differs));
        return false;
    }
    return true;
}

/* ---- the link ---- */

static bool digest_of(struct http_request *request, unsigned char digest_r[SHA256_BYTES])
{
    return recovery_token_digest(span_from(request->below, 1), digest_r);
}

static bool is_off(struct visit *visit)
{
    if (account_conf_resets(visit->account->host->conf))
        return false;
    visit_trouble(visit, 404, TEXT(account_reset_off));
    return true;
}

/* The account for which it is good; or answers. */
static bool look(struct visit *visit, unsigned char digest[SHA256_BYTES], struct span *jid_r)
{
    struct recovery_token token;
    int found = digest_of(visit->request, digest)
                    ? recovery_look(&visit->account->recovery, TOKEN_RESET, digest,
                                    clock_wall() / USEC_PER_SEC, visit->request->arena, &token)
                    : 0;

    if (found < 0)
        visit_trouble(visit, 500, TEXT(account_internal));
    else if (found == 0)
        visit_trouble(visit, 404, TEXT(account_link_bad));
    else
        *jid_r = token.jid;
    return found == 1;
}

static void show_form(struct visit *visit, int status, struct span jid)
{
    struct json_object *values = json_object_new_object(), *map = json_object_new_object();

    json_put_text(values, "title", span_of(TEXT(account_new_title)));
    json_put_text(values, "jid", jid);
    json_object_object_add(values, "least", json_object_new_int64(visit->account->conf->password_least));
    json_put_text(map, "jid", jid);
    json_put_text(map, "action", SPAN("form"));
    if (visit->errors != NULL)
        json_object_object_add(map, "errors", visit_error_texts(visit));
    visit_answer(visit, status, "reset_link", values, map);
}

void reset_link_form(struct http_request *request)
{
    struct visit *visit = visit_begin(request);
    unsigned char digest[SHA256_BYTES];
    struct span jid;

    if (!is_off(visit) && look(visit, digest, &jid))
        show_form(visit, 200, jid);
}

/* ---- acting ---- */

static void show_done(struct visit *visit, struct span jid)
{
    struct json_object *values = json_object_new_object(), *map = json_object_new_object();

    json_put_text(values, "title", span_of(TEXT(account_changed_title)));
    json_put_text(values, "jid", jid);
    json_put_text(map, "jid", jid);
    json_put_text(map, "action", SPAN("success"));
    json_object_object_add(map, "errors", json_object_new_array());
    visit_answer(visit, 200, "reset_done", values, map);
}

static void on_restored(struct job *job, int result)
{
    (void)result; /* a newer link may have taken its place */
    job_end(job);
}

/* The server did not do it: the link stays good. */
static void give_back(struct job *job)
{
    struct recovery_token token = job->token;
    struct recovery_change *change = job_change_begin(job, RECOVERY_RESTORE);

    change->kind = token.kind;
    change->token = token;
    memcpy(change->digest, job->digest, SHA256_BYTES);
    job_change(job, on_restored);
}

static void on_set(struct job *job, enum steward_end end)
{
    struct visit *visit = job->visit;

    job->visit = NULL;
    if (end == STEWARD_DONE) {
        if (visit != NULL)
            show_done(visit, job->jid);
        job_end(job);
        return;
    }
    if (visit != NULL)
        visit_trouble(visit, end == STEWARD_AWAY ? 503 : 502, TEXT(account_internal));
    give_back(job);
}

static void on_claimed(struct job *job, int result)
{
    struct visit *visit = job->visit;

    if (result == 0) {
        job_keep_token(job);
        job_set_password(job, on_set);
        return;
    }
    job->visit = NULL;
    if (visit != NULL && result == RECOVERY_ABSENT)
        visit_trouble(visit, 404, TEXT(account_link_bad));
    else if (visit != NULL)
        visit_trouble(visit, 500, TEXT(account_internal));
    job_end(job);
}

static void on_body(struct visit *visit)
{
    unsigned char digest[SHA256_BYTES];
    struct recovery_change *change;
    struct span jid, password;
    struct job *job;

    if (!look(visit, digest, &jid))
        return;
    if (!reset_read_password(visit, &password)) {
        show_form(visit, 400, jid);
        return;
    }
    job = job_new(visit->account, visit, jid);
    if (job == NULL)
        return;
    job->password = arena_copy(job->arena, password);
    memcpy(job->digest, digest, SHA256_BYTES);
    change = job_change_begin(job, RECOVERY_CLAIM);
    change->kind = TOKEN_RESET;
    memcpy(change->digest, digest, SHA256_BYTES);
    job_change(job, on_claimed);
}

void reset_link_act(struct http_request *request)
{
    struct visit *visit = visit_begin(request);

    if (!is_off(visit))
        visit_read(visit, on_body);
}
