/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_session_iq.c - what a server says over a user's session.
 *
 * Answers to what was asked there; IQs of others, which get the least that RFC 6120 and XEP-0030 want; and
 * messages and presence, which are nobody's here. */
#include "router/router_login.h"

#include "base/clock.h"
#include "xmpp/ns.h"

#ifndef STOA_VERSION
#define STOA_VERSION "unknown"
#endif

/* RFC 6120 8.1.2.1: what has no sender comes from the account itself. Only the server can leave it out, so it
 * counts for the server too. What was asked of the account may be answered in the server's name (older
 * servers), or in that of the session. */
static void give_answer(struct session *session, const struct stanza *stanza,
                        const struct xml_element *element, struct arena *arena)
{
    struct jid own = client_jid(session->client), server = { .domain = own.domain };
    struct jid from = stanza->from.at ? stanza->from_jid : own;

    if (iq_table_answer(session->asked, stanza->id, from, element, arena))
        return;
    if (stanza->from.at == NULL)
        (void)iq_table_answer(session->asked, stanza->id, server, element, arena);
    else if (jid_equal(from, server) || jid_equal(from, client_full_jid(session->client)))
        (void)iq_table_answer(session->asked, stanza->id, own, element, arena);
}

static void answer_iq(struct session *session, const struct stanza *stanza)
{
    const struct stanza_head head = { .from = client_full_text(session->client),
                                      .to = stanza->from.at ? stanza->from : span_of(session->jid_text),
                                      .id = stanza->id };
    const struct xml_element *payload = stanza->payload;
    struct buf *out = client_out(session->client);
    bool get = stanza->kind == STANZA_IQ_GET;

    if (out == NULL)
        return;
    count_add(COUNT_stanzas_out, 1);
    if (!stanza->single)
        stanza_problem(out, &head, PROBLEM_bad_request);
    else if (get && xml_is(payload, NS_PING, "ping"))
        stanza_own(out, &head, "result", SPAN(""));
    else if (get && xml_is(payload, NS_VERSION, "query"))
        stanza_own(out, &head, "result",
                   SPAN("<query xmlns='" NS_VERSION "'><name>Stoa</name><version>" STOA_VERSION
                        "</version></query>"));
    else if (get && xml_is(payload, NS_DISCO_INFO, "query") && xml_attribute(payload, "node").size == 0)
        stanza_own(out, &head, "result",
                   SPAN("<query xmlns='" NS_DISCO_INFO
                        "'><identity category='client' type='bot' name='Stoa'/>"
                        "<feature var='" NS_DISCO_INFO "'/><feature var='" NS_PING
                        "'/><feature var='" NS_VERSION "'/></query>"));
    else
        stanza_unclaimed(out, &head);
}

void router_session_stanza(struct session *session, const struct xml_element *element, struct arena *arena)
{
    struct stanza stanza;

    count_add(COUNT_stanzas_in, 1);
    if (!stanza_read_own(element, arena, client_full_jid(session->client), &stanza))
        return;
    router_track_element(session->router, "in", xml_attribute(element, "from"),
                         client_full_text(session->client), element);
    if (stanza.kind == STANZA_IQ_RESULT || stanza.kind == STANZA_IQ_ERROR)
        give_answer(session, &stanza, element, arena);
    else if (stanza.kind == STANZA_IQ_GET || stanza.kind == STANZA_IQ_SET)
        answer_iq(session, &stanza);
}
