/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: dns.c - see dns.h.
 *
 * c-ares asks, repeats, goes on to the next server and to TCP; its sockets are watches of the loop and its
 * next moment is a timer. A question cannot be taken back from it: one that is forgotten stays, without
 * asker, until c-ares has ended it. */
#include "os/dns.h"

#include "base/clock.h"
#include "base/must.h"
#include "base/object.h"

#include <ares.h>
#include <stdlib.h>

#define TRIES       2
#define UDP_PAYLOAD 1232 /* fits every path without fragments */
#define CLASS_IN    1

struct dns {
    OBJECT_MAGIC
    struct loop *loop;    /* borrowed */
    ares_channel channel; /* owned */
    struct timer timer;
    struct list sockets;  /* of struct dns_socket */
    struct list pendings; /* of struct dns_pending, asked or answered */
};

struct dns_socket {
    struct list node;
    struct watch watch;
    struct dns *dns; /* borrowed */
};

struct dns_pending {
    struct list node;
    struct task soon;    /* answered: tells the asker */
    struct dns *dns;     /* borrowed; NULL when it is gone */
    struct dns_ask *ask; /* borrowed; NULL when nobody wants to know any more */
    bool is_answered;    /* c-ares has done with it */
    enum dns_answer answer;
    char *reply; /* owned */
    size_t size;
};

static void set_timer(struct dns *dns);

static void pending_free(struct dns_pending *pending)
{
    task_cancel(&pending->soon);
    list_remove(&pending->node);
    if (pending->ask)
        pending->ask->pending = NULL;
    free(pending->reply);
    free(pending);
}

/* ---- sockets and time ---- */

static void on_timer(struct timer *timer)
{
    struct dns *dns = LIST_OF(timer, struct dns, timer);

    ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(dns);
}

static void set_timer(struct dns *dns)
{
    struct timeval wait;

    if (ares_timeout(dns->channel, NULL, &wait) == NULL)
        timer_stop(&dns->timer);
    else
        timer_set(dns->loop, &dns->timer, clock_mono() + wait.tv_sec * USEC_PER_SEC + wait.tv_usec, on_timer);
}

static void on_socket(struct watch *watch, uint32_t events)
{
    struct dns_socket *sock = LIST_OF(watch, struct dns_socket, watch);
    struct dns *dns = sock->dns;
    int fd = watch->fd; /* the socket may be gone after the call */

    ares_process_fd(dns->channel, events & ~(uint32_t)EPOLLOUT ? fd : ARES_SOCKET_BAD,
                    events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
    set_timer(dns);
}

static struct dns_socket *find_socket(struct dns *dns, int fd)
{
    LIST_EACH (node, &dns->sockets) {
        struct dns_socket *sock = LIST_OF(node, struct dns_socket, node);

        if (sock->watch.fd == fd)
            return sock;
    }
    return NULL;
}

/* What c-ares waits for on a socket; nothing: it closes it right after this. */
static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
    struct dns *dns = OBJECT(data, dns);
    struct dns_socket *sock = find_socket(dns, fd);
    uint32_t events = (readable ? (uint32_t)EPOLLIN : 0) | (writable ? (uint32_t)EPOLLOUT : 0);

    if (events == 0) {
        if (sock == NULL)
            return;
        watch_stop(&sock->watch);
        list_remove(&sock->node);
        free(sock);
    } else if (sock != NULL) {
        watch_change(&sock->watch, events);
    } else {
        sock = must_alloc(sizeof(*sock));
        sock->dns = dns;
        list_append(&dns->sockets, &sock->node);
        watch_start(dns->loop, &sock->watch, fd, events, on_socket);
    }
}

/* ---- questions ---- */

static void tell(struct task *task)
{
    struct dns_pending *pending = LIST_OF(task, struct dns_pending, soon);
    struct dns_ask *ask = pending->ask;

    list_remove(&pending->node); /* done may free the resolver too */
    pending->ask = NULL;
    ask->pending = NULL;
    ask->answer = pending->answer;
    ask->reply = span_make(pending->reply, pending->size);
    ask->done(ask); /* may free ask */
    pending_free(pending);
}

