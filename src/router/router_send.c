/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_send.c - messages and presence that workers and the keeper send.
 *
 * Parsed, checked and written anew with the sender that the letter names: whatever a caller of REST wrote, it
 * can neither end a stream nor speak in a name that is not allowed. Presence without an address is never sent
 * over a user's session: it would make it available, and a telephone's messages would come here. */
#include "router/router_login.h"

#include "base/clock.h"
#include "os/log.h"
#include "xmpp/ns.h"

struct way {
    struct router_stream *stream; /* of a component, or */
    struct session *session;
    struct span from; /* in scratch */
};

static struct router_stream *first_up(struct router *router)
{
    for (unsigned i = 0; i < router->stream_count; i++)
        if (component_state(router->streams[i].component) == COMPONENT_UP)
            return &router->streams[i];
    return NULL;
}

static enum problem find_way(struct router *router, struct span text, struct way *way_r)
{
    struct jid from;

    *way_r = (struct way){ 0 };
    if (!jid_parse(router->scratch, text, &from))
        return PROBLEM_bad_request;
    way_r->from = jid_text(router->scratch, from);
    way_r->stream = router_stream_of(router, from.domain);
    if (way_r->stream)
        return PROBLEM_none;
    if (from.local.size > 0 && from.resource.size == 0) {
        way_r->session = router_session_of(router, way_r->from);
        if (way_r->session && way_r->session->up) {
            way_r->from = client_full_text(way_r->session->client);
            return PROBLEM_none;
        }
    }
    if (router->setting->foreign_from) {
        way_r->stream = first_up(router);
        return way_r->stream ? PROBLEM_none : PROBLEM_server_absent;
    }
    return from.local.size > 0 && router_is_local(router, from.domain) ? PROBLEM_no_session
                                                                       : PROBLEM_bad_request;
}

static bool is_type(const struct xml_element *stanza)
{
    static const char *const of_message[] = { "chat", "error", "groupchat", "headline", "normal", NULL };
    static const char *const of_presence[] = { "error",       "probe",       "subscribe",    "subscribed",
                                               "unavailable", "unsubscribe", "unsubscribed", NULL };
    const char *const *types = span_is(stanza->name, "message") ? of_message : of_presence;
    struct span type = xml_attribute(stanza, "type");

    if (type.at == NULL)
        return true;
    for (; *types; types++)
        if (span_is(type, *types))
            return true;
    return false;
}

/* What may go that way: a message or presence of a type that there is, to an address that is one. */
static const char *refusal(struct router *router, const struct way *way, const struct xml_element *stanza)
{
    struct span to = xml_attribute(stanza, "to");
    struct jid jid;

    if (!xml_is(stanza, NS_CLIENT, "message") && !xml_is(stanza, NS_CLIENT, "presence"))
        return "neither a message nor presence";
    if (!is_type(stanza))
        return "of a type that there is not";
    if (to.at ? !jid_parse(router->scratch, to, &jid)
              : way->stream != NULL || span_is(stanza->name, "presence"))
        return to.at ? "to what is no address" : "to nobody";
    return NULL;
}

static enum problem write_stanza(struct router *router, const struct way *way, struct xml_element *stanza,
                                 struct buf *out)
{
    size_t before = out->size, most = way->session ? SESSION_STANZA_MOST : STANZA_MOST;

    xml_set(router->scratch, stanza, "from", way->from);
    xml_write(out, stanza, SPAN(NS_CLIENT)); /* the stream's own namespace takes the place of that */
    if (out->size - before <= most)
        return PROBLEM_none;
    out->size = before;
    return PROBLEM_body_too_large;
}

static enum problem send_stanza(struct router *router, unsigned row, const struct letter *letter)
{
    static const struct xml_limits limits = { STANZA_MOST, 64, 256 };
    struct xml_element *stanza;
    struct way way;
    enum problem problem = find_way(router, letter->parts[0], &way);
    const char *why;
    struct buf *out;

    if (problem != PROBLEM_none)
        return problem;
    if (xml_document(letter->parts[1], &limits, router->scratch, &stanza, &why) != 1 ||
        (why = refusal(router, &way, stanza)) != NULL) {
        log_warn("process %u asked to send what cannot be sent (%s)", row, why);
        return PROBLEM_bad_request;
    }
    if (router->closed || (way.stream && component_state(way.stream->component) != COMPONENT_UP))
        return PROBLEM_server_absent;
    out = way.stream ? component_out(way.stream->component) : client_out(way.session->client);
    if (out == NULL)
        return PROBLEM_unavailable;
    router_track_element(router, "out", way.from.at ? way.from : letter->parts[0],
                         xml_attribute(stanza, "to"), stanza);
    problem = write_stanza(router, &way, stanza, out);
    if (problem != PROBLEM_none)
        return problem;
    if (way.stream) {
        router_count_out(way.stream);
    } else {
        count_add(COUNT_stanzas_out, 1);
        router_session_used(way.session);
    }
    return PROBLEM_none;
}

void router_send(struct router *router, unsigned row, const struct letter *letter)
{
    enum problem problem = send_stanza(router, row, letter);

    arena_reset(router->scratch);
    post_send(router->post, row, router->peers[row].generation,
              &(struct letter){ .kind = LETTER_SENT, .call = letter->call, .number = (uint32_t)problem });
}
