/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: host_meta.h - the two documents by which web clients find a domain's server (RFC 6415,
 * XEP-0156 1.4.0), with what XEP-0487 adds to the JSON one. Pure: from links to text. */
#ifndef STOA_XMPP_HOST_META_H
#define STOA_XMPP_HOST_META_H

#include "base/buf.h"
#include "base/span.h"
#include "parse/ip.h"

#include <stdint.h>

enum host_meta_relation {
    RELATION_WEBSOCKET, /* these two are XEP-0156's, the others XEP-0487's alone */
    RELATION_BOSH,
    RELATION_TLS,
    RELATION_QUIC,
    RELATION_S2S_WEBSOCKET,
    RELATION_S2S_TLS,
    RELATION_S2S_QUIC,
    RELATION_COUNT
};

struct host_meta_link {
    enum host_meta_relation relation;
    struct span href; /* UTF-8; empty for those that have a port instead */
    unsigned port;
    /* XEP-0487; without addresses nothing of it is written, and what has a port is left out altogether. */
    unsigned priority, weight;
    struct span sni, ech; /* ech may be empty */
    const struct ip_address *addresses;
    unsigned address_count;
};

struct host_meta {
    const struct host_meta_link *links;
    unsigned link_count;
    /* Seconds; 0: no object "xmpp", and so none of XEP-0487: its presence tells clients to look nowhere else.
     */
    int64_t ttl;
    const char *const *pins; /* base64 of SHA-256 of public keys */
    size_t pin_count;
};

const char *host_meta_relation_name(enum host_meta_relation relation); /* "urn:xmpp:alt-connections:..." */
bool host_meta_has_port(enum host_meta_relation relation);             /* instead of a href */

/* Whether a browser may be sent there: https: or wss:, with a host, no spaces or controls; plain: http: and
 * ws: too. The scheme must fit the relation. */
bool host_meta_url_is_good(enum host_meta_relation relation, struct span url, bool plain);
/* host of a URL that is good, lower case, without port and brackets. false: it has none. */
bool host_meta_url_host(struct span url, struct buf *host);

void host_meta_xrd(const struct host_meta *meta, struct buf *out);  /* links of XEP-0156 alone */
void host_meta_json(const struct host_meta *meta, struct buf *out); /* safe in HTML and JavaScript */

#endif
