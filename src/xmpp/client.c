/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: client.c - the connection below a client's stream; see client.h.
 *
 * Order of a life: resolving -> connecting -> (encrypting) -> opening -> (asking -> encrypting -> opening) ->
 * proving -> opening -> binding -> up -> closing. One deadline stands over all until up. */
#include "xmpp/client_inside.h"

#include "base/clock.h"
#include "os/sock.h"
#include "xmpp/ns.h"

#include <errno.h>
#include <idna.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

#define LOGIN_WAIT     (20 * USEC_PER_SEC) /* for all of it: a server under load, and PBKDF2 on both sides */
#define CLOSE_WAIT     (1 * USEC_PER_SEC)  /* for the server's </stream:stream> */
#define SPACE_INTERVAL (60 * USEC_PER_SEC) /* white space, for the firewalls and NATs in between */
#define READ_SIZE      (16 * 1024)         /* a record of TLS */
#define LOST_WAIT_MSEC 20000u              /* bytes of ours that are not taken for so long end it */

static void on_ready(struct watch *watch, uint32_t events);
static void connect_next(struct client *client);

/* ---- life ---- */

struct client *client_new(struct client_world *world, struct jid jid, struct span password,
                          const struct client_calls *calls, void *data)
{
    struct buf prepared = { 0 };
    struct client *client;

    must(jid.local.size > 0 && jid.resource.size == 0);
    (void)buf_reserve(&prepared, SASL_PASSWORD_MOST);
    if (!sasl_prepare(password, &prepared)) {
        buf_free(&prepared);
        return NULL;
    }
    client = must_alloc(sizeof(*client));
    OBJECT_BORN(client, client);
    client->world = world;
    client->calls = calls;
    client->data = data;
    client->arena = arena_new();
    client->jid = (struct jid){ .local = arena_copy(client->arena, jid.local),
                                .domain = arena_copy(client->arena, jid.domain) };
    client->password = prepared;
    client->fd = -1;
    list_append(&world->clients, &client->node);
    return client;
}

/* Until it is up a password may have been among the bytes. */
static void empty_out(struct client *client)
{
    if (client->out.at && client->state != CLIENT_UP)
        OPENSSL_cleanse(client->out.at, client->out.room);
    if (client->out.room > 64 * 1024)
        buf_free(&client->out); /* a large stanza's room is not kept */
    buf_clear(&client->out);
    client->sent = 0;
}

static void cut(struct client *client)
{
    watch_stop(&client->watch);
    timer_stop(&client->timer);
    task_cancel(&client->flush);
    task_cancel(&client->more);
    resolve_forget(&client->resolving);
    xml_stream_free(&client->stream);
    tls_free(&client->tls);
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    empty_out(client);
}

static void destroy(struct client *client)
{
    must(!client->feeding);
    cut(client);
    client_sasl_forget(client);
    buf_free(&client->out);
    list_remove(&client->node);
    arena_free(&client->arena);
    OBJECT_DEAD(client);
    free(client);
}

void client_free(struct client **client)
{
    if (*client == NULL)
        return;
    destroy(OBJECT(*client, client));
    *client = NULL;
}

void client_world_free_all(struct client_world *world)
{
    while (!list_empty(&world->clients))
        destroy(LIST_OF(world->clients.next, struct client, node));
}

void client_hand_over(struct client *client, const struct client_calls *calls, void *data)
{
    client->calls = calls;
    client->data = data;
}

enum client_state client_state(const struct client *client)
{
    return client->state;
}

struct jid client_jid(const struct client *client)
{
    return client->jid;
}

struct span client_full_text(const struct client *client)
{
    return client->full;
}

struct jid client_full_jid(const struct client *client)
{
    return client->full_jid;
}

bool client_secure(const struct client *client)
{
    return client->tls != NULL;
}

/* ---- the end ---- */

/* The server's own words: for a terminal and a log only plain letters are kept. */
static void make_plain(char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e)
            *text = '?';
}

void client_fall(struct client *client, enum client_end end, const char *detail)
{
    if (client->falls && client->feeding)
        return; /* the first reason counts */
    client->falls = true;
    client->end = end;
    (void)snprintf(client->detail, sizeof(client->detail), "%s", detail ? detail : "");
    make_plain(client->detail);
    if (client->feeding)
        return;
    cut(client);
    client_sasl_forget(client);
    if (client->state != CLIENT_CLOSING)
        client->calls->ended(client->data, client, end, client->detail);
    destroy(client);
}

