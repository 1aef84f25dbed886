/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 2 4: prepare.c - certificates are loaded in master, as root, before the first worker is
 * born. */
#include "http/inside.h"

#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

static bool is_tls(const struct connection_settings *connection)
{
    return connection->section.active && connection->socket == SOCKET_SSL;
}

/* The fixed domain of the connections, when it has no certificate of its own. */
static const char *domain_without(const struct conf_sections *connections, const struct tls_store *store)
{
    for (size_t i = 0; i < connections->count; i++) {
        const struct connection_settings *connection = connections->items[i];

        if (is_tls(connection) && connection->domain && !tls_store_has(store, connection->domain))
            return connection->domain;
    }
    return NULL;
}

static bool any_tls(const struct conf_sections *connections)
{
    for (size_t i = 0; i < connections->count; i++)
        if (is_tls(connections->items[i]))
            return true;
    return false;
}

int http_server_prepare(const struct settings *settings, const struct tls_held *held, size_t held_count,
                        struct http_tls **tls_r, char *why_r, size_t why_size)
{
    const struct http_server_settings *http = settings->http_server;
    const struct tls_options options = {
        .certs_dir = http->certs_dir,
        .default_certificate = http->default_certificate,
        .min_version = http->tls_min_version,
        .ciphers = http->tls_ciphers,
        .ticket_lifetime = http->tls_ticket_lifetime,
        .held = held,
        .held_count = held_count,
        .ktls = http->ktls,
    };
    struct tls_store *store;
    const char *missing;

    *tls_r = NULL;
    if (!any_tls(&http->connections) && !any_tls(&settings->http->legacy_ports))
        return 0;
    if (http->certs_dir == NULL) {
        snprintf(why_r, why_size, "a connection is 'ssl', but certs-dir is not set");
        return -1;
    }
    if (tls_store_new(&store, &options, why_r, why_size) < 0)
        return -1;
    missing = domain_without(&http->connections, store);
    if (missing == NULL)
        missing = domain_without(&settings->http->legacy_ports, store);
    if (missing) {
        snprintf(why_r, why_size, "no certificate for the connection's domain '%s': put it into %s/%s.pem",
                 missing, http->certs_dir, missing);
        tls_store_free(&store);
        return -1;
    }
    *tls_r = must_alloc(sizeof(**tls_r));
    (*tls_r)->store = store;
    return 0;
}

void http_server_release(struct http_tls **tls)
{
    if (*tls == NULL)
        return;
    tls_store_free(&(*tls)->store);
    free(*tls);
    *tls = NULL;
}

int http_server_check(const struct settings *settings, char *why_r, size_t why_size)
{
    struct http_tls *tls;
    int result = http_server_prepare(settings, NULL, 0, &tls, why_r, why_size);

    http_server_release(&tls);
    return result;
}
