/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: client_sasl.c - how a client proves its password (RFC 6120 6, RFC 5802, RFC 4616).
 *
 * One mechanism, once. The keys of SCRAM are derived on a thread; what that thread works on is its own, so a
 * client may end meanwhile. */
#include "xmpp/client_inside.h"

#include "base/codec.h"
#include "base/text.h"
#include "xmpp/ns.h"

#include <openssl/crypto.h>
#include <stdlib.h>

struct derivation {
    struct disk_job job;
    struct client *client; /* borrowed; NULL: it is gone */
    enum scram_hash hash;
    struct scram_salt salt;
    struct buf password; /* owned; wiped by the thread */
    struct scram_keys keys;
    unsigned char name[SASL_NAME];
};

static void wipe(struct buf *secret)
{
    if (secret->at)
        OPENSSL_cleanse(secret->at, secret->room);
    buf_free(secret);
}

void client_sasl_forget(struct client *client)
{
    wipe(&client->password);
    scram_free(&client->scram);
    if (client->deriving)
        client->deriving->client = NULL;
    client->deriving = NULL;
}

/* ---- what we say ---- */

static void say(struct client *client, const char *element, const char *mechanism, struct span bytes)
{
    (void)buf_reserve(&client->out, 2 * bytes.size + 256); /* no copy of a password is left by growing */
    buf_char(&client->out, '<');
    buf_text(&client->out, element);
    buf_text(&client->out, " xmlns='" NS_SASL "'");
    if (mechanism)
        buf_printf(&client->out, " mechanism='%s'", mechanism);
    buf_char(&client->out, '>');
    if (bytes.size)
        codec_base64(&client->out, bytes);
    buf_printf(&client->out, "</%s>", element);
    client_flush_soon(client);
}

/* What this connection can be bound by and the server understands. Under TLS 1.3 servers exist (ejabberd
 * 23.01) that offer -PLUS and mean tls-unique, which 1.3 does not have: so only what is announced counts. */
static const char *channel_of(const struct client *client, const struct xml_element *features,
                              unsigned char bytes_r[TLS_BINDING_MOST], size_t *size_r)
{
    enum tls_binding binding =
        client->tls ? tls_client_binding(client->tls, bytes_r, size_r) : TLS_BINDING_NONE;
    bool told;

    switch (binding) {
    case TLS_BINDING_EXPORTER:
        return sasl_announces(features, "tls-exporter", &told) ? "tls-exporter" : NULL;
    case TLS_BINDING_UNIQUE:
        return sasl_announces(features, "tls-unique", &told) || !told ? "tls-unique" : NULL;
    case TLS_BINDING_NONE:
        break;
    }
    return NULL;
}

static void begin_plain(struct client *client)
{
    struct buf message = { 0 };

    sasl_plain(&message, client->jid.local, buf_span(&client->password));
    say(client, "auth", "PLAIN", buf_span(&message));
    wipe(&message);
    wipe(&client->password);
    client->verified = true; /* the certificate, or the loopback, has to vouch for the server */
}

static void begin_scram(struct client *client, const struct sasl_choice *choice, const char *channel,
                        struct span bytes)
{
    struct scram_channel bound = { .could = choice->could_have_bound };
    struct buf message = { 0 };

    if (choice->binds)
        bound = (struct scram_channel){ .type = channel, .bytes = bytes };
    client->is_scram = true;
    scram_begin(&client->scram, choice->hash, client->jid.local, &bound, SPAN(""), &message);
    say(client, "auth", choice->name, buf_span(&message));
    buf_free(&message);
}

void client_sasl_begin(struct client *client, const struct xml_element *features)
{
    unsigned char bytes[TLS_BINDING_MOST];
    size_t size = 0;
    const char *channel = channel_of(client, features, bytes, &size);
    struct sasl_choice choice;

    sasl_choose(features, channel, client->tls || client->world->setting->c2s_security == C2S_PLAIN, &choice);
    if (choice.name == NULL) {
        bool wants_tls = client->tls == NULL && xml_child(features, NS_TLS, "starttls");

        client_fall(client, wants_tls ? CLIENT_END_NEEDS_TLS : CLIENT_END_MECHANISM, NULL);
        return;
    }
    client_state_set(client, CLIENT_PROVING);
    if (choice.is_plain)
        begin_plain(client);
    else
        begin_scram(client, &choice, channel, span_make((const char *)bytes, size));
    OPENSSL_cleanse(bytes, sizeof(bytes));
}

/* ---- the keys ---- */

static void answer_with(struct client *client, const struct scram_keys *keys)
{
    struct buf message = { 0 };

    scram_finish(&client->scram, keys, &message);
    client_state_set(client, CLIENT_PROVING);
    say(client, "response", NULL, buf_span(&message));
    buf_free(&message);
}

static void run_derivation(struct disk_job *job)
{
    struct derivation *derivation = LIST_OF(job, struct derivation, job);

    scram_derive(derivation->hash, buf_span(&derivation->password), &derivation->salt, &derivation->keys);
    OPENSSL_cleanse(derivation->password.at, derivation->password.room);
}

