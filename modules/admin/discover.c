/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: discover.c - which commands there are for who is logged in: of the server, of its
 * components, and of Stoa's own.
 *
 * Everybody is asked at once, as that user, so each shows what this user may do. Nobody is waited for longer
 * than discovery-timeout, and whoever fails is named, not fatal: Stoa's own commands are listed even when
 * there is no XMPP server. Stanza errors mean that there are no commands. */
#include "admin.h"

#include "base/must.h"
#include "module/command.h"
#include "page/texts.h"
#include "xmpp/ns.h"

#include <stdio.h>
#include <stdlib.h>

#define PROBES_MOST 201 /* the domain's items, and the commands of 200 */
#define FLIGHT_MOST 32  /* questions at once */
#define ITEMS_QUERY "<query xmlns='" NS_DISCO_ITEMS "'/>"

struct discovery;

struct probe {
    struct web_ask web;
    struct discovery *discovery; /* borrowed */
    struct jid jid;
    struct span text; /* of it */
    bool is_items;    /* asked for its items, else for its commands */
    bool is_open;     /* not answered yet */
};

struct discovery { /* in the request's arena */
    OBJECT_MAGIC
    struct admin *admin;          /* borrowed */
    struct http_request *request; /* borrowed */
    struct catalog *catalog;      /* owned, until the cache takes it */
    struct probe probes[PROBES_MOST];
    unsigned count, begun, open;
    bool is_full; /* there were more */
    int64_t deadline;
    void (*done)(struct http_request *request, const struct catalog *catalog, void *data);
    void *data;
};

static bool is_known(const struct discovery *discovery, struct jid jid)
{
    for (unsigned i = 0; i < discovery->count; i++)
        if (!discovery->probes[i].is_items && jid_equal(discovery->probes[i].jid, jid))
            return true;
    return false;
}

static void add_probe(struct discovery *discovery, struct span text, bool is_items)
{
    struct probe *probe = &discovery->probes[discovery->count];
    struct jid jid;

    if (!jid_parse(discovery->request->arena, text, &jid) || (!is_items && is_known(discovery, jid)))
        return;
    if (discovery->count == PROBES_MOST) {
        discovery->is_full = true;
        return;
    }
    probe->discovery = discovery;
    probe->jid = jid;
    probe->text = jid_text(discovery->request->arena, jid);
    probe->is_items = is_items;
    discovery->count++;
}

const struct command_fact *discover_fact(struct admin *admin, struct arena *arena, struct span jid,
                                         struct span node)
{
    const struct command_fact *known = fact_of(node);
    const struct command_row *row = command_declared(admin->host, jid, node, arena);
    struct command_fact *fact;

    if (row == NULL)
        return known;
    fact = arena_make(arena, struct command_fact);
    *fact = *known;
    if (row->steps && row->steps[0].form)
        fact->start = ASKS;
    else if (fact->start == ASKS)
        fact->start = ACTS;
    if (!row->is_destructive)
        fact->danger = NULL;
    else if (fact->danger == NULL)
        fact->danger = TEXT(admin_danger);
    return fact;
}

static void take_facts(struct discovery *discovery)
{
    struct catalog *catalog = discovery->catalog;

    for (size_t i = 0; i < catalog->count; i++)
        catalog->commands[i].fact = discover_fact(discovery->admin, catalog->arena, catalog->commands[i].jid,
                                                  catalog->commands[i].node);
}

static void finish(struct discovery *discovery)
{
    struct http_request *request = discovery->request;
    struct catalog *catalog = discovery->catalog;

    request->on_cancel = NULL;
    if (discovery->is_full)
        catalog_fail(catalog, SPAN(""), SPAN("Only the first 200 components were asked for their commands"));
    take_facts(discovery);
    catalog_close(catalog, clock_mono());
    discovery->catalog = NULL;
    OBJECT_DEAD(discovery);
    catalog_cache_put(discovery->admin->cache, request->user, catalog);
    discovery->done(request, catalog, discovery->data);
}

/* ---- answers ---- */

static void take_items(struct discovery *discovery, const struct xml_element *iq)
{
    const struct xml_element *query = xml_child(iq, NS_DISCO_ITEMS, "query");
    const struct xml_element *item = query ? xml_child(query, NS_DISCO_ITEMS, "item") : NULL;

    for (; item && !discovery->is_full; item = xml_next(item, NS_DISCO_ITEMS, "item"))
        add_probe(discovery, xml_attribute(item, "jid"), false);
}

