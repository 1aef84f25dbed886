/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_session_test.c - what goes over the sessions of users: IQs, answers,
 * messages and presence. */
#include "router_login_stage.h"

/* ---- IQs ---- */

static void answer(struct c2s_conn *conn, const char *from)
{
    const char *at = memmem(conn->in.at, conn->in.size, " id='", 5);
    struct buf text = { 0 };

    assert_non_null(at);
    buf_printf(&text, "<iq type='result' id='%.32s'%s/>", at + 5, from);
    buf_char(&text, '\0');
    c2s_say(conn, text.at);
    buf_free(&text);
}

/* RFC 6120 8.1.2.1: who may answer for whom. */
static void test_iq(void **state)
{
    static const struct {
        const char *to, *from;
        bool counts;
    } rows[] = {
        { "bob@localhost", " from='bob@localhost'", true },
        { "bob@localhost", " from='bob@localhost/r'", false },
        { "bob@localhost", " from='localhost'", false },
        { "bob@localhost", "", false },
        { "localhost", " from='localhost'", true },
        { "localhost", "", true },
        { "localhost", " from='alice@localhost'", false },
        { "alice@localhost", " from='alice@localhost'", true },
        { "alice@localhost", "", true },
        { "alice@localhost", " from='localhost'", true },
        { "alice@localhost", " from='bob@localhost'", false },
    };

    (void)state;
    assert_int_equal(login("alice", "secret"), PROBLEM_none);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct c2s_conn *conn;
        uint64_t call = ask(LETTER_IQ_CALL, "alice@localhost", rows[i].to, "get", PING);

        conn = expect("alice", PING "</iq>");
        assert_true(c2s_has(conn, "<iq type='get' from='alice@localhost/r' to='"));
        workers[0].last = LETTER_NONE;
        answer(conn, rows[i].from);
        if (!rows[i].counts) { /* ours comes behind it */
            buf_clear(&conn->in);
            c2s_say(conn, "<iq type='get' id='p' from='x@y/z'>" PING "</iq>");
            expect("alice", "id='p'");
            if (told.has[call])
                fail_msg("row %zu was taken", i);
        } else {
            assert_int_equal(wait_for(call), PROBLEM_none);
            assert_int_equal(workers[0].last, LETTER_IQ_ANSWER);
        }
        buf_clear(&conn->in);
    }
}

static void test_iqs_of_others(void **state)
{
    static const struct {
        const char *says, *answer;
    } rows[] = {
        { "<iq type='get' id='1' from='bob@localhost/b'>" PING "</iq>",
          "<iq type='result' from='alice@localhost/r' to='bob@localhost/b' id='1'></iq>" },
        { "<iq type='get' id='1'>" PING "</iq>",
          "<iq type='result' from='alice@localhost/r' to='alice@localhost' id='1'></iq>" },
        { "<iq type='get' id='1' from='a@b'><query xmlns='jabber:iq:version'/></iq>", "<name>Stoa</name>" },
        { "<iq type='get' id='1' from='a@b'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
          "<identity category='client' type='bot'" },
        { "<iq type='set' id='1' from='a@b'><query xmlns='jabber:iq:roster'/></iq>", "<service-unavailable" },
        { "<iq type='get' id='1' from='a@b'/>", "<bad-request" },
    };

    (void)state;
    assert_int_equal(login("alice", "secret"), PROBLEM_none);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct c2s_conn *conn = c2s_of(&c2s, "alice");

        buf_clear(&conn->in);
        c2s_say(conn, "<message from='a@b'><body>x</body></message><presence from='a@b'/><iq type='result' "
                      "id='q' from='a@b'/>"); /* silence */
        c2s_say(conn, rows[i].says);
        expect("alice", rows[i].answer);
        assert_false(c2s_has(conn, "<message") || c2s_has(conn, "id='q'"));
    }
}

static void test_iqs_most(void **state)
{
    uint64_t call = 0;

    (void)state;
    assert_int_equal(login("alice", "secret"), PROBLEM_none);
    for (unsigned i = 0; i <= SESSION_IQS_MOST; i++)
        call = ask(LETTER_IQ_CALL, "alice@localhost", "bob@localhost", "get", PING);
    assert_int_equal(wait_for(call), PROBLEM_too_many_requests);
    ask(LETTER_LOGOUT, "alice@localhost", NULL, NULL, NULL);
    assert_int_equal(wait_for(call - 1), PROBLEM_no_session); /* who waits is told at once */
}