static void end_derivation(struct disk_job *job)
{
    struct derivation *derivation = LIST_OF(job, struct derivation, job);
    struct client *client = derivation->client;

    if (client) {
        client->deriving = NULL;
        sasl_cache_keep(client->world->keys, derivation->name, &derivation->keys);
        answer_with(client, &derivation->keys);
    }
    wipe(&derivation->password);
    OPENSSL_cleanse(derivation, sizeof(*derivation));
    free(derivation);
}

static void derive(struct client *client, const struct scram_salt *salt)
{
    unsigned char name[SASL_NAME];
    struct scram_keys keys;
    struct derivation *derivation;
    struct arena *arena = arena_new();

    sasl_cache_name(client->world->keys, jid_bare_text(arena, client->jid), client->scram.hash, salt,
                    buf_span(&client->password), name);
    arena_free(&arena);
    if (sasl_cache_find(client->world->keys, name, &keys)) {
        answer_with(client, &keys);
        OPENSSL_cleanse(&keys, sizeof(keys));
        wipe(&client->password);
        return;
    }
    derivation = must_alloc(sizeof(*derivation));
    derivation->job.run = run_derivation;
    derivation->job.done = end_derivation;
    derivation->client = client;
    derivation->hash = client->scram.hash;
    derivation->salt = *salt;
    derivation->password = client->password;
    client->password = (struct buf){ 0 };
    memcpy(derivation->name, name, sizeof(name));
    client->deriving = derivation;
    client_state_set(client, CLIENT_DERIVING);
    disk_submit(client->world->threads, &derivation->job);
}

/* ---- what we hear ---- */

static void verify(struct client *client, struct span message)
{
    const char *why;

    if (scram_verify(&client->scram, message, &why))
        client->verified = true;
    else
        client_fall(client, CLIENT_END_IMPOSTOR, why);
}

static void on_challenge(struct client *client, struct span message)
{
    struct scram_salt salt = { 0 };
    const char *why;

    if (!client->is_scram || client->verified) {
        client_fall(client, CLIENT_END_IMPOSTOR, "it asks more than the mechanism knows");
    } else if (client->scram.finished) {
        verify(client, message);
        if (client->verified)
            say(client, "response", NULL, SPAN(""));
    } else if (scram_hear_first(&client->scram, message, &salt, &why)) {
        derive(client, &salt);
    } else {
        client_fall(client, CLIENT_END_IMPOSTOR, why);
    }
}

static void on_success(struct client *client, struct span message)
{
    if (client->is_scram && !client->verified)
        verify(client, message);
    else if (!client->is_scram && message.size)
        client_fall(client, CLIENT_END_IMPOSTOR, "it says more than the mechanism knows");
    if (client->falls)
        return;
    client_sasl_forget(client);
    client->authenticated = true;
    client_stream_reopen(client);
}

static void on_failure(struct client *client, const struct xml_element *failure, struct arena *arena)
{
    static const struct {
        const char *condition;
        enum client_end end;
    } rows[] = {
        { "temporary-auth-failure", CLIENT_END_NOT_NOW }, { "aborted", CLIENT_END_NOT_NOW },
        { "encryption-required", CLIENT_END_NEEDS_TLS },  { "invalid-mechanism", CLIENT_END_MECHANISM },
        { "mechanism-too-weak", CLIENT_END_MECHANISM },
    };
    const struct xml_element *condition = NULL, *text = xml_child(failure, NS_SASL, "text");
    enum client_end end = CLIENT_END_REFUSED;
    char detail[CLIENT_DETAIL];

    for (condition = xml_child(failure, NS_SASL, NULL); condition && condition == text;)
        condition = xml_next(condition, NS_SASL, NULL);
    for (size_t i = 0; condition && i < sizeof(rows) / sizeof(rows[0]); i++)
        if (span_is(condition->name, rows[i].condition))
            end = rows[i].end;
    (void)snprintf(detail, sizeof(detail), "%.*s%s%.*s",
                   SPAN_ARG(span_head(condition ? condition->name : SPAN("no condition"), 60)),
                   text ? ": " : "", SPAN_ARG(span_head(text ? xml_text(text, arena) : SPAN(""), 80)));
    client_fall(client, end, detail);
}

/* Content of a challenge or a success: base64, or "=" for nothing. */
static bool decode(const struct xml_element *element, struct arena *arena, struct buf *out)
{
    struct span text = xml_text(element, arena);

    return text.size <= 2 * SCRAM_MESSAGE_MOST && (span_is(text, "=") || codec_base64_decode(out, text));
}

void client_sasl_element(struct client *client, struct xml_element *element, struct arena *arena)
{
    struct buf message = { 0 };

    if (xml_is(element, NS_SASL, "failure"))
        on_failure(client, element, arena);
    else if (client->state != CLIENT_PROVING)
        client_fall(client, CLIENT_END_BROKEN, "it speaks out of turn");
    else if (!decode(element, arena, &message))
        client_fall(client, CLIENT_END_IMPOSTOR, "its message is not base64");
    else if (xml_is(element, NS_SASL, "challenge"))
        on_challenge(client, buf_span(&message));
    else if (xml_is(element, NS_SASL, "success"))
        on_success(client, buf_span(&message));
    else
        client_fall(client, CLIENT_END_BROKEN, "an element that SASL does not know");
    buf_free(&message);
}