static void on_timer(struct timer *timer)
{
    struct client *client = OBJECT(LIST_OF(timer, struct client, timer), client);

    switch (client->state) {
    case CLIENT_CLOSING:
        destroy(client);
        break;
    case CLIENT_RESOLVING:
    case CLIENT_CONNECTING:
        client_fall(client, CLIENT_END_CONNECT, "no answer");
        break;
    case CLIENT_UP:
        if (client->out.size == 0) {
            buf_char(&client->out, ' ');
            client_flush_soon(client);
        }
        timer_set(client->world->loop, timer, loop_now(client->world->loop) + SPACE_INTERVAL, on_timer);
        break;
    default:
        client_fall(client, CLIENT_END_LATE, NULL);
        break;
    }
}

void client_state_set(struct client *client, enum client_state state)
{
    client->state = state;
}

void client_close(struct client **client_at)
{
    struct client *client = OBJECT(*client_at, client);

    *client_at = NULL;
    client_sasl_forget(client);
    if (client->stream == NULL || client->state == CLIENT_ENCRYPTING) { /* no stream that could be ended */
        watch_stop(&client->watch);
        resolve_forget(&client->resolving);
        task_cancel(&client->flush);
        client->state = CLIENT_CLOSING;
        timer_set(client->world->loop, &client->timer, 0, on_timer);
        return;
    }
    buf_text(&client->out, "</stream:stream>");
    client_flush_soon(client);
    client->state = CLIENT_CLOSING;
    timer_set(client->world->loop, &client->timer, loop_now(client->world->loop) + CLOSE_WAIT, on_timer);
}

void client_is_up(struct client *client)
{
    client->state = CLIENT_UP;
    timer_set(client->world->loop, &client->timer, loop_now(client->world->loop) + SPACE_INTERVAL, on_timer);
    client->calls->up(client->data, client);
}

/* ---- connecting ---- */

static void connect_failed(struct client *client, const char *why)
{
    watch_stop(&client->watch);
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    if (client->next_address < client->addresses.count)
        connect_next(client);
    else
        client_fall(client, CLIENT_END_CONNECT, why);
}

static void connect_next(struct client *client)
{
    client->state = CLIENT_CONNECTING;
    client->fd = sock_connect(&client->addresses.addresses[client->next_address++]);
    if (client->fd < 0)
        connect_failed(client, strerror(errno));
    else
        watch_start(client->world->loop, &client->watch, client->fd, EPOLLOUT, on_ready);
}

static void on_resolved(void *data, const struct resolved *resolved)
{
    struct client *client = OBJECT(data, client);

    client->resolving = NULL;
    client->addresses = *resolved;
    if (resolved->count == 0)
        client_fall(client, CLIENT_END_NAME, resolved->why);
    else
        connect_next(client);
}

void client_start(struct client *client)
{
    const struct xmpp_settings *setting = client->world->setting;
    const char *host = setting->c2s_host ? setting->c2s_host : setting->host;
    struct resolved resolved;

    client->state = CLIENT_RESOLVING;
    timer_set(client->world->loop, &client->timer, loop_now(client->world->loop) + LOGIN_WAIT, on_timer);
    if (resolve(client->world->resolver, host ? host : "localhost", (unsigned)setting->c2s_port, &resolved,
                &client->resolving, on_resolved, client))
        on_resolved(client, &resolved);
}

static void set_options(int fd)
{
    int on = 1;
    unsigned wait_msec = LOST_WAIT_MSEC;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &wait_msec, sizeof(wait_msec));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

void client_adopt(struct client *client, int fd)
{
    set_options(fd);
    client->fd = fd;
    if (client->watch.loop == NULL)
        watch_start(client->world->loop, &client->watch, fd, EPOLLIN, on_ready);
    if (client->world->setting->c2s_security == C2S_DIRECT)
        client_encrypt(client);
    else
        client_stream_open(client);
}

/* ---- TLS ---- */

/* The name that the certificate must hold: the user's domain as DNS has it. */
static struct tls *connect_tls(struct client *client)
{
    bool direct = client->world->setting->c2s_security == C2S_DIRECT;
    struct span domain = client->jid.domain;
    struct tls *tls = NULL;
    char *name = NULL;

    if (client->world->tls == NULL)
        return NULL;
    if (domain.at[0] == '[')
        name = must_strdup(arena_text(client->arena, span_make(domain.at + 1, domain.size - 2)));
    else if (idna_to_ascii_8z(domain.at, &name, 0) != IDNA_SUCCESS)
        return NULL;
    tls = tls_client_connect(client->world->tls, client->fd, name, direct ? "xmpp-client" : NULL);
    free(name);
    return tls;
}

