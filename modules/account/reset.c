/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: reset.c - the form for those who forgot their password.
 *
 * Nobody shall learn here which accounts exist or what their addresses are: the answer is given from what was
 * typed alone, and everything else is done behind it, after a while that nobody can foretell. Only with
 * account/reveal = true the answer waits, and says that an address does not match. */
#include "reset.h"

#include "base/clock.h"
#include "captcha.h"
#include "job.h"
#include "module/login.h"
#include "os/log.h"
#include "page/texts.h"
#include "shm/segment.h"
#include "xmpp/ns.h"

#include <json-c/json.h>

#define VCARD_WAIT (10 * USEC_PER_SEC)

/* ---- captcha ---- */

void reset_add_captcha(struct visit *visit, struct json_object *values, struct json_object *map)
{
    const struct account_conf *conf = visit->account->conf;
    struct json_object *captcha;
    struct captcha_challenge challenge;

    if (conf->captcha == CAPTCHA_NONE) {
        json_object_object_add(map, "captcha", NULL);
        return;
    }
    captcha_ask(conf->captcha, &visit->account->host->segment->once, (unsigned)conf->captcha_bits,
                clock_wall() / USEC_PER_SEC, visit->request->arena, &challenge);
    captcha = json_object_new_object();
    json_put_text(captcha, "id", challenge.id);
    json_put_text(captcha, "captcha", challenge.query);
    if (conf->captcha == CAPTCHA_WORK) {
        json_put_text(captcha, "kind", SPAN("work"));
        json_object_object_add(values, "is_work", json_object_new_boolean(true));
        json_put_text(values, "work_script",
                      span_of(arena_printf(visit->request->arena, "%s/files/%s", conf->context_path + 1,
                                           captcha_script_name())));
    }
    json_object_object_add(values, "captcha", json_object_get(captcha));
    json_object_object_add(map, "captcha", captcha);
}

bool reset_check_captcha(struct visit *visit)
{
    const struct account_conf *conf = visit->account->conf;
    struct span id, query, answer;

    return visit_field(visit, "id", &id) && visit_field(visit, "captcha-query", &query) &&
           visit_field(visit, "captcha", &answer) &&
           captcha_check(conf->captcha, &visit->account->host->segment->once, (unsigned)conf->captcha_bits,
                         clock_wall() / USEC_PER_SEC, id, query, answer);
}

/* ---- the form ---- */

static bool is_off(struct visit *visit)
{
    bool is_path = visit->request->below.size == 0; /* a slash behind it is the place of links */

    if (is_path && account_conf_resets(visit->account->host->conf))
        return false;
    visit_trouble(visit, 404, is_path ? TEXT(account_reset_off) : TEXT(account_link_bad));
    return true;
}

void reset_form(struct http_request *request)
{
    struct visit *visit = visit_begin(request);
    struct json_object *values, *map;
    struct span jid = request_parameter(request, "jid");

    if (is_off(visit))
        return;
    values = json_object_new_object();
    map = json_object_new_object();
    json_put_text(values, "title", span_of(TEXT(account_reset_title)));
    json_put_text(values, "jid", jid.size <= JID_BARE_MOST ? jid : SPAN(""));
    reset_add_captcha(visit, values, map);
    visit_answer(visit, 200, "reset", values, map);
}

/* What was typed. */
struct wish {
    struct span jid, address; /* as it was typed, to be shown again */
    struct span account;      /* prepared */
    struct span domain;
};

static void read_jid(struct visit *visit, struct wish *wish)
{
    bool is_text = visit_field(visit, "jid", &wish->jid);
    struct jid jid;

    wish->jid = span_trim(wish->jid);
    if (is_text && wish->jid.size == 0)
        visit_wrong(visit, "f-jid", TEXT(account_jid_empty));
    else if (!is_text || !jid_parse(visit->request->arena, wish->jid, &jid))
        visit_wrong(visit, "f-jid", TEXT(account_jid_bad));
    else if (jid.local.size == 0)
        visit_wrong(visit, "f-jid", TEXT(account_jid_whole));
    else {
        wish->account = jid_bare_text(visit->request->arena, jid);
        wish->domain = jid.domain;
    }
}

bool reset_read_address(struct visit *visit, struct span *address_r)
{
    bool is_text = visit_field(visit, "email", address_r);
    const char *why;

    *address_r = span_trim(*address_r);
    if (is_text && address_r->size == 0) {
        visit_wrong(visit, "f-email", TEXT(account_email_empty));
        return false;
    }
    why = is_text ? mail_address_check(*address_r) : TEXT(account_email_bad);
    if (why != NULL)
        visit_wrong(visit, "f-email", why);
    return why == NULL;
}

/* The form again, with what is wrong. */
static void show_again(struct visit *visit, const struct wish *wish)
{
    struct json_object *values = json_object_new_object(), *map = json_object_new_object();

    json_put_text(values, "title", span_of(TEXT(account_reset_title)));
    json_put_text(values, "jid", wish->jid);
    json_put_text(values, "email", wish->address);
    json_put_text(map, "jid", wish->jid);
    json_put_text(map, "email", wish->address);
    json_object_object_add(map, "errors", visit_error_texts(visit));
    reset_add_captcha(visit, values, map);
    visit_answer(visit, 400, "reset", values, map);
}

