/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_stream.c - the component streams: which there are, how they stand,
 * and what each stanza that comes is answered with.
 *
 * A stanza belongs to the component in its `to`, whatever stream it came by: ejabberd without global_routes:
 * false deals out the stanzas of all components over all streams, and takes answers the same way. */
#include "router/router.h"

#include "base/clock.h"
#include "os/log.h"
#include "xmpp/ns.h"

#include <stdlib.h>

#define HOLD_TIME (100 * USEC_PER_MSEC)

/* ---- writing ---- */

void router_count_out(struct router_stream *stream)
{
    atomic_fetch_add_explicit(&stream->link->stanzas_out, 1, memory_order_relaxed);
    count_add(COUNT_stanzas_out, 1);
}

struct buf *router_out(struct router_stream *stream)
{
    struct buf *out = component_out(stream->component);

    if (out)
        router_count_out(stream);
    return out;
}

/* ---- reading ---- */

struct router_stream *router_stream_of(struct router *router, struct span domain)
{
    for (unsigned i = 0; i < router->stream_count; i++)
        if (span_eq(router->streams[i].jid.domain, domain))
            return &router->streams[i];
    return NULL;
}

static void say_misrouted(struct router_stream *stream, const struct router_stream *asked)
{
    if (stream->misrouted)
        return;
    stream->misrouted = true;
    log_warn("the server sends stanzas for %.*s over the stream of %.*s; they are answered, but write "
             "global_routes: false into ejabberd's listener",
             SPAN_ARG(asked->jid.domain), SPAN_ARG(stream->jid.domain));
}

static bool is_disco(const struct xml_element *payload)
{
    return xml_is(payload, NS_DISCO_INFO, "query") || xml_is(payload, NS_DISCO_ITEMS, "query");
}

/* Commands, and questions about their nodes. These may be asked of any local part too, as servers have them
 * at names such as rest@; what is asked of the component without a node is answered right here. */
static bool is_of_commands(const struct stanza *stanza)
{
    if (xml_is(stanza->payload, NS_COMMANDS, "command"))
        return true;
    return is_disco(stanza->payload) && xml_attribute(stanza->payload, "node").size > 0;
}

/* NULL: nobody claims it. */
static const struct claim *claim_of(struct router_stream *asked, const struct stanza *stanza)
{
    bool is_command;

    if (!stanza->single || stanza->to_jid.resource.size > 0)
        return NULL;
    is_command = is_of_commands(stanza);
    if ((stanza->to_jid.local.size > 0 || is_disco(stanza->payload)) && !is_command)
        return NULL;
    return router_claim_of(asked->router, asked->service, stanza->kind, stanza->payload);
}

/* get or set: answered by the module that claimed it, by the component itself, or refused. */
static void serve_iq(struct router_stream *stream, struct router_stream *asked, const struct stanza *stanza,
                     struct arena *arena)
{
    const struct stanza_head head = { .from = stanza->to, .to = stanza->from, .id = stanza->id };
    const struct claim *claim = claim_of(asked, stanza);
    struct buf *out;

    if (claim) {
        router_iq_arrived(stream, asked, claim, stanza, &head, arena);
        return;
    }
    out = router_out(stream);
    if (out == NULL)
        return;
    if (!stanza->single) {
        stanza_problem(out, &head, PROBLEM_bad_request); /* RFC 6120 8.2.3: exactly one child */
    } else if (stanza->to_jid.local.size > 0 || stanza->to_jid.resource.size > 0) {
        stanza_unclaimed(out, &head); /* nobody lives below a component */
    } else if (disco_answer(asked->service->disco, stanza, &head, out)) {
        count_add(COUNT_iqs_answered, 1);
        return;
    } else if (router_has_worker(stream->router)) {
        stanza_unclaimed(out, &head);
    } else { /* who would claim it is not there yet, or again */
        stanza_problem(out, &head, PROBLEM_unavailable);
    }
    count_add(COUNT_iqs_refused, 1);
}

/* Messages and presence are nothing to a component; an answer nobody waits for is dropped, as an error to it
 * could make two programs talk for ever. */
static void on_stanza(void *data, struct component *component, const struct xml_element *element,
                      struct arena *arena)
{
    struct router_stream *stream = data, *asked;
    struct stanza stanza;

    (void)component;
    atomic_fetch_add_explicit(&stream->link->stanzas_in, 1, memory_order_relaxed);
    count_add(COUNT_stanzas_in, 1);
    if (!stanza_read(element, arena, &stanza))
        return;
    router_track_element(stream->router, "in", stanza.from, stanza.to, element);
    asked = router_stream_of(stream->router, stanza.to_jid.domain);
    if (asked == NULL)
        return; /* from any other name an answer would end the stream */
    if (asked != stream)
        say_misrouted(stream, asked);
    switch (stanza.kind) {
    case STANZA_IQ_GET:
    case STANZA_IQ_SET:
        serve_iq(stream, asked, &stanza, arena);
        break;
    case STANZA_IQ_RESULT:
    case STANZA_IQ_ERROR:
        iq_table_answer(asked->asked, stanza.id, stanza.from_jid, element, arena);
        break;
    case STANZA_MESSAGE:
    case STANZA_PRESENCE:
        break;
    }
}

