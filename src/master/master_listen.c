/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4: master_listen.c - which sockets are bound, and for which configuration.
 *
 * A socket that two configurations want is one socket: it stays bound over a reload, with whatever waits in
 * its queue. Children inherit all and close at once what their own configuration does not name. */
#include "base/must.h"
#include "base/text.h"
#include "master/inside.h"
#include "os/log.h"
#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG    4096 /* the kernel takes the least of this and net.core.somaxconn */
#define ADOPT_FROM 3

static void complain(struct master *master, const struct connection_settings *connection, const char *where,
                     const char *why)
{
    struct buf line = { 0 };

    if (connection->section.file)
        buf_printf(&line, "%s:%u:%u: ", connection->section.file, connection->section.line,
                   connection->section.column);
    buf_printf(&line, "cannot listen on %s: %s", where, why);
    log_error("%.*s", SPAN_ARG(buf_span(&line)));
    buf_printf(&master->report, "error: %.*s\n", SPAN_ARG(buf_span(&line)));
    buf_free(&line);
}

static bool same_address(const struct sock_address *a, const struct sock_address *b)
{
    return a->size == b->size && memcmp(&a->bytes, &b->bytes, a->size) == 0;
}

static struct bound *find_bound(struct master *master, const struct sock_address *address)
{
    for (size_t i = 0; i < sizeof(master->bounds) / sizeof(master->bounds[0]); i++)
        if (master->bounds[i].fd > 0 && same_address(&master->bounds[i].address, address))
            return &master->bounds[i];
    return NULL;
}

static struct bound *free_bound(struct master *master)
{
    for (size_t i = 0; i < sizeof(master->bounds) / sizeof(master->bounds[0]); i++)
        if (master->bounds[i].fd <= 0)
            return &master->bounds[i];
    return NULL;
}

static void close_bound(struct bound *bound)
{
    close(bound->fd);
    if (bound->path)
        unlink(bound->path);
    free((void *)(uintptr_t)bound->path);
    *bound = (struct bound){ 0 };
}

/* A socket file that nobody answers at is what a killed daemon left. One that answers is somebody's. */
static void remove_stale(const char *path, const struct sock_address *address)
{
    struct stat status;
    int fd;

    if (path[0] == '@' || lstat(path, &status) < 0 || !S_ISSOCK(status.st_mode))
        return;
    fd = sock_connect(address);
    if (fd >= 0)
        close(fd);
    else if (errno == ECONNREFUSED)
        unlink(path);
}

/* mode is octal digits as written: 660 is 0660. */
static mode_t mode_of(int64_t digits)
{
    return (mode_t)(digits / 100 % 10 * 64 + digits / 10 % 10 * 8 + digits % 10);
}

static struct bound *bind_it(struct master *master, const struct connection_settings *connection,
                             const struct sock_address *address)
{
    struct bound *bound = free_bound(master);
    mode_t mask;
    int fd;

    if (bound == NULL) {
        errno = ENOBUFS;
        return NULL;
    }
    if (connection->path)
        remove_stale(connection->path, address);
    mask = umask(0177); /* nobody else comes in before give_path has set the mode */
    fd = sock_listen(address, BACKLOG);
    umask(mask);
    if (fd < 0)
        return NULL;
    *bound = (struct bound){ .fd = fd, .address = *address };
    if (connection->path && connection->path[0] != '@')
        bound->path = must_strdup(connection->path);
    return bound;
}

static void give_path(const struct house *house, const char *path, mode_t mode)
{
    const struct process_settings *processes = house->settings.processes;
    uid_t uid;
    gid_t gid;

    if (geteuid() == 0 && proc_find_user(processes->user, processes->group, &uid, &gid) == 0 &&
        lchown(path, uid, gid) < 0)
        log_warn("%s cannot be given to user %s: %m", path, processes->user);
    if (chmod(path, mode) < 0)
        log_warn("the mode of %s cannot be set: %m", path);
}

