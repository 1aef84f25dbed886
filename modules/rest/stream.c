/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: stream.c - POST /rest/stream/[{to}]: one stanza, into the XMPP world.
 *
 * One bad byte on a component stream ends it for everybody, and so does an address that is missing or not
 * ours. So nothing passes as it came: the body is read as one element without DTD, entities or comments, its
 * addresses are prepared, and what goes out is written anew. Who may stand in its from is decided here by
 * what the key allows and by what the XMPP server would let pass. */
#include "rest.h"

#include "base/codec.h"
#include "base/random.h"
#include "conf/settings.h"
#include "rest_place.h"
#include "xmpp/ns.h"

#define BODY_MOST ((size_t)256 * 1024) /* what servers take from clients, too */
#define ID_BYTES  8

/* One stanza on its way; in the request's arena. */
struct sending {
    OBJECT_MAGIC
    struct ask ask;
    struct rest_call *call;      /* borrowed */
    struct xml_element *element; /* the stanza */
    struct span from, to;        /* prepared; from is a component's JID or the bare JID of who logged in */
    bool is_silent;              /* an iq with a from of its own: its answer is not shown */
};

static const struct xml_limits limits = { BODY_MOST, 64, 256 };

static bool say_bad(struct rest_call *call, const char *why)
{
    rest_problem(call, PROBLEM_bad_request, why);
    return false;
}

/* ---- what was sent ---- */

static bool is_stanza(const struct xml_element *element)
{
    return span_is(element->name, "message") || span_is(element->name, "presence") ||
           span_is(element->name, "iq");
}

static bool read_body(struct rest_call *call, struct xml_element **element_r)
{
    char line[256];
    const char *why;
    size_t at;

    if (call->body.size == 0)
        return say_bad(call, "No data received: the body must be one stanza");
    if (xml_document_at(call->body, &limits, call->request->arena, element_r, &why, &at) != 1) {
        rest_place_say(call->body, at, "The stanza is bad", why, line, sizeof(line));
        return say_bad(call, line);
    }
    if (!is_stanza(*element_r) || ((*element_r)->ns.size > 0 && !span_is((*element_r)->ns, NS_CLIENT) &&
                                   !span_is((*element_r)->ns, NS_COMPONENT)))
        return say_bad(call, "The element must be message, presence or iq, in the namespace jabber:client "
                             "or none");
    return true;
}

/* An iq is a question here, with one element of a namespace of its own. */
static bool check_iq(struct rest_call *call, const struct xml_element *element)
{
    const struct xml_element *payload = xml_child(element, NULL, NULL);
    struct span type = xml_attribute(element, "type");

    if (!span_is(type, "get") && !span_is(type, "set"))
        return say_bad(call, "An iq must be of type get or set");
    if (payload == NULL || xml_next(payload, NULL, NULL))
        return say_bad(call, "An iq must hold exactly one element");
    if (payload->ns.size == 0 || span_eq(payload->ns, element->ns) || span_is(payload->ns, NS_CLIENT) ||
        span_is(payload->ns, NS_COMPONENT))
        return say_bad(call, "The element in an iq needs a namespace of its own");
    return true;
}

/* ---- addresses ---- */

static bool find_to(struct sending *sending)
{
    struct rest_call *call = sending->call;
    struct span text = call->groups[0].size ? call->groups[0] : xml_attribute(sending->element, "to");
    struct jid to;

    if (text.size == 0)
        return say_bad(call, "The stanza has no \"to\", and none stands in the path");
    if (!jid_parse(call->request->arena, text, &to))
        return say_bad(call, "\"to\" is no JID");
    sending->to = jid_text(call->request->arena, to);
    return true;
}

static bool say_from(struct rest_call *call, const char *why)
{
    rest_problem(call, PROBLEM_forbidden, why);
    return false;
}

/* Whether the server would take it: ours, the user's own by his session, or anybody's where it does not look.
 */
static bool choose_from(struct sending *sending, struct jid from)
{
    struct rest_call *call = sending->call;
    struct arena *arena = call->request->arena;
    struct jid component;

    sending->from = jid_text(arena, from);
    if (jid_parse(arena, rest_component(call->rest), &component) && span_eq(component.domain, from.domain))
        return true;
    if (span_eq(jid_bare_text(arena, from), call->login.jid)) {
        sending->from = call->login.jid;
        return true;
    }
    return call->rest->host->settings->xmpp->foreign_from ||
           say_from(call, "The XMPP server lets this service write as itself and as you only; its operator "
                          "may allow more, and then sets xmpp/foreign-from");
}

