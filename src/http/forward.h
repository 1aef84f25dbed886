/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 4: forward.h - who really asked: proxies that we trust, and what they say (RFC 7239).
 *
 * Pure: addresses and fields in, values out. Nothing a client can write is believed (R2). */
#ifndef STOA_HTTP_FORWARD_H
#define STOA_HTTP_FORWARD_H

#include "conf/directive.h"
#include "parse/http_head.h"
#include "parse/ip.h"

struct client {
    struct ip_address address;
    bool is_local; /* came by a unix socket; address is all zero */
};

struct trusted {
    struct ip_network *networks; /* owned */
    size_t count;
    bool locals; /* unix-socket peers */
};

/* texts: addresses, CIDR networks, or "unix". What cannot be read is left out: the configuration's own check
 * has refused it before. */
void trusted_read(struct trusted *trusted_r, const struct conf_list *texts);
void trusted_free(struct trusted *trusted);
bool trusted_has(const struct trusted *trusted, const struct client *client);

struct forwarded {
    struct client client; /* the peer itself when nothing better is known */
    struct span proto;    /* "https"; at NULL: nobody said; points into the head */
    struct span host;     /* as the client named it; at NULL: nobody said */
};

/* Forwarded is preferred over X-Forwarded-For, -Proto and -Host. Walks from the right, over the proxies that
 * we trust, and stops at the first that we do not: that is the client. A malformed value, an obfuscated node
 * and an untrusted peer give the peer. */
void forwarded_find(const struct trusted *trusted, const struct client *peer, const struct http_head *head,
                    struct forwarded *forwarded_r);

void client_text(const struct client *client, char text_r[IP_TEXT]); /* "unix" for a local one */

#endif
