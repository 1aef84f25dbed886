/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: dns.h - questions to name servers, asked on the loop (by c-ares): a name and a type go out,
 * the bytes of a reply come back.
 *
 * What is in a reply is parse/dns_reply.h's; the file of hosts and search lists are not looked at, as this is
 * for what the world sees. One resolver for whoever wants one; made after fork. */
#ifndef STOA_OS_DNS_H
#define STOA_OS_DNS_H

#include "base/list.h"
#include "base/span.h"
#include "os/loop.h"

struct dns;
struct dns_pending;

enum dns_answer {
    DNS_ANSWERED, /* reply is there; it may say that there is nothing */
    DNS_REFUSED,  /* each server failed, refused, or is not there; or the name cannot be asked for */
    DNS_SILENT,   /* no server answered in time */
};

/* Owned by who asks, zero-initialised; lives until done was called or dns_forget(). */
struct dns_ask {
    void (*done)(struct dns_ask *ask); /* from the loop, never from within dns_ask() */
    enum dns_answer answer;
    struct span reply;           /* valid while done runs */
    struct dns_pending *pending; /* the resolver's; NULL while nothing is asked */
};

/* servers: "127.0.0.1:5353,[::1]"; NULL or empty: those of /etc/resolv.conf. wait: microseconds for a
 * server's reply; each is asked twice. NULL: it cannot be done, *why_r is static text. */
struct dns *dns_new(struct loop *loop, const char *servers, int64_t wait, const char **why_r);
void dns_free(struct dns **dns); /* whatever is under way is forgotten */
/* NULL when the text is a good list for dns_new, else what to write. */
const char *dns_check_servers(const char *servers);

/* name: without last dot, with a NUL behind it; type: the number of the record's type. */
void dns_ask(struct dns *dns, struct dns_ask *ask, const char *name, unsigned type,
             void (*done)(struct dns_ask *ask));
void dns_forget(struct dns_ask *ask); /* done will not be called; no harm when nothing is asked */

#endif
