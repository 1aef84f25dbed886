/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: component_stream.c - what the bytes of a component's stream mean (XEP-0114).
 *
 * Two headers, our proof, the server's yes, then stanzas; a stream error at any time, told apart because each
 * asks the operator for something else (the servers' ways are in t/unit/xmpp_component_test.c, row by row).
 */
#include "xmpp/component_inside.h"

#include "base/codec.h"
#include "base/digest.h"
#include "base/random.h"
#include "os/log.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"

#include <stdio.h>

/* ---- what we say ---- */

static void say_header(struct component *component)
{
    buf_text(&component->out,
             "<?xml version='1.0'?><stream:stream xmlns='" NS_COMPONENT "' xmlns:stream='" NS_STREAMS "'");
    stanza_attribute(&component->out, "to", component->jid);
    buf_char(&component->out, '>');
}

/* XEP-0114 3: lower-case hex of SHA-1 over the stream id, as it reads after XML's references are resolved,
 * and the secret. */
static void say_proof(struct component *component, struct span id)
{
    unsigned char digest[SHA1_BYTES];
    struct buf both = { 0 };

    buf_add(&both, id);
    buf_text(&both, component->setting->secret ? component->setting->secret : "");
    digest_sha1(buf_span(&both), digest);
    explicit_bzero(both.at, both.size);
    buf_free(&both);
    buf_text(&component->out, "<handshake>");
    codec_hex(&component->out, span_make((const char *)digest, sizeof(digest)));
    buf_text(&component->out, "</handshake>");
    component_flush_soon(component);
}

/* The domain that the server itself surely is: the first configured one, else what our name stands below. */
static struct span server_of(const struct component *component)
{
    struct span rest = component->jid;

    if (component->xmpp->domains.count > 0)
        return span_of(component->xmpp->domains.texts[0]);
    span_cut(&rest, '.');
    return rest.size ? rest : component->jid;
}

/* Nobody waits for this id: any byte that comes, an error too, shows that the server is alive. */
void component_ping(struct component *component)
{
    unsigned char bytes[16];
    struct buf id = { 0 };
    struct buf *out = component_out(component);

    if (out == NULL)
        return;
    random_bytes(bytes, sizeof(bytes));
    codec_hex(&id, span_make((const char *)bytes, sizeof(bytes)));
    stanza_own(
        out, &(struct stanza_head){ .from = component->jid, .to = server_of(component), .id = buf_span(&id) },
        "get", SPAN("<ping xmlns='" NS_PING "'/>"));
    buf_free(&id);
}

/* ---- what we hear ---- */

/* Prosody answers a host it does not have with an empty id and then the error: wait for that. */
static void on_opened(void *data, struct xml_element *header)
{
    struct component *component = OBJECT(data, component);
    struct span id = xml_attribute(header, "id");

    if (component->state != COMPONENT_OPENING)
        return;
    if (!xml_is(header, NS_STREAMS, "stream")) {
        component_fall(component, TROUBLE_PORT, NULL);
        return;
    }
    if (id.size == 0)
        return;
    say_proof(component, id);
    component_state_set(component, COMPONENT_PROVING, component->timer.deadline - loop_now(component->loop));
}

static enum trouble trouble_of(const struct component *component, struct span condition)
{
    static const struct {
        const char *condition;
        enum trouble before, after; /* it was up */
    } rows[] = {
        { "not-authorized", TROUBLE_SECRET, TROUBLE_ERROR },
        { "host-unknown", TROUBLE_HOST, TROUBLE_HOST },
        { "host-gone", TROUBLE_HOST, TROUBLE_HOST },
        { "conflict", TROUBLE_CONFLICT, TROUBLE_REPLACED },
        { "invalid-namespace", TROUBLE_PORT, TROUBLE_ERROR },
        { "bad-namespace-prefix", TROUBLE_PORT, TROUBLE_ERROR },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (span_is(condition, rows[i].condition))
            return component->state == COMPONENT_UP ? rows[i].after : rows[i].before;
    return TROUBLE_ERROR;
}

static void on_stream_error(struct component *component, const struct xml_element *error, struct arena *arena)
{
    struct span condition = SPAN("undefined-condition"), text = SPAN("");
    char detail[TROUBLE_SIZE];

    for (struct xml_element *child = xml_child(error, NS_STREAM_ERRORS, NULL); child;
         child = xml_next(child, NS_STREAM_ERRORS, NULL)) {
        if (span_is(child->name, "text"))
            text = xml_text(child, arena);
        else
            condition = child->name;
    }
    condition = span_head(condition, 60);
    text = span_head(text, 80);
    snprintf(detail, sizeof(detail), text.size ? "%.*s: %.*s" : "%.*s", SPAN_ARG(condition), SPAN_ARG(text));
    component_fall(component, trouble_of(component, condition), detail);
}

static void on_element(void *data, struct xml_element *element, struct arena *arena)
{
    struct component *component = OBJECT(data, component);

    if (component->pending != TROUBLE_NONE || component->state == COMPONENT_CLOSING)
        return;
    if (xml_is(element, NS_STREAMS, "error")) {
        on_stream_error(component, element, arena);
        return;
    }
    switch (component->state) {
    case COMPONENT_UP:
        component->calls->stanza(component->data, component, element, arena);
        break;
    case COMPONENT_PROVING:
        if (xml_is(element, NS_COMPONENT, "handshake"))
            component_is_up(component);
        else
            component_fall(component, TROUBLE_PORT, NULL);
        break;
    default: /* OPENING: a header without an id, and then no error */
        component_fall(component, TROUBLE_PORT, NULL);
        break;
    }
}

static void on_closed(void *data)
{
    struct component *component = OBJECT(data, component);

    component_fall(component, TROUBLE_CLOSED, NULL);
}

/* Any user may send us such a one: it shall cost nobody else the stream. Whoever waits for it, waits in vain.
 */
static void on_skipped(void *data, const char *why)
{
    struct component *component = OBJECT(data, component);

    log_info("component %.*s: a stanza was passed over (%s)", SPAN_ARG(component->jid), why);
}

static const struct xml_callbacks callbacks = {
    .opened = on_opened, .element = on_element, .closed = on_closed, .skipped = on_skipped
};

void component_stream_open(struct component *component)
{
    struct xml_limits limits = xml_limits_component;

    if (component->xmpp->max_stanza_size > 0)
        limits.element_most = (size_t)component->xmpp->max_stanza_size;
    xml_stream_free(&component->stream);
    component->stream = xml_stream_new(&callbacks, component, &limits);
    say_header(component);
}