/* An error that says that nobody was there to answer; others say that there are no commands. */
static bool is_unreachable(const struct xml_element *iq)
{
    const struct xml_element *error = xml_child(iq, NULL, "error");

    return error != NULL && (xml_child(error, NS_STANZA_ERRORS, "remote-server-timeout") != NULL ||
                             xml_child(error, NS_STANZA_ERRORS, "remote-server-not-found") != NULL);
}

static void fail(struct discovery *discovery, const struct probe *probe, enum problem problem)
{
    char text[160];

    if (problem == PROBLEM_server_silent)
        snprintf(text, sizeof(text), "did not answer in %g s",
                 (double)discovery->admin->conf->discovery_timeout / (double)USEC_PER_SEC);
    else
        snprintf(text, sizeof(text), "could not be asked: %s", problem_text(problem));
    catalog_fail(discovery->catalog, probe->text, span_of(text));
}

static void begin_probes(struct discovery *discovery);

static void on_answer(struct web_ask *web)
{
    struct probe *probe = web->data;
    struct discovery *discovery = OBJECT(probe->discovery, discovery);

    probe->is_open = false;
    discovery->open--;
    if (web->ask.problem != PROBLEM_none)
        fail(discovery, probe, web->ask.problem);
    else if (web->ask.is_error && is_unreachable(web->ask.answer))
        catalog_fail(discovery->catalog, probe->text, SPAN("cannot be reached"));
    else if (!web->ask.is_error && probe->is_items)
        take_items(discovery, web->ask.answer);
    else if (!web->ask.is_error)
        catalog_take(discovery->catalog, probe->jid, web->ask.answer);
    begin_probes(discovery);
}

static void on_cancel(struct http_request *request)
{
    struct discovery *discovery = OBJECT(request->handler_data, discovery);

    for (unsigned i = 0; i < discovery->count; i++)
        if (discovery->probes[i].is_open)
            web_ask_cancel(&discovery->probes[i].web);
}

static void drop_catalog(void *data)
{
    struct discovery *discovery = data;

    catalog_free(&discovery->catalog);
}

static void begin_probes(struct discovery *discovery)
{
    while (discovery->open < FLIGHT_MOST && discovery->begun < discovery->count) {
        struct probe *probe = &discovery->probes[discovery->begun++];
        int64_t left = discovery->deadline - clock_mono();

        probe->is_open = true;
        discovery->open++;
        probe->web.done = on_answer;
        probe->web.data = probe;
        web_ask(discovery->admin->host, discovery->request, &probe->web, discovery->request->arena,
                probe->text, IQ_GET, probe->is_items ? SPAN(ITEMS_QUERY) : SPAN(COMMAND_LIST_QUERY),
                left > 0 ? left : 1);
    }
    if (discovery->open == 0)
        finish(discovery);
}

/* ---- begin ---- */

static struct span domain_of(struct span user)
{
    ssize_t at = span_find(user, '@');

    return at < 0 ? user : span_from(user, (size_t)at + 1);
}

static void add_own(struct discovery *discovery)
{
    const struct conf_sections *components = &discovery->admin->host->settings->xmpp->components;

    for (size_t i = 0; i < components->count; i++) {
        const struct component_settings *component = components->items[i];

        if (component->section.active &&
            command_is_own(discovery->admin->host, span_of(component->section.name)))
            add_probe(discovery, span_of(component->section.name), false);
    }
}

void discover_commands(struct admin *admin, struct http_request *request, int64_t age,
                       void (*done)(struct http_request *request, const struct catalog *catalog, void *data),
                       void *data)
{
    const struct catalog *known = catalog_cache_get(admin->cache, request->user, clock_mono(), age);
    struct discovery *discovery;

    if (known) {
        done(request, known, data);
        return;
    }
    discovery = arena_make(request->arena, struct discovery);
    OBJECT_BORN(discovery, discovery);
    discovery->admin = admin;
    discovery->request = request;
    discovery->catalog = catalog_new();
    arena_on_free(request->arena, drop_catalog, discovery);
    discovery->deadline = clock_mono() + admin->conf->discovery_timeout;
    discovery->done = done;
    discovery->data = data;
    request->handler_data = discovery;
    request->on_cancel = on_cancel;
    request->doing = "waiting for the lists of commands";
    add_own(discovery);
    add_probe(discovery, domain_of(request->user), false);
    add_probe(discovery, domain_of(request->user), true);
    begin_probes(discovery);
}
