/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: register.c - the form by which a stranger asks for an account.
 *
 * The name is reserved while the mail is under way, and for its address only. Whether the account is there
 * already the server tells when it is made: that is for the reader of the mail alone. */
#include "register.h"

#include "base/clock.h"
#include "job.h"
#include "page/texts.h"
#include "reset.h"

#include <json-c/json.h>

#define NAME_MOST 256 /* bytes of a name that somebody chooses */

static const struct conf_list *domains_of(const struct account *account)
{
    const struct conf_list *own = &account->conf->registration_domains;

    return own->count > 0 ? own : &account->host->settings->xmpp->domains;
}

static bool is_off(struct visit *visit)
{
    if (visit->account->conf->registration && domains_of(visit->account)->count > 0)
        return false;
    visit_trouble(visit, 404, TEXT(account_register_off));
    return true;
}

/* ---- the form ---- */

/* What was typed. */
struct wish {
    struct span domain, username, address;
    struct span jid; /* prepared */
};

static struct json_object *domain_list(struct visit *visit, struct span chosen)
{
    const struct conf_list *domains = domains_of(visit->account);
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < domains->count; i++) {
        struct json_object *one = json_object_new_object();
        struct span domain = span_of(domains->texts[i]);

        json_put_text(one, "name", domain);
        json_object_object_add(one, "is_chosen", json_object_new_boolean(span_eq_nocase(domain, chosen)));
        json_object_array_add(list, one);
    }
    return list;
}

static void show(struct visit *visit, int status, const struct wish *wish)
{
    struct json_object *values = json_object_new_object(), *map = json_object_new_object();

    json_put_text(values, "title", span_of(TEXT(account_register_title)));
    json_object_object_add(values, "domains", domain_list(visit, wish->domain));
    json_put_text(values, "username", wish->username);
    json_put_text(values, "email", wish->address);
    json_put_text(map, "domain", wish->domain);
    json_put_text(map, "username", wish->username);
    json_put_text(map, "email", wish->address);
    json_object_object_add(map, "errors", visit_error_texts(visit));
    reset_add_captcha(visit, values, map);
    visit_answer(visit, status, "register", values, map);
}

void register_form(struct http_request *request)
{
    struct visit *visit = visit_begin(request);
    struct wish wish = { .domain = request->host };

    if (!is_off(visit))
        show(visit, 200, &wish);
}

/* ---- what was sent ---- */

static bool is_reserved(const struct account *account, struct arena *arena, struct span local)
{
    const struct conf_list *names = &account->conf->reserved_names;

    for (size_t i = 0; i < names->count; i++) {
        struct span name;

        if (jid_prepare_local(arena, span_of(names->texts[i]), &name) && span_eq(name, local))
            return true;
    }
    return false;
}

static bool read_domain(struct visit *visit, struct wish *wish, struct span *domain_r)
{
    const struct conf_list *domains = domains_of(visit->account);

    if (visit_field(visit, "domain", &wish->domain) &&
        jid_prepare_domain(visit->request->arena, wish->domain, domain_r))
        for (size_t i = 0; i < domains->count; i++)
            if (span_eq_nocase(*domain_r, span_of(domains->texts[i])))
                return true;
    visit_wrong(visit, "f-domain", TEXT(account_domain_bad));
    return false;
}

static void read_name(struct visit *visit, struct wish *wish)
{
    struct arena *arena = visit->request->arena;
    struct jid jid = { .resource = SPAN("") };
    bool is_text = visit_field(visit, "username", &wish->username);

    wish->username = span_trim(wish->username);
    if (!read_domain(visit, wish, &jid.domain))
        return;
    if (is_text && wish->username.size == 0)
        visit_wrong(visit, "f-username", TEXT(account_name_empty));
    else if (!is_text || wish->username.size > NAME_MOST ||
             !jid_prepare_local(arena, wish->username, &jid.local))
        visit_wrong(visit, "f-username", TEXT(account_name_bad));
    else if (is_reserved(visit->account, arena, jid.local))
        visit_wrong(visit, "f-username", TEXT(account_name_taken));
    else
        wish->jid = jid_bare_text(arena, jid);
}

static void show_sent(struct visit *visit, const struct job *job)
{
    struct json_object *values = json_object_new_object(), *map = json_object_new_object();

    json_put_text(values, "title", span_of(TEXT(account_sent_title)));
    json_put_text(values, "jid", job->jid);
    json_put_text(values, "email", job->address);
    json_object_object_add(values, "minutes",
                           json_object_new_int64(visit->account->conf->link_life / (60 * USEC_PER_SEC)));
    json_put_text(map, "jid", job->jid);
    json_put_text(map, "email", job->address);
    json_object_object_add(map, "errors", json_object_new_array());
    visit_answer(visit, 200, "register_sent", values, map);
}

/* The name is reserved, or is not. */
static void on_linked(struct job *job, int result)
{
    struct visit *visit = job->visit;
    struct wish *wish = job->data;

    job->visit = NULL;
    if (visit == NULL)
        return;
    if (result == 0) {
        show_sent(visit, job);
    } else if (result == RECOVERY_TAKEN) {
        visit_wrong(visit, "f-username", TEXT(account_name_taken));
        show(visit, 409, wish);
    } else {
        visit_trouble(visit, 500, TEXT(account_internal));
    }
}

static void begin(struct visit *visit, struct wish *wish)
{
    struct job *job = job_new(visit->account, visit, wish->jid);

    if (job == NULL)
        return;
    job->address = arena_copy(job->arena, wish->address);
    job->data = wish;
    job->on_linked = on_linked;
    if (job_may_mail(job)) {
        job_mail_link(job, TOKEN_REGISTER, "register");
        return;
    }
    job->visit = NULL;
    show_sent(visit, job); /* the same as ever: who else registers here is nobody's business */
    job_end(job);
}

static void on_body(struct visit *visit)
{
    struct wish *wish = arena_make(visit->request->arena, struct wish);

    read_name(visit, wish);
    reset_read_address(visit, &wish->address);
    if (visit->errors == NULL && !reset_check_captcha(visit))
        visit_wrong(visit, "f-captcha", TEXT(account_captcha_wrong));
    if (visit->errors != NULL)
        show(visit, 400, wish);
    else
        begin(visit, wish);
}

void register_ask(struct http_request *request)
{
    struct visit *visit = visit_begin(request);

    if (!is_off(visit) &&
        !visit_is_too_much(visit, "register", visit->account->conf->registrations_per_address))
        visit_read(visit, on_body);
}
