/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: request.c - what a handler may ask about its request; see request.h. */
#include "http/inside.h"

struct span request_field(const struct http_request *request, const char *name)
{
    return http_head_find(request->head, name);
}

struct span request_parameter(struct http_request *request, const char *name)
{
    struct buf *value = &exchange_of(request)->collected;
    size_t before = value->size;
    struct span found = { 0 };

    if (request->query.size && uri_query_find(request->query, name, value) == 1)
        found = arena_copy(request->arena, span_from(buf_span(value), before));
    value->size = before;
    return found;
}
