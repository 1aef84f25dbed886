/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: visit.c - the requests of well-known: which domain it is, what DNS has to add to its
 * links, and the document. */
#include "base/clock.h"
#include "http/document.h"
#include "http/reply.h"
#include "well_known.h"

struct visit;

struct visit_ask {
    struct discover_ask ask;
    struct visit *visit; /* borrowed */
    unsigned link;       /* index of the link that lacks addresses */
};

struct visit {
    OBJECT_MAGIC
    struct http_request *request;  /* borrowed: it holds this */
    struct well_known *well_known; /* borrowed */
    const struct site *site;       /* borrowed */
    bool as_json;
    struct span callback; /* empty: none */

    struct host_meta meta;
    struct host_meta_link links[SITE_LINKS_MOST];
    int64_t max_age;
    bool is_partial; /* a link has no addresses */

    struct visit_ask asks[SITE_LINKS_MOST];
    unsigned open; /* asks that were not told */
};

static void refuse(struct http_request *request, enum problem problem, const char *detail)
{
    document_cors(request);
    reply_problem(request, problem, detail);
}

static void send_document(struct visit *visit)
{
    struct host_meta *meta = &visit->meta;
    struct document document = { .type = visit->as_json ? "application/json" : "application/xrd+xml",
                                 .callback = visit->callback };
    bool has_links = meta->ttl > 0 && visit->as_json;
    struct buf text = { 0 };

    if (visit->is_partial) { /* who reads "xmpp" looks nowhere else: so all of it, or none */
        has_links = false;
        meta->ttl = 0;
    }
    for (unsigned i = 0; i < meta->link_count; i++)
        has_links = has_links || meta->links[i].relation == RELATION_WEBSOCKET ||
                    meta->links[i].relation == RELATION_BOSH;
    if (!has_links) {
        refuse(visit->request, PROBLEM_not_found, "This domain announces no address for web clients");
        return;
    }
    if (visit->as_json)
        host_meta_json(meta, &text);
    else
        host_meta_xrd(meta, &text);
    document.max_age = visit->max_age;
    if (meta->ttl > 0 && meta->ttl * USEC_PER_SEC < document.max_age)
        document.max_age = meta->ttl * USEC_PER_SEC;
    document.body = buf_span(&text);
    document_send(visit->request, &document);
    buf_free(&text);
}

static void cap_age(struct visit *visit, const struct discovery *discovery)
{
    int64_t left = discovery->until - clock_mono();

    left = left > 0 ? left : 0;
    visit->max_age = left < visit->max_age ? left : visit->max_age;
}

static void on_cancel(struct http_request *request)
{
    struct visit *visit = OBJECT(request->handler_data, visit);

    for (unsigned i = 0; i < SITE_LINKS_MOST; i++)
        discover_forget(&visit->asks[i].ask);
}

static void park(struct visit *visit)
{
    visit->request->doing = "waiting for name servers";
    visit->request->handler_data = visit;
    visit->request->on_cancel = on_cancel;
}

/* ---- links of the configuration; DNS adds their addresses ---- */

static void take_addresses(struct visit *visit, unsigned link, const struct discovery *discovery)
{
    const struct discovered_host *host = &discovery->hosts[0];
    struct ip_address *copy;

    if (discovery->host_count == 0) {
        visit->is_partial = true;
        cap_age(visit, discovery);
        return;
    }
    copy = arena_alloc(visit->request->arena, sizeof(host->addresses));
    memcpy(copy, host->addresses, sizeof(host->addresses));
    visit->links[link].addresses = copy;
    visit->links[link].address_count = host->address_count;
}

static void on_addresses(struct discover_ask *ask, const struct discovery *discovery)
{
    struct visit_ask *mine = LIST_OF(ask, struct visit_ask, ask);
    struct visit *visit = mine->visit;

    take_addresses(visit, mine->link, discovery);
    if (--visit->open == 0)
        send_document(visit);
}

static void complete_link(struct visit *visit, unsigned link)
{
    struct discoverer *discoverer = visit->well_known->discoverer;
    struct span host = visit->site->hosts[link];
    const struct discovery *known;

    if (visit->links[link].address_count > 0)
        return;
    if (host.size == 0) {
        visit->is_partial = true;
        return;
    }
    known = discover_known(discoverer, DISCOVER_ADDRESSES, host);
    visit->asks[link] = (struct visit_ask){ .visit = visit, .link = link };
    if (known)
        take_addresses(visit, link, known);
    else if (discover(discoverer, &visit->asks[link].ask, DISCOVER_ADDRESSES, host, on_addresses))
        visit->open++;
    else
        visit->is_partial = true;
}

