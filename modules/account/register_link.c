/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: register_link.c - links of mails that make an account, or let another recovery address
 * count. Opening them shows a form; only the form acts (mail scanners follow links). */
#include "register.h"

#include "base/clock.h"
#include "job.h"
#include "os/log.h"
#include "page/texts.h"
#include "reset.h"

#include <json-c/json.h>

/* ---- the link ---- */

/* {error: {message: ...}}, as callers of this address have always read. */
static void refuse(struct visit *visit, int status, const char *text)
{
    struct json_object *values = json_object_new_object(), *map = json_object_new_object();
    struct json_object *error = json_object_new_object();

    json_put_text(values, "title", span_of(TEXT(account_confirm_failed)));
    json_put_text(values, "text", span_of(text));
    json_put_text(error, "message", span_of(text));
    json_object_object_add(map, "error", error);
    visit_answer(visit, status, "trouble", values, map);
}

/* What it stands for; or answers. */
static bool look(struct visit *visit, enum token_kind kind, unsigned char digest[SHA256_BYTES],
                 struct recovery_token *token_r)
{
    struct span text = visit->request->below;
    ssize_t slash = span_find(span_from(text, 1), '/'); /* /confirm/TOKEN, or /TOKEN */
    int found = 0;

    text = span_from(text, slash >= 0 ? (size_t)slash + 2 : 1);
    if (text.size == 0) {
        refuse(visit, 404, TEXT(account_token_absent));
        return false;
    }
    if (recovery_token_digest(text, digest))
        found = recovery_look(&visit->account->recovery, kind, digest, clock_wall() / USEC_PER_SEC,
                              visit->request->arena, token_r);
    if (found < 0)
        refuse(visit, 500, TEXT(account_internal));
    else if (found == 0)
        refuse(visit, 404, TEXT(account_token_bad));
    return found == 1;
}

static void claim(struct job *job, enum token_kind kind, const unsigned char digest[SHA256_BYTES],
                  void (*then)(struct job *job, int result))
{
    struct recovery_change *change = job_change_begin(job, RECOVERY_CLAIM);

    memcpy(job->digest, digest, SHA256_BYTES);
    memcpy(change->digest, digest, SHA256_BYTES);
    change->kind = kind;
    job_change(job, then);
}

/* Of a claim that came to nothing. */
static void refuse_claim(struct job *job, int result)
{
    struct visit *visit = job->visit;

    job->visit = NULL;
    if (visit != NULL)
        refuse(visit, result == RECOVERY_ABSENT ? 404 : 500,
               result == RECOVERY_ABSENT ? TEXT(account_token_bad) : TEXT(account_internal));
    job_end(job);
}

static void show_account(struct visit *visit, const char *template, const char *title, struct span jid,
                         struct span address, const char *status)
{
    struct json_object *values = json_object_new_object(), *map = json_object_new_object();
    struct json_object *account = json_object_new_object();

    json_put_text(values, "title", span_of(title));
    json_put_text(values, "jid", jid);
    json_put_text(values, "email", address);
    json_object_object_add(values, "least", json_object_new_int64(visit->account->conf->password_least));
    json_put_text(values, "account_path", span_of(visit->account->conf->context_path + 1));
    json_put_text(account, "jid", jid);
    json_put_text(account, "status", span_of(status));
    json_object_object_add(map, "account", account);
    if (visit->errors != NULL)
        json_object_object_add(map, "errors", visit_error_texts(visit));
    visit_answer(visit, visit->errors != NULL ? 400 : 200, template, values, map);
}

/* ---- a new account ---- */

static bool is_off(struct visit *visit)
{
    if (visit->account->conf->registration)
        return false;
    refuse(visit, 404, TEXT(account_confirm_off));
    return true;
}

void register_link_form(struct http_request *request)
{
    struct visit *visit = visit_begin(request);
    unsigned char digest[SHA256_BYTES];
    struct recovery_token token;

    if (!is_off(visit) && look(visit, TOKEN_REGISTER, digest, &token))
        show_account(visit, "register_link", TEXT(account_register_new), token.jid, token.address, "pending");
}

static void on_kept(struct job *job, int result)
{
    struct visit *visit = job->visit;

    if (result != 0)
        log_error("account: %.*s was made, but its recovery address is lost", SPAN_ARG(job->jid));
    job->visit = NULL;
    if (visit != NULL)
        show_account(visit, "register_done", TEXT(account_confirm_done), job->jid, job->address, "active");
    job_end(job);
}

