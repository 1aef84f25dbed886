/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 2: exchange.c - a request with all that belongs to it; used again and again, so that the
 * steady state allocates nothing. */
#include "http/inside.h"

#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXCHANGE_CODE  0x65786368u
#define KEPT_BUF_BYTES 8192 /* a buf that grew beyond goes back to malloc */

struct exchange *exchange_of(struct http_request *request)
{
    struct exchange *exchange = (struct exchange *)(void *)request;

    must(exchange->magic == EXCHANGE_CODE);
    return exchange;
}

static void buf_shrink(struct buf *buf)
{
    if (buf->room > KEPT_BUF_BYTES)
        buf_free(buf);
    else
        buf_clear(buf);
}

/* splitmix64: a bijection of a counter that begins at a random place, so ids differ among workers and never
 * repeat in one. They name requests in logs; nothing secret hangs on them. */
static void give_id(struct http_server *server, char id_r[REQUEST_ID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t id = server->id_seed + ++server->id_count * UINT64_C(0x9e3779b97f4a7c15);

    id = (id ^ id >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    id = (id ^ id >> 27) * UINT64_C(0x94d049bb133111eb);
    id ^= id >> 31;
    for (int i = 0; i < REQUEST_ID_TEXT - 1; i++)
        id_r[i] = digits[id >> (60 - 4 * i) & 15];
    id_r[REQUEST_ID_TEXT - 1] = '\0';
}

static void begin(struct exchange *exchange)
{
    struct http_request *request = &exchange->request;

    request->loop = exchange->server->loop;
    request->head = &exchange->head;
    request->client = exchange->client;
    request->doing = "reading the request";
    exchange->fd = -1;
    exchange->pieces = exchange->few;
}

struct exchange *exchange_take(struct http_server *server)
{
    struct list *node = list_take(&server->spare_exchanges);
    struct exchange *exchange;

    if (node) {
        exchange = LIST_OF(node, struct exchange, node);
        server->spare_exchange_count--;
    } else {
        exchange = must_alloc(sizeof(*exchange));
        exchange->request.arena = arena_new();
        exchange->magic = EXCHANGE_CODE;
    }
    exchange->server = server;
    exchange->began = loop_now(server->loop);
    give_id(server, exchange->request.id);
    begin(exchange);
    return exchange;
}

/* What one request or one reply left behind; id, client, head and time of begin stay. */
static void forget(struct exchange *exchange)
{
    struct http_request *request = &exchange->request;

    arena_reset(request->arena);
    if (exchange->fd >= 0)
        close(exchange->fd);
    request->conn = NULL;
    request->route = NULL;
    request->state = request->handler_data = NULL;
    request->method_text = request->path = request->below = (struct span){ 0 };
    request->raw_path = request->query = request->host = (struct span){ 0 };
    request->secure = request->is_relayed = request->has_body = false;
    request->body_size = 0;
    request->user = (struct span){ 0 }; /* who was logged in is so no more: the next one may be a stranger */
    request->user_is_admin = false;
    request->on_cancel = NULL;
    request->visit = NULL;
    exchange->sink = NULL;
    exchange->paused = exchange->body_done = false;
    exchange->collect_done = NULL;
    exchange->replied = exchange->cancelled = false;
    exchange->status = 0;
    exchange->type = (struct span){ 0 };
    exchange->piece_count = exchange->piece_at = 0;
    exchange->body_sent = exchange->head_left = 0;
    buf_shrink(&exchange->fields);
    buf_shrink(&exchange->text);
    buf_shrink(&exchange->path);
    buf_shrink(&exchange->collected);
}

void exchange_renew(struct exchange *exchange)
{
    struct http_conn *conn = exchange->request.conn;
    enum http_method method = exchange->request.method;

    forget(exchange);
    begin(exchange);
    exchange->request.conn = conn;
    exchange->request.method = method;
}

static void destroy(struct exchange *exchange)
{
    arena_free(&exchange->request.arena);
    buf_free(&exchange->fields);
    buf_free(&exchange->text);
    buf_free(&exchange->path);
    buf_free(&exchange->collected);
    exchange->magic = 0;
    free(exchange);
}

void exchange_put(struct exchange **exchange)
{
    struct exchange *ended = *exchange;
    struct http_server *server = ended->server;

    *exchange = NULL;
    forget(ended);
    list_remove(&ended->node);
    task_cancel(&ended->release);
    free(ended->input);
    ended->input = NULL;
    buf_free(&ended->input_spill);
    ended->head.field_count = 0;
    ended->head.method_text = ended->head.target = (struct span){ 0 };
    ended->request.method = HTTP_GET;
    ended->client[0] = '\0';
    ended->host.name[0] = '\0';
    if (server == NULL || server->spare_exchange_count >= POOLED_MOST) {
        destroy(ended);
        return;
    }
    server->spare_exchange_count++;
    list_append(server->spare_exchanges.next, &ended->node); /* in front: the warmest is used first */
}

void exchange_free_spares(struct http_server *server)
{
    struct list *node;

    while ((node = list_take(&server->spare_exchanges)))
        destroy(LIST_OF(node, struct exchange, node));
    server->spare_exchange_count = 0;
}
