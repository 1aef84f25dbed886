/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: question.c - the requests of dns-webservice: what is asked, whether it may be asked, and
 * what is answered when the search is over. */
#include "answer.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/text.h"
#include "dns_webservice.h"
#include "http/document.h"
#include "http/reply.h"
#include "parse/dns_name.h"
#include "xmpp/host_meta.h"

enum question_form { AS_ANSWER, AS_XRD, AS_JSON };

struct question {
    OBJECT_MAGIC
    struct discover_ask ask;
    struct http_request *request;   /* borrowed: it holds this */
    struct dns_webservice *service; /* borrowed */
    enum question_form form;
    unsigned version;
    struct span domain, name; /* as people read it; as DNS is asked */
    struct span callback;     /* empty: none */
};

static void refuse(struct http_request *request, enum problem problem, const char *detail)
{
    document_cors(request);
    reply_problem(request, problem, detail);
}

/* ---- answers ---- */

static void add_links(const struct discovered_urls *urls, enum host_meta_relation relation, bool plain,
                      struct host_meta_link *links, unsigned *count)
{
    for (unsigned i = 0; i < urls->count; i++)
        if (host_meta_url_is_good(relation, urls->items[i], plain))
            links[(*count)++] = (struct host_meta_link){ .relation = relation, .href = urls->items[i] };
}

/* false: there is no link that may be announced. */
static bool write_host_meta(const struct question *question, const struct discovery *discovery,
                            struct buf *out)
{
    struct host_meta_link links[2 * DISCOVER_URLS_MOST];
    struct host_meta meta = { .links = links };
    bool plain = question->service->conf->allow_plain;

    add_links(&discovery->websocket, RELATION_WEBSOCKET, plain, links, &meta.link_count);
    add_links(&discovery->bosh, RELATION_BOSH, plain, links, &meta.link_count);
    if (meta.link_count == 0)
        return false;
    if (question->form == AS_XRD)
        host_meta_xrd(&meta, out);
    else
        host_meta_json(&meta, out);
    return true;
}

static void send_found(struct question *question, const struct discovery *discovery)
{
    bool reference = question->service->conf->reference_format;
    struct document document = { .callback = question->callback, .max_age = discovery->until - clock_mono() };
    unsigned order[DISCOVER_HOSTS_MOST];
    struct buf text = { 0 };
    bool has_some = true;

    if (document.max_age < 0)
        document.max_age = 0;
    if (question->form == AS_ANSWER) {
        discover_order(discovery, order, random_below);
        answer_write(&text, discovery, order, question->domain, question->version, reference);
        document.type = reference ? "application/json;charset=UTF-8" : "application/json";
    } else {
        has_some = write_host_meta(question, discovery, &text);
        document.type = question->form == AS_XRD ? "application/xrd+xml" : "application/json";
    }
    document.body = buf_span(&text);
    if (has_some)
        document_send(question->request, &document);
    else
        refuse(question->request, PROBLEM_not_found, "This domain announces no address for web clients");
    buf_free(&text);
}

static void answer(struct question *question, const struct discovery *discovery)
{
    struct http_request *request = question->request;

    switch (discovery->verdict) {
    case DISCOVER_FOUND:
        send_found(question, discovery);
        break;
    case DISCOVER_NOTHING:
        refuse(request, PROBLEM_not_found, "DNS knows no XMPP server of that domain");
        break;
    case DISCOVER_TROUBLE:
        refuse(request, PROBLEM_bad_gateway, "The name servers gave no answer that can be used");
        break;
    case DISCOVER_SILENT:
        refuse(request, PROBLEM_server_silent, "The name servers did not answer in time");
        break;
    }
}

static void on_discovered(struct discover_ask *ask, const struct discovery *discovery)
{
    struct question *question = LIST_OF(ask, struct question, ask);

    answer(question, discovery);
}

static void on_cancel(struct http_request *request)
{
    struct question *question = OBJECT(request->handler_data, question);

    discover_forget(&question->ask);
}

/* ---- whether it may be asked ---- */

static bool may_be_asked(const struct dns_webservice *service, struct span name)
{
    if (service->conf->domains.count == 0)
        return !dns_name_is_private(name);
    for (size_t i = 0; i < service->conf->domains.count; i++)
        if (span_eq(service->names[i], name))
            return true;
    return false;
}

/* Who has a network of IPv6 has all its addresses. */
static struct span bucket_name(const struct http_request *request)
{
    struct ip_address address;
    char text[IP_TEXT];

