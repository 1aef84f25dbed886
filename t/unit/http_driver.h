/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: http_driver.h - a whole HTTP server in a test, without ports: connections are
 * socket pairs, and the loop is turned by hand. */
#ifndef STOA_T_HTTP_DRIVER_H
#define STOA_T_HTTP_DRIVER_H

#include "http/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DRIVER_QUIET 12 /* turns without a byte: nothing more will come by itself */

static const char *driver_trusted_texts[] = { "127.0.0.0/8", "unix" };

struct driver {
    struct http_server_settings http_server;
    struct http_settings http;
    struct log_settings log;
    struct connection_settings connection;
    struct settings settings;
    struct heritage heritage;
    struct http_listener listener;
    struct http_tls *tls; /* owned; given before driver_start: the listener speaks TLS */
    struct loop *loop;
    struct router_table *table;
    struct http_server *server;
    struct turn turn;
    unsigned turns;
    struct buf in; /* what the client of driver_talk got */
    bool closed;   /* and whether the server closed */
};

static inline void driver_on_turn(struct turn *turn)
{
    struct driver *driver = LIST_OF(turn, struct driver, turn);

    if (++driver->turns == 2) /* loop_run ends a turn before its first one */
        loop_stop(driver->loop);
}

/* settings may be changed between driver_init and driver_start. */
static inline void driver_init(struct driver *driver)
{
    *driver = (struct driver){ 0 };
    driver->http_server = (struct http_server_settings){
        .request_timeout = 60 * USEC_PER_SEC,
        .header_timeout = 60 * USEC_PER_SEC,
        .idle_timeout = 60 * USEC_PER_SEC,
        .body_timeout = 60 * USEC_PER_SEC,
        .max_head_size = 8192,
        .max_headers = 64,
        .max_connections = 1000,
        .http2 = true,
        .trusted_proxies = { driver_trusted_texts, 2 },
    };
    driver->connection.section.name = "test";
    driver->settings =
        (struct settings){ .http_server = &driver->http_server, .http = &driver->http, .log = &driver->log };
    driver->heritage.settings = &driver->settings;
    driver->table = router_table_new();
}

static inline void driver_start(struct driver *driver)
{
    driver->loop = loop_new();
    turn_add(driver->loop, &driver->turn, driver_on_turn);
    must(http_server_new(&driver->server, &driver->heritage, driver->loop, driver->table, driver->tls) == 0);
    OBJECT_BORN(&driver->listener, http_listener);
    driver->listener.server = driver->server;
    driver->listener.settings = &driver->connection;
    driver->listener.tls = driver->tls != NULL;
}

static inline void driver_end(struct driver *driver)
{
    http_server_free(&driver->server);
    router_table_free(&driver->table);
    turn_remove(&driver->turn);
    loop_free(&driver->loop);
    buf_free(&driver->in);
    http_server_release(&driver->tls);
}

/* wait: until something happens, such as a time-out. */
static inline void driver_step(struct driver *driver, bool wait)
{
    driver->turns = 0;
    if (!wait)
        loop_wake(driver->loop);
    loop_run(driver->loop);
}

/* The client's end. address NULL: a client from 192.0.2.1. */
static inline int driver_connect(struct driver *driver, const char *address)
{
    struct sock_address peer;
    int pair[2];

    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    must(sock_address_numeric(&peer, AF_INET, address ? address : "192.0.2.1", 4711));
    conn_new(&driver->listener, pair[0], &peer);
    return pair[1];
}

/* true: some bytes came, or the end. */
static inline bool driver_read(struct driver *driver, int fd)
{
    ssize_t got = recv(fd, buf_reserve(&driver->in, 65536), 65536, 0);

    if (got > 0)
        driver->in.size += (size_t)got;
    else if (got == 0 || errno != EAGAIN)
        driver->closed = true;
    return got > 0;
}

/* Writes bytes in pieces of at most that size, reads all that comes, until nothing moves any more. */
static inline void driver_push(struct driver *driver, int fd, struct span bytes, size_t piece)
{
    unsigned quiet = 0;

    while (quiet < DRIVER_QUIET && !driver->closed) {
        ssize_t sent =
            bytes.size ? send(fd, bytes.at, bytes.size < piece ? bytes.size : piece, MSG_NOSIGNAL) : -1;

        if (sent > 0)
            bytes = span_from(bytes, (size_t)sent);
        driver_step(driver, false);
        quiet = driver_read(driver, fd) || sent > 0 ? 0 : quiet + 1;
    }
}

/* One connection: what it answers to these bytes; ends it. The result is valid until the next call. */
static inline const char *driver_talk_from(struct driver *driver, const char *address, struct span bytes,
                                           size_t piece)
{
    int fd;

    buf_clear(&driver->in);
    driver->closed = false;
    fd = driver_connect(driver, address);
    driver_push(driver, fd, bytes, piece);
    close(fd);
    driver_step(driver, false);
    buf_char(&driver->in, '\0');
    driver->in.size--;
    return driver->in.at;
}

static inline const char *driver_talk(struct driver *driver, const char *text)
{
    return driver_talk_from(driver, NULL, span_of(text), SIZE_MAX);
}

static inline int driver_status(const char *reply)
{
    return strncmp(reply, "HTTP/1.1 ", 9) == 0 ? (int)strtol(reply + 9, NULL, 10) : 0;
}

/* The value of a field in the first reply, in a static buffer; NULL: none. */
static inline const char *driver_field(const char *reply, const char *name)
{
    static char value[1024];
    const char *end = strstr(reply, "\r\n\r\n");
    const char *line = strstr(reply, "\r\n");

    while (line && line < end) {
        line += 2;
        if (strncasecmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':') {
            snprintf(value, sizeof(value), "%.*s", (int)strcspn(line + strlen(name) + 2, "\r"),
                     line + strlen(name) + 2);
            return value;
        }
        line = strstr(line, "\r\n");
    }
    return NULL;
}

static inline const char *driver_body(const char *reply)
{
    const char *end = strstr(reply, "\r\n\r\n");

    return end ? end + 4 : "";
}

static inline unsigned driver_count(const char *text, const char *word)
{
    unsigned count = 0;

    for (const char *at = text; (at = strstr(at, word)); at += strlen(word))
        count++;
    return count;
}

#endif
