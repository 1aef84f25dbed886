/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 2: resolve.c - see resolve.h. */
#include "xmpp/resolve.h"

#include "base/must.h"
#include "os/disk.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

struct resolver {
    struct loop *loop;        /* borrowed */
    struct disk_queue *queue; /* owned; NULL before the first name */
};

struct resolve_job {
    struct disk_job disk;
    char *host; /* owned */
    unsigned port;
    struct resolved resolved;
    void (*done)(void *data, const struct resolved *resolved); /* NULL: nobody wants to know any more */
    void *data;
};

struct resolver *resolver_new(struct loop *loop)
{
    struct resolver *resolver = must_alloc(sizeof(*resolver));

    resolver->loop = loop;
    return resolver;
}

void resolver_free(struct resolver **resolver)
{
    if (*resolver == NULL)
        return;
    if ((*resolver)->queue)
        disk_queue_free(&(*resolver)->queue);
    free(*resolver);
    *resolver = NULL;
}

static const char *reason_of(int error)
{
    switch (error) {
    case EAI_NONAME:
    case EAI_FAIL:
        return "no such name";
    case EAI_AGAIN:
        return "the name servers do not answer";
    default:
        return "the name cannot be resolved";
    }
}

/* On the thread. */
static void run(struct disk_job *disk)
{
    struct resolve_job *job = LIST_OF(disk, struct resolve_job, disk);
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    char port[8];
    int error;

    snprintf(port, sizeof(port), "%u", job->port);
    error = getaddrinfo(job->host, port, &hints, &found);
    if (error) {
        job->resolved.why = reason_of(error);
        return;
    }
    for (struct addrinfo *at = found; at && job->resolved.count < RESOLVE_MOST; at = at->ai_next) {
        struct sock_address *address = &job->resolved.addresses[job->resolved.count];

        if (at->ai_addrlen > sizeof(address->bytes))
            continue;
        memcpy(&address->bytes, at->ai_addr, at->ai_addrlen);
        address->size = at->ai_addrlen;
        job->resolved.count++;
    }
    if (job->resolved.count == 0)
        job->resolved.why = "the name has no address";
    freeaddrinfo(found);
}

static void done(struct disk_job *disk)
{
    struct resolve_job *job = LIST_OF(disk, struct resolve_job, disk);

    if (job->done)
        job->done(job->data, &job->resolved);
    free(job->host);
    free(job);
}

static void add_number(struct resolved *resolved, int family, const char *host, unsigned port)
{
    if (sock_address_numeric(&resolved->addresses[resolved->count], family, host, port))
        resolved->count++;
}

static bool known_at_once(const char *host, unsigned port, struct resolved *resolved_r)
{
    memset(resolved_r, 0, sizeof(*resolved_r));
    if (host[0] == '/' || host[0] == '@') {
        if (sock_address_unix(&resolved_r->addresses[0], host))
            resolved_r->count = 1;
        else
            resolved_r->why = "the path is too long for a unix socket";
        return true;
    }
    if (strcasecmp(host, "localhost") == 0) { /* RFC 6761 6.3: never a question of the network */
        add_number(resolved_r, AF_INET, "127.0.0.1", port);
        add_number(resolved_r, AF_INET6, "::1", port);
        return true;
    }
    if (host[0] == '\0') {
        resolved_r->why = "the name is empty";
        return true;
    }
    add_number(resolved_r, AF_UNSPEC, host, port);
    return resolved_r->count > 0;
}

bool resolve(struct resolver *resolver, const char *host, unsigned port, struct resolved *resolved_r,
             struct resolve_job **job_r, void (*call)(void *data, const struct resolved *resolved),
             void *data)
{
    struct resolve_job *job;

    *job_r = NULL;
    if (known_at_once(host, port, resolved_r))
        return true;
    if (resolver->queue == NULL)
        resolver->queue = disk_queue_new(resolver->loop, 1, NULL, NULL);
    job = must_alloc(sizeof(*job));
    job->host = must_strdup(host);
    job->port = port;
    job->done = call;
    job->data = data;
    job->disk.run = run;
    job->disk.done = done;
    disk_submit(resolver->queue, &job->disk);
    *job_r = job;
    return false;
}

void resolve_forget(struct resolve_job **job)
{
    if (*job)
        (*job)->done = NULL;
    *job = NULL;
}