/* -1: said why. A missing IPv6 (or IPv4) is no error where the address was not asked for by name. */
static int listen_at(struct master *master, struct house *house, const struct connection_settings *connection,
                     const struct sock_address *address, bool may_lack)
{
    struct bound *bound = find_bound(master, address);
    char text[SOCK_TEXT];

    sock_address_text(address, text, true);
    if (house->listener_count == LISTEN_MOST) {
        complain(master, connection, text, "too many addresses; at most 64 can be bound");
        return -1;
    }
    if (bound == NULL)
        bound = bind_it(master, connection, address);
    if (bound == NULL) {
        if (may_lack && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
            return 0;
        complain(master, connection, connection->path ? connection->path : text, strerror(errno));
        return -1;
    }
    if (bound->path)
        give_path(house, bound->path, mode_of(connection->mode));
    bound->users++;
    house->listeners[house->listener_count].bound = bound;
    house->listeners[house->listener_count++].settings = connection;
    return 0;
}

static int listen_on_path(struct master *master, struct house *house,
                          const struct connection_settings *connection)
{
    struct sock_address address;

    if (!sock_address_unix(&address, connection->path)) {
        complain(master, connection, connection->path, "the path is empty or longer than 107 bytes");
        return -1;
    }
    return listen_at(master, house, connection, &address, false);
}

static bool is_wildcard(const char *host)
{
    return span_is(span_of(host), "::") || span_is(span_of(host), "0.0.0.0");
}

static int listen_on_port(struct master *master, struct house *house,
                          const struct connection_settings *connection)
{
    static const char *everywhere[] = { "::", "0.0.0.0" };
    size_t count = connection->addresses.count ? connection->addresses.count : 2;
    const char *const *hosts = connection->addresses.count ? connection->addresses.texts : everywhere;
    unsigned before = house->listener_count;
    struct sock_address address;
    uint64_t port;

    if (!text_to_u64(span_of(connection->section.name), &port) || port > 65535) {
        complain(master, connection, connection->section.name, "the name is not a port from 1 to 65535");
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (!sock_address_numeric(&address, AF_UNSPEC, hosts[i], (unsigned)port)) {
            complain(master, connection, hosts[i], "this is not a numeric address");
            return -1;
        }
        if (listen_at(master, house, connection, &address, is_wildcard(hosts[i])) < 0)
            return -1;
    }
    if (house->listener_count > before)
        return 0;
    complain(master, connection, connection->section.name, strerror(EAFNOSUPPORT));
    return -1;
}

int listen_for(struct master *master, struct house *house)
{
    for (size_t i = 0; i < house->settings.connection_count; i++) {
        const struct connection_settings *connection = house->settings.connections[i];

        if ((connection->path ? listen_on_path : listen_on_port)(master, house, connection) < 0) {
            listen_release(master, house);
            return -1;
        }
    }
    return 0;
}

void listen_release(struct master *master, struct house *house)
{
    while (house->listener_count) {
        struct bound *bound = house->listeners[--house->listener_count].bound;

        must(bound->users > 0);
        bound->users--;
    }
    listen_drop_unused(master);
}

void listen_drop_unused(struct master *master)
{
    for (size_t i = 0; i < sizeof(master->bounds) / sizeof(master->bounds[0]); i++)
        if (master->bounds[i].fd > 0 && master->bounds[i].users == 0)
            close_bound(&master->bounds[i]);
}

/* Matched with the configuration by their addresses, later, by find_bound. */
void listen_adopt(struct master *master)
{
    unsigned count = proc_listen_fds();

    close_range(ADOPT_FROM + count, UINT_MAX, 0);

    for (int fd = ADOPT_FROM; fd < ADOPT_FROM + (int)count; fd++) {
        struct bound *bound = free_bound(master);

        if (bound == NULL) {
            close(fd);
            continue;
        }
        *bound = (struct bound){ .fd = fd, .adopted = true, .address.size = sizeof(bound->address.bytes) };
        if (getsockname(fd, (struct sockaddr *)&bound->address.bytes, &bound->address.size) < 0 ||
            fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
            log_warn("descriptor %d, passed by LISTEN_FDS, is not a socket", fd);
            close_bound(bound);
        }
    }
}

/* A close would not do: each worker has the socket too, and a client would wait in its queue for nobody. */
void listen_shut(struct master *master)
{
    for (size_t i = 0; i < sizeof(master->bounds) / sizeof(master->bounds[0]); i++) {
        struct bound *bound = &master->bounds[i];

        if (bound->fd > 0 && !bound->adopted)
            shutdown(bound->fd, SHUT_RDWR);
        if (bound->fd > 0 && bound->path)
            unlink(bound->path);
    }
}

void listen_close_in_child(struct master *master, const struct house *house)
{
    for (size_t i = 0; i < sizeof(master->bounds) / sizeof(master->bounds[0]); i++) {
        struct bound *bound = &master->bounds[i];
        bool ours = false;

        for (unsigned k = 0; house && k < house->listener_count; k++)
            ours = ours || house->listeners[k].bound == bound;
        if (bound->fd > 0 && !ours)
            close(bound->fd);
    }
}
