/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 2 3: io.c - the bytes of a connection, plain or TLS, behind one set of verbs. */
#include "http/inside.h"

#include "shm/count.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#define TLS_WRITE_BYTES (64 * 1024) /* gathered for one SSL_write: four records */

ssize_t conn_recv(struct http_conn *conn, void *into, size_t size)
{
    ssize_t got;

    if (conn->stream)
        return h2_recv(conn, into, size);
    if (conn->tls)
        return tls_read(conn->tls, into, size);
    do
        got = recv(conn->fd, into, size, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

/* With MSG_TRUNC TCP forgets the bytes without copying them (tcp(7)); unix sockets want a place. */
ssize_t conn_drop(struct http_conn *conn, size_t size)
{
    return recv(conn->fd, server_shared(conn->server), size < SHARED_BYTES ? size : SHARED_BYTES, MSG_TRUNC);
}

/* Small parts become one record. They are put together again in the same way after EAGAIN, as OpenSSL wants
 * it: what is gathered depends only on what has not been sent yet. parts may lie at the front of the shared
 * buffer: its end is ours. */
static ssize_t send_tls(struct http_conn *conn, const struct iovec *parts, int count)
{
    char *shared = server_shared(conn->server) + SHARED_BYTES - TLS_WRITE_BYTES;
    size_t size = 0;

    if (count == 1)
        return tls_write(conn->tls, parts[0].iov_base,
                         parts[0].iov_len < TLS_WRITE_BYTES ? parts[0].iov_len : TLS_WRITE_BYTES);
    for (int i = 0; i < count && size < TLS_WRITE_BYTES; i++) {
        size_t piece = parts[i].iov_len;

        if (piece > TLS_WRITE_BYTES - size)
            piece = TLS_WRITE_BYTES - size;
        memmove(shared + size, parts[i].iov_base, piece);
        size += piece;
    }
    return tls_write(conn->tls, shared, size);
}

ssize_t conn_send(struct http_conn *conn, const struct iovec *parts, int count, bool more)
{
    struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = (size_t)count };
    ssize_t sent;

    if (conn->stream)
        return h2_send(conn, parts, count);
    if (conn->tls)
        return send_tls(conn, parts, count);
    do
        sent = sendmsg(conn->fd, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    while (sent < 0 && errno == EINTR);
    return sent;
}

bool conn_can_sendfile(const struct http_conn *conn)
{
    return conn->tls == NULL || conn->stream || tls_sends_files(conn->tls);
}

ssize_t conn_sendfile(struct http_conn *conn, int fd, int64_t offset, size_t size)
{
    off_t at = offset;
    ssize_t sent;

    if (conn->stream)
        return h2_sendfile(conn, fd, offset, size);
    if (conn->tls)
        return tls_sendfile(conn->tls, fd, offset, size);
    do
        sent = sendfile(conn->fd, fd, &at, size);
    while (sent < 0 && errno == EINTR);
    return sent;
}

void conn_shut(struct http_conn *conn)
{
    if (conn->tls)
        tls_shut(conn->tls);
    shutdown(conn->fd, SHUT_WR);
}

/* ---- TLS handshake ---- */

/* The client forgot the s of https: tell it in the language it speaks. */
static void answer_plain_http(struct http_conn *conn)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                 "X-Content-Type-Options: nosniff\r\nContent-Length: 53\r\n"
                                 "Connection: close\r\n\r\n"
                                 "This port speaks TLS: the address begins with https:\n";

    tls_free(&conn->tls);
    if (send(conn->fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) < 0)
        return;
    shutdown(conn->fd, SHUT_WR);
}

enum step handshake_step(struct http_conn *conn)
{
    const char *why;
    int done = tls_handshake(conn->tls, &why);

    if (done == 0)
        return STEP_WAIT;
    if (done < 0) {
        count_add(COUNT_tls_failed, 1);
        if (!tls_met_http())
            return STEP_CLOSE;
        answer_plain_http(conn);
        conn->state = CONN_LINGER;
        conn->since = loop_now(conn->server->loop);
        return STEP_AGAIN;
    }
    count_add(COUNT_tls_handshakes, 1);
    if (tls_resumed(conn->tls))
        count_add(COUNT_tls_resumed, 1);
    conn->state = CONN_IDLE;
    conn->since = loop_now(conn->server->loop);
    if (tls_chose_http2(conn->tls))
        h2_begin(conn);
    return STEP_AGAIN;
}
