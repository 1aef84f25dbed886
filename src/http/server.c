/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 2 3 4: server.c - a worker's listeners: accepting fairly, refusing cheaply, draining. */
#include "http/inside.h"

#include "base/must.h"
#include "base/random.h"
#include "os/log.h"
#include "shm/count.h"
#include "shm/ticket.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define REST_USEC       (200 * USEC_PER_MSEC) /* without descriptors or memory: no accept for so long */
#define DRAIN_TICK_USEC (100 * USEC_PER_MSEC)

/* ---- what connections and requests borrow ---- */

char *server_shared(struct http_server *server)
{
    if (server->shared == NULL)
        server->shared = must_alloc(SHARED_BYTES);
    return server->shared;
}

void server_clock(struct http_server *server)
{
    int64_t second = clock_wall() / USEC_PER_SEC;
    time_t time = (time_t)second;
    struct tm parts;

    if (second == server->date_second)
        return;
    server->date_second = second;
    text_http_date(second, server->date);
    gmtime_r(&time, &parts);
    strftime(server->stamp, sizeof(server->stamp), "%d/%b/%Y:%H:%M:%S +0000", &parts); /* "C" locale */
}

char *server_input_take(struct http_server *server)
{
    void *input = server->spare_inputs;

    if (input == NULL)
        return must_alloc(INPUT_BYTES);
    memcpy(&server->spare_inputs, input, sizeof(void *));
    server->spare_input_count--;
    return input;
}

void server_input_put(struct http_server *server, char **input, size_t room)
{
    if (*input && room == INPUT_BYTES && server->spare_input_count < POOLED_MOST) {
        memcpy(*input, &server->spare_inputs, sizeof(void *));
        server->spare_inputs = *input;
        server->spare_input_count++;
    } else {
        free(*input);
    }
    *input = NULL;
}

/* ---- accepting ---- */

static void on_listener(struct watch *watch, uint32_t events);

static bool is_full(const struct http_server *server)
{
    int64_t most = server->settings->max_connections;

    return most > 0 && server->conn_count >= (uint64_t)most;
}

static void listen_again(struct http_server *server)
{
    server->resting = false;
    for (unsigned i = 0; i < server->listener_count; i++) {
        struct http_listener *listener = &server->listeners[i];

        if (listener->watch.loop == NULL)
            watch_start(server->loop, &listener->watch, listener->fd, EPOLLIN | EPOLLEXCLUSIVE, on_listener);
    }
}

static void listen_stop(struct http_server *server)
{
    for (unsigned i = 0; i < server->listener_count; i++)
        watch_stop(&server->listeners[i].watch);
}

static void on_rest(struct timer *timer)
{
    struct http_server *server = LIST_OF(timer, struct http_server, rest);

    if (!server->draining && !is_full(server))
        listen_again(server);
}

