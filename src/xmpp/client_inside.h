/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: client_inside.h - what the files of a client share, and tests reach into.
 *
 * client.c: life, connecting, bytes. client_stream.c: what the bytes mean. client_sasl.c: the proof.
 * client_trouble.c: what to say. */
#ifndef STOA_XMPP_CLIENT_INSIDE_H
#define STOA_XMPP_CLIENT_INSIDE_H

#include "base/list.h"
#include "base/object.h"
#include "xmpp/client.h"
#include "xmpp/scram.h"

#define CLIENT_DETAIL 160

struct derivation; /* client_sasl.c: lives on until its thread is done, whatever became of the client */

struct client {
    OBJECT_MAGIC
    struct list node;           /* in world->clients */
    struct client_world *world; /* borrowed */
    const struct client_calls *calls;
    void *data;
    struct arena *arena; /* owned: JIDs */
    struct jid jid;      /* bare */
    enum client_state state;

    int fd; /* -1: none */
    struct watch watch;
    struct timer timer; /* the deadline of the login; while up: white space; while closing: the cut */
    struct task flush, more;
    struct tls *tls;           /* owned; NULL: bytes go as they are */
    struct xml_stream *stream; /* owned; NULL without a connection */
    struct buf out;            /* [sent, size) still has to go */
    size_t sent;
    bool feeding, authenticated, heard_header;

    struct resolve_job *resolving;
    struct resolved addresses;
    unsigned next_address;

    struct buf password; /* owned; prepared; wiped when used */
    struct scram scram;
    bool is_scram, verified;
    struct derivation *deriving;

    char bind_id[17];
    struct span full; /* in arena */
    struct jid full_jid;

    bool falls; /* found while feeding; the end comes behind it */
    enum client_end end;
    char detail[CLIENT_DETAIL];
};

/* client.c: it is over; detail may be NULL. While bytes are being fed it happens behind them. */
void client_fall(struct client *client, enum client_end end, const char *detail);
void client_state_set(struct client *client, enum client_state state);
void client_adopt(struct client *client, int fd);            /* a connected socket; for the tests too */
bool client_input(struct client *client, struct span bytes); /* false: it fell, and is gone */
void client_flush_soon(struct client *client);
void client_encrypt(struct client *client); /* behind what is being fed */
void client_is_up(struct client *client);

/* client_stream.c */
void client_stream_open(struct client *client); /* parser and our header, on a new connection or channel */
void client_stream_say_header(struct client *client); /* after SASL */
void client_stream_bind(struct client *client);
void client_stream_reopen(struct client *client);

/* client_sasl.c */
void client_sasl_begin(struct client *client, const struct xml_element *features);
void client_sasl_element(struct client *client, struct xml_element *element, struct arena *arena);
void client_sasl_forget(struct client *client); /* wipes all of it */

#endif
