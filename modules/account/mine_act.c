/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mine_act.c - what the forms of the page do: another recovery address, none, another
 * password, an upload less.
 *
 * What would let a thief of an open browser keep the account (address, password) asks for the password first.
 */
#include "mine.h"

#include "job.h"
#include "module/web.h"
#include "page/page.h"
#include "page/texts.h"
#include "reset.h"
#include "base/clock.h"
#include "base/text.h"
#include "uploads.h"
#include "xmpp/ns.h"

#include <json-c/json.h>
#include <openssl/crypto.h>

#define NS_REGISTER "jabber:iq:register"
#define FORM_BYTES  8192
#define WAIT        (20 * USEC_PER_SEC)

/* The visit of a form that web.c has read. */
static struct visit *visit_of(struct http_request *request, const struct web_form *form)
{
    struct visit *visit = visit_begin(request);

    visit->format = VISIT_HTML;
    visit->form = arena_alloc(request->arena, (form->count + 1) * sizeof(*visit->form));
    for (size_t i = 0; i < form->count; i++)
        visit->form[visit->form_count++] = (struct visit_text){ form->fields[i].name, form->fields[i].value };
    return visit;
}

static void go_back(struct visit *visit, const char *done)
{
    const char *path = visit->account->conf->context_path;

    page_see_other(visit->request,
                   arena_printf(visit->request->arena, "%s/?done=%s", path[1] ? path : "", done));
}

/* ---- the address ---- */

static void on_linked(struct job *job, int result)
{
    struct visit *visit = job->visit;

    job->visit = NULL;
    if (visit == NULL)
        return;
    visit->job = NULL;
    if (result == 0)
        go_back(visit, "mailed");
    else
        visit_trouble(visit, 500, TEXT(account_internal));
}

static void on_address(struct http_request *request, const struct web_form *form)
{
    struct visit *visit = visit_of(request, form);
    struct span address;
    struct job *job;

    if (!reset_read_address(visit, &address)) {
        mine_show_again(visit, 400, NULL);
        return;
    }
    job = job_new(visit->account, visit, request->user);
    if (job == NULL)
        return;
    job->address = arena_copy(job->arena, address);
    job->on_linked = on_linked;
    if (job_may_mail(job)) {
        job_mail_link(job, TOKEN_CONFIRM, "confirm");
        return;
    }
    job_end(job);
    visit_wrong(visit, "f-email", TEXT(account_too_many_mails));
    mine_show_again(visit, 429, NULL);
}

void mine_address(struct http_request *request)
{
    struct account *account = OBJECT(request->state, account);

    web_form_read(account->host, request, MINE_ADDRESS, WEB_ONCE | WEB_FRESH, FORM_BYTES, on_address);
}

static void on_forgotten(struct job *job, int result)
{
    struct visit *visit = job->visit;
    struct span former = arena_copy(job->arena, job->change.former);

    job->visit = NULL;
    if (visit != NULL) {
        visit->job = NULL;
        if (result == 0)
            go_back(visit, "forgotten");
        else
            visit_trouble(visit, 500, TEXT(account_internal));
    }
    if (result == 0)
        job_mail(job, "address-changed", former, job_end);
    else
        job_end(job);
}

static void on_forget(struct http_request *request, const struct web_form *form)
{
    struct visit *visit = visit_of(request, form);
    struct job *job = job_new(visit->account, visit, request->user);

    if (job == NULL)
        return;
    job_change_begin(job, RECOVERY_SET)->address = SPAN("");
    job_change(job, on_forgotten);
}

void mine_forget(struct http_request *request)
{
    struct account *account = OBJECT(request->state, account);

    web_form_read(account->host, request, MINE_ADDRESS, WEB_ONCE | WEB_FRESH, FORM_BYTES, on_forget);
}

/* ---- the password ---- */