/* ---- how they stand ---- */

static void on_changed(void *data, struct component *component, enum component_state state,
                       const char *trouble)
{
    struct router_stream *stream = data;
    enum component_state before = stream->state;

    stream->state = state;
    link_write(stream->link,
               state == COMPONENT_UP     ? LINK_UP
               : state == COMPONENT_IDLE ? LINK_DOWN
                                         : LINK_CONNECTING,
               component_jid(component), trouble);
    if (state == COMPONENT_UP) {
        count_add(COUNT_streams_opened, 1);
    } else if (before == COMPONENT_UP) {
        count_add(COUNT_streams_lost, 1);
        iq_table_fail(stream->asked, PROBLEM_server_absent);
    }
}

static void on_closed(void *data, struct component *component)
{
    struct router_stream *stream = data;
    struct router *router = stream->router;

    link_write(stream->link, LINK_DOWN, component_jid(component), "Stoa has closed the stream");
    stream->state = COMPONENT_IDLE;
    must(router->closing > 0);
    if (--router->closing == 0)
        router->closed(router);
}

static const struct component_calls calls = { .stanza = on_stanza,
                                              .changed = on_changed,
                                              .closed = on_closed };

static void on_release(struct timer *timer)
{
    struct router *router = LIST_OF(timer, struct router, release);

    for (unsigned i = 0; i < router->stream_count; i++)
        component_hold(router->streams[i].component, false);
}

void router_hold(struct router *router)
{
    for (unsigned i = 0; i < router->stream_count; i++)
        component_hold(router->streams[i].component, true);
    timer_set(router->loop, &router->release, loop_now(router->loop) + HOLD_TIME, on_release);
}

/* ---- making them ---- */

/* Which module answers there: as configured, else by the first label of the name. */
static struct service *service_of(struct router *router, const struct component_settings *setting,
                                  struct span domain)
{
    struct span rest = domain;
    struct span name = setting->service ? span_of(setting->service) : span_cut(&rest, '.');

    return router_service(router, name);
}

static void make(struct router *router, const struct component_settings *setting)
{
    struct router_stream *stream = &router->streams[router->stream_count];
    struct span domain;

    if (!jid_prepare_domain(router->arena, span_of(setting->section.name), &domain) ||
        domain.size >= LINK_NAME_SIZE || router_stream_of(router, domain)) {
        log_error(
            "xmpp/components/%s: this is no name for a component, or it stands there twice; it is left out",
            setting->section.name);
        return;
    }
    stream->service = service_of(router, setting, domain);
    if (stream->service == NULL) {
        log_error("xmpp/components/%s/service: this is no name of a service; the component is left out",
                  setting->section.name);
        return;
    }
    stream->router = router;
    stream->jid = (struct jid){ .local = SPAN(""), .domain = domain, .resource = SPAN("") };
    stream->link = &router->heritage->segment->links.links[router->stream_count];
    stream->asked = iq_table_new(router->loop);
    stream->component =
        component_new(router->loop, router->resolver, router->setting, setting, domain, &calls, stream);
    atomic_store(&stream->link->stanzas_in, 0);
    atomic_store(&stream->link->stanzas_out, 0);
    link_write(stream->link, LINK_DOWN, domain, "");
    router->stream_count++;
}

/* The links are the router's alone: what an earlier router left there is overwritten. */
void router_streams_make(struct router *router)
{
    const struct conf_sections *all = &router->setting->components;
    struct links *links = &router->heritage->segment->links;
    size_t active = 0;

    router->streams = arena_alloc(router->arena, LINKS_MOST * sizeof(struct router_stream));
    for (size_t i = 0; i < all->count; i++) {
        const struct component_settings *setting = all->items[i];

        if (!setting->section.active)
            continue;
        if (active++ < LINKS_MOST)
            make(router, setting);
        else
            log_error("xmpp/components/%s: only %d components can be served; it is left out",
                      setting->section.name, LINKS_MOST);
    }
    for (unsigned i = router->stream_count; i < LINKS_MOST; i++)
        link_write(&links->links[i], LINK_UNUSED, SPAN(""), "");
}

void router_streams_free(struct router *router)
{
    for (unsigned i = 0; i < router->stream_count; i++) {
        iq_table_fail(router->streams[i].asked, PROBLEM_server_absent);
        component_free(&router->streams[i].component);
        iq_table_free(&router->streams[i].asked);
    }
    router->stream_count = 0;
}
