/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 2 3 4 5(http) 6: worker_routes.c - what this worker serves and who may ask for it, written
 * down for stoactl routes: an operator sees which doors are open, a test that no other is. */
#include "worker/worker_routes.h"

#include "base/buf.h"
#include "shm/route_book.h"

static const char *const access_words[] = {
    [ACCESS_DENIED] = "denied", [ACCESS_OPEN] = "open", [ACCESS_USER] = "user", [ACCESS_ADMIN] = "admin"
};

static void add_methods(struct buf *out, unsigned methods)
{
    static const char *const names[] = {
        [HTTP_GET] = "GET",       [HTTP_HEAD] = "HEAD",       [HTTP_POST] = "POST",   [HTTP_PUT] = "PUT",
        [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS", [HTTP_PATCH] = "PATCH", [HTTP_OTHER] = "other",
    };
    bool first = true;

    for (unsigned method = 0; method <= HTTP_OTHER; method++) {
        if (!(methods & METHOD_BIT(method)))
            continue;
        if (!first)
            buf_char(out, ',');
        first = false;
        buf_text(out, names[method]);
    }
}

static void add_hosts(struct buf *out, const struct conf_list *hosts)
{
    if (hosts == NULL || hosts->count == 0)
        buf_char(out, '*');
    for (size_t i = 0; hosts && i < hosts->count; i++) {
        if (i)
            buf_char(out, ',');
        buf_text(out, hosts->texts[i]);
    }
}

static void add_row(struct buf *out, const struct http_context *context, const struct http_route *row)
{
    buf_printf(out, "%s\t", access_words[row->access]);
    add_methods(out, row->methods);
    buf_printf(out, "\t%s%s\t", strcmp(context->path, "/") == 0 && row->path[0] ? "" : context->path,
               row->path);
    add_hosts(out, context->hosts);
    buf_printf(out, "\t%s\t%s\n", context->name, row->about ? row->about : "");
}

void worker_routes(struct route_book *book, const struct router_table *table)
{
    const struct http_context *context;
    struct buf out = { 0 };
    size_t at = 0;

    while ((context = router_table_next(table, (struct span){ 0 }, &at)))
        for (const struct http_route *row = context->routes; row->path; row++)
            add_row(&out, context, row);
    route_book_write(book, buf_span(&out));
    buf_free(&out);
}
