/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: xmpp_client_stage.h - what xmpp_client_test.c plays on: a client, and a server that
 * says line by line what a test tells it. */
#ifndef STOA_TEST_XMPP_CLIENT_STAGE_H
#define STOA_TEST_XMPP_CLIENT_STAGE_H

#include "xmpp_fake.h"

#include "base/digest.h"
#include "xmpp/client_inside.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

static struct loop *loop;
static struct fake fake;
static struct client_world world;
static struct xmpp_settings setting;
static struct client *client;

static struct {
    unsigned proved, up, ended, stanzas;
    bool stays; /* what proved answers */
    enum client_end end;
    char detail[CLIENT_DETAIL];
    struct buf stanza;
} seen;

static bool on_proved(void *data, struct client *at)
{
    (void)data;
    assert_ptr_equal(at, client);
    seen.proved++;
    if (!seen.stays)
        client_close(&client);
    return seen.stays;
}

static void on_up(void *data, struct client *at)
{
    (void)data;
    assert_ptr_equal(at, client);
    seen.up++;
}

static void on_stanza(void *data, struct client *at, const struct xml_element *stanza, struct arena *arena)
{
    (void)data;
    (void)at;
    (void)arena;
    seen.stanzas++;
    buf_clear(&seen.stanza);
    xml_write(&seen.stanza, stanza, SPAN("jabber:client"));
}

static void on_ended(void *data, struct client *at, enum client_end end, const char *detail)
{
    (void)data;
    assert_ptr_equal(at, client);
    seen.ended++;
    seen.end = end;
    (void)snprintf(seen.detail, sizeof(seen.detail), "%s", detail);
    client = NULL;
}

static const struct client_calls calls = { on_proved, on_up, on_stanza, on_ended };

static int set_up(void **state)
{
    (void)state;
    loop = loop_new();
    fake_open(&fake, loop);
    fake.header = fake.verdict = NULL;
    setting = (struct xmpp_settings){
        .host = "127.0.0.1", .c2s_port = fake.port, .c2s_security = C2S_PLAIN, .max_stanza_size = 16384
    };
    world = (struct client_world){ .loop = loop,
                                   .resolver = resolver_new(loop),
                                   .setting = &setting,
                                   .threads = disk_queue_new(loop, 1, NULL, NULL),
                                   .keys = sasl_cache_new() };
    list_init(&world.clients);
    memset(&seen, 0, sizeof(seen));
    seen.stays = true;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    client_world_free_all(&world);
    client = NULL;
    disk_queue_free(&world.threads);
    sasl_cache_free(&world.keys);
    resolver_free(&world.resolver);
    fake_close(&fake);
    buf_free(&seen.stanza);
    loop_free(&loop);
    return 0;
}

/* ---- steps ---- */

#define HEADER                                                                                               \
    "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' id='1' "            \
    "from='localhost' version='1.0' xmlns='jabber:client'>"
#define OFFER(names)                                                                                         \
    HEADER "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" names                    \
           "</mechanisms></stream:features>"
#define MECHANISM(name) "<mechanism>" name "</mechanism>"
#define BIND            HEADER "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>"
#define SASL            " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"

static struct jid alice(void)
{
    return (struct jid){ .local = SPAN("alice"), .domain = SPAN("localhost"), .resource = SPAN("") };
}

static void start(void)
{
    client = client_new(&world, alice(), SPAN("pencil"), &calls, NULL);
    assert_non_null(client);
    client_start(client);
}

static void begin(const char *offer)
{
    start();
    fake_expect(&fake, "version='1.0' to='localhost'>");
    buf_clear(&fake.in);
    fake_say(&fake, offer);
}

static bool has_ended(void *data)
{
    (void)data;
    return seen.ended > 0;
}

static bool is_up(void *data)
{
    (void)data;
    return seen.up > 0;
}

static void expect_end(enum client_end end)
{
    assert_true(run_until(loop, has_ended, NULL));
    if (seen.end != end)
        fail_msg("ended by %d (%s), not %d", (int)seen.end, seen.detail, (int)end);
    assert_int_equal(seen.ended, 1);
    assert_null(client);
}

/* What stands between > and < of the last element heard, decoded. */
static void last_message(struct buf *out)
{
    struct span in = buf_span(&fake.in), rest;
    ssize_t at = -1;

    for (size_t i = 0; i + 1 < in.size; i++)
        if (in.at[i] == '>' && in.at[i + 1] != '<')
            at = (ssize_t)i + 1;
    assert_true(at > 0);
    rest = span_from(in, (size_t)at);
    buf_clear(out);
    assert_true(codec_base64_decode(out, span_cut(&rest, '<')));
    buf_clear(&fake.in);
}

