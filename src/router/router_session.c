/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_session.c - the sessions of users that stay open for a while.
 *
 * At most one for an account, as servers throw out the oldest of too many, and that is the user's telephone.
 * It ends when nobody used it for long, when room is needed, at a LOGOUT, and when the server says so. */
#include "router/router_login.h"

#include "base/clock.h"
#include "os/log.h"

#include <stdlib.h>

struct session *router_session_of(struct router *router, struct span jid)
{
    return map_get(router->logins->sessions, jid);
}

static void free_session(struct session *session, enum problem problem)
{
    struct router *router = session->router;
    struct logins *logins = router->logins;

    must(map_remove(logins->sessions, session->jid) == session);
    list_remove(&session->node);
    timer_stop(&session->idle);
    logins->session_count--;
    atomic_store(&router->heritage->segment->logins.sessions, logins->session_count);
    count_add(COUNT_sessions_closed, session->up);
    iq_table_fail(session->asked, problem);
    iq_table_free(&session->asked);
    must(list_empty(&session->waits));
    login_secret_free(&session->secret);
    free(session->jid_text);
    OBJECT_DEAD(session);
    free(session);
}

void router_session_close(struct session *session, enum problem problem)
{
    router_login_answer(session->router, &session->waits, problem, "", 0);
    client_close(&session->client);
    free_session(session, problem);
}

/* ---- use ---- */

static void on_idle(struct timer *timer)
{
    struct session *session = OBJECT(LIST_OF(timer, struct session, idle), session);
    struct router *router = session->router;
    int64_t now = loop_now(router->loop), idle = router->setting->session_idle;

    if (iq_table_count(session->asked) == 0 && session->up && now - session->used >= idle)
        router_session_close(session, PROBLEM_no_session);
    else
        timer_set(router->loop, timer,
                  now - session->used >= idle ? now + USEC_PER_SEC : session->used + idle, on_idle);
}

void router_session_used(struct session *session)
{
    struct logins *logins = session->router->logins;

    session->used = loop_now(session->router->loop);
    list_remove(&session->node);
    list_append(&logins->sessions_by_use, &session->node);
}

/* The one that was not used for longest, of those over which nothing is asked. */
static bool make_room(struct router *router)
{
    struct logins *logins = router->logins;

    if (logins->session_count < router->setting->sessions_most)
        return true;
    LIST_EACH (node, &logins->sessions_by_use) {
        struct session *session = LIST_OF(node, struct session, node);

        if (session->up && iq_table_count(session->asked) == 0) {
            router_session_close(session, PROBLEM_no_session);
            return true;
        }
    }
    return false;
}

/* ---- its client ---- */

static void on_up(void *data, struct client *client)
{
    struct session *session = OBJECT(data, session);
    struct router *router = session->router;

    (void)client;
    session->up = true;
    count_add(COUNT_sessions_opened, 1);
    auth_cache_forget(&router->heritage->segment->auth, session->jid);
    router_login_keep(router, session->jid, session->secret);
    login_secret_free(&session->secret);
    router_login_answer(router, &session->waits, PROBLEM_none, "", 0);
}

static void on_stanza(void *data, struct client *client, const struct xml_element *stanza,
                      struct arena *arena)
{
    (void)client;
    router_session_stanza(OBJECT(data, session), stanza, arena);
}

/* A server that ends a session has a reason to: what was proved has to be proved again. */
static void on_ended(void *data, struct client *client, enum client_end end, const char *detail)
{
    struct session *session = OBJECT(data, session);
    struct router *router = session->router;

    session->client = NULL;
    auth_cache_forget(&router->heritage->segment->auth, session->jid);
    if (session->up)
        log_info("the session of %.*s was ended by the server (%s)", SPAN_ARG(session->jid),
                 detail[0] ? detail : "closed");
    else
        router_login_say(router, end, client_jid(client).domain, detail);
    router_login_answer(router, &session->waits, client_problem(end), client_sentence(end), 0);
    free_session(session, PROBLEM_server_absent);
}

/* Never asked: the proof of a session is behind it. */
static bool on_proved(void *data, struct client *client)
{
    (void)client;
    must(OBJECT(data, session) != NULL);
    return true;
}

static const struct client_calls session_calls = {
    .proved = on_proved, .up = on_up, .stanza = on_stanza, .ended = on_ended
};

struct session *router_session_open(struct proof *proof)
{
    struct router *router = proof->router;
    struct logins *logins = router->logins;
    struct session *session;

    if (!make_room(router))
        return NULL;
    session = must_alloc(sizeof(*session));
    OBJECT_BORN(session, session);
    session->router = router;
    session->client = proof->client;
    session->secret = proof->secret;
    proof->secret = NULL;
    session->jid_text = must_strdup(proof->jid.at);
    session->jid = span_of(session->jid_text);
    memcpy(session->name, proof->name, sizeof(session->name));
    session->proved = clock_mono();
    session->asked = iq_table_new(router->loop);
    list_init(&session->waits);
    while (!list_empty(&proof->waits))
        list_append(&session->waits, list_take(&proof->waits));
    must(map_set(logins->sessions, session->jid, session) == NULL);
    logins->session_count++;
    atomic_store(&router->heritage->segment->logins.sessions, logins->session_count);
    router_session_used(session);
    timer_set(router->loop, &session->idle, session->used + router->setting->session_idle, on_idle);
    client_hand_over(session->client, &session_calls, session);
    return session;
}
