/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: xmpp_fake.h - a component listener that lives in the test's own loop and does as it
 * is told, and waiting by condition instead of by time. */
#ifndef STOA_TEST_XMPP_FAKE_H
#define STOA_TEST_XMPP_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/digest.h"
#include "os/loop.h"
#include "os/sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#define FAKE_WAIT (20 * USEC_PER_SEC) /* after which a test is a failed one, however slow the machine */

struct fake {
    struct loop *loop;
    struct watch listener, conn;
    unsigned port, accepted;
    struct buf in;                /* all that came on this connection */
    const char *header, *verdict; /* said by itself after the header, after the handshake; NULL: nothing */
    bool header_said, verdict_said, hangs_up, deaf;
    bool closed; /* by the other side */
};

#define FAKE_HEADER                                                                                          \
    "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' id='a&amp;b-7' "    \
    "from='upload.localhost' xml:lang='en' xmlns='jabber:component:accept'>"
#define FAKE_ERROR(condition)                                                                                \
    "<stream:error><" condition " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"                             \
    "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>so it is</text></stream:error></stream:stream>"

static inline void fake_hang_up(struct fake *fake)
{
    if (fake->conn.loop == NULL)
        return;
    watch_stop(&fake->conn);
    close(fake->conn.fd);
}

static inline void fake_say(struct fake *fake, const char *xml)
{
    size_t left = strlen(xml);

    while (left > 0) {
        ssize_t count = send(fake->conn.fd, xml, left, MSG_NOSIGNAL);

        assert_true(count > 0);
        xml += count;
        left -= (size_t)count;
    }
}

static inline bool fake_heard(const struct fake *fake, const char *text)
{
    return fake->in.size > 0 && memmem(fake->in.at, fake->in.size, text, strlen(text)) != NULL;
}

static inline void fake_read(struct watch *watch, uint32_t events)
{
    struct fake *fake = LIST_OF(watch, struct fake, conn);
    ssize_t count;

    (void)events;
    count = recv(watch->fd, buf_reserve(&fake->in, 65536), 65536, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN)
        return;
    if (count <= 0) {
        fake->closed = true;
        fake_hang_up(fake);
        return;
    }
    fake->in.size += (size_t)count;
    if (!fake->header_said && fake_heard(fake, "<stream:stream") && fake->header) {
        fake->header_said = true;
        fake_say(fake, fake->header);
    }
    if (!fake->verdict_said && fake_heard(fake, "</handshake>") && fake->verdict) {
        fake->verdict_said = true;
        fake_say(fake, fake->verdict);
    }
}

static inline void fake_accept(struct watch *watch, uint32_t events)
{
    struct fake *fake = LIST_OF(watch, struct fake, listener);
    struct sock_address peer;
    int fd = sock_accept(watch->fd, &peer);

    (void)events;
    if (fd < 0)
        return;
    fake->accepted++;
    if (fake->hangs_up) {
        close(fd);
        return;
    }
    fake_hang_up(fake);
    buf_clear(&fake->in);
    fake->header_said = fake->verdict_said = fake->closed = false;
    watch_start(fake->loop, &fake->conn, fd, fake->deaf ? 0 : EPOLLIN, fake_read);
}

static inline void fake_listen(struct fake *fake)
{
    struct sock_address address;
    int fd;

    assert_true(sock_address_numeric(&address, AF_INET, "127.0.0.1", fake->port));
    fd = sock_listen(&address, 16);
    assert_true(fd >= 0);
    address.size = sizeof(address.bytes);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address.bytes, &address.size), 0);
    fake->port = ntohs(((struct sockaddr_in *)&address.bytes)->sin_port);
    watch_start(fake->loop, &fake->listener, fd, EPOLLIN, fake_accept);
}

static inline void fake_open(struct fake *fake, struct loop *loop)
{
    memset(fake, 0, sizeof(*fake));
    fake->loop = loop;
    fake->header = FAKE_HEADER;
    fake->verdict = "<handshake/>";
    fake_listen(fake);
}

static inline void fake_deaf_port(struct fake *fake) /* nobody listens there any more */
{
    if (fake->listener.loop == NULL)
        return;
    watch_stop(&fake->listener);
    close(fake->listener.fd);
}

static inline void fake_close(struct fake *fake)
{
    fake_hang_up(fake);
    fake_deaf_port(fake);
    buf_free(&fake->in);
}

/* ---- waiting ---- */

struct until {
    struct turn turn;
    struct timer timer, tick;
    struct loop *loop;
    bool (*holds)(void *data);
    void *data;
    bool held;
};

static inline void until_turn(struct turn *turn)
{
    struct until *until = LIST_OF(turn, struct until, turn);

    if (until->holds(until->data)) {
        until->held = true;
        loop_stop(until->loop);
    }
}

static inline void until_late(struct timer *timer)
{
    loop_stop(LIST_OF(timer, struct until, timer)->loop);
}

/* Turns the loop until holds says true; false: it never did. */
static inline bool run_until(struct loop *loop, bool (*holds)(void *data), void *data)
{
    struct until until = { .loop = loop, .holds = holds, .data = data };

    turn_add(loop, &until.turn, until_turn);
    timer_set(loop, &until.timer, clock_mono() + FAKE_WAIT, until_late);
    loop_run(loop);
    turn_remove(&until.turn);
    timer_stop(&until.timer);
    return until.held;
}

struct fake_wish {
    struct fake *fake;
    const char *text;
};

static inline bool wish_came_true(void *data)
{
    struct fake_wish *wish = data;

    return fake_heard(wish->fake, wish->text);
}

/* Runs until the fake has heard it; prints what it heard otherwise. */
static inline void fake_expect(struct fake *fake, const char *text)
{
    struct fake_wish wish = { fake, text };

    if (!run_until(fake->loop, wish_came_true, &wish))
        fail_msg("not heard: %s\nbut: %.*s", text, SPAN_ARG(buf_span(&fake->in)));
}

/* A stanza there, and its answer is the next thing heard; what was heard before is forgotten. */
static inline void fake_ask(struct fake *fake, const char *stanza, const char *answer)
{
    buf_clear(&fake->in);
    fake_say(fake, stanza);
    fake_expect(fake, answer);
}

#endif
