/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: component.c - the connection below a component's stream; see component.h.
 *
 * Order of a life: idle -> (resolving) -> connecting -> opening -> proving -> up -> idle ... Each state but
 * idle and up has a deadline in component->timer; idle has the moment of the next try there. */
#include "xmpp/component_inside.h"

#include "base/clock.h"
#include "base/must.h"
#include "base/random.h"
#include "os/sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CONNECT_WAIT   (10 * USEC_PER_SEC) /* the kernel's own SYN time-out is two minutes */
#define ANSWER_WAIT    (20 * USEC_PER_SEC) /* for header and handshake: a server that starts up is slow */
#define CLOSE_WAIT     (1 * USEC_PER_SEC)  /* for the server's </stream:stream> */
#define PING_WAIT      (20 * USEC_PER_SEC) /* or the ping interval, if that is less */
#define SPACE_INTERVAL (60 * USEC_PER_SEC) /* white space, for the firewalls and NATs in between */
#define STABLE_TIME    (10 * USEC_PER_SEC) /* up for so long: the back-off starts anew */
#define READ_SIZE      (32 * 1024)         /* most that one stream gives us in one turn of the loop */

static void try_now(struct component *component);
static void on_ready(struct watch *watch, uint32_t events);

struct component *component_new(struct loop *loop, struct resolver *resolver,
                                const struct xmpp_settings *xmpp, const struct component_settings *settings,
                                struct span jid, const struct component_calls *calls, void *data)
{
    struct component *component = must_alloc(sizeof(*component));
    char *name = must_alloc(jid.size + 1);

    OBJECT_BORN(component, component);
    memcpy(name, jid.at, jid.size);
    component->jid = span_make(name, jid.size);
    component->loop = loop;
    component->resolver = resolver;
    component->xmpp = xmpp;
    component->setting = settings;
    component->calls = calls;
    component->data = data;
    component->fd = -1;
    return component;
}

/* Back to no connection at all. */
static void cut(struct component *component)
{
    watch_stop(&component->watch);
    timer_stop(&component->timer);
    timer_stop(&component->idle);
    task_cancel(&component->flush);
    resolve_forget(&component->resolving);
    xml_stream_free(&component->stream);
    if (component->fd >= 0)
        close(component->fd);
    component->fd = -1;
    buf_clear(&component->out);
    component->sent = 0;
    component->pinged = 0;
    component->pending = TROUBLE_NONE;
}

void component_free(struct component **component)
{
    if (*component == NULL)
        return;
    must(!(*component)->feeding);
    cut(*component);
    buf_free(&(*component)->out);
    free((char *)(uintptr_t)(*component)->jid.at);
    OBJECT_DEAD(*component);
    free(*component);
    *component = NULL;
}

struct span component_jid(const struct component *component)
{
    return component->jid;
}

enum component_state component_state(const struct component *component)
{
    return component->state;
}

const char *component_trouble(const struct component *component)
{
    return component->trouble;
}

static void tell(struct component *component)
{
    if (component->calls->changed)
        component->calls->changed(component->data, component, component->state, component->trouble);
}

/* ---- states and their deadlines ---- */

static void on_timer(struct timer *timer)
{
    struct component *component = LIST_OF(timer, struct component, timer);

    switch (OBJECT(component, component)->state) {
    case COMPONENT_IDLE:
        try_now(component);
        break;
    case COMPONENT_CLOSING:
        component_finish(component);
        break;
    case COMPONENT_CONNECTING:
        component_fall(component, TROUBLE_CONNECT, "no answer");
        break;
    case COMPONENT_OPENING:
    case COMPONENT_PROVING:
        component_fall(component, TROUBLE_LATE, NULL);
        break;
    case COMPONENT_RESOLVING:
    case COMPONENT_UP:
        break;
    }
}

void component_state_set(struct component *component, enum component_state state, int64_t wait)
{
    component->state = state;
    if (wait > 0)
        timer_set(component->loop, &component->timer, loop_now(component->loop) + wait, on_timer);
    else
        timer_stop(&component->timer);
}

/* Doubling, and anywhere between half and all of it, so that many do not come back in one instant. */
static int64_t delay_of(const struct component *component)
{
    int64_t least = component->xmpp->reconnect_least, most = component->xmpp->reconnect_most;
    int64_t delay;

    if (least < 100 * USEC_PER_MSEC)
        least = 100 * USEC_PER_MSEC; /* never tight, whatever is configured */
    if (most < least)
        most = least;
    delay = least;
    for (unsigned i = 1; i < component->failures && delay < most; i++)
        delay *= 2;
    if (delay > most)
        delay = most;
    return delay / 2 + (int64_t)random_below((uint64_t)(delay / 2 + 1));
}

static void retry_later(struct component *component)
{
    component->failures++;
    component_state_set(component, COMPONENT_IDLE, delay_of(component));
    tell(component);
}

