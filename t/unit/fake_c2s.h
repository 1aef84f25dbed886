/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: fake_c2s.h - a client listener that takes any user with the one password by PLAIN,
 * binds, keeps a connection for each, and counts. */
#ifndef STOA_TEST_FAKE_C2S_H
#define STOA_TEST_FAKE_C2S_H

#include "xmpp_fake.h"

#define C2S_MOST 64

struct c2s;

struct c2s_conn {
    struct watch watch;
    struct c2s *c2s; /* NULL: unused */
    struct buf in;   /* what it said and we did not answer by ourselves */
    char user[64];
    bool authenticated, bound;
};

struct c2s {
    struct loop *loop;
    struct watch listener;
    unsigned port;
    struct c2s_conn conns[C2S_MOST];
    const char *password;                            /* NULL: any is good */
    unsigned accepted, good, bad, bound, bound_most; /* bound: now; bound_most: at once, ever */
    bool hangs_up;                                   /* closes before a word */
    bool holds;                                      /* does not answer proofs */
};

#define C2S_HEADER                                                                                           \
    "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' id='1' "            \
    "from='localhost' version='1.0' xmlns='jabber:client'>"

static inline void c2s_hang_up(struct c2s_conn *conn)
{
    if (conn->c2s == NULL)
        return;
    conn->c2s->bound -= conn->bound;
    watch_stop(&conn->watch);
    close(conn->watch.fd);
    buf_free(&conn->in);
    *conn = (struct c2s_conn){ 0 };
}

static inline void c2s_say(struct c2s_conn *conn, const char *xml)
{
    assert_true(send(conn->watch.fd, xml, strlen(xml), MSG_NOSIGNAL) == (ssize_t)strlen(xml));
}

static inline bool c2s_has(const struct c2s_conn *conn, const char *text)
{
    return conn->in.size && memmem(conn->in.at, conn->in.size, text, strlen(text)) != NULL;
}

/* The connection of that user that is bound; NULL: none. */
static inline struct c2s_conn *c2s_of(struct c2s *c2s, const char *user)
{
    for (unsigned i = 0; i < C2S_MOST; i++)
        if (c2s->conns[i].bound && strcmp(c2s->conns[i].user, user) == 0)
            return &c2s->conns[i];
    return NULL;
}

static inline void c2s_prove(struct c2s_conn *conn)
{
    struct span in = buf_span(&conn->in), rest = in;
    struct buf message = { 0 };
    bool good;

    (void)span_cut(&rest, '>');
    assert_true(codec_base64_decode(&message, span_cut(&rest, '<')));
    rest = buf_span(&message);
    assert_int_equal(span_cut(&rest, '\0').size, 0); /* the authzid */
    in = span_cut(&rest, '\0');
    (void)snprintf(conn->user, sizeof(conn->user), "%.*s", SPAN_ARG(in));
    good = conn->c2s->password == NULL || span_is(rest, conn->c2s->password);
    buf_free(&message);
    conn->authenticated = good;
    conn->c2s->good += good;
    conn->c2s->bad += !good;
    c2s_say(conn, good ? "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
                       : "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>");
}

static inline void c2s_bind(struct c2s_conn *conn)
{
    const char *at = memmem(conn->in.at, conn->in.size, "id='", 4);
    struct span id = span_make(at + 4, 16);
    struct buf text = { 0 };

    buf_printf(
        &text,
        "<iq type='result' id='%.*s'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>%s@localhost/r"
        "</jid></bind></iq>",
        SPAN_ARG(id), conn->user);
    buf_char(&text, '\0');
    conn->bound = true;
    if (++conn->c2s->bound > conn->c2s->bound_most)
        conn->c2s->bound_most = conn->c2s->bound;
    c2s_say(conn, text.at);
    buf_free(&text);
}

/* A client waits for each answer, so what is there is one thing. */
static inline void c2s_answer(struct c2s_conn *conn)
{
    if (c2s_has(conn, "to='localhost'>") && c2s_has(conn, "<stream:stream")) {
        c2s_say(conn, conn->authenticated ? C2S_HEADER
                          "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
                          "</stream:features>"
                                          : C2S_HEADER
                          "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
                          "<mechanism>PLAIN</mechanism></mechanisms></stream:features>");
    } else if (c2s_has(conn, "</auth>")) {
        if (conn->c2s->holds)
            return;
        c2s_prove(conn);
    } else if (c2s_has(conn, "</bind></iq>")) {
        c2s_bind(conn);
    } else if (c2s_has(conn, "</stream:stream>")) {
        c2s_say(conn, "</stream:stream>");
        c2s_hang_up(conn);
        return;
    } else {
        return;
    }
    buf_clear(&conn->in);
}

static inline void c2s_release(struct c2s *c2s) /* what was held is answered */
{
    c2s->holds = false;
    for (unsigned i = 0; i < C2S_MOST; i++)
        if (c2s->conns[i].c2s)
            c2s_answer(&c2s->conns[i]);
}

static inline void c2s_read(struct watch *watch, uint32_t events)
{
    struct c2s_conn *conn = LIST_OF(watch, struct c2s_conn, watch);
    ssize_t count = recv(watch->fd, buf_reserve(&conn->in, 65536), 65536, MSG_DONTWAIT);

    (void)events;
    if (count < 0 && errno == EAGAIN)
        return;
    if (count <= 0) {
        c2s_hang_up(conn);
        return;
    }
    conn->in.size += (size_t)count;
    c2s_answer(conn);
}

static inline void c2s_accept(struct watch *watch, uint32_t events)
{
    struct c2s *c2s = LIST_OF(watch, struct c2s, listener);
    struct sock_address peer;
    int fd = sock_accept(watch->fd, &peer);
    unsigned i = 0;

    (void)events;
    if (fd < 0)
        return;
    c2s->accepted++;
    if (c2s->hangs_up) {
        close(fd);
        return;
    }
    while (c2s->conns[i].c2s)
        assert_true(++i < C2S_MOST);
    c2s->conns[i].c2s = c2s;
    watch_start(c2s->loop, &c2s->conns[i].watch, fd, EPOLLIN, c2s_read);
}

static inline void c2s_open(struct c2s *c2s, struct loop *loop)
{
    struct sock_address address;
    int fd;

    memset(c2s, 0, sizeof(*c2s));
    c2s->loop = loop;
    c2s->password = "secret";
    assert_true(sock_address_numeric(&address, AF_INET, "127.0.0.1", 0));
    fd = sock_listen(&address, 64);
    assert_true(fd >= 0);
    address.size = sizeof(address.bytes);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address.bytes, &address.size), 0);
    c2s->port = ntohs(((struct sockaddr_in *)&address.bytes)->sin_port);
    watch_start(loop, &c2s->listener, fd, EPOLLIN, c2s_accept);
}

static inline void c2s_close(struct c2s *c2s)
{
    for (unsigned i = 0; i < C2S_MOST; i++)
        c2s_hang_up(&c2s->conns[i]);
    watch_stop(&c2s->listener);
    close(c2s->listener.fd);
}

#endif
