/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 4: route.c - see route.h. A handful of contexts: a walk beats a tree. */
#include "http/route.h"

#include "base/must.h"

#include <stdlib.h>

struct router_table {
    struct http_context *contexts; /* longest path first; of equal ones those that name hosts first */
    size_t count;
};

struct router_table *router_table_new(void)
{
    return must_alloc(sizeof(struct router_table));
}

void router_table_free(struct router_table **table)
{
    if (*table == NULL)
        return;
    free((*table)->contexts);
    free(*table);
    *table = NULL;
}

static bool names_hosts(const struct http_context *context)
{
    return context->hosts && context->hosts->count > 0;
}

static bool before(const struct http_context *a, const struct http_context *b)
{
    size_t a_size = strlen(a->path), b_size = strlen(b->path);

    if (a_size != b_size)
        return a_size > b_size;
    if (names_hosts(a) != names_hosts(b))
        return names_hosts(a);
    return !a->yields && b->yields;
}

void router_table_add(struct router_table *table, const struct http_context *context)
{
    size_t at = table->count;

    must(context->path[0] == '/');
    table->contexts =
        must_realloc(table->contexts, (unsigned long)((table->count + 1) * sizeof(*table->contexts)));
    while (at > 0 && before(context, &table->contexts[at - 1])) {
        table->contexts[at] = table->contexts[at - 1];
        at--;
    }
    table->contexts[at] = *context;
    table->count++;
}

/* What stands behind the context's path; at NULL: it is another's. */
static struct span below(const struct http_context *context, struct span path)
{
    struct span own = span_of(context->path);

    if (own.size == 1)
        return path;
    if (!span_starts(path, own) || (path.size > own.size && path.at[own.size] != '/'))
        return (struct span){ 0 };
    return span_from(path, own.size);
}

static bool serves_host(const struct http_context *context, struct span host)
{
    if (!names_hosts(context))
        return true;
    for (size_t i = 0; i < context->hosts->count; i++)
        if (span_eq_nocase(span_of(context->hosts->texts[i]),
                           host)) /* host is lower case, the file may not be */
            return true;
    return false;
}

const struct http_context *router_table_next(const struct router_table *table, struct span host, size_t *at)
{
    while (*at < table->count) {
        const struct http_context *context = &table->contexts[(*at)++];
        bool hidden = false;

        if (host.at == NULL)
            return context;
        if (!serves_host(context, host))
            continue;
        for (size_t i = 0; i + 1 < *at; i++)
            hidden = hidden || (strcmp(table->contexts[i].path, context->path) == 0 &&
                                serves_host(&table->contexts[i], host));
        if (!hidden)
            return context;
    }
    return NULL;
}

/* The context itself, "/upload", counts as "/upload/" here: relative links are the handler's care. */
static bool row_fits(const char *row, struct span rest)
{
    struct span pattern = span_of(row);

    if (rest.size == 0)
        rest = SPAN("/");
    if (pattern.size == 0)
        pattern = SPAN("/");
    if (pattern.at[pattern.size - 1] == '*')
        return span_starts(rest, span_head(pattern, pattern.size - 1));
    return span_eq(rest, pattern);
}

static enum route_found find_row(const struct http_context *context, struct http_request *request,
                                 struct span rest, unsigned *allow_r)
{
    for (const struct http_route *row = context->routes; row->path; row++) {
        if (!row_fits(row->path, rest))
            continue;
        if (row->methods & METHOD_BIT(request->method)) {
            request->route = row;
            request->state = context->state;
            request->below = rest;
            *allow_r = 0;
            return ROUTE_FOUND;
        }
        *allow_r |= row->methods;
    }
    return *allow_r ? ROUTE_NO_METHOD : ROUTE_NO_PATH;
}

enum route_found router_table_find(const struct router_table *table, struct http_request *request,
                                   unsigned *allow_r)
{
    *allow_r = 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct http_context *context = &table->contexts[i];
        struct span rest = below(context, request->path);

        if (rest.at && serves_host(context, request->host))
            return find_row(context, request, rest, allow_r);
    }
    return ROUTE_NO_PATH;
}
