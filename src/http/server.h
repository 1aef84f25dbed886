/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: server.h - a worker's HTTP side: listeners, connections, phases, access log. */
#ifndef STOA_HTTP_SERVER_H
#define STOA_HTTP_SERVER_H

#include "http/route.h"
#include "os/loop.h"
#include "shm/heritage.h"

struct http_server;
struct http_tls; /* certificates and keys, as loaded for one configuration */
struct settings;
struct tls_held;

/* In master, once per configuration, before listening and before any fork: loads what only root may read. 0;
 * *tls_r is NULL when no connection is ssl. held: certificates beside those of the files. -1 with the
 * sentence in why_r. */
int http_server_prepare(const struct settings *settings, const struct tls_held *held, size_t held_count,
                        struct http_tls **tls_r, char *why_r, size_t why_size);
void http_server_release(struct http_tls **tls);
/* Only whether that would work (stoad -t). */
int http_server_check(const struct settings *settings, char *why_r, size_t why_size);

/* Starts to accept on heritage->listeners. table stays the caller's, tls the parent's (NULL: no listener is
 * ssl). SIGPIPE is ignored from now on. -1: said in the log (an ssl listener, but no certificates ...). */
int http_server_new(struct http_server **server_r, const struct heritage *heritage, struct loop *loop,
                    const struct router_table *table, const struct http_tls *tls);
/* Who decides on rows of ACCESS_USER and ACCESS_ADMIN: calls go when the request may pass, at once or later,
 * or answers it. Without a guard nobody passes. Before the first request. */
void http_server_guard(struct http_server *server,
                       void (*guard)(void *data, struct http_request *request, enum route_access access,
                                     void (*go)(struct http_request *request)),
                       void *data);
/* Who is told of each request that is over, with its status and how long it took. Before the first request.
 */
void http_server_watch(struct http_server *server,
                       void (*over)(void *data, const struct http_request *request, int status, int64_t usec),
                       void *data);
/* No new connections; idle ones close (a second after their last request: their next one may be under way),
 * busy ones get Connection: close; drained is called once, from the loop, when none is left. */
void http_server_drain(struct http_server *server, void (*drained)(void *data), void *data);
void http_server_free(struct http_server **server); /* cuts what is open; requests are cancelled */
unsigned http_server_connections(const struct http_server *server);

#endif
