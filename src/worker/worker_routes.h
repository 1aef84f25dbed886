/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 3 5(http): worker_routes.h - see worker_routes.c. */
#ifndef STOA_WORKER_WORKER_ROUTES_H
#define STOA_WORKER_WORKER_ROUTES_H

#include "http/route.h"

struct route_book;

/* Lines of access, methods, path, hosts, module and what it is, with tabs between. */
void worker_routes(struct route_book *book, const struct router_table *table);

#endif
