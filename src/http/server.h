/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: server.h - a worker's HTTP side: listeners, connections, phases, access log. */
#ifndef STOA_HTTP_SERVER_H
#define STOA_HTTP_SERVER_H

#include "http/route.h"
#include "os/loop.h"
#include "shm/heritage.h"

struct http_server;

/* Starts to accept on heritage->listeners. table stays the caller's. -1: said in the log (no certificate
 * ...). */
int http_server_new(struct http_server **server_r, const struct heritage *heritage, struct loop *loop,
                    const struct router_table *table);
/* No new connections; idle ones close, busy ones get Connection: close; drained is called when none is left.
 */
void http_server_drain(struct http_server *server, void (*drained)(void *data), void *data);
void http_server_free(struct http_server **server); /* cuts what is open */
unsigned http_server_connections(const struct http_server *server);
/* In master, before listening: what http_server_new would refuse (certificates that do not load). 0, or -1
 * with the sentence in why_r. */
struct settings;
int http_server_check(const struct settings *settings, char *why_r, size_t why_size);

#endif