/* false: it failed, and the client is gone. */
static bool handshake(struct client *client)
{
    const char *why = "no TLS connection can be made for that domain", *refusal;
    int done;

    if (client->tls == NULL)
        client->tls = connect_tls(client);
    done = client->tls ? tls_handshake(client->tls, &why) : -1;
    if (done < 0) {
        refusal = client->tls ? tls_client_refusal(client->tls) : NULL;
        client_fall(client, refusal ? CLIENT_END_CERTIFICATE : CLIENT_END_TLS, refusal ? refusal : why);
        return false;
    }
    if (done == 0)
        watch_change(&client->watch, tls_wants_write(client->tls) ? EPOLLOUT : EPOLLIN);
    else
        client_stream_open(client);
    return true;
}

/* The handshake begins when what is being fed has been read to its end: nothing may follow <proceed/>. */
void client_encrypt(struct client *client)
{
    client->state = CLIENT_ENCRYPTING;
    if (!client->feeding)
        (void)handshake(client);
}

/* ---- bytes ---- */

static size_t waiting(const struct client *client)
{
    return client->out.size - client->sent;
}

static ssize_t send_some(struct client *client)
{
    const char *from = client->out.at + client->sent;

    if (client->tls)
        return tls_write(client->tls, from, waiting(client));
    return send(client->fd, from, waiting(client), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void flush(struct client *client)
{
    while (waiting(client)) {
        ssize_t count = send_some(client);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            empty_out(client); /* its last words may still be there to be read: reading finds the end */
        if (count < 0)
            break;
        client->sent += (size_t)count;
    }
    if (waiting(client) == 0)
        empty_out(client);
    if (waiting(client) == 0 && client->state == CLIENT_CLOSING && client->tls)
        tls_shut(client->tls);
    if (client->watch.loop)
        watch_change(&client->watch, EPOLLIN | (waiting(client) ? (uint32_t)EPOLLOUT : 0));
}

static bool can_flush(const struct client *client)
{
    return client->fd >= 0 && client->state != CLIENT_CONNECTING && client->state != CLIENT_ENCRYPTING;
}

static void on_flush(struct task *task)
{
    struct client *client = OBJECT(LIST_OF(task, struct client, flush), client);

    if (can_flush(client))
        flush(client);
}

void client_flush_soon(struct client *client)
{
    task_defer(client->world->loop, &client->flush, on_flush);
}

struct buf *client_out(struct client *client)
{
    if (client->state != CLIENT_UP || client->falls || waiting(client) > CLIENT_OUT_MOST)
        return NULL;
    client_flush_soon(client);
    return &client->out;
}

bool client_input(struct client *client, struct span bytes)
{
    bool good;

    client->feeding = true;
    good = xml_stream_feed(client->stream, bytes);
    client->feeding = false;
    if (client->falls) {
        char detail[CLIENT_DETAIL];

        memcpy(detail, client->detail, sizeof(detail));
        client_fall(client, client->end, detail);
        return false;
    }
    if (!good) {
        client_fall(client, CLIENT_END_BROKEN, xml_stream_why(client->stream));
        return false;
    }
    return client->state != CLIENT_ENCRYPTING || handshake(client);
}

/* Linux acknowledges at once only when told to, again and again; each round of a login else waits 40 ms. */
static void acknowledge_at_once(const struct client *client)
{
    int on = 1;

    if (client->state != CLIENT_UP)
        setsockopt(client->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

static void on_more(struct task *task);

/* Decrypted bytes that wait are not told by epoll: they are read in a task of the same turn. */
static void read_some(struct client *client)
{
    static char bytes[READ_SIZE]; /* one thread, and nothing of it is kept */
    ssize_t count;

    acknowledge_at_once(client);
    count = client->tls ? tls_read(client->tls, bytes, sizeof(bytes))
                        : recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (count > 0) {
        if (client_input(client, span_make(bytes, (size_t)count)) && client->tls &&
            client->state != CLIENT_ENCRYPTING && tls_pending(client->tls))
            task_defer(client->world->loop, &client->more, on_more);
        return;
    }
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (!client->heard_header)
        client_fall(client, CLIENT_END_EARLY, NULL);
    else
        client_fall(client, CLIENT_END_CLOSED, count < 0 ? strerror(errno) : NULL);
}

static void on_more(struct task *task)
{
    read_some(OBJECT(LIST_OF(task, struct client, more), client));
}

static void on_ready(struct watch *watch, uint32_t events)
{
    struct client *client = OBJECT(LIST_OF(watch, struct client, watch), client);
    int error;

    if (client->state == CLIENT_CONNECTING) {
        error = sock_error(client->fd);
        if (error) {
            connect_failed(client, strerror(error));
            return;
        }
        watch_change(&client->watch, EPOLLIN);
        client_adopt(client, client->fd);
        return;
    }
    if (client->state == CLIENT_ENCRYPTING) {
        (void)handshake(client);
        return;
    }
    if (events & EPOLLOUT)
        flush(client);
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        read_some(client);
}
