/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: route.h - which handler serves which host, path and method; access is decided on
 * the row.
 *
 * A context is a module's piece of the URL space: a path and the hosts for which it counts. Of several that
 * fit, the one with the longest path wins, then one that names the host. Below a context the rows of its
 * route table are tried in order. */
#ifndef STOA_HTTP_ROUTE_H
#define STOA_HTTP_ROUTE_H

#include "conf/directive.h"
#include "http/request.h"

enum route_access {
    ACCESS_DENIED = 0, /* default: a row that says nothing is closed (R4) */
    ACCESS_OPEN,       /* anyone; the handler itself asks for what the slot or token demands */
    ACCESS_USER,       /* any account of the server */
    ACCESS_ADMIN,
};

struct http_route {
    unsigned methods; /* bits 1u << HTTP_GET ...; HEAD must be named */
    /* Below the context: "/x" exactly, or everything below "/x/" when it ends in a star. NULL ends. */
    const char *path;
    enum route_access access;
    void (*handle)(struct http_request *request);
    const char *about; /* one line, for the index and the manual */
};

#define METHOD_BIT(method) (1u << (method))

struct http_context {
    const char *path;                /* "/" or "/upload", no slash at the end */
    const struct conf_list *hosts;   /* NULL or empty: all */
    const struct http_route *routes; /* ends in path NULL */
    void *state;                     /* becomes request->state */
    const char *name;                /* of the module */
    bool is_for_programs;            /* nobody would open it in a browser: lists show it without a link */
    bool is_aside;                   /* beside the module's main one: no list names it */
    bool yields;                     /* another context of the same path and hosts goes before it */
};

struct router_table; /* of HTTP contexts; one per worker */

struct router_table *router_table_new(void);
void router_table_free(struct router_table **table);
void router_table_add(struct router_table *table, const struct http_context *context); /* copies *context */

/* Walk: those that count for that host and are not hidden by another of the same path, longest path first;
 * start with *at = 0. NULL at the end. host at NULL: all of them, of all hosts. */
const struct http_context *router_table_next(const struct router_table *table, struct span host, size_t *at);

enum route_found { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };
/* Sets request->route, ->state, ->below. ROUTE_NO_METHOD: *allow_r is the bits of the methods that exist
 * there. */
enum route_found router_table_find(const struct router_table *table, struct http_request *request,
                                   unsigned *allow_r);

#endif
