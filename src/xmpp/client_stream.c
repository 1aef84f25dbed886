/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: client_stream.c - what the bytes of a client's stream mean (RFC 6120 4, 5, 7).
 *
 * What came before TLS counts for nothing behind it, and what came in one piece with <proceed/> is an attack:
 * it would be read as if it had been encrypted. */
#include "xmpp/client_inside.h"

#include "base/codec.h"
#include "base/random.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"

#include <stdio.h>

#define RESOURCE_BYTES 8

/* ---- what we say ---- */

void client_stream_say_header(struct client *client)
{
    buf_text(&client->out, "<?xml version='1.0'?><stream:stream xmlns='" NS_CLIENT
                           "' xmlns:stream='" NS_STREAMS "' version='1.0'");
    stanza_attribute(&client->out, "to", client->jid.domain);
    buf_char(&client->out, '>');
    client_flush_soon(client);
}

static void random_hex(struct buf *out)
{
    unsigned char bytes[RESOURCE_BYTES];

    random_bytes(bytes, sizeof(bytes));
    codec_hex(out, span_make((const char *)bytes, sizeof(bytes)));
}

/* A resource that nobody can guess: only who is told it can write to this session. */
void client_stream_bind(struct client *client)
{
    struct buf id = { 0 };

    random_hex(&id);
    must(id.size < sizeof(client->bind_id));
    memcpy(client->bind_id, id.at, id.size);
    buf_free(&id);
    client_state_set(client, CLIENT_BINDING);
    buf_printf(&client->out, "<iq type='set' id='%s'><bind xmlns='" NS_BIND "'><resource>stoa-",
               client->bind_id);
    random_hex(&client->out);
    buf_text(&client->out, "</resource></bind></iq>");
    client_flush_soon(client);
}

/* ---- what we hear ---- */

static void on_opened(void *data, struct xml_element *header)
{
    struct client *client = OBJECT(data, client);

    if (client->falls || client->state == CLIENT_CLOSING)
        return;
    if (client->state != CLIENT_OPENING || !xml_is(header, NS_STREAMS, "stream")) {
        client_fall(client, CLIENT_END_BROKEN, "it sends no stream of XMPP, or out of turn");
        return;
    }
    client->heard_header = true;
}

static void on_features(struct client *client, const struct xml_element *features)
{
    bool wants_tls = client->world->setting->c2s_security != C2S_PLAIN;

    if (client->authenticated) {
        if (xml_child(features, NS_BIND, "bind"))
            client_stream_bind(client);
        else
            client_fall(client, CLIENT_END_BIND, "it offers no resource");
    } else if (wants_tls && client->tls == NULL) {
        if (xml_child(features, NS_TLS, "starttls") == NULL) {
            client_fall(client, CLIENT_END_NO_TLS, NULL);
            return;
        }
        client_state_set(client, CLIENT_ASKING);
        buf_text(&client->out, "<starttls xmlns='" NS_TLS "'/>");
        client_flush_soon(client);
    } else {
        client_sasl_begin(client, features);
    }
}

static void on_bound(struct client *client, const struct xml_element *iq, struct arena *arena)
{
    const struct xml_element *bind = xml_child(iq, NS_BIND, "bind");
    const struct xml_element *at = bind ? xml_child(bind, NS_BIND, "jid") : NULL;
    struct span text = at ? xml_text(at, arena) : SPAN("");
    struct jid full;

    if (!xml_is(iq, NS_CLIENT, "iq") || !span_is(xml_attribute(iq, "id"), client->bind_id))
        return; /* a stanza of the server's that is not for us to answer yet */
    if (!span_is(xml_attribute(iq, "type"), "result") || !jid_parse(client->arena, text, &full) ||
        full.resource.size == 0) {
        client_fall(client, CLIENT_END_BIND, NULL);
    } else if (!jid_equal_bare(full, client->jid)) {
        client_fall(client, CLIENT_END_JID, NULL);
    } else {
        client->full = arena_copy(client->arena, text);
        client->full_jid = full;
        client_is_up(client);
    }
}

static void on_stream_error(struct client *client, const struct xml_element *error, struct arena *arena)
{
    struct span condition = SPAN("undefined-condition"), text = SPAN("");
    enum client_end end = CLIENT_END_ERROR;
    char detail[CLIENT_DETAIL];

    for (struct xml_element *child = xml_child(error, NS_STREAM_ERRORS, NULL); child;
         child = xml_next(child, NS_STREAM_ERRORS, NULL)) {
        if (span_is(child->name, "text"))
            text = xml_text(child, arena);
        else
            condition = child->name;
    }
    if (span_is(condition, "host-unknown") || span_is(condition, "host-gone"))
        end = CLIENT_END_HOST;
    else if (span_is(condition, "policy-violation") && !client->authenticated &&
             span_starts(text, SPAN("Too many")))
        end = CLIENT_END_BANNED;
    (void)snprintf(detail, sizeof(detail), "%.*s%s%.*s", SPAN_ARG(span_head(condition, 60)),
                   text.size ? ": " : "", SPAN_ARG(span_head(text, 80)));
    client_fall(client, end, detail);
}

static void on_element(void *data, struct xml_element *element, struct arena *arena)
{
    struct client *client = OBJECT(data, client);

    if (client->falls || client->state == CLIENT_CLOSING)
        return;
    if (xml_is(element, NS_STREAMS, "error")) {
        on_stream_error(client, element, arena);
        return;
    }
    switch (client->state) {
    case CLIENT_UP:
        client->calls->stanza(client->data, client, element, arena);
        break;
    case CLIENT_BINDING:
        on_bound(client, element, arena);
        break;
    case CLIENT_PROVING:
    case CLIENT_DERIVING:
        client_sasl_element(client, element, arena);
        break;
    case CLIENT_OPENING:
        if (xml_is(element, NS_STREAMS, "features"))
            on_features(client, element);
        else
            client_fall(client, CLIENT_END_BROKEN, "it names no features");
        break;
    case CLIENT_ASKING:
        if (xml_is(element, NS_TLS, "proceed"))
            client_encrypt(client);
        else
            client_fall(client, CLIENT_END_NO_TLS, NULL);
        break;
    default: /* ENCRYPTING: it came in one piece with <proceed/> */
        client_fall(client, CLIENT_END_BROKEN, "it speaks out of turn");
        break;
    }
}

static void on_closed(void *data)
{
    struct client *client = OBJECT(data, client);

    client_fall(client, CLIENT_END_CLOSED, NULL);
}

static const struct xml_callbacks callbacks = { .opened = on_opened,
                                                .element = on_element,
                                                .closed = on_closed };

void client_stream_open(struct client *client)
{
    struct xml_limits limits = xml_limits_component;

    if (client->world->setting->max_stanza_size > 0)
        limits.element_most = (size_t)client->world->setting->max_stanza_size;
    xml_stream_free(&client->stream);
    client->stream = xml_stream_new(&callbacks, client, &limits);
    client_state_set(client, CLIENT_OPENING);
    client_stream_say_header(client);
}

/* The password is good: a new stream follows on the same channel (RFC 6120 6.3.2), if it is still wanted. */
void client_stream_reopen(struct client *client)
{
    if (!client->calls->proved(client->data, client) || client->state == CLIENT_CLOSING)
        return;
    xml_stream_restart(client->stream);
    client_state_set(client, CLIENT_OPENING);
    client_stream_say_header(client);
}
