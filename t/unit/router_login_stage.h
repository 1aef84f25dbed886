/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_login_stage.h - router_stage.h with a server for clients, and a
 * worker that keeps what each of its letters was answered. */
#ifndef STOA_TEST_ROUTER_LOGIN_STAGE_H
#define STOA_TEST_ROUTER_LOGIN_STAGE_H

#include "fake_c2s.h"
#include "router_stage.h"

#include "router/router_login.h"

#define CALLS 256

static struct c2s c2s;
static const char *domains[] = { "localhost" };

static struct {
    unsigned answers;
    bool has[CALLS];
    uint32_t number[CALLS];
    char seconds[CALLS][24];
} told;

static inline void on_told(void *data, unsigned row, uint32_t generation, const struct letter *letter)
{
    on_letter(data, row, generation, letter);
    if (letter->call >= CALLS || letter->kind == LETTER_IQ_ARRIVED)
        return;
    assert_false(told.has[letter->call]); /* each is answered once */
    told.answers++;
    told.has[letter->call] = true;
    told.number[letter->call] = letter->number;
    if (letter->kind == LETTER_LOGIN_DONE)
        (void)snprintf(told.seconds[letter->call], 24, "%.*s", SPAN_ARG(letter->parts[1]));
}

static const struct post_calls told_calls = { on_told, on_joined, on_lost };

static inline int set_up_logins(void **state)
{
    unsigned zero = 0;

    set_up(state);
    c2s_open(&c2s, loop);
    memset(&told, 0, sizeof(told));
    xmpp.c2s_port = c2s.port;
    xmpp.c2s_security = C2S_PLAIN;
    xmpp.domains = (struct conf_list){ .texts = domains, .count = 1 };
    xmpp.login_cache = 180 * USEC_PER_SEC;
    xmpp.session_idle = 300 * USEC_PER_SEC;
    xmpp.sessions_most = 1000;
    worker_up(0);
    post_free(&workers[0].post);
    workers[0].post = post_new(&workers[0].heritage, loop, &told_calls, &workers[0]);
    assert_true(run_until(loop, ready, &zero));
    assert_true(run_until(loop, both_up, NULL));
    return 0;
}

static inline int tear_down_logins(void **state)
{
    c2s_close(&c2s);
    return tear_down(state);
}

/* ---- steps ---- */

static uint64_t calls;

static inline uint64_t ask(enum letter_kind kind, const char *a, const char *b, const char *c, const char *d)
{
    const char *const texts[] = { a, b, c, d };
    struct letter letter = { .kind = kind, .call = ++calls % CALLS, .number = 5000 };

    if (kind != LETTER_IQ_CALL)
        letter.number = 0;
    while (letter.count < 4 && texts[letter.count]) {
        letter.parts[letter.count] = span_of(texts[letter.count]);
        letter.count++;
    }
    send_letter(&workers[0], &letter);
    return letter.call;
}

static inline bool is_told(void *data)
{
    return told.has[*(uint64_t *)data];
}

static inline enum problem wait_for(uint64_t call)
{
    if (!run_until(loop, is_told, &call))
        fail_msg("call %u was never answered", (unsigned)call);
    return (enum problem)told.number[call];
}

static inline uint64_t begin_login(const char *user, const char *password, const char *client)
{
    char jid[80];

    (void)snprintf(jid, sizeof(jid), "%s@localhost", user);
    return ask(LETTER_LOGIN, jid, password, client, NULL);
}

static inline enum problem login_from(const char *user, const char *password, const char *client)
{
    return wait_for(begin_login(user, password, client));
}

static inline enum problem login(const char *user, const char *password)
{
    return login_from(user, password, "");
}

static inline enum problem send_as(const char *from, const char *stanza)
{
    return wait_for(ask(LETTER_SEND, from, stanza, NULL, NULL));
}

struct hearing {
    const char *user, *text;
};

static inline bool heard_there(void *data)
{
    struct hearing *hearing = data;
    struct c2s_conn *conn = c2s_of(&c2s, hearing->user);

    return conn && c2s_has(conn, hearing->text);
}

static inline struct c2s_conn *expect(const char *user, const char *text)
{
    struct hearing hearing = { user, text };
    struct c2s_conn *conn;

    if (!run_until(loop, heard_there, &hearing)) {
        conn = c2s_of(&c2s, user);
        fail_msg("%s was not heard, but %.*s", text, conn ? (int)conn->in.size : 0, conn ? conn->in.at : "");
    }
    return c2s_of(&c2s, user);
}

static inline bool waits_at_server(void *data)
{
    return c2s.accepted >= *(unsigned *)data;
}

static inline bool none_bound(void *data)
{
    (void)data;
    return c2s.bound == 0;
}

#define PING "<ping xmlns='urn:xmpp:ping'/>"

#endif