/* One caller's bytes can never end a session that others share, or speak as a stanza of their own. */
static void test_poison(void **state)
{
    static const char *const poisons[] = {
        "</iq></stream:stream>",   "<a xmlns='x'>", "<a xmlns='x'/><b xmlns='x'/>",
        "<a xmlns='x'>&nbsp;</a>", "\xff",          "<a/>"
    };

    (void)state;
    assert_int_equal(login("alice", "secret"), PROBLEM_none);
    for (size_t i = 0; i < sizeof(poisons) / sizeof(poisons[0]); i++) {
        assert_int_equal(wait_for(ask(LETTER_IQ_CALL, "alice@localhost", "bob@localhost", "set", poisons[i])),
                         PROBLEM_bad_request);
        assert_int_equal(send_as("alice@localhost", poisons[i]), PROBLEM_bad_request);
    }
    assert_int_equal(c2s_of(&c2s, "alice")->in.size, 0);
}

/* ---- messages and presence ---- */

#define MESSAGE(attributes) "<message xmlns='jabber:client'" attributes "><body>a &amp; b</body></message>"

static void test_send(void **state)
{
    static const struct {
        const char *from, *stanza;
        enum problem problem;
    } rows[] = {
        { "alice@localhost", MESSAGE(" to='bob@localhost' type='chat'"), PROBLEM_none },
        { "alice@localhost", MESSAGE(""), PROBLEM_none }, /* to the account itself */
        { "alice@localhost", "<presence xmlns='jabber:client' to='room@muc.localhost/a'/>", PROBLEM_none },
        { "alice@localhost", "<presence xmlns='jabber:client'/>",
          PROBLEM_bad_request }, /* it would be available */
        { "alice@localhost", MESSAGE(" to='b@@'"), PROBLEM_bad_request },
        { "alice@localhost", MESSAGE(" to='bob@localhost' type='odd'"), PROBLEM_bad_request },
        { "alice@localhost", "<message to='bob@localhost'/>", PROBLEM_bad_request },
        { "alice@localhost", "<iq xmlns='jabber:client' type='get' id='1' to='bob@localhost'/>",
          PROBLEM_bad_request },
        { "bob@localhost", MESSAGE(" to='alice@localhost'"), PROBLEM_no_session },
        { "bob@example.org", MESSAGE(" to='alice@localhost'"), PROBLEM_bad_request },
        { "upload.localhost", MESSAGE(" to='alice@localhost' from='admin@localhost'"), PROBLEM_none },
        { "x@upload.localhost/y", MESSAGE(" to='alice@localhost'"), PROBLEM_none },
        { "upload.localhost", MESSAGE(""), PROBLEM_bad_request }, /* ejabberd would close the stream */
        { "upload.localhost", "<presence xmlns='jabber:client' to='alice@localhost' type='subscribe'/>",
          PROBLEM_none },
        { "evil.upload.localhost", MESSAGE(" to='alice@localhost'"), PROBLEM_bad_request },
        { "", MESSAGE(" to='alice@localhost'"), PROBLEM_bad_request },
    };

    (void)state;
    assert_int_equal(login("alice", "secret"), PROBLEM_none);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (send_as(rows[i].from, rows[i].stanza) != rows[i].problem)
            fail_msg("row %zu: %u", i, (unsigned)workers[0].number);
    expect(
        "alice",
        "<message to='bob@localhost' type='chat' from='alice@localhost/r'><body>a &amp; b</body></message>");
    fake_expect(&fake,
                "<message to='alice@localhost' from='upload.localhost'><body>a &amp; b</body></message>");
    fake_expect(&fake, "<message to='alice@localhost' from='x@upload.localhost/y'>");
    assert_false(fake_heard(&fake, "admin@localhost"));
    assert_false(fake_heard(&fake, "jabber:client"));
}

static void test_foreign_from(void **state)
{
    (void)state;
    xmpp.foreign_from = true;
    assert_int_equal(send_as("bob@example.org/x", MESSAGE(" to='alice@localhost'")), PROBLEM_none);
    fake_expect(&fake, "from='bob@example.org/x'>");
    assert_int_equal(send_as("bob@localhost", MESSAGE(" to='alice@localhost'")), PROBLEM_none);
    fake_expect(&fake, "from='bob@localhost'>");
}

static void test_send_too_large(void **state)
{
    struct buf text = { 0 };

    (void)state;
    assert_int_equal(login("alice", "secret"), PROBLEM_none);
    buf_text(&text, "<message xmlns='jabber:client' to='bob@localhost'><body>");
    for (size_t i = 0; i < SESSION_STANZA_MOST; i++)
        buf_char(&text, 'x');
    buf_text(&text, "</body></message>");
    buf_char(&text, '\0');
    assert_int_equal(send_as("alice@localhost", text.at), PROBLEM_body_too_large);
    assert_int_equal(c2s_of(&c2s, "alice")->in.size, 0);
    assert_int_equal(send_as("upload.localhost", text.at), PROBLEM_none);
    buf_free(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_logins, tear_down_logins)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_iq),   TEST(test_iqs_of_others), TEST(test_iqs_most),       TEST(test_poison),
        TEST(test_send), TEST(test_foreign_from),  TEST(test_send_too_large),
    };

    xml_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
