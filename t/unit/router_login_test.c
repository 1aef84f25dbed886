/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_login_test.c - logins and their limits, between a worker's letters
 * and a fake server for clients. */
#include "router_login_stage.h"

/* ---- logins ---- */

static void test_login(void **state)
{
    (void)state;
    assert_int_equal(login("alice", "secret"), PROBLEM_none);
    assert_int_equal(c2s.bound, 1);
    assert_int_equal(router->logins->session_count, 1);
    assert_int_equal(atomic_load(&heritage.segment->logins.sessions), 1);
    assert_int_equal(
        auth_cache_find(&heritage.segment->auth, SPAN("alice@localhost"), SPAN("secret"), clock_mono()),
        AUTH_USER);
    /* Again: it is known, and nobody is asked. Another spelling is the same account. */
    assert_int_equal(login("alice", "secret"), PROBLEM_none);
    assert_int_equal(login("ALICE", "secret"), PROBLEM_none);
    assert_int_equal(c2s.accepted, 1);
}

static void test_wrong_password(void **state)
{
    (void)state;
    assert_int_equal(login("alice", "wrong"), PROBLEM_not_authorized);
    assert_int_equal(c2s.bad, 1);
    assert_int_equal(atomic_load(&heritage.segment->logins.failures), 1);
    /* The same wrong pair is not shown to the server again so soon. */
    assert_int_equal(login("alice", "wrong"), PROBLEM_not_authorized);
    assert_int_equal(c2s.accepted, 1);
    assert_int_equal(login("alice", "secret"), PROBLEM_none);
    assert_int_equal(atomic_load(&heritage.segment->logins.failures), 0);
    assert_int_equal(
        auth_cache_find(&heritage.segment->auth, SPAN("alice@localhost"), SPAN("wrong"), clock_mono()),
        AUTH_UNPROVED);
}

