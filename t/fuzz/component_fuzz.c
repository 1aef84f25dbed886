/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: component_fuzz.c - any bytes from the server's side into a component's stream, and
 * what it makes us answer.
 *
 * The first byte cuts the input in pieces of that size, so that everything also comes byte by byte. What is
 * written back must be good XML, whatever came. */
#include "base/must.h"
#include "xmpp/component_inside.h"
#include "xmpp/disco.h"
#include "xmpp/stanza.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct loop *loop;
static struct resolver *resolver;
static struct disco *disco;
static struct arena *scratch;
static const struct component_settings setting = { .section = { .name = "upload.localhost" },
                                                   .secret = "secret" };
static const struct xmpp_settings xmpp = { .host = "@stoa-fuzz",
                                           .iq_timeout = 1000000,
                                           .reconnect_least = 1000000000000,
                                           .reconnect_most = 1000000000000,
                                           .max_stanza_size = 8192 };

static void check(const struct buf *out, size_t from)
{
    struct xml_element *root;
    const char *why;

    must(xml_document(span_from(buf_span(out), from), &xml_limits_component, scratch, &root, &why) == 1);
    must(xml_is(root, NULL, "iq") && xml_attribute(root, "from").size > 0 &&
         xml_attribute(root, "to").size > 0);
    arena_reset(scratch);
}

static void on_stanza(void *data, struct component *component, const struct xml_element *element,
                      struct arena *arena)
{
    struct stanza stanza;
    struct stanza_head head;
    struct buf *out, payload = { 0 };
    const char *why;
    size_t from;

    (void)data;
    if (!stanza_read(element, arena, &stanza) || stanza.kind > STANZA_IQ_SET ||
        (out = component_out(component)) == NULL)
        return;
    head = (struct stanza_head){ stanza.to, stanza.from, stanza.id };
    from = out->size;
    if (!disco_answer(disco, &stanza, &head, out))
        stanza_unclaimed(out, &head);
    check(out, from);
    if (stanza.payload) { /* as a module would say it back */
        from = out->size;
        xml_write(&payload, stanza.payload, SPAN(""));
        if (stanza_iq(out, &head, "result", buf_span(&payload), scratch, &why))
            check(out, from);
        arena_reset(scratch);
        buf_free(&payload);
    }
    buf_clear(out);
    component->sent = 0;
}

static const struct component_calls calls = { .stanza = on_stanza };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    xml_start();
    loop = loop_new();
    resolver = resolver_new(loop);
    disco = disco_new(SPAN("upload"));
    scratch = arena_new();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct component *component;
    size_t piece = size && data[0] ? data[0] : size + 1;
    int pair[2];

    if (size < 2 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
        return 0;
    component = component_new(loop, resolver, &xmpp, &setting, SPAN("upload.localhost"), &calls, NULL);
    component->said = ~0u; /* nothing of it in a log */
    component->failures = 1;
    component_adopt(component, pair[0]);
    for (size_t at = 1; at < size && component->fd >= 0; at += piece) {
        size_t count = size - at < piece ? size - at : piece;

        component_input(component, span_make((const char *)data + at, count));
        must(component->out.size < 65536);
    }
    component_free(&component);
    close(pair[1]);
    return 0;
}
