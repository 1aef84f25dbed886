/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2: discover.h - how the clients of a domain reach its server, as DNS tells it: SRV records
 * (RFC 6120, XEP-0368), the TXT records that XEP-0156 once had, and addresses.
 *
 * What was found, and that there is nothing, is remembered as long as DNS allows, within bounds; those who
 * ask for the same name at the same time wait for one search. One discoverer per process and user of it. */
#ifndef STOA_XMPP_DISCOVER_H
#define STOA_XMPP_DISCOVER_H

#include "base/arena.h"
#include "base/list.h"
#include "os/loop.h"
#include "parse/ip.h"

#include <stddef.h>

#define DISCOVER_SERVICES_MOST  10 /* SRV records of each kind that count, the most preferred ones */
#define DISCOVER_HOSTS_MOST     (2 * DISCOVER_SERVICES_MOST)
#define DISCOVER_ADDRESSES_MOST 16   /* of one host */
#define DISCOVER_URLS_MOST      16   /* of each kind */
#define DISCOVER_URL_MOST       1000 /* bytes */
#define DISCOVER_CLIENT_PORT    5222 /* where a domain without SRV records is tried (RFC 6120 3.2.2) */

enum discover_verdict {
    DISCOVER_FOUND,
    DISCOVER_NOTHING, /* no such domain, or nobody serves XMPP there */
    DISCOVER_TROUBLE, /* the name servers fail, refuse, or talk nonsense */
    DISCOVER_SILENT,  /* they do not answer in time */
};

struct discovered_host {
    struct span host; /* A-labels, lower case, no last dot */
    unsigned port, priority, weight;
    bool direct_tls; /* by _xmpps-client: TLS from the first byte */
    unsigned address_count;
    struct ip_address addresses[DISCOVER_ADDRESSES_MOST]; /* IPv4 first */
};

struct discovered_urls {
    unsigned count;
    struct span items[DISCOVER_URLS_MOST]; /* UTF-8 without controls; begin with http or ws, as fits */
};

struct discovery {
    enum discover_verdict verdict;
    int64_t until; /* clock_mono: true for so long */
    unsigned host_count;
    struct discovered_host
        hosts[DISCOVER_HOSTS_MOST]; /* by priority, those with direct TLS behind the others */
    struct discovered_urls bosh, websocket;
};

struct discover_settings {
    const char *servers;             /* as dns_new takes them */
    int64_t wait;                    /* microseconds for a whole search */
    int64_t ttl_most, ttl_none_most; /* of what was found; of nothing and failures */
    size_t remembered_most;          /* searches; the one not used for longest goes first */
    size_t running_most;
};

struct discoverer;
struct discover_search;

/* Owned by who asks, zero-initialised; lives until done was called or discover_forget(). */
struct discover_ask {
    struct list node;
    /* From the loop, never from within the function that began it; *discovery is valid during the call. It
     * may ask again, but not free the discoverer. */
    void (*done)(struct discover_ask *ask, const struct discovery *discovery);
};

struct discoverer *discoverer_new(struct loop *loop, const struct discover_settings *settings,
                                  const char **why_r);
void discoverer_free(struct discoverer **discoverer); /* asks are forgotten */

enum discover_what {
    DISCOVER_XMPP,      /* all of the above */
    DISCOVER_ADDRESSES, /* of that host alone: one entry of hosts, without port */
};

/* What is remembered; NULL: it has to be asked for. Valid until the loop turns. name: as dns_name_prepare()
 * gives it. */
const struct discovery *discover_known(struct discoverer *discoverer, enum discover_what what,
                                       struct span name);
/* false: too much is under way already. */
bool discover(struct discoverer *discoverer, struct discover_ask *ask, enum discover_what what,
              struct span name, void (*done)(struct discover_ask *ask, const struct discovery *discovery));
void discover_forget(struct discover_ask *ask); /* no harm when nothing is asked */

/* An order in which a client should try them (RFC 2782): by priority, and by lot according to weight among
 * equals. below(n) is random, less than n. */
void discover_order(const struct discovery *discovery, unsigned order_r[DISCOVER_HOSTS_MOST],
                    uint64_t (*below)(uint64_t limit));

#endif