static void say_message(const char *element, struct span message)
{
    struct buf text = { 0 };

    buf_printf(&text, "<%s" SASL ">", element);
    codec_base64(&text, message);
    buf_printf(&text, "</%s>", element);
    buf_char(&text, '\0');
    fake_say(&fake, text.at);
    buf_free(&text);
}

/* Until the client's proof has come; first_r: the bare part of its first message. */
static void hear_first(struct buf *first_r)
{
    fake_expect(&fake, "</auth>");
    last_message(first_r);
    assert_true(span_starts(buf_span(first_r), SPAN("n,,n=alice,r=")));
    buf_eat(first_r, 3);
}

static void server_first(const struct buf *first, const char *rest, struct buf *out)
{
    struct span nonce = buf_span(first);

    (void)span_cut(&nonce, ',');
    buf_clear(out);
    buf_add(out, nonce);
    buf_text(out, rest);
}

#define SALT "XYZ,s=QSXCR+Q6sek8bf92,i=4096"

/* An honest server up to the client's proof; *last_r is what it has to say then. */
static void exchange(enum scram_hash hash, struct buf *last_r)
{
    static const unsigned char salt_bytes[] = { 0x41, 0x25, 0xc2, 0x47, 0xe4, 0x3a,
                                                0xb1, 0xe9, 0x3c, 0x6d, 0xff, 0x76 };
    struct buf first = { 0 }, mine = { 0 }, proof = { 0 }, all = { 0 };
    struct scram_salt salt = { .size = sizeof(salt_bytes), .rounds = 4096 };
    unsigned char mac[SCRAM_KEY_MOST];
    struct scram_keys keys;
    size_t at;

    memcpy(salt.bytes, salt_bytes, sizeof(salt_bytes));
    hear_first(&first);
    server_first(&first, SALT, &mine);
    say_message("challenge", buf_span(&mine));
    fake_expect(&fake, "</response>");
    last_message(&proof);
    at = (size_t)((const char *)memmem(proof.at, proof.size, ",p=", 3) - proof.at);
    buf_printf(&all, "%.*s,%.*s,%.*s", SPAN_ARG(buf_span(&first)), SPAN_ARG(buf_span(&mine)), (int)at,
               proof.at);
    scram_derive(hash, SPAN("pencil"), &salt, &keys);
    assert_non_null(HMAC(hash == SCRAM_SHA_1 ? EVP_sha1() : EVP_sha256(), keys.server,
                         (int)scram_hash_size(hash), (const unsigned char *)all.at, all.size, mac, NULL));
    buf_clear(last_r);
    buf_text(last_r, "v=");
    codec_base64(last_r, span_make((const char *)mac, scram_hash_size(hash)));
    buf_free(&first);
    buf_free(&mine);
    buf_free(&proof);
    buf_free(&all);
}

/* From the second header to the answer to bind; jid: what the server says it bound. */
static void bind_to(const char *jid)
{
    struct span id;
    ssize_t at;
    struct buf text = { 0 };

    fake_expect(&fake, "<stream:stream");
    buf_clear(&fake.in);
    fake_say(&fake, BIND);
    fake_expect(&fake, "</bind></iq>");
    assert_true(fake_heard(&fake, "<resource>stoa-"));
    id = buf_span(&fake.in);
    at = (ssize_t)((const char *)memmem(id.at, id.size, "id='", 4) - id.at);
    id = span_from(id, (size_t)at + 4);
    id = span_cut(&id, '\'');
    buf_printf(&text,
               "<iq type='result' id='%.*s'><bind "
               "xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>%s</jid></bind></iq>",
               SPAN_ARG(id), jid);
    buf_char(&text, '\0');
    fake_say(&fake, text.at);
    buf_free(&text);
}

static void log_in_plain(void)
{
    begin(OFFER(MECHANISM("PLAIN")));
    fake_expect(&fake, "<auth" SASL " mechanism='PLAIN'>AGFsaWNlAHBlbmNpbA==</auth>"); /* no authzid */
    buf_clear(&fake.in);
    fake_say(&fake, "<success" SASL "/>");
    bind_to("alice@localhost/r");
    assert_true(run_until(loop, is_up, NULL));
    buf_clear(&fake.in);
}

#endif
