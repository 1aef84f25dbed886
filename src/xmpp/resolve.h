/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 2: resolve.h - from what stands in xmpp/host to addresses, without ever blocking the loop.
 *
 * Numbers, localhost and unix sockets ('/path' or '@name') are known at once; other names are asked of the
 * system's resolver on a thread that is made when the first of them comes. */
#ifndef STOA_XMPP_RESOLVE_H
#define STOA_XMPP_RESOLVE_H

#include "os/loop.h"
#include "os/sock.h"

#define RESOLVE_MOST 8 /* addresses of one name that are tried */

struct resolver;
struct resolve_job;

struct resolved {
    unsigned count; /* 0: there are none, and why says so */
    struct sock_address addresses[RESOLVE_MOST];
    const char *why; /* static text */
};

struct resolver *resolver_new(struct loop *loop);
void resolver_free(struct resolver **resolver); /* waits for a question that is under way */

/* true: *resolved_r is filled. false: done will be told on the loop; *job_r is for resolve_forget. */
bool resolve(struct resolver *resolver, const char *host, unsigned port, struct resolved *resolved_r,
             struct resolve_job **job_r, void (*done)(void *data, const struct resolved *resolved),
             void *data);
/* done will not be called. Sets *job to NULL; no harm when it is. */
void resolve_forget(struct resolve_job **job);

#endif