static void test_not_asked(void **state)
{
    static const char *const rows[][2] = {
        { "alice@example.org", "secret" }, /* no domain of ours */
        { "localhost", "secret" },         { "alice@localhost/r", "secret" },
        { "al\nice@localhost", "secret" }, { "@localhost", "secret" },
        { "alice@localhost", "" },         { "alice@localhost", "sec\nret" },
        { "alice@localhost", "\xff" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(wait_for(ask(LETTER_LOGIN, rows[i][0], rows[i][1], "", NULL)),
                         PROBLEM_not_authorized);
    send_letter(&workers[0],
                &(struct letter){ .kind = LETTER_LOGIN,
                                  .call = CALLS - 1,
                                  .count = 3,
                                  .parts = { SPAN("alice@localhost"), SPAN("a\0b"), SPAN("") } });
    assert_int_equal(wait_for(CALLS - 1), PROBLEM_not_authorized);
    assert_int_equal(c2s.accepted, 0);
}

/* Many of one pair share a proof; another password of the same account has its own. */
static void test_together(void **state)
{
    uint64_t first[20], wrong;
    unsigned two = 2;

    (void)state;
    c2s.holds = true;
    for (size_t i = 0; i < 20; i++)
        first[i] = begin_login("alice", "secret", "");
    wrong = begin_login("alice", "wrong", "");
    assert_true(run_until(loop, waits_at_server, &two));
    assert_int_equal(told.answers, 0);
    c2s_release(&c2s);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(wait_for(first[i]), PROBLEM_none);
    assert_int_equal(wait_for(wrong), PROBLEM_not_authorized);
    assert_int_equal(c2s.accepted, 2);
    assert_int_equal(c2s.bound_most, 1);
}

/* With another good password, and when the proof has grown old: a second connection that binds nothing. */
static void test_never_two_sessions(void **state)
{
    (void)state;
    assert_int_equal(login("alice", "secret"), PROBLEM_none);
    c2s.password = "newer";
    assert_int_equal(login("alice", "newer"), PROBLEM_none);
    assert_int_equal(c2s.good, 2);
    assert_int_equal(c2s.bound_most, 1);
    assert_int_equal(
        auth_cache_find(&heritage.segment->auth, SPAN("alice@localhost"), SPAN("secret"), clock_mono()),
        AUTH_UNPROVED); /* the old one is not believed any more */
    xmpp.login_cache = 0;
    assert_int_equal(login("alice", "newer"), PROBLEM_none);
    assert_int_equal(c2s.good, 3);
    assert_int_equal(c2s.bound_most, 1);
    assert_int_equal(c2s.bound, 1);
}

static void test_two_good_passwords_at_once(void **state)
{
    uint64_t one, two;
    unsigned both = 2;

    (void)state;
    c2s.holds = true;
    one = begin_login("alice", "one", "");
    two = begin_login("alice", "two", "");
    assert_true(run_until(loop, waits_at_server, &both));
    c2s.password = NULL;
    c2s_release(&c2s);
    assert_int_equal(wait_for(one), PROBLEM_none);
    assert_int_equal(wait_for(two), PROBLEM_none);
    assert_int_equal(c2s.good, 2);
    assert_int_equal(c2s.bound_most, 1);
}

static void test_ended_by_the_server(void **state)
{
    uint64_t call;

    (void)state;
    assert_int_equal(login("alice", "secret"), PROBLEM_none);
    call = ask(LETTER_IQ_CALL, "alice@localhost", "bob@localhost", "get", PING);
    c2s_say(
        expect("alice", "<ping"),
        "<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text "
        "xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Password changed</text></stream:error></stream:stream>");
    assert_int_equal(wait_for(call), PROBLEM_server_absent);
    assert_int_equal(router->logins->session_count, 0);
    assert_int_equal(
        auth_cache_find(&heritage.segment->auth, SPAN("alice@localhost"), SPAN("secret"), clock_mono()),
        AUTH_UNPROVED);
    assert_int_equal(wait_for(ask(LETTER_IQ_CALL, "alice@localhost", "bob@localhost", "get", PING)),
                     PROBLEM_no_session);
}

/* A password that was wrong a moment ago may be the one that was set since. */
static void test_wrong_password_that_was_set_meanwhile(void **state)
{
    (void)state;
    assert_int_equal(login("alice", "wrong"), PROBLEM_not_authorized);
    send_letter(&workers[0],
                &(struct letter){ .kind = LETTER_LOGOUT, .count = 1, .parts = { SPAN("alice@localhost") } });
    assert_int_equal(login("alice", "wrong"), PROBLEM_not_authorized);
    assert_int_equal(c2s.accepted, 2); /* it was asked */
}

static void test_logout(void **state)
{
    (void)state;
    assert_int_equal(login("alice", "secret"), PROBLEM_none);
    ask(LETTER_LOGOUT, "alice@localhost", NULL, NULL, NULL);
    assert_true(run_until(loop, none_bound, NULL));
    assert_int_equal(router->logins->session_count, 0);
    assert_int_equal(
        auth_cache_find(&heritage.segment->auth, SPAN("alice@localhost"), SPAN("secret"), clock_mono()),
        AUTH_UNPROVED);
}

static void test_logout_during_a_login(void **state)
{
    unsigned one = 1;
    uint64_t call;

    (void)state;
    c2s.holds = true;
    call = begin_login("alice", "secret", "");
    assert_true(run_until(loop, waits_at_server, &one));
    ask(LETTER_LOGOUT, "alice@localhost", NULL, NULL, NULL);
    assert_int_equal(wait_for(call), PROBLEM_unavailable);
    c2s_release(&c2s);
    assert_int_equal(login("bob", "secret"), PROBLEM_none);
    assert_int_equal(
        auth_cache_find(&heritage.segment->auth, SPAN("alice@localhost"), SPAN("secret"), clock_mono()),
        AUTH_UNPROVED);
}

static void test_sessions_most(void **state)
{
    (void)state;
    xmpp.sessions_most = 2;
    assert_int_equal(login("alice", "secret"), PROBLEM_none);
    assert_int_equal(login("bob", "secret"), PROBLEM_none);
    assert_int_equal(login("alice", "secret"), PROBLEM_none); /* bob's is used least now */
    assert_int_equal(login("carol", "secret"), PROBLEM_none);
    assert_int_equal(router->logins->session_count, 2);
    assert_non_null(router_session_of(router, SPAN("alice@localhost")));
    assert_null(router_session_of(router, SPAN("bob@localhost")));
    /* None is taken away over which something is asked. */
    ask(LETTER_IQ_CALL, "alice@localhost", "x@localhost", "get", PING);
    ask(LETTER_IQ_CALL, "carol@localhost", "x@localhost", "get", PING);
    expect("carol", "<ping");
    assert_int_equal(login("dave", "secret"), PROBLEM_unavailable);
    assert_int_equal(c2s.bound, 2);
}

static void test_idle(void **state)
{
    (void)state;
    xmpp.session_idle = 100 * USEC_PER_MSEC;
    assert_int_equal(login("alice", "secret"), PROBLEM_none);
    assert_true(run_until(loop, none_bound, NULL));
    assert_int_equal(router->logins->session_count, 0);
    assert_int_equal(
        auth_cache_find(&heritage.segment->auth, SPAN("alice@localhost"), SPAN("secret"), clock_mono()),
        AUTH_USER); /* it was us who closed it */
}

/* ---- limits ---- */

static unsigned fails_until_limited(const char *user, const char *client, unsigned most)
{
    char password[24];

    for (unsigned i = 0; i < most; i++) {
        enum problem problem;

        (void)snprintf(password, sizeof(password), "wrong %s %u", client, i);
        problem = login_from(user, password, client);
        if (problem == PROBLEM_too_many_requests)
            return i;
        assert_int_equal(problem, PROBLEM_not_authorized);
    }
    return most;
}

static void test_limit_of_an_account(void **state)
{
    (void)state;
    xmpp.login_failures_per_account = 5;
    assert_int_equal(login("bob", "secret"), PROBLEM_none); /* costs nothing */
    assert_int_equal(fails_until_limited("alice", "192.0.2.1", 20), 5);
    assert_string_not_equal(told.seconds[calls % CALLS], "");
    assert_int_equal(login_from("alice", "secret", "192.0.2.2"), PROBLEM_too_many_requests);
    assert_int_equal(login_from("bob", "secret", "192.0.2.1"), PROBLEM_none);
    assert_int_equal(c2s.bad, 5);
}

/* Whoever was right lately is let in, however many try to lock him out. */
static void test_owner_is_not_locked_out(void **state)
{
    (void)state;
    xmpp.login_failures_per_account = 5;
    xmpp.login_failures_most = 8;
    assert_int_equal(login("alice", "secret"), PROBLEM_none);
    ask(LETTER_LOGOUT, "bob@localhost", NULL, NULL, NULL);
    assert_int_equal(fails_until_limited("alice", "192.0.2.1", 20), 4); /* half of 8, over all */
    router_session_close(router_session_of(router, SPAN("alice@localhost")), PROBLEM_no_session);
    assert_int_equal(login_from("dave", "secret", "192.0.2.9"), PROBLEM_too_many_requests);
    assert_int_equal(login_from("alice", "secret", "192.0.2.9"), PROBLEM_none);
    assert_int_equal(login_from("dave", "secret", "192.0.2.9"), PROBLEM_none); /* and all others again */
}

static void test_limit_of_an_address(void **state)
{
    char user[16];
    unsigned limited = 0;

    (void)state;
    xmpp.login_failures_per_address = 3;
    for (unsigned i = 0; i < 6; i++) {
        (void)snprintf(user, sizeof(user), "user%u", i);
        limited +=
            login_from(user, "wrong", i % 2 ? "2001:db8::1" : "2001:db8::2:3") == PROBLEM_too_many_requests;
    }
    assert_int_equal(limited, 3); /* one /64 */
    assert_int_equal(login_from("alice", "wrong", "2001:db8:0:1::1"), PROBLEM_not_authorized);
    assert_int_equal(login_from("alice", "wrong2", "192.0.2.1"), PROBLEM_not_authorized);
    assert_int_equal(login_from("alice", "wrong3", "unix"),
                     PROBLEM_not_authorized); /* none that could be counted */
}

/* A hundred at once, of as many strangers: the server sees half the limit, then one more in minutes. */
static void test_limit_over_all(void **state)
{
    uint64_t call[100];
    unsigned refused = 0, limited = 0;
    char user[16];

    (void)state;
    xmpp.login_failures_most = 16;
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(user, sizeof(user), "user%u", i);
        call[i] = begin_login(user, "wrong", "");
    }
    for (unsigned i = 0; i < 100; i++) {
        enum problem problem = wait_for(call[i]);

        refused += problem == PROBLEM_not_authorized;
        limited += problem == PROBLEM_too_many_requests;
    }
    assert_int_equal(c2s.bad, 8);
    assert_int_equal(refused, 8);
    assert_int_equal(limited, 92);
}

/* And a hundred who are right all come in, in their turn. */
static void test_many_at_once(void **state)
{
    uint64_t call[50];
    char user[16];

    (void)state;
    xmpp.login_failures_most = 16;
    for (unsigned i = 0; i < 50; i++) {
        (void)snprintf(user, sizeof(user), "user%u", i);
        call[i] = begin_login(user, "secret", "192.0.2.1");
    }
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(wait_for(call[i]), PROBLEM_none);
    assert_int_equal(c2s.good, 50);
    assert_int_equal(router->logins->session_count, 50);
}

static void new_router(void)
{
    router_free(&router);
    give_row(ROW_ROUTER, PROCESS_router);
    heritage.generation = atomic_load(&heritage.segment->board.rows[ROW_ROUTER].generation);
    tell_router();
    bell_ring(heritage.bell_fd[ROW_WORKER_0]);
    router = router_new(&heritage, loop);
}

/* What one router learned the next one knows. */
static void test_reborn_router_remembers(void **state)
{
    unsigned zero = 0;

    (void)state;
    xmpp.login_failures_per_account = 5;
    xmpp.login_failures_most = 16;
    assert_int_equal(fails_until_limited("alice", "192.0.2.1", 20), 5);
    new_router();
    assert_true(run_until(loop, ready, &zero));
    assert_int_equal(login_from("alice", "secret", "192.0.2.1"), PROBLEM_too_many_requests);
    assert_int_equal(atomic_load(&heritage.segment->logins.failures), 5);
    assert_int_equal(login_from("alice", "wrong 192.0.2.1 0", "192.0.2.1"), PROBLEM_not_authorized);
    assert_int_equal(c2s.bad, 5);
}

static void test_turned_away(void **state)
{
    (void)state;
    c2s.hangs_up = true;
    assert_int_equal(login("alice", "secret"), PROBLEM_logins_refused);
    assert_string_equal(told.seconds[calls % CALLS], "60");
    c2s.hangs_up = false;
    assert_int_equal(login("bob", "secret"), PROBLEM_logins_refused); /* remembered: nobody knocks */
    assert_int_equal(c2s.accepted, 1);
    atomic_store(&heritage.segment->logins.refused_until, clock_mono());
    assert_int_equal(login("bob", "secret"), PROBLEM_none);
}

static void test_absent_server(void **state)
{
    (void)state;
    xmpp.login_failures_per_account = 1;
    xmpp.c2s_port = 1;
    for (unsigned i = 0; i < 3; i++) /* costs nothing: nobody said that it was wrong */
        assert_int_equal(login("alice", "secret"), PROBLEM_server_absent);
    assert_int_equal(atomic_load(&heritage.segment->logins.failures), 0);
}

/* ---- the end ---- */

static void on_router_closed(struct router *at)
{
    (void)at;
}

static void test_close(void **state)
{
    uint64_t held, iq;
    unsigned two = 2;

    (void)state;
    assert_int_equal(login("alice", "secret"), PROBLEM_none);
    c2s.holds = true;
    held = begin_login("bob", "secret", "");
    iq = ask(LETTER_IQ_CALL, "alice@localhost", "bob@localhost", "get", PING);
    assert_true(run_until(loop, waits_at_server, &two));
    expect("alice", "<ping");
    router_close(router, on_router_closed);
    assert_int_equal(wait_for(held), PROBLEM_server_absent);
    assert_int_equal(wait_for(iq), PROBLEM_server_absent);
    assert_true(run_until(loop, none_bound, NULL));
    assert_int_equal(login("carol", "secret"), PROBLEM_unavailable);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_logins, tear_down_logins)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_login),
        TEST(test_wrong_password),
        TEST(test_not_asked),
        TEST(test_together),
        TEST(test_never_two_sessions),
        TEST(test_two_good_passwords_at_once),
        TEST(test_ended_by_the_server),
        TEST(test_wrong_password_that_was_set_meanwhile),
        TEST(test_logout),
        TEST(test_logout_during_a_login),
        TEST(test_sessions_most),
        TEST(test_idle),
        TEST(test_limit_of_an_account),
        TEST(test_owner_is_not_locked_out),
        TEST(test_limit_of_an_address),
        TEST(test_limit_over_all),
        TEST(test_many_at_once),
        TEST(test_reborn_router_remembers),
        TEST(test_turned_away),
        TEST(test_absent_server),
        TEST(test_close),
    };

    xml_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
