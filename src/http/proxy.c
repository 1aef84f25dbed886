/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 3: proxy.c - taking the PROXY header off a connection, and not a byte more: what follows
 * may be TLS, which reads the socket itself. */
#include "http/inside.h"

#include "http/proxy_header.h"
#include "shm/count.h"

#include <errno.h>
#include <sys/socket.h>

/* The header is looked at first (MSG_PEEK); what surely belongs to it is then taken off for good, so that
 * epoll is quiet until more comes. */
static enum step look(struct http_conn *conn, char *bytes, struct proxy_header *header_r)
{
    size_t have = conn->spill.size;
    ssize_t got = recv(conn->fd, bytes + have, PROXY_HEADER_MOST - have, MSG_PEEK);
    enum verdict verdict;
    size_t take;

    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? STEP_WAIT : STEP_CLOSE;
    if (got == 0)
        return STEP_CLOSE;
    verdict = proxy_header_parse(span_make(bytes, have + (size_t)got), header_r);
    take = verdict == PARSE_DONE ? header_r->size - have : (size_t)got;
    if (verdict == PARSE_BAD || recv(conn->fd, bytes + have, take, 0) != (ssize_t)take)
        return STEP_CLOSE;
    conn->spill.size += take;
    return verdict == PARSE_DONE ? STEP_AGAIN : STEP_WAIT;
}

enum step proxy_step(struct http_conn *conn)
{
    struct proxy_header header;
    enum step step;

    buf_reserve(&conn->spill, PROXY_HEADER_MOST - conn->spill.size);
    step = conn->spill.size < PROXY_HEADER_MOST ? look(conn, conn->spill.at, &header) : STEP_CLOSE;
    if (step == STEP_CLOSE)
        count_add(COUNT_connections_refused, 1);
    if (step != STEP_AGAIN)
        return step;
    buf_free(&conn->spill);
    if (header.has_source)
        conn->peer = (struct client){ .address = header.source };
    return conn_begin(conn) ? STEP_AGAIN : STEP_CLOSE;
}
