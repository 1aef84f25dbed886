/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4: master_control.c - the operator's socket: one line in, lines out.
 *
 *   status    "ok", then "pid N", "configuration N"
 *   segment   "ok", and the shared segment's descriptor, read-only
 *   reopen    "ok"
 *   reload    "ok" when the new configuration is in force, else "error: sentence", a line for each problem
 *   changes   "ok", then the lines of changes.tdsl that are in force, secrets hidden
 *   change N  N bytes follow: lines as "path/in/config=value", or a path alone for what the file says. "ok"
 * when they are in force, else as reload stop      "ok"; the connection closes when the daemon has ended
 *   drain     the same
 *
 * Only root and master's own user are answered: the mode of the socket says so, and SO_PEERCRED again. */
#include "base/clock.h"
#include "base/must.h"
#include "base/text.h"
#include "conf/changes.h"
#include "master/inside.h"
#include "os/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE (10 * USEC_PER_SEC) /* for the line to come */
#define BACKLOG  8

static void hang_up(struct control_client *client)
{
    int fd = client->watch.fd;

    if (client->waits_for_change || client->body_wanted)
        change_forget(client->master, &client->request);

    watch_stop(&client->watch);
    timer_stop(&client->patience);
    close(fd);
    *client = (struct control_client){ 0 };
}

static void on_patience(struct timer *timer)
{
    hang_up((struct control_client *)(void *)((char *)timer - offsetof(struct control_client, patience)));
}

/* Answers are small next to a socket's buffer, and whoever does not read them harms only itself. */
static void answer(struct control_client *client, struct span text)
{
    ssize_t ignored = send(client->watch.fd, text.at, text.size, MSG_NOSIGNAL | MSG_DONTWAIT);

    (void)ignored;
}

static void answer_report(struct control_client *client, bool good)
{
    const struct buf *report = &client->master->report;

    if (good)
        answer(client, SPAN("ok\n"));
    if (report->size)
        answer(client, buf_span(report));
    else if (!good)
        answer(client, SPAN("error: see the log\n"));
    hang_up(client);
}

/* ---- the words ---- */

static void say_status(struct control_client *client)
{
    char text[80];

    snprintf(text, sizeof(text), "ok\npid %d\nconfiguration %u\n", (int)getpid(),
             client->master->house->generation);
    answer(client, span_of(text));
    hang_up(client);
}

/* Opened anew through /proc, since a descriptor's right to write goes along with it. */
static void hand_out_segment(struct control_client *client)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    char text[] = "ok\n", path[40];
    struct iovec piece = { text, sizeof(text) - 1 };
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
    };
    ssize_t ignored;
    int fd;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", client->master->segment_fd);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        answer(client, SPAN("error: the segment cannot be opened for reading; is /proc mounted?\n"));
        hang_up(client);
        return;
    }
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof(fd));
    memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
    ignored = sendmsg(client->watch.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)ignored;
    close(fd);
    hang_up(client);
}

static void say_reopen(struct control_client *client)
{
    master_reopen(client->master);
    answer(client, SPAN("ok\n"));
    hang_up(client);
}

static void say_reload(struct control_client *client)
{
    client->waits_for_reload = true;
    reload_begin(client->master);
}

static void say_stop(struct control_client *client)
{
    client->waits_for_end = true;
    answer(client, SPAN("ok\n"));
    master_stop(client->master, EXIT_SUCCESS);
}

static void say_drain(struct control_client *client)
{
    client->waits_for_end = true;
    answer(client, SPAN("ok\n"));
    master_drain(client->master);
}

static void say_changes(struct control_client *client)
{
    struct buf text = { 0 };

    answer(client, SPAN("ok\n"));
    steer_changes(client->master, &text);
    answer(client, buf_span(&text));
    buf_free(&text);
    hang_up(client);
}

static void on_change_done(struct change_request *request, struct master *master, bool good)
{
    struct control_client *client = LIST_OF(request, struct control_client, request);

    (void)master;
    answer_report(client, good);
}

