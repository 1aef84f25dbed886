/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: client_fuzz.c - any bytes from the server's side into a user's session, from the
 * stream header to stanzas.
 *
 * The first byte cuts the input in pieces of that size; its lowest bit demands TLS, which nobody speaks here.
 * A client ends once, binds only the account that was asked for, and what is answered is good XML. */
#include "base/must.h"
#include "xmpp/client_inside.h"
#include "xmpp/stanza.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct client_world world;
static struct xmpp_settings setting = { .host = "@stoa-fuzz", .max_stanza_size = 8192 };
static struct client *client;
static struct arena *scratch;
static unsigned ends;

static bool on_proved(void *data, struct client *at)
{
    (void)data;
    must(at == client && client->verified && client->password.size == 0);
    return true;
}

static void on_up(void *data, struct client *at)
{
    (void)data;
    must(at == client && client->authenticated && jid_equal_bare(client->full_jid, client->jid));
}

static void on_stanza(void *data, struct client *at, const struct xml_element *element, struct arena *arena)
{
    struct stanza stanza;
    struct xml_element *root;
    struct buf *out;
    const char *why;
    size_t from;

    (void)data;
    must(at->state == CLIENT_UP);
    if (!stanza_read_own(element, arena, client_full_jid(at), &stanza) || stanza.kind > STANZA_IQ_SET ||
        (out = client_out(at)) == NULL)
        return;
    from = out->size;
    stanza_unclaimed(out, &(struct stanza_head){ client_full_text(at),
                                                 stanza.from.size ? stanza.from : SPAN("alice@localhost"),
                                                 stanza.id });
    must(xml_document(span_from(buf_span(out), from), &xml_limits_component, scratch, &root, &why) == 1);
    arena_reset(scratch);
    buf_clear(out);
    at->sent = 0;
}

static void on_ended(void *data, struct client *at, enum client_end end, const char *detail)
{
    (void)data;
    must(at == client && end < CLIENT_ENDS && ends++ == 0);
    for (; *detail; detail++)
        must(*detail >= 0x20 && *detail <= 0x7e);
    client = NULL;
}

static const struct client_calls calls = { on_proved, on_up, on_stanza, on_ended };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    xml_start();
    scratch = arena_new();
    world.loop = loop_new();
    world.resolver = resolver_new(world.loop);
    world.threads = disk_queue_new(world.loop, 1, NULL, NULL);
    world.keys = sasl_cache_new();
    world.setting = &setting;
    list_init(&world.clients);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct jid alice = { .local = SPAN("alice"), .domain = SPAN("localhost"), .resource = SPAN("") };
    size_t piece = size && data[0] > 1 ? data[0] : size + 1;
    int pair[2];

    if (size < 2 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
        return 0;
    ends = 0;
    setting.c2s_security = data[0] & 1 ? C2S_STARTTLS : C2S_PLAIN;
    client = client_new(&world, alice, SPAN("secret"), &calls, NULL);
    must(client != NULL);
    client_adopt(client, pair[0]);
    for (size_t at = 1; at < size && client; at += piece) {
        size_t count = size - at < piece ? size - at : piece;

        if (client->state == CLIENT_BINDING) /* else no input could ever name it */
            (void)snprintf(client->bind_id, sizeof(client->bind_id), "b");
        (void)client_input(client, span_make((const char *)data + at, count));
        must(client == NULL || client->out.size < 65536);
    }
    must((client == NULL) == (ends == 1));
    client_free(&client);
    must(list_empty(&world.clients));
    close(pair[1]);
    return 0;
}
