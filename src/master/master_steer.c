/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4: master_steer.c - the keeper's line to us: what administrators ask by command.
 *
 *   there:  WORD SIZE WHO       one line, then SIZE bytes; WHO is a bare JID
 *   back:   ok SIZE | no SIZE   one line, then SIZE bytes: what was asked for or else is to be known, or why
 * not
 *
 *   reload, change, certificate: see module/steer.h; answered when the change is in force
 *   text NAME                    a file of the configuration, secrets hidden; NAME is the body
 *   changes                      the lines that are in force, secrets hidden
 *
 * A socket pair, made for each keeper and known to no other child. The keeper speaks for workers, which read
 * strangers' bytes: nothing here trusts it. One question at a time; a keeper that breaks the rules is cut
 * off. */
#include "base/text.h"
#include "conf/changes.h"
#include "master/inside.h"
#include "os/log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_MOST 4200 /* a bare JID is 2047 at most, and escapes */
#define BODY_MOST (256 * 1024)
#define TEXT_MOST (256 * 1024) /* of an answer */

static struct master *master_of(struct steer *steer)
{
    return OBJECT((char *)steer - offsetof(struct master, steer), master);
}

void steer_end(struct master *master)
{
    struct steer *steer = &master->steer;
    int fd = steer->watch.fd;

    if (steer->watch.loop == NULL)
        return;
    watch_stop(&steer->watch);
    close(fd);
    if (steer->asks)
        change_forget(master, &steer->request);
    steer->asks = false;
    if (steer->in.at)
        explicit_bzero(steer->in.at, steer->in.room);
    buf_free(&steer->in);
    buf_free(&steer->out);
}

void steer_close_in_child(struct master *master)
{
    if (master->steer.watch.loop)
        close(master->steer.watch.fd);
}

/* ---- answers ---- */

static void flush(struct steer *steer)
{
    while (steer->out.size) {
        ssize_t sent = send(steer->watch.fd, steer->out.at, steer->out.size, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            break; /* a broken line tells itself as readable */
        buf_eat(&steer->out, (size_t)sent);
    }
    watch_change(&steer->watch, steer->out.size ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void answer(struct steer *steer, bool good, struct span text)
{
    text = span_head(text, TEXT_MOST);
    buf_printf(&steer->out, "%s %zu\n", good ? "ok" : "no", text.size);
    buf_add(&steer->out, text);
    flush(steer);
}

static void on_done(struct change_request *request, struct master *master, bool good)
{
    struct steer *steer = LIST_OF(request, struct steer, request);

    steer->asks = false;
    buf_clear(&request->who);
    answer(steer, good, buf_span(&master->report));
}

/* ---- questions that are answered at once ---- */

void steer_changes(const struct master *master, struct buf *out)
{
    conf_mask(master->schema, buf_span(&master->house->changes), out);
}

static bool add_file(struct master *master, const char *path, struct buf *out)
{
    struct buf text = { 0 };
    bool good = file_read_all(path, 4 * 1024 * 1024, &text) == 0;

    if (good)
        conf_mask(master->schema, buf_span(&text), out);
    if (text.at)
        explicit_bzero(text.at, text.room);
    buf_free(&text);
    return good;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Only what the configuration in force was read from; empty: the first of them. */
static bool add_text(struct master *master, struct span name, struct buf *out)
{
    const struct conf *conf = master->house->conf;

    for (size_t i = 0; i < conf_file_count(conf); i++) {
        const char *path = conf_file_name(conf, i);

        if (name.size && !span_is(name, path) && !span_is(name, base_name(path)))
            continue;
        if (add_file(master, path, out))
            return true;
        buf_printf(out, "%s cannot be read: %s\n", path, strerror(errno));
        return false;
    }
    buf_text(out, "the configuration in force was not read from a file of that name\n");
    return false;
}

/* ---- questions that come ---- */

static void ask(struct steer *steer, enum change_word word, struct span who, struct span body)
{
    struct master *master = master_of(steer);

    if (word != CHANGE_RELOAD && !master->house->settings.processes->changes) {
        answer(steer, false, SPAN("error: changes by command are switched off (processes/changes)\n"));
        return;
    }
    steer->request.word = word;
    steer->request.done = on_done;
    buf_clear(&steer->request.who);
    text_add_log(&steer->request.who, who);
    buf_clear(&steer->request.body);
    buf_add(&steer->request.body, body);
    steer->asks = true;
    change_ask(master, &steer->request);
}

static void obey(struct steer *steer, struct span word, struct span who, struct span body)
{
    struct buf out = { 0 };
    bool good = true;

    if (span_is(word, "reload")) {
        ask(steer, CHANGE_RELOAD, who, body);
    } else if (span_is(word, "change")) {
        ask(steer, CHANGE_SETTINGS, who, body);
    } else if (span_is(word, "certificate")) {
        ask(steer, CHANGE_CERTIFICATE, who, body);
    } else {
        if (span_is(word, "changes"))
            steer_changes(master_of(steer), &out);
        else if (span_is(word, "text"))
            good = add_text(master_of(steer), body, &out);
        else
            good = false;
        answer(steer, good, buf_span(&out));
        buf_free(&out);
    }
}

/* 1: obeyed. 0: there is more to come. -1: against the rules. */
static int take_one(struct steer *steer)
{
    struct span rest = buf_span(&steer->in), line, word, size;
    ssize_t end = span_find(rest, '\n');
    uint64_t body;

    if (end < 0)
        return rest.size > LINE_MOST ? -1 : 0;
    line = span_cut(&rest, '\n');
    word = span_cut(&line, ' ');
    size = span_cut(&line, ' ');
    if (!text_to_u64(size, &body) || body > BODY_MOST || end > LINE_MOST || steer->asks)
        return -1;
    if (rest.size < body)
        return 0;
    obey(steer, word, line, span_head(rest, body));
    explicit_bzero(steer->in.at, (size_t)end + 1 + body);
    buf_eat(&steer->in, (size_t)end + 1 + body);
    return 1;
}

static void on_line(struct watch *watch, uint32_t events)
{
    struct steer *steer = LIST_OF(watch, struct steer, watch);
    struct master *master = master_of(steer);
    ssize_t got;
    int taken;

    if (events & EPOLLOUT)
        flush(steer);
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return;
    got = read(watch->fd, buf_reserve(&steer->in, 16384), 16384);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        steer_end(master); /* it ends, or has ended */
        return;
    }
    steer->in.size += (size_t)got;
    while ((taken = take_one(steer)) > 0 && steer->watch.loop)
        ;
    if (taken < 0) {
        log_error("the keeper asked in a way that is not agreed; it is not listened to any more");
        steer_end(master);
    }
}

int steer_born(struct master *master)
{
    int ends[2];

    steer_end(master);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) {
        log_error("cannot make a socket pair for the keeper: %m");
        return -1;
    }
    watch_start(master->loop, &master->steer.watch, ends[0], EPOLLIN, on_line);
    return ends[1];
}