static bool find_from(struct sending *sending)
{
    struct rest_call *call = sending->call;
    struct span text = xml_attribute(sending->element, "from");
    struct jid from;

    if (rest_component(call->rest).size == 0) {
        rest_problem(call, PROBLEM_server_absent, "No component for the service http is configured");
        return false;
    }
    if (text.size == 0) {
        sending->from = rest_component(call->rest);
        return true;
    }
    if (!jid_parse(call->request->arena, text, &from))
        return say_bad(call, "\"from\" is no JID");
    if (!key_allows_from(&call->scope, jid_text(call->request->arena, from)))
        return say_from(call, "This key does not cover that \"from\"");
    sending->is_silent = true;
    return choose_from(sending, from);
}

/* ---- out, and the answer ---- */

/* The element as it is read in jabber:client: what was in its own namespace, or in none like it, is in that
 * one then. */
static struct span as_client(const struct xml_element *element, struct arena *arena)
{
    struct buf text = { 0 }, whole = { 0 };
    struct span out;

    xml_write(&text, element, element->ns);
    buf_char(&whole, '<');
    buf_add(&whole, element->name);
    buf_text(&whole, " xmlns='" NS_CLIENT "'");
    buf_add(&whole, span_from(buf_span(&text), 1 + element->name.size));
    out = arena_copy(arena, buf_span(&whole));
    buf_free(&text);
    buf_free(&whole);
    return out;
}

static void show_answer(struct sending *sending, const struct xml_element *answer)
{
    struct rest_call *call = sending->call;
    struct span id = xml_attribute(sending->element, "id");
    struct xml_element copy = *answer;

    /* The id on the wire is the router's; the caller knows his own. */
    if (id.size)
        xml_set(call->request->arena, &copy, "id", id);
    rest_answer_bytes(call, "application/xml", as_client(&copy, call->request->arena));
}

static void on_done(struct ask *ask)
{
    struct sending *sending = OBJECT(ask->data, sending);
    struct rest_call *call = sending->call;

    call->on_cancel = NULL;
    if (ask->problem != PROBLEM_none)
        rest_ask_failed(call, ask, call->method->run);
    else if (ask->answer && !sending->is_silent)
        show_answer(sending, ask->answer);
    else
        rest_answer_bytes(call, NULL, SPAN(""));
}

static void on_cancel(struct rest_call *call)
{
    ask_cancel(&OBJECT(call->data, sending)->ask);
}

static void send_iq(struct sending *sending)
{
    struct rest_call *call = sending->call;
    enum iq_kind kind = span_is(xml_attribute(sending->element, "type"), "get") ? IQ_GET : IQ_SET;
    struct buf payload = { 0 };

    xml_write(&payload, xml_child(sending->element, NULL, NULL), SPAN(""));
    ask_iq(call->rest->host, &sending->ask, call->request->arena, sending->from, sending->to, kind,
           buf_span(&payload), 0);
    buf_free(&payload);
}

static void send_other(struct sending *sending)
{
    struct rest_call *call = sending->call;
    struct arena *arena = call->request->arena;

    if (xml_attribute(sending->element, "id").size == 0) {
        unsigned char bytes[ID_BYTES];
        struct buf id = { 0 };

        random_bytes(bytes, sizeof(bytes));
        codec_hex(&id, span_make((const char *)bytes, sizeof(bytes)));
        xml_set(arena, sending->element, "id", buf_span(&id));
        buf_free(&id);
    }
    xml_set(arena, sending->element, "to", sending->to);
    xml_set(arena, sending->element, "from", sending->from);
    ask_send(call->rest->host, &sending->ask, arena, sending->from, as_client(sending->element, arena));
}

static void stream_post(struct rest_call *call)
{
    struct sending *sending = arena_make(call->request->arena, struct sending);
    bool is_iq;

    OBJECT_BORN(sending, sending);
    sending->call = call;
    if (!read_body(call, &sending->element))
        return;
    is_iq = span_is(sending->element->name, "iq");
    if ((is_iq && !check_iq(call, sending->element)) || !find_to(sending) || !find_from(sending))
        return;
    sending->ask.done = on_done;
    sending->ask.data = sending;
    call->data = sending;
    call->on_cancel = on_cancel;
    if (is_iq)
        send_iq(sending);
    else
        send_other(sending);
}

struct rest_endpoint rest_stream_endpoints[] = {
    { .folder = "stream",
      .regex = "/(.*)",
      .shown = "/rest/stream/[{to}]",
      .methods = {
          { .method = HTTP_POST,
            .run = stream_post,
            .role = REST_ADMIN,
            .content = CONTENT_RAW,
            .body_most = BODY_MOST,
            .about = "Send any stanza",
            .details = "The body is one message, presence or iq, as XML in UTF-8, whatever its Content-Type. "
                       "A JID in the path replaces its to. Without a from it comes from this service, and the "
                       "answer to an iq, result or error, is the answer here. With a from that you may use "
                       "it comes from there. The answer to all but such an iq is empty.",
            .request_xml = "<message xmlns=\"jabber:client\" type=\"chat\" to=\"user@example.org\">\n"
                           "    <body>Example message 1</body>\n</message>" },
      } },
    { .folder = NULL },
};