static void end_job(struct job *job, int result)
{
    (void)result; /* another mail may have been asked for meanwhile */
    job_end(job);
}

/* A password that was wrong a moment ago, before there was an account, is right now. */
static void on_forgotten(struct ask *ask)
{
    struct job *job = OBJECT(ask->data, job);

    job_change_begin(job, RECOVERY_REGISTER)->address = job->address;
    job_change(job, on_kept);
}

static void on_made(struct job *job, enum steward_end end)
{
    struct visit *visit = job->visit;
    struct recovery_change *change;

    if (end == STEWARD_DONE) {
        log_notice("account: %.*s was made, as %s asked", SPAN_ARG(job->jid), job->client);
        job->ask = (struct ask){ .done = on_forgotten, .data = job };
        ask_logout(job->account->host, &job->ask, job->arena, job->jid);
        return;
    }
    job->visit = NULL;
    if (end != STEWARD_AWAY && end != STEWARD_DENIED) {
        log_info("account: %.*s could not be made: %s", SPAN_ARG(job->jid),
                 job->steward.why != NULL ? job->steward.why : "it is there already");
        if (visit != NULL)
            refuse(visit, 409, TEXT(account_register_refused));
        job_end(job);
        return;
    }
    if (visit != NULL)
        refuse(visit, end == STEWARD_AWAY ? 503 : 502, TEXT(account_internal));
    change = job_change_begin(job, RECOVERY_RESTORE);
    change->kind = TOKEN_REGISTER;
    change->token = job->token;
    memcpy(change->digest, job->digest, SHA256_BYTES);
    job_change(job, end_job);
}

static void on_claimed(struct job *job, int result)
{
    if (result != 0) {
        refuse_claim(job, result);
        return;
    }
    job_keep_token(job);
    job_steward(job, "add-user", true, true, on_made);
}

static void on_register(struct visit *visit)
{
    unsigned char digest[SHA256_BYTES];
    struct recovery_token token;
    struct span password;
    struct job *job;

    if (!look(visit, TOKEN_REGISTER, digest, &token))
        return;
    if (!reset_read_password(visit, &password)) {
        show_account(visit, "register_link", TEXT(account_register_new), token.jid, token.address, "pending");
        return;
    }
    job = job_new(visit->account, visit, token.jid);
    if (job == NULL)
        return;
    job->password = arena_copy(job->arena, password);
    claim(job, TOKEN_REGISTER, digest, on_claimed);
}

void register_link_act(struct http_request *request)
{
    struct visit *visit = visit_begin(request);

    if (!is_off(visit))
        visit_read(visit, on_register);
}

/* ---- another recovery address ---- */

void confirm_form(struct http_request *request)
{
    struct visit *visit = visit_begin(request);
    unsigned char digest[SHA256_BYTES];
    struct recovery_token token;

    if (look(visit, TOKEN_CONFIRM, digest, &token))
        show_account(visit, "confirm", TEXT(account_address_title), token.jid, token.address, "pending");
}

static void on_told(struct job *job)
{
    job_end(job);
}

static void on_confirmed(struct job *job, int result)
{
    struct visit *visit = job->visit;
    struct span former;

    if (result != 0) {
        refuse_claim(job, result);
        return;
    }
    job_keep_token(job);
    former = arena_copy(job->arena, job->change.former);
    log_notice("account: %.*s has another recovery address, as %s asked", SPAN_ARG(job->jid), job->client);
    job->visit = NULL;
    if (visit != NULL)
        show_account(visit, "confirm_done", TEXT(account_confirm_done), job->jid, job->address, "active");
    if (former.size > 0 && mail_address_same(former, job->address))
        former = SPAN("");
    job_mail(job, "address-changed", former, on_told);
}

static void on_confirm(struct visit *visit)
{
    unsigned char digest[SHA256_BYTES];
    struct recovery_token token;
    struct job *job;

    if (!look(visit, TOKEN_CONFIRM, digest, &token))
        return;
    job = job_new(visit->account, visit, token.jid);
    if (job != NULL)
        claim(job, TOKEN_CONFIRM, digest, on_confirmed);
}

void confirm_act(struct http_request *request)
{
    visit_read(visit_begin(request), on_confirm);
}
