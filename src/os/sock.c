/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: sock.c - see sock.h. */
#include "os/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#define KIND (SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)

static bool numeric_4(struct sock_address *address_r, const char *host, uint16_t port)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

    if (*host && inet_pton(AF_INET, host, &in.sin_addr) != 1)
        return false;
    memcpy(&address_r->bytes, &in, sizeof(in));
    address_r->size = sizeof(in);
    return true;
}

/* A scope is the name or number of an interface (RFC 4007 11). */
static bool scope_of(const char *text, uint32_t *scope_r)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    *scope_r = if_nametoindex(text);
    if (*scope_r)
        return true;
    *scope_r = (uint32_t)number;
    return *text && *end == '\0' && number > 0 && number <= UINT32_MAX;
}

static bool numeric_6(struct sock_address *address_r, const char *host, uint16_t port)
{
    struct sockaddr_in6 in = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    struct span rest = span_of(host);
    struct span head = span_cut(&rest, '%');
    char text[INET6_ADDRSTRLEN];

    if (head.size >= sizeof(text))
        return false;
    if (head.size) {
        memcpy(text, head.at, head.size);
        text[head.size] = '\0';
        if (inet_pton(AF_INET6, text, &in.sin6_addr) != 1)
            return false;
    }
    if (strchr(host, '%') && !scope_of(rest.at, &in.sin6_scope_id))
        return false;
    memcpy(&address_r->bytes, &in, sizeof(in));
    address_r->size = sizeof(in);
    return true;
}

bool sock_address_numeric(struct sock_address *address_r, int family, const char *host, unsigned port)
{
    *address_r = (struct sock_address){ 0 };
    if (port > 65535 || host == NULL)
        return false;
    if (family != AF_INET6 && numeric_4(address_r, host, (uint16_t)port))
        return true;
    return family != AF_INET && numeric_6(address_r, host, (uint16_t)port);
}

bool sock_address_unix(struct sock_address *address_r, const char *path)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    size_t size = strlen(path);

    *address_r = (struct sock_address){ 0 };
    if (size == 0 || size >= sizeof(un.sun_path))
        return false;
    memcpy(un.sun_path, path, size);
    if (path[0] == '@')
        un.sun_path[0] = '\0';
    memcpy(&address_r->bytes, &un, sizeof(un));
    address_r->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (path[0] != '@'));
    return true;
}

void sock_address_text(const struct sock_address *address, char text_r[SOCK_TEXT], bool with_port)
{
    char host[INET6_ADDRSTRLEN] = "", scope[16] = "";

    if (address->bytes.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)&address->bytes;

        inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
        if (with_port)
            snprintf(text_r, SOCK_TEXT, "%s:%u", host, (unsigned)ntohs(in->sin_port));
        else
            snprintf(text_r, SOCK_TEXT, "%s", host);
    } else if (address->bytes.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const void *)&address->bytes;

        inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof(host));
        if (in->sin6_scope_id)
            snprintf(scope, sizeof(scope), "%%%u", in->sin6_scope_id);
        if (with_port)
            snprintf(text_r, SOCK_TEXT, "[%s%s]:%u", host, scope, (unsigned)ntohs(in->sin6_port));
        else
            snprintf(text_r, SOCK_TEXT, "%s%s", host, scope);
    } else {
        snprintf(text_r, SOCK_TEXT, "unix");
    }
}

static int close_with_errno(int fd)
{
    int why = errno;

    close(fd);
    errno = why;
    return -1;
}

int sock_listen(const struct sock_address *address, int backlog)
{
    int family = address->bytes.ss_family;
    int fd = socket(family, KIND, 0);
    int yes = 1;

    if (fd < 0)
        return -1;
    if (family != AF_UNIX && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0)
        return close_with_errno(fd);
    if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes)) < 0)
        return close_with_errno(fd);
    if (bind(fd, (const struct sockaddr *)&address->bytes, address->size) < 0 || listen(fd, backlog) < 0)
        return close_with_errno(fd);
    return fd;
}

static void set_no_delay(int fd, int family)
{
    int yes = 1;

    if (family == AF_INET || family == AF_INET6)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)); /* a wish: nothing breaks without */
}

int sock_accept(int listen_fd, struct sock_address *peer_r)
{
    int fd;

    *peer_r = (struct sock_address){ .size = sizeof(peer_r->bytes) };
    fd = accept4(listen_fd, (struct sockaddr *)&peer_r->bytes, &peer_r->size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        set_no_delay(fd, peer_r->bytes.ss_family);
    return fd;
}

int sock_connect(const struct sock_address *address)
{
    int fd = socket(address->bytes.ss_family, KIND, 0);

    if (fd < 0)
        return -1;
    set_no_delay(fd, address->bytes.ss_family);
    if (connect(fd, (const struct sockaddr *)&address->bytes, address->size) < 0 && errno != EINPROGRESS)
        return close_with_errno(fd);
    return fd;
}

int sock_error(int fd)
{
    int error = 0;
    socklen_t size = sizeof(error);

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}