void component_fall(struct component *component, enum trouble trouble, const char *detail)
{
    bool was_up = component->state == COMPONENT_UP;

    if (component->feeding) {
        if (component->pending == TROUBLE_NONE) {
            component->pending = trouble;
            snprintf(component->detail, sizeof(component->detail), "%s", detail ? detail : "");
        }
        return;
    }
    if (component->state == COMPONENT_CLOSING) {
        component_finish(component);
        return;
    }
    cut(component);
    if (was_up && loop_now(component->loop) - component->up_since >= STABLE_TIME) {
        component->failures = 0;
        component->said = 0;
    }
    /* The next address of the host is tried at once; what is said is the trouble of the first. */
    if (trouble == TROUBLE_CONNECT && component->next_address < component->addresses.count) {
        if (component->round_trouble == TROUBLE_NONE) {
            component->round_trouble = trouble;
            snprintf(component->detail, sizeof(component->detail), "%s", detail ? detail : "");
        }
        component_state_set(component, COMPONENT_IDLE, 1);
        return;
    }
    if (trouble == TROUBLE_CONNECT && component->round_trouble != TROUBLE_NONE)
        detail = component->detail;
    component->addresses.count = component->next_address = 0;
    component_complain(component, trouble, detail);
    retry_later(component);
}

/* ---- connecting ---- */

static void connect_next(struct component *component)
{
    const struct sock_address *address = &component->addresses.addresses[component->next_address++];
    int fd = sock_connect(address);

    if (fd < 0) {
        component_fall(component, TROUBLE_CONNECT, strerror(errno));
        return;
    }
    component->fd = fd;
    component_state_set(component, COMPONENT_CONNECTING, CONNECT_WAIT);
    watch_start(component->loop, &component->watch, fd, EPOLLOUT, on_ready);
    tell(component);
}

static void on_resolved(void *data, const struct resolved *resolved)
{
    struct component *component = OBJECT(data, component);

    component->resolving = NULL;
    component->addresses = *resolved;
    component->next_address = 0;
    component->round_trouble = TROUBLE_NONE;
    if (resolved->count == 0)
        component_fall(component, TROUBLE_NAME, resolved->why);
    else
        connect_next(component);
}

static void try_now(struct component *component)
{
    const struct component_settings *setting = component->setting;
    const char *host = setting->host ? setting->host : component->xmpp->host;
    int64_t port = setting->port ? setting->port : component->xmpp->port;
    struct resolved resolved;

    if (component->next_address < component->addresses.count) {
        connect_next(component);
        return;
    }
    component_state_set(component, COMPONENT_RESOLVING, 0);
    if (resolve(component->resolver, host ? host : "localhost", (unsigned)port, &resolved,
                &component->resolving, on_resolved, component))
        on_resolved(component, &resolved);
}

void component_start(struct component *component)
{
    if (component->state != COMPONENT_IDLE || list_linked(&component->timer.node))
        return;
    component_warn_of_network(component);
    try_now(component);
}

/* TCP itself notices a dead path while bytes are on the way; pings notice it while none are. Harmless where
 * the socket is none of TCP. */
static void set_options(int fd)
{
    int on = 1;
    unsigned wait_msec = (unsigned)(PING_WAIT / USEC_PER_MSEC);

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &wait_msec, sizeof(wait_msec));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

void component_adopt(struct component *component, int fd)
{
    set_options(fd);
    component->fd = fd;
    if (component->watch.loop == NULL)
        watch_start(component->loop, &component->watch, fd, EPOLLIN, on_ready);
    component->heard = component->spoke = loop_now(component->loop);
    component_stream_open(component);
    component_state_set(component, COMPONENT_OPENING, ANSWER_WAIT);
    component_flush_soon(component);
}

/* ---- while up ---- */

static int64_t ping_wait(const struct component *component)
{
    int64_t interval = component->xmpp->ping_interval;

    return interval < PING_WAIT ? interval : PING_WAIT;
}

/* When on_idle has something to do next. */
static int64_t idle_next(const struct component *component, int64_t now)
{
    int64_t next = component->spoke + SPACE_INTERVAL;
    int64_t ping = component->pinged ? component->pinged + ping_wait(component)
                                     : component->heard + component->xmpp->ping_interval;

    if (component->xmpp->ping_interval > 0 && ping < next)
        next = ping;
    return next > now ? next : now + USEC_PER_SEC;
}

static void on_idle(struct timer *timer)
{
    struct component *component = LIST_OF(timer, struct component, idle);
    int64_t now = loop_now(component->loop), interval = component->xmpp->ping_interval;

    if (component->pinged && component->heard >= component->pinged)
        component->pinged = 0;
    if (component->pinged && now - component->pinged >= ping_wait(component) && !component->held) {
        component_fall(component, TROUBLE_SILENT, NULL);
        return;
    }
    if (interval > 0 && !component->pinged && now - component->heard >= interval) {
        component_ping(component);
        component->pinged = now;
    }
    if (now - component->spoke >= SPACE_INTERVAL && component->out.size == 0) {
        buf_char(&component->out, ' ');
        component_flush_soon(component);
        component->spoke = now;
    }
    timer_set(component->loop, &component->idle, idle_next(component, now), on_idle);
}