static void visit_site(struct visit *visit)
{
    const struct site *site = visit->site;

    memcpy(visit->links, site->links, sizeof(site->links));
    visit->meta.link_count = site->link_count;
    visit->meta.ttl = site->ttl / USEC_PER_SEC;
    if (site->pins) {
        visit->meta.pins = site->pins->texts;
        visit->meta.pin_count = site->pins->count;
    }
    if (visit->as_json && visit->meta.ttl > 0) {
        park(visit);
        for (unsigned i = 0; i < site->link_count; i++)
            complete_link(visit, i);
    }
    if (visit->open > 0)
        return;
    visit->request->on_cancel = NULL;
    send_document(visit);
}

/* ---- links of DNS ---- */

static void add_urls(struct visit *visit, const struct discovered_urls *urls,
                     enum host_meta_relation relation)
{
    for (unsigned i = 0; i < urls->count && visit->meta.link_count < SITE_LINKS_MOST; i++) {
        if (!host_meta_url_is_good(relation, urls->items[i], visit->well_known->conf->allow_plain))
            continue;
        visit->links[visit->meta.link_count++] =
            (struct host_meta_link){ .relation = relation,
                                     .href = arena_copy(visit->request->arena, urls->items[i]) };
    }
}

static void take_discovery(struct visit *visit, const struct discovery *discovery)
{
    if (discovery->verdict == DISCOVER_SILENT) {
        refuse(visit->request, PROBLEM_server_silent, "The name servers did not answer in time");
        return;
    }
    if (discovery->verdict == DISCOVER_TROUBLE) {
        refuse(visit->request, PROBLEM_bad_gateway, "The name servers gave no answer that can be used");
        return;
    }
    cap_age(visit, discovery);
    add_urls(visit, &discovery->websocket, RELATION_WEBSOCKET);
    add_urls(visit, &discovery->bosh, RELATION_BOSH);
    send_document(visit);
}

static void on_discovery(struct discover_ask *ask, const struct discovery *discovery)
{
    struct visit_ask *mine = LIST_OF(ask, struct visit_ask, ask);

    take_discovery(mine->visit, discovery);
}

static void visit_dns(struct visit *visit)
{
    struct discoverer *discoverer = visit->well_known->discoverer;
    const struct discovery *known = discover_known(discoverer, DISCOVER_XMPP, visit->site->name);

    if (known) {
        take_discovery(visit, known);
        return;
    }
    visit->asks[0] = (struct visit_ask){ .visit = visit };
    park(visit);
    if (discover(discoverer, &visit->asks[0].ask, DISCOVER_XMPP, visit->site->name, on_discovery))
        return;
    visit->request->on_cancel = NULL;
    reply_field(visit->request, "Retry-After", SPAN("2"));
    refuse(visit->request, PROBLEM_unavailable, "Too many searches are under way; try again soon");
}

/* ---- requests ---- */

static void take_visit(struct http_request *request, struct span form, bool as_json)
{
    struct visit *visit = arena_make(request->arena, struct visit);
    int found;

    OBJECT_BORN(visit, visit);
    visit->request = request;
    visit->well_known = OBJECT(request->state, well_known);
    visit->as_json = as_json;
    visit->meta.links = visit->links;
    visit->max_age = visit->well_known->conf->max_age;
    visit->site = map_get(visit->well_known->sites, request->host);
    found = as_json ? document_parameter(request, form, "callback", &visit->callback) : 0;
    if (found < 0 || (found == 1 && !document_callback_is_good(visit->callback)))
        refuse(request, PROBLEM_bad_request, "The parameter callback is not the name of a function");
    else if (visit->site == NULL)
        refuse(request, PROBLEM_not_found, "This host is no domain that is answered for here");
    else if (visit->site->link_count == 0 && visit->well_known->conf->discover)
        visit_dns(visit);
    else
        visit_site(visit);
}

static void take_xrd_form(struct http_request *request, struct span form)
{
    take_visit(request, form, false);
}

static void take_json_form(struct http_request *request, struct span form)
{
    take_visit(request, form, true);
}

void well_known_xrd(struct http_request *request)
{
    document_read_form(request, take_xrd_form);
}

void well_known_json(struct http_request *request)
{
    document_read_form(request, take_json_form);
}