/* Descriptors are out: with the spare one the next client is told at once (by a reset) instead of hanging. */
static void refuse_one(struct http_listener *listener)
{
    struct http_server *server = listener->server;
    struct sock_address peer;
    int fd;

    close(server->spare_fd);
    fd = sock_accept(listener->fd, &peer);
    if (fd >= 0) {
        close(fd);
        count_add(COUNT_connections_refused, 1);
    }
    server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void rest(struct http_server *server, const char *why)
{
    if (!server->resting)
        log_warn("no connection is accepted for a moment: %s", why);
    server->resting = true;
    listen_stop(server);
    timer_set(server->loop, &server->rest, loop_now(server->loop) + REST_USEC, on_rest);
}

/* false: enough for this wake. */
static bool accept_one(struct http_listener *listener)
{
    struct sock_address peer;
    int fd = sock_accept(listener->fd, &peer);

    if (fd >= 0) {
        conn_new(listener, fd, &peer);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        const char *why = strerror(errno);

        refuse_one(listener);
        rest(listener->server, why);
        return false;
    }
    return errno == ECONNABORTED || errno == EINTR;
}

/* The watch is removed and added again after each wake that accepted: so this worker goes to the end of the
 * kernel's queue, and workers take turns. */
static void on_listener(struct watch *watch, uint32_t events)
{
    struct http_listener *listener = OBJECT(LIST_OF(watch, struct http_listener, watch), http_listener);
    struct http_server *server = listener->server;

    (void)events;
    for (int i = 0; i < ACCEPTS_PER_WAKE && !is_full(server); i++)
        if (!accept_one(listener))
            break;
    if (server->resting || server->draining)
        return;
    if (is_full(server)) {
        server->resting = true;
        listen_stop(server);
        log_warn("%u connections are open, as many as max-connections allows: others wait until some end",
                 server->conn_count);
        return;
    }
    watch_stop(watch);
    watch_start(server->loop, watch, listener->fd, EPOLLIN | EPOLLEXCLUSIVE, on_listener);
}

static void on_drained(struct task *task)
{
    struct http_server *server = LIST_OF(task, struct http_server, drained_task);
    void (*drained)(void *data) = server->drained;

    server->drained = NULL;
    if (drained)
        drained(server->drained_data);
}

void server_conn_gone(struct http_server *server)
{
    must(server->conn_count > 0);
    server->conn_count--;
    if (server->draining) {
        if (server->conn_count == 0 && server->drained)
            task_defer(server->loop, &server->drained_task, on_drained);
    } else if (server->resting && !list_linked(&server->rest.node) && !is_full(server)) {
        listen_again(server);
    }
}

/* ---- TLS tickets: os/tls does not see the segment ---- */

static void keys_of(const struct ticket_key *key, struct tls_ticket_keys *keys_r)
{
    memcpy(keys_r->name, key->name, sizeof(keys_r->name));
    memcpy(keys_r->cipher, key->cipher, sizeof(keys_r->cipher));
    memcpy(keys_r->mac, key->mac, sizeof(keys_r->mac));
}

static void ticket_newest(void *data, struct tls_ticket_keys *keys_r)
{
    struct ticket_key key;

    tickets_newest(data, &key);
    keys_of(&key, keys_r);
}

static bool ticket_find(void *data, const unsigned char name[16], struct tls_ticket_keys *keys_r,
                        bool *newest_r)
{
    struct ticket_key key;

    if (!tickets_find(data, name, &key, newest_r))
        return false;
    keys_of(&key, keys_r);
    return true;
}

/* ---- life ---- */

static int add_listeners(struct http_server *server)
{
    const struct heritage *heritage = server->heritage;

    server->listeners = must_alloc((heritage->listener_count + 1ul) * sizeof(*server->listeners));
    for (unsigned i = 0; i < heritage->listener_count; i++) {
        struct http_listener *listener = &server->listeners[server->listener_count++];

        OBJECT_BORN(listener, http_listener);
        listener->server = server;
        listener->settings = heritage->listeners[i].settings;
        listener->fd = heritage->listeners[i].fd;
        listener->tls = listener->settings->socket == SOCKET_SSL;
        if (listener->tls && server->tls == NULL) {
            log_error("connection %s is ssl, but no certificate is loaded", listener->settings->section.name);
            return -1;
        }
    }
    return 0;
}

int http_server_new(struct http_server **server_r, const struct heritage *heritage, struct loop *loop,
                    const struct router_table *table, const struct http_tls *tls)
{
    struct http_server *server = must_alloc(sizeof(*server));

    OBJECT_BORN(server, http_server);
    server->heritage = heritage;
    server->settings = heritage->settings->http_server;
    server->loop = loop;
    server->table = table;
    server->tls = tls;
    list_init(&server->conns);
    list_init(&server->spare_exchanges);
    list_init(&server->orphans);
    random_bytes(&server->id_seed, sizeof(server->id_seed));
    trusted_read(&server->trusted, &server->settings->trusted_proxies);
    server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    signal(SIGPIPE, SIG_IGN); /* sendfile and OpenSSL have no MSG_NOSIGNAL */
    *server_r = server;
    if (add_listeners(server) < 0) {
        http_server_free(server_r);
        return -1;
    }
    if (tls) {
        const struct tls_tickets tickets = { ticket_newest, ticket_find, &heritage->segment->tickets };

        tls_store_tickets(tls->store, &tickets);
    }
    server_clock(server);
    listen_again(server);
    return 0;
}

/* Closes what has been idle for long enough that no request can be on its way. */
static void on_drain_tick(struct timer *timer)
{
    struct http_server *server = LIST_OF(timer, struct http_server, drain_timer);
    int64_t now = loop_now(server->loop);

    for (struct list *node = server->conns.next, *next; node != &server->conns; node = next) {
        struct http_conn *conn = LIST_OF(node, struct http_conn, node);

        next = node->next;
        if (conn->state == CONN_H2)
            h2_drain(conn);
        else if (conn->state == CONN_IDLE && now - conn->since >= DRAIN_IDLE_USEC)
            conn_close(&conn);
    }
    if (server->conn_count > 0)
        timer_set(server->loop, timer, now + DRAIN_TICK_USEC, on_drain_tick);
}

void http_server_watch(struct http_server *server,
                       void (*over)(void *data, const struct http_request *request, int status, int64_t usec),
                       void *data)
{
    server->over = over;
    server->over_data = data;
}

void http_server_guard(struct http_server *server,
                       void (*guard)(void *data, struct http_request *request, enum route_access access,
                                     void (*go)(struct http_request *request)),
                       void *data)
{
    server->guard = guard;
    server->guard_data = data;
}

void http_server_drain(struct http_server *server, void (*drained)(void *data), void *data)
{
    server->draining = true;
    server->drained = drained;
    server->drained_data = data;
    listen_stop(server);
    timer_stop(&server->rest);
    if (server->conn_count == 0)
        task_defer(server->loop, &server->drained_task, on_drained);
    else
        timer_set(server->loop, &server->drain_timer, loop_now(server->loop), on_drain_tick);
}

void http_server_free(struct http_server **server)
{
    struct http_server *ended = *server;
    struct list *node;

    if (ended == NULL)
        return;
    *server = NULL;
    ended->draining = true;
    ended->drained = NULL;
    listen_stop(ended);
    timer_stop(&ended->rest);
    timer_stop(&ended->drain_timer);
    while (!list_empty(&ended->conns)) {
        struct http_conn *conn = LIST_OF(ended->conns.next, struct http_conn, node);

        conn_close(&conn);
    }
    task_cancel(&ended->drained_task);
    while ((node = list_take(&ended->orphans))) { /* their handlers go down with the modules */
        struct exchange *exchange = LIST_OF(node, struct exchange, node);

        exchange_put(&exchange);
    }
    exchange_free_spares(ended);
    while (ended->spare_inputs) {
        char *input = server_input_take(ended);

        free(input);
    }
    trusted_free(&ended->trusted);
    free(ended->shared);
    free(ended->listeners);
    if (ended->spare_fd >= 0)
        close(ended->spare_fd);
    OBJECT_DEAD(ended);
    free(ended);
}

unsigned http_server_connections(const struct http_server *server)
{
    return server->conn_count;
}