void component_is_up(struct component *component)
{
    component_state_set(component, COMPONENT_UP, 0);
    component->up_since = loop_now(component->loop);
    component->addresses.count = component->next_address = 0;
    timer_set(component->loop, &component->idle, idle_next(component, component->up_since), on_idle);
    component_rejoice(component);
    tell(component);
}

/* ---- bytes ---- */

static size_t waiting(const struct component *component)
{
    return component->out.size - component->sent;
}

static void watch_right(struct component *component)
{
    bool read = !component->held && waiting(component) <= COMPONENT_OUT_HIGH;

    if (component->watch.loop && component->state != COMPONENT_CONNECTING)
        watch_change(&component->watch,
                     (read ? (uint32_t)EPOLLIN : 0) | (waiting(component) ? (uint32_t)EPOLLOUT : 0));
}

static void flush(struct component *component)
{
    while (waiting(component)) {
        ssize_t count = send(component->fd, component->out.at + component->sent, waiting(component),
                             MSG_NOSIGNAL | MSG_DONTWAIT);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            /* Its last words, a stream error say, may still be there to be read: reading finds the end. */
            buf_clear(&component->out);
            component->sent = 0;
            break;
        }
        if (count < 0)
            break;
        component->sent += (size_t)count;
        component->spoke = loop_now(component->loop);
    }
    if (waiting(component) == 0) {
        component->sent = 0;
        buf_clear(&component->out);
        if (component->out.room > COMPONENT_OUT_HIGH)
            buf_free(&component->out); /* a flood's room is not kept for ever */
    } else if (component->sent > COMPONENT_OUT_HIGH) {
        buf_eat(&component->out, component->sent);
        component->sent = 0;
    }
    watch_right(component);
}

static void on_flush(struct task *task)
{
    struct component *component = LIST_OF(task, struct component, flush);

    if (OBJECT(component, component)->fd >= 0 && component->state != COMPONENT_CONNECTING)
        flush(component);
}

void component_flush(struct component *component)
{
    if (!list_linked(&component->flush.node))
        return;
    task_cancel(&component->flush);
    on_flush(&component->flush);
}

void component_flush_soon(struct component *component)
{
    task_defer(component->loop, &component->flush, on_flush);
}

struct buf *component_out(struct component *component)
{
    if (component->state != COMPONENT_UP || component->pending != TROUBLE_NONE ||
        waiting(component) > COMPONENT_OUT_MOST)
        return NULL;
    component_flush_soon(component);
    return &component->out;
}

void component_hold(struct component *component, bool held)
{
    component->held = held;
    watch_right(component);
}

void component_input(struct component *component, struct span bytes)
{
    const char *why = NULL;
    bool good;

    component->heard = loop_now(component->loop);
    component->feeding = true;
    good = xml_stream_feed(component->stream, bytes);
    component->feeding = false;
    if (!good && component->stream)
        why = xml_stream_why(component->stream);
    if (component->pending != TROUBLE_NONE) {
        char detail[TROUBLE_SIZE];

        memcpy(detail, component->detail, sizeof(detail));
        component_fall(component, component->pending, detail[0] ? detail : NULL);
    } else if (!good) {
        component_fall(component, component->state == COMPONENT_OPENING ? TROUBLE_PORT : TROUBLE_BROKEN, why);
    }
}

static void read_some(struct component *component)
{
    static char bytes[READ_SIZE]; /* one thread, and nothing of it is kept */
    ssize_t count = recv(component->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (count > 0)
        component_input(component, span_make(bytes, (size_t)count));
    else if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    else if (component->state == COMPONENT_OPENING)
        component_fall(component, TROUBLE_EARLY, NULL);
    else
        component_fall(component, TROUBLE_CLOSED, count < 0 ? strerror(errno) : NULL);
}

static void on_ready(struct watch *watch, uint32_t events)
{
    struct component *component = LIST_OF(watch, struct component, watch);

    if (OBJECT(component, component)->state == COMPONENT_CONNECTING) {
        int error = sock_error(component->fd);

        if (error) {
            component_fall(component, TROUBLE_CONNECT, strerror(error));
            return;
        }
        component_adopt(component, component->fd);
        return;
    }
    if (events & EPOLLOUT)
        flush(component);
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        read_some(component);
}

/* ---- the end ---- */

void component_finish(struct component *component)
{
    if (component->feeding) {
        component_fall(component, TROUBLE_CLOSED, NULL);
        return;
    }
    cut(component);
    component_state_set(component, COMPONENT_IDLE, 0);
    if (component->calls->closed)
        component->calls->closed(component->data, component);
}

void component_close(struct component *component)
{
    if (component->state != COMPONENT_UP) {
        component_finish(component);
        return;
    }
    timer_stop(&component->idle);
    buf_text(&component->out, "</stream:stream>");
    component_state_set(component, COMPONENT_CLOSING, CLOSE_WAIT);
    component_flush_soon(component);
}
