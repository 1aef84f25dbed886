/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: client.h - one session of a user at the server (RFC 6120), from the look-up to the
 * end.
 *
 * It connects, encrypts, proves the password and, if its owner still wants that, binds a random resource. No
 * presence is ever sent by itself: so the server delivers nothing to it but answers. The password is wiped as
 * soon as it has been used. A client ends by itself exactly once: it is tried again by nobody here. */
#ifndef STOA_XMPP_CLIENT_H
#define STOA_XMPP_CLIENT_H

#include "base/buf.h"
#include "base/problem.h"
#include "base/span.h"
#include "conf/settings.h"
#include "os/disk.h"
#include "os/loop.h"
#include "os/tls_client.h"
#include "parse/jid.h"
#include "parse/xml.h"
#include "xmpp/resolve.h"
#include "xmpp/sasl.h"

#define CLIENT_OUT_MOST (1024u * 1024) /* beyond it client_out() gives NULL */

/* What all clients share; filled by the owner, who outlives them. */
struct client_world {
    struct loop *loop;
    struct resolver *resolver;
    const struct xmpp_settings *setting;
    struct tls_client *tls;     /* NULL: c2s-security is plain */
    struct disk_queue *threads; /* for PBKDF2 */
    struct sasl_cache *keys;
    struct list clients; /* all of them */
};

enum client_state {
    CLIENT_RESOLVING,  /* the host's name is being looked up */
    CLIENT_CONNECTING, /* TCP */
    CLIENT_ASKING,     /* <starttls/> is out */
    CLIENT_ENCRYPTING, /* the handshake of TLS */
    CLIENT_OPENING,    /* our header is out; the server's, or its features, have not come */
    CLIENT_PROVING,    /* SASL: the server has to speak */
    CLIENT_DERIVING,   /* SASL: a thread works on the keys */
    CLIENT_BINDING,    /* the password is good; the resource is asked for */
    CLIENT_UP,         /* stanzas flow */
    CLIENT_CLOSING,    /* our </stream:stream> is out; it belongs to nobody any more */
};

/* Why one ended. */
enum client_end {
    CLIENT_END_NAME,        /* the host has no address */
    CLIENT_END_CONNECT,     /* nobody answers there */
    CLIENT_END_LATE,        /* connected, but the login takes too long */
    CLIENT_END_EARLY,       /* closed before a stream header: so does a server that bans us */
    CLIENT_END_BANNED,      /* policy-violation: too many failed logins */
    CLIENT_END_HOST,        /* the server does not serve that domain */
    CLIENT_END_NO_TLS,      /* it offers no STARTTLS */
    CLIENT_END_TLS,         /* the handshake failed */
    CLIENT_END_CERTIFICATE, /* its certificate is not good, or another's */
    CLIENT_END_NEEDS_TLS,   /* it wants encryption, but c2s-security is plain */
    CLIENT_END_MECHANISM,   /* no SASL mechanism in common */
    CLIENT_END_REFUSED,     /* the password is wrong, or there is no such account */
    CLIENT_END_NOT_NOW,     /* temporary-auth-failure and its like */
    CLIENT_END_IMPOSTOR,    /* the server breaks SCRAM, or does not know the password */
    CLIENT_END_JID,         /* it bound another account than the one that was asked for */
    CLIENT_END_BIND,        /* it bound nothing */
    CLIENT_END_ERROR,       /* a stream error */
    CLIENT_END_BROKEN,      /* what came is not a client stream of XMPP, or too large */
    CLIENT_END_CLOSED,      /* closed without a reason */
    CLIENT_ENDS
};

struct client;

struct client_calls {
    /* The password is good and the server knows it too. false: it is enough; the owner then closes it. */
    bool (*proved)(void *data, struct client *client);
    void (*up)(void *data, struct client *client);
    /* Tree and arena live until this returns. May close the client, not free it. */
    void (*stanza)(void *data, struct client *client, const struct xml_element *stanza, struct arena *arena);
    /* It is over; the owner forgets the pointer: the client frees itself behind this call. detail: the
     * server's words as plain ASCII, may be "". */
    void (*ended)(void *data, struct client *client, enum client_end end, const char *detail);
};

/* jid: bare, with a local part. password: as the user gave it; copied. NULL: what it holds can be no
 * password. */
struct client *client_new(struct client_world *world, struct jid jid, struct span password,
                          const struct client_calls *calls, void *data);
void client_start(struct client *client); /* may call ended at once */
/* Says goodbye and frees itself in a moment; calls nobody any more. Sets *client to NULL. */
void client_close(struct client **client);
void client_free(struct client **client); /* cuts at once; calls nobody; not from a callback of its own */
/* All of them, closing ones too. */
void client_world_free_all(struct client_world *world);

/* Another owner from now on: a proof has become a session. */
void client_hand_over(struct client *client, const struct client_calls *calls, void *data);

enum client_state client_state(const struct client *client);
struct jid client_jid(const struct client *client);        /* bare, prepared */
struct span client_full_text(const struct client *client); /* as the server bound it; empty before */
struct jid client_full_jid(const struct client *client);   /* the same, prepared */
bool client_secure(const struct client *client);           /* encrypted */

/* Where one stanza may be written; NULL: not up, or too much waits. It leaves at the end of the turn. */
struct buf *client_out(struct client *client);

/* ---- what to say of an end (client_trouble.c) ---- */
enum problem client_problem(enum client_end end);
/* For who asked: names no setting, no host. Static text; "" when the problem says it all. */
const char *client_sentence(enum client_end end);
/* For the log: with the setting to look at. */
void client_explain(const struct client_world *world, enum client_end end, struct span domain,
                    const char *detail, struct buf *out);
bool client_needs_person(enum client_end end); /* it will not pass by itself */

#endif