static enum dns_answer answer_of(int status, bool has_reply)
{
    switch (status) {
    case ARES_SUCCESS:
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
        return has_reply ? DNS_ANSWERED : DNS_REFUSED;
    case ARES_ETIMEOUT:
        return DNS_SILENT;
    default: /* c-ares says "connection refused" too when each server failed */
        return DNS_REFUSED;
    }
}

static void on_answer(void *data, int status, int timeouts, unsigned char *reply, int size)
{
    struct dns_pending *pending = data;

    (void)timeouts;
    if (pending->dns == NULL || pending->ask == NULL) {
        pending_free(pending);
        return;
    }
    pending->is_answered = true;
    pending->answer = answer_of(status, reply != NULL && size > 0);
    if (pending->answer == DNS_ANSWERED) {
        pending->size = (size_t)size;
        pending->reply = must_alloc(pending->size);
        memcpy(pending->reply, reply, pending->size);
    }
    task_defer(pending->dns->loop, &pending->soon, tell);
}

void dns_ask(struct dns *dns, struct dns_ask *ask, const char *name, unsigned type,
             void (*done)(struct dns_ask *ask))
{
    struct dns_pending *pending = must_alloc(sizeof(*pending));

    must(ask->pending == NULL);
    ask->done = done;
    ask->pending = pending;
    pending->dns = dns;
    pending->ask = ask;
    list_append(&dns->pendings, &pending->node);
    ares_query(dns->channel, name, CLASS_IN, (int)type, on_answer, pending); /* may call on_answer at once */
    set_timer(dns);
}

void dns_forget(struct dns_ask *ask)
{
    struct dns_pending *pending = ask->pending;

    if (pending == NULL)
        return;
    ask->pending = NULL;
    pending->ask = NULL;
    if (pending->is_answered)
        pending_free(pending);
}

/* ---- life ---- */

struct dns *dns_new(struct loop *loop, const char *servers, int64_t wait, const char **why_r)
{
    struct dns *dns = must_alloc(sizeof(*dns));
    struct ares_options options = { .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
                                    .timeout = (int)(wait / USEC_PER_MSEC),
                                    .tries = TRIES,
                                    .ednspsz = UDP_PAYLOAD,
                                    .sock_state_cb = on_socket_state,
                                    .sock_state_cb_data = dns };
    int mask =
        ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB;
    int status;

    OBJECT_BORN(dns, dns);
    dns->loop = loop;
    list_init(&dns->sockets);
    list_init(&dns->pendings);
    status = ares_library_init(ARES_LIB_INIT_ALL);
    if (status == ARES_SUCCESS)
        status = ares_init_options(&dns->channel, &options, mask);
    if (status == ARES_SUCCESS && servers && servers[0]) {
        status = ares_set_servers_ports_csv(dns->channel, servers);
        if (status != ARES_SUCCESS)
            ares_destroy(dns->channel);
    }
    if (status == ARES_SUCCESS)
        return dns;
    *why_r = ares_strerror(status);
    free(dns);
    return NULL;
}

void dns_free(struct dns **dns)
{
    struct list *node;

    if (*dns == NULL)
        return;
    LIST_EACH (each, &(*dns)->pendings)
        LIST_OF(each, struct dns_pending, node)->dns = NULL;
    ares_destroy((*dns)->channel); /* calls on_answer for what is still asked, and closes the sockets */
    while ((node = (*dns)->pendings.next) != &(*dns)->pendings)
        pending_free(LIST_OF(node, struct dns_pending, node));
    must(list_empty(&(*dns)->sockets));
    timer_stop(&(*dns)->timer);
    OBJECT_DEAD(*dns);
    free(*dns);
    *dns = NULL;
}

const char *dns_check_servers(const char *servers)
{
    const char *ignored;
    struct dns *dns = dns_new(NULL, servers, USEC_PER_SEC, &ignored); /* asks nothing, so it needs no loop */

    if (dns == NULL)
        return "addresses of name servers, with or without port, such as '127.0.0.1:5353' or "
               "'[2001:db8::1]:53'";
    dns_free(&dns);
    return NULL;
}