static void on_set(struct job *job, enum steward_end end)
{
    struct visit *visit = job->visit;
    struct json_object *values;

    job->visit = NULL;
    if (visit != NULL && end == STEWARD_DONE) {
        visit->request->user = SPAN(""); /* this browser has to log in again, too */
        values = json_object_new_object();
        json_put_text(values, "title", span_of(TEXT(account_changed_title)));
        json_put_text(values, "jid", job->jid);
        visit_answer(visit, 200, "reset_done", values, NULL);
    } else if (visit != NULL) {
        visit_trouble(visit, end == STEWARD_AWAY ? 503 : 502, TEXT(account_internal));
    }
    job_end(job);
}

/* As the user, where the server allows it; else an administrator does it. */
static void on_register(struct ask *ask)
{
    struct job *job = OBJECT(ask->data, job);

    if (ask->problem == PROBLEM_none && !ask->is_error)
        job_password_was_set(job, on_set);
    else
        job_set_password(job, on_set);
}

static void ask_register(struct job *job, struct jid jid)
{
    struct buf payload = { 0 };

    buf_reserve(&payload, 16384);
    buf_text(&payload, "<query xmlns='" NS_REGISTER "'><username>");
    text_add_xml(&payload, jid.local);
    buf_text(&payload, "</username><password>");
    text_add_xml(&payload, job->password);
    buf_text(&payload, "</password></query>");
    job->ask = (struct ask){ .done = on_register, .data = job };
    ask_iq(job->account->host, &job->ask, job->arena, job->jid, jid.domain, IQ_SET, buf_span(&payload), WAIT);
    OPENSSL_cleanse(payload.at, payload.room);
    buf_free(&payload);
}

static void on_password(struct http_request *request, const struct web_form *form)
{
    struct visit *visit = visit_of(request, form);
    struct recovery_row row;
    struct span password;
    struct job *job;
    struct jid jid;

    if (!reset_read_password(visit, &password)) {
        mine_show_again(visit, 400, NULL);
        return;
    }
    job = job_new(visit->account, visit, request->user);
    if (job == NULL)
        return;
    job->password = arena_copy(job->arena, password);
    if (recovery_find(&visit->account->recovery, job->jid, job->arena, &row) == 1)
        job->address = row.address;
    must(jid_parse(job->arena, job->jid, &jid));
    ask_register(job, jid);
}

void mine_password(struct http_request *request)
{
    struct account *account = OBJECT(request->state, account);

    web_form_read(account->host, request, MINE_PASSWORD, WEB_ONCE | WEB_FRESH, FORM_BYTES, on_password);
}

/* ---- an upload ---- */

struct deleting {
    OBJECT_MAGIC
    struct visit *visit;
    struct uploads_ask uploads;
    const char *var;
    struct span slot;
};

static void on_deleted(struct uploads_ask *ask)
{
    struct deleting *deleting = OBJECT(ask->data, deleting);
    struct visit *visit = deleting->visit;

    OBJECT_DEAD(deleting);
    visit->request->handler_data = visit;
    visit->request->on_cancel = NULL;
    if (ask->is_good)
        go_back(visit, "deleted");
    else
        visit_trouble(visit, 404, TEXT(account_file_absent));
}

static void on_cancel(struct http_request *request)
{
    uploads_cancel(&OBJECT(request->handler_data, deleting)->uploads);
}

static void on_delete(struct http_request *request, const struct web_form *form)
{
    struct visit *visit = visit_of(request, form);
    struct deleting *deleting = arena_make(request->arena, struct deleting);

    if (!visit_field(visit, "slot", &deleting->slot) || deleting->slot.size == 0 ||
        uploads_component(visit->account->host).at == NULL) {
        visit_trouble(visit, 404, TEXT(account_file_absent));
        return;
    }
    OBJECT_BORN(deleting, deleting);
    deleting->visit = visit;
    deleting->var = "slot-id";
    deleting->uploads.done = on_deleted;
    deleting->uploads.data = deleting;
    request->handler_data = deleting;
    request->on_cancel = on_cancel;
    uploads_run(&deleting->uploads, visit->account->host, request->arena, request->user, "delete-slot",
                &deleting->var, &deleting->slot, 1);
}

void mine_delete(struct http_request *request)
{
    struct account *account = OBJECT(request->state, account);

    web_form_read(account->host, request, MINE_DELETE, WEB_ONCE, FORM_BYTES, on_delete);
}