static void take_body(struct control_client *client)
{
    struct ucred peer = { 0 };
    socklen_t size = sizeof(peer);

    if (client->request.body.size < client->body_wanted)
        return;
    timer_stop(&client->patience);
    client->body_wanted = 0;
    client->waits_for_change = true;
    getsockopt(client->watch.fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    buf_printf(&client->request.who, "stoactl of user %u", (unsigned)peer.uid);
    client->request.word = CHANGE_SETTINGS;
    client->request.done = on_change_done;
    change_ask(client->master, &client->request);
}

static void say_change(struct control_client *client, struct span number)
{
    uint64_t size;
    struct span line = span_make(client->line, client->size), rest = line;

    if (!text_to_u64(number, &size) || size == 0 || size > CHANGES_BYTES_MOST) {
        answer(client, SPAN("error: the word change must be followed by the number of bytes to come\n"));
        hang_up(client);
        return;
    }
    span_cut(&rest, '\n');
    client->body_wanted = (size_t)size;
    buf_add(&client->request.body, span_head(rest, size));
    timer_set(client->master->loop, &client->patience, clock_mono() + PATIENCE, on_patience);
    take_body(client);
}

static const struct {
    const char *word;
    void (*call)(struct control_client *client);
} words[] = {
    { "status", say_status }, { "segment", hand_out_segment }, { "reopen", say_reopen },
    { "reload", say_reload }, { "changes", say_changes },      { "stop", say_stop },
    { "drain", say_drain },
};

static void obey(struct control_client *client, struct span word)
{
    timer_stop(&client->patience);
    if (!span_is(word, "segment") && !span_is(word, "status")) /* these are asked all day */
        log_notice("asked by stoactl: %.*s", SPAN_ARG(word));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!span_is(word, words[i].word))
            continue;
        words[i].call(client);
        return;
    }
    if (span_starts(word, SPAN("change "))) {
        say_change(client, span_from(word, 7));
        return;
    }
    answer(client,
           SPAN("error: the words are status, segment, reload, reopen, change, changes, stop and drain\n"));
    hang_up(client);
}

/* ---- connections ---- */

static void read_body(struct control_client *client)
{
    struct buf *body = &client->request.body;
    size_t wanted = client->body_wanted - body->size;
    ssize_t size = read(client->watch.fd, buf_reserve(body, wanted), wanted);

    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size <= 0) {
        hang_up(client);
        return;
    }
    body->size += (size_t)size;
    take_body(client);
}

static void on_client(struct watch *watch, uint32_t events)
{
    struct control_client *client = LIST_OF(watch, struct control_client, watch);
    ssize_t size, end;
    struct span line;

    (void)events;
    if (client->body_wanted) {
        read_body(client);
        return;
    }
    size = read(watch->fd, client->line + client->size, sizeof(client->line) - client->size);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size <= 0 || client->waits_for_reload || client->waits_for_change || client->waits_for_end) {
        hang_up(client); /* its operator does not wait any more; what was asked goes on */
        return;
    }
    client->size += (size_t)size;
    line = span_make(client->line, client->size);
    end = span_find(line, '\n');
    if (end >= 0)
        obey(client, span_head(line, (size_t)end));
    else if (client->size == sizeof(client->line))
        hang_up(client);
}

static bool is_trusted(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

static struct control_client *free_client(struct master *master)
{
    for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
        if (master->clients[i].master == NULL)
            return &master->clients[i];
    return NULL;
}

static void on_control(struct watch *watch, uint32_t events)
{
    struct master *master = OBJECT((char *)watch - offsetof(struct master, control), master);
    struct sock_address peer;
    int fd = sock_accept(watch->fd, &peer);
    struct control_client *client;

    (void)events;
    if (fd < 0)
        return;
    client = free_client(master);
    if (client == NULL || !is_trusted(fd)) {
        close(fd);
        return;
    }
    client->master = master;
    watch_start(master->loop, &client->watch, fd, EPOLLIN, on_client);
    timer_set(master->loop, &client->patience, clock_mono() + PATIENCE, on_patience);
}

void control_reload_done(struct master *master, bool good)
{
    for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
        if (master->clients[i].waits_for_reload && !master->reload_again)
            answer_report(&master->clients[i], good);
}

/* A daemon that answers there is another one of the same configuration. */
static bool is_answered(const struct sock_address *address)
{
    int fd = sock_connect(address);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

int control_listen(struct master *master)
{
    const char *path = master->house->settings.processes->control_socket;
    struct sock_address address;
    struct stat status;
    mode_t mask;
    int fd;

    if (!sock_address_unix(&address, path)) {
        log_error("processes/control-socket is longer than the 107 bytes that a socket may have: %s", path);
        return -1;
    }
    if (is_answered(&address)) {
        log_error("a daemon runs already: it answers at %s", path);
        return -1;
    }
    if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode))
        unlink(path); /* a killed daemon left it */
    mask = umask(0177);
    fd = sock_listen(&address, BACKLOG);
    umask(mask);
    if (fd < 0) {
        log_error("cannot listen at processes/control-socket %s: %m", path);
        return -1;
    }
    master->control_path = must_strdup(path);
    watch_start(master->loop, &master->control, fd, EPOLLIN, on_control);
    return 0;
}

void control_stop(struct master *master)
{
    int fd = master->control.fd;

    if (master->control.loop) {
        watch_stop(&master->control);
        close(fd);
        unlink(master->control_path);
    }
    free(master->control_path);
    master->control_path = NULL;
    for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
        if (master->clients[i].master)
            hang_up(&master->clients[i]);
}

/* Only closes: the epoll set is the parent's. A client waits for the end of its connection. */
void control_close_in_child(struct master *master)
{
    if (master->control.loop)
        close(master->control.fd);
    for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
        if (master->clients[i].master)
            close(master->clients[i].watch.fd);
}