    if (!ip_address_parse(span_of(request->client), &address))
        return span_of(arena_printf(request->arena, "dns/%s", request->client));
    if (!ip_address_is4(&address))
        memset(address.bytes + 8, 0, 8);
    ip_address_text(&address, text);
    return span_of(arena_printf(request->arena, "dns/%s", text));
}

/* 0, or seconds to wait. */
static int64_t take_token(const struct http_request *request)
{
    const struct dns_webservice *service = OBJECT(request->state, dns_webservice);
    const struct dns_conf *conf = service->conf;
    struct bucket_rule rule = { .burst = (uint32_t)conf->burst };
    int64_t wait;

    if (conf->burst == 0)
        return 0;
    rule.interval = conf->rate_period / conf->burst;
    wait = bucket_take(&service->host->segment->buckets, bucket_name(request), &rule, clock_mono());
    return wait > 0 ? (wait + USEC_PER_SEC - 1) / USEC_PER_SEC : 0;
}

static void ask(struct question *question)
{
    struct http_request *request = question->request;
    struct dns_webservice *service = question->service;
    const struct discovery *known = discover_known(service->discoverer, DISCOVER_XMPP, question->name);
    int64_t wait;

    if (known) {
        answer(question, known);
        return;
    }
    wait = take_token(request);
    if (wait > 0) {
        reply_field_printf(request, "Retry-After", "%lld", (long long)wait);
        refuse(request, PROBLEM_too_many_requests, NULL);
        return;
    }
    request->doing = "waiting for name servers";
    request->handler_data = question;
    request->on_cancel = on_cancel;
    if (discover(service->discoverer, &question->ask, DISCOVER_XMPP, question->name, on_discovered))
        return;
    request->on_cancel = NULL;
    reply_field(request, "Retry-After", SPAN("2"));
    refuse(request, PROBLEM_unavailable, "Too many searches are under way; try again soon");
}

/* ---- what is asked ---- */

/* 0: not a version that is spoken here. */
static unsigned read_version(struct span text)
{
    bool is_negative = span_starts(text, SPAN("-"));
    uint64_t number;

    if (!text_to_u64(span_from(text, is_negative ? 1 : 0), &number))
        return 0;
    if (is_negative || number == 0)
        return 1; /* as the reference implementation has it */
    return number <= ANSWER_VERSION_MOST ? (unsigned)number : 0;
}

/* NULL, or what is wrong with the request. */
static const char *read_question(struct http_request *request, struct span form, struct question *question)
{
    struct span text;
    int found = document_parameter(request, form, "domain", &text);

    if (found == 0 && question->form != AS_ANSWER) {
        text = request->host;
        found = 1;
    }
    if (found == 0)
        return "The parameter domain is missing";
    if (found < 0 || !dns_name_prepare(request->arena, text, &question->domain, &question->name))
        return "The parameter domain is not a domain";
    question->version = 1;
    found = document_parameter(request, form, "version", &text);
    if (found == 1)
        question->version = read_version(text);
    if (found < 0 || question->version == 0)
        return "The parameter version must be 1 or 2";
    found = document_parameter(request, form, "callback", &question->callback);
    if (found < 0 || (found == 1 && !document_callback_is_good(question->callback)))
        return "The parameter callback is not the name of a function";
    return NULL;
}

static void take_question(struct http_request *request, struct span form, enum question_form as)
{
    struct question *question = arena_make(request->arena, struct question);
    const char *why;

    OBJECT_BORN(question, question);
    question->request = request;
    question->service = OBJECT(request->state, dns_webservice);
    question->form = as;
    why = read_question(request, form, question);
    if (why != NULL)
        refuse(request, PROBLEM_bad_request, why);
    else if (!may_be_asked(question->service, question->name))
        refuse(request, PROBLEM_forbidden, "This domain is not looked up here");
    else
        ask(question);
}

static void take_answer_form(struct http_request *request, struct span form)
{
    take_question(request, form, AS_ANSWER);
}

static void take_xrd_form(struct http_request *request, struct span form)
{
    take_question(request, form, AS_XRD);
}

static void take_json_form(struct http_request *request, struct span form)
{
    take_question(request, form, AS_JSON);
}

void dns_answer(struct http_request *request)
{
    document_read_form(request, take_answer_form);
}

void dns_host_meta(struct http_request *request)
{
    document_read_form(request, take_xrd_form);
}

void dns_host_meta_json(struct http_request *request)
{
    document_read_form(request, take_json_form);
}