static void show_sent(struct visit *visit, struct span jid, struct span address)
{
    struct json_object *values = json_object_new_object(), *map = json_object_new_object();
    const struct account_conf *conf = visit->account->conf;

    json_put_text(values, "title", span_of(TEXT(account_sent_title)));
    json_put_text(values, "jid", jid);
    json_put_text(values, "email", address);
    json_object_object_add(values, "minutes", json_object_new_int64(conf->link_life / (60 * USEC_PER_SEC)));
    json_put_text(map, "jid", jid);
    json_put_text(map, "email", address);
    json_object_object_add(map, "errors", json_object_new_array());
    json_object_object_add(map, "captcha", NULL);
    visit_answer(visit, 200, "reset_sent", values, map);
}

/* ---- behind the answer ---- */

/* With account/reveal only: the visit still waits. */
static void tell(struct job *job, bool is_match)
{
    struct visit *visit = job->visit;
    struct wish wish = { .jid = job->jid, .address = job->address };

    if (visit == NULL)
        return;
    job->visit = NULL;
    if (is_match) {
        show_sent(visit, job->jid, job->address);
    } else {
        visit_wrong(visit, "f-email", TEXT(account_mismatch));
        show_again(visit, &wish);
    }
}

static void end_unmatched(struct job *job, const char *why)
{
    log_info("account: no link is mailed for %.*s: %s", SPAN_ARG(job->jid), why);
    tell(job, false);
    job_end(job);
}

static void go_on(struct job *job)
{
    tell(job, true);
    if (job_may_mail(job))
        job_mail_link(job, TOKEN_RESET, "reset");
    else
        job_end(job);
}

static bool is_in_vcard(const struct job *job, const struct xml_element *iq)
{
    const struct xml_element *card = xml_child(iq, NS_VCARD, "vCard");
    const struct xml_element *mail = card != NULL ? xml_child(card, NS_VCARD, "EMAIL") : NULL;

    for (; mail != NULL; mail = xml_next(mail, NS_VCARD, "EMAIL")) {
        const struct xml_element *user = xml_child(mail, NS_VCARD, "USERID");
        struct span address = user != NULL ? span_trim(xml_text(user, job->arena)) : SPAN("");

        if (mail_address_check(address) == NULL && mail_address_same(address, job->address))
            return true;
    }
    return false;
}

static void on_vcard(struct ask *ask)
{
    struct job *job = OBJECT(ask->data, job);

    if (ask->problem == PROBLEM_none && !ask->is_error && is_in_vcard(job, ask->answer))
        go_on(job);
    else
        end_unmatched(job, "no such address in its vCard");
}

static void ask_vcard(struct job *job, const char *component)
{
    job->ask = (struct ask){ .done = on_vcard, .data = job };
    ask_iq(job->account->host, &job->ask, job->arena, span_of(component), job->jid, IQ_GET,
           SPAN("<vCard xmlns='" NS_VCARD "'/>"), VCARD_WAIT);
}

static void look(struct job *job)
{
    const struct account_conf *conf = job->account->conf;
    const char *component = host_component(job->account->host, "http");
    struct recovery_row row;
    int found = recovery_find(&job->account->recovery, job->jid, job->arena, &row);

    if (!conf->reset_admins && login_is_named_admin(job->account->host, job->jid))
        end_unmatched(job, "it is an administrator's (account/reset-admins)");
    else if (found < 0)
        end_unmatched(job, "the store failed");
    else if (found == 1 && row.address.size > 0 && mail_address_same(row.address, job->address))
        go_on(job);
    else if (found == 1 && row.address.size > 0)
        end_unmatched(job, "its address is another one");
    else if (conf->trust_vcard && component != NULL)
        ask_vcard(job, component);
    else
        end_unmatched(job, "it has no recovery address");
}

static bool is_local(const struct account *account, struct span domain)
{
    const struct conf_list *domains = &account->host->settings->xmpp->domains;

    for (size_t i = 0; i < domains->count; i++)
        if (span_eq_nocase(domain, span_of(domains->texts[i])))
            return true;
    return false;
}

static void begin(struct visit *visit, const struct wish *wish)
{
    struct account *account = visit->account;
    bool is_ours = is_local(account, wish->domain);
    struct job *job = job_new(account, visit, wish->account);

    if (job == NULL)
        return;
    job->address = arena_copy(job->arena, wish->address);
    if (!account->conf->reveal) {
        job->visit = NULL;
        show_sent(visit, wish->account, wish->address); /* the request may be gone behind it */
    }
    if (is_ours)
        job_later(job, look);
    else
        end_unmatched(job, "its domain is not ours");
}

static void on_body(struct visit *visit)
{
    struct wish wish = { .jid = SPAN("") };

    read_jid(visit, &wish);
    reset_read_address(visit, &wish.address);
    if (visit->errors == NULL && !reset_check_captcha(visit))
        visit_wrong(visit, "f-captcha", TEXT(account_captcha_wrong));
    if (visit->errors != NULL)
        show_again(visit, &wish);
    else
        begin(visit, &wish);
}

void reset_ask(struct http_request *request)
{
    struct visit *visit = visit_begin(request);

    if (!is_off(visit) && !visit_is_too_much(visit, "reset", visit->account->conf->requests_per_address))
        visit_read(visit, on_body);
}
