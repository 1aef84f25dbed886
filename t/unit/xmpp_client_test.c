/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: xmpp_client_test.c - a client against a server that does as each test says, mostly
 * what no server should do. */
#include "xmpp_client_stage.h"

/* ---- what goes well ---- */

static void test_plain(void **state)
{
    (void)state;
    log_in_plain();
    assert_int_equal(seen.proved, 1);
    assert_true(span_is(client_full_text(client), "alice@localhost/r"));
    assert_int_equal(client->password.size, 0);
    fake_say(&fake, " <message from='bob@localhost'><body>hi</body></message> ");
    fake_say(&fake, "<iq type='get' id='1'/></stream:stream>");
    expect_end(CLIENT_END_CLOSED);
    assert_int_equal(seen.stanzas, 2);
    assert_true(span_is(buf_span(&seen.stanza), "<iq type='get' id='1'/>"));
}

static void scram_login(enum scram_hash hash, bool in_success)
{
    struct buf last = { 0 };

    exchange(hash, &last);
    if (in_success) {
        say_message("success", buf_span(&last));
    } else {
        say_message("challenge", buf_span(&last));
        fake_expect(&fake, "<response" SASL "></response>");
        buf_clear(&fake.in);
        fake_say(&fake, "<success" SASL "/>");
    }
    bind_to("ALICE@LocalHost/r");
    assert_true(run_until(loop, is_up, NULL));
    buf_free(&last);
}

static void test_scram(void **state)
{
    (void)state;
    begin(OFFER(MECHANISM("PLAIN") MECHANISM("SCRAM-SHA-1")));
    scram_login(SCRAM_SHA_1, true);
    assert_int_equal(client->password.size, 0);
}

static void test_scram_256_in_four_messages(void **state)
{
    (void)state;
    begin(OFFER(MECHANISM("SCRAM-SHA-256") MECHANISM("SCRAM-SHA-1")));
    scram_login(SCRAM_SHA_256, false);
}

/* The keys of the first login are used again; a wrong password finds none of them. */
static void test_keys_are_kept(void **state)
{
    struct buf last = { 0 };

    (void)state;
    begin(OFFER(MECHANISM("SCRAM-SHA-1")));
    scram_login(SCRAM_SHA_1, true);
    client_free(&client);
    seen.up = 0;
    begin(OFFER(MECHANISM("SCRAM-SHA-1")));
    exchange(SCRAM_SHA_1, &last);
    say_message("success", buf_span(&last));
    bind_to("alice@localhost/r");
    assert_true(run_until(loop, is_up, NULL));
    buf_free(&last);
}

static void test_proved_is_enough(void **state)
{
    (void)state;
    seen.stays = false;
    begin(OFFER(MECHANISM("PLAIN")));
    fake_expect(&fake, "</auth>");
    buf_clear(&fake.in);
    fake_say(&fake, "<success" SASL "/>");
    fake_expect(&fake, "</stream:stream>");
    assert_false(fake_heard(&fake, "<bind"));
    assert_int_equal(seen.proved, 1);
    assert_int_equal(seen.up + seen.ended, 0);
}

static bool nobody_left(void *data)
{
    (void)data;
    return list_empty(&world.clients);
}

static void test_close(void **state)
{
    (void)state;
    log_in_plain();
    client_close(&client);
    assert_null(client);
    fake_expect(&fake, "</stream:stream>");
    fake_say(&fake, "</stream:stream>");
    assert_true(run_until(loop, nobody_left, NULL));
    assert_int_equal(seen.ended, 0);
}

/* At any moment of a login: nobody is called any more, and nothing is left. */
static void test_close_early(void **state)
{
    static const enum client_state states[] = { CLIENT_CONNECTING, CLIENT_OPENING, CLIENT_ENCRYPTING };

    (void)state;
    world.tls = NULL;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        start();
        if (states[i] == CLIENT_OPENING)
            fake_expect(&fake, "<stream:stream");
        else if (states[i] == CLIENT_ENCRYPTING)
            client_state_set(client, CLIENT_ENCRYPTING);
        assert_int_equal(client_state(client), states[i]);
        client_close(&client);
        assert_true(run_until(loop, nobody_left, NULL));
        fake_hang_up(&fake);
        buf_clear(&fake.in);
    }
    assert_int_equal(seen.ended + seen.proved + seen.up, 0);
}

static void test_out(void **state)
{
    struct buf *out;

    (void)state;
    start();
    assert_null(client_out(client));
    client_free(&client);
    log_in_plain();
    out = client_out(client);
    assert_non_null(out);
    buf_text(out, "<iq type='get' id='7'/>");
    fake_expect(&fake, "<iq type='get' id='7'/>");
    for (size_t i = 0; i <= CLIENT_OUT_MOST; i++)
        buf_char(out, ' ');
    assert_null(client_out(client)); /* the server takes nothing: so much and no more is kept */
}

/* ---- what a server may not do ---- */

static void test_impostors(void **state)
{
    static const struct {
        const char *rest; /* of its first message, behind our nonce */
        const char *why;
    } rows[] = {
        { ",s=QSXCR+Q6sek8bf92,i=4096", "nonce" },
        { "XYZ,s=QSXCR+Q6sek8bf92,i=2000000000", "rounds" },
        { "XYZ,s=,i=4096", "salt" },
        { "XYZ", "SCRAM" },
    };
    struct buf first = { 0 }, mine = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        seen.ended = 0;
        begin(OFFER(MECHANISM("SCRAM-SHA-1")));
        hear_first(&first);
        server_first(&first, rows[i].rest, &mine);
        say_message("challenge", buf_span(&mine));
        expect_end(CLIENT_END_IMPOSTOR);
        assert_non_null(strstr(seen.detail, rows[i].why));
        assert_int_equal(seen.proved, 0);
    }
    buf_free(&first);
    buf_free(&mine);
}

static void test_extension(void **state)
{
    (void)state;
    begin(OFFER(MECHANISM("SCRAM-SHA-1")));
    fake_expect(&fake, "</auth>");
    say_message("challenge", SPAN("m=new,r=abc,s=QSXC,i=4096"));
    expect_end(CLIENT_END_IMPOSTOR);
}

static void test_wrong_signature(void **state)
{
    struct buf last = { 0 };

    (void)state;
    begin(OFFER(MECHANISM("SCRAM-SHA-1")));
    exchange(SCRAM_SHA_1, &last);
    last.at[5] = last.at[5] == 'A' ? 'B' : 'A';
    say_message("success", buf_span(&last));
    expect_end(CLIENT_END_IMPOSTOR);
    assert_int_equal(seen.proved, 0);
    buf_free(&last);
}

/* <success/> without the proof that the server knows the password; too early, or at the end. */
static void test_no_signature(void **state)
{
    struct buf last = { 0 };

    (void)state;
    begin(OFFER(MECHANISM("SCRAM-SHA-1")));
    fake_expect(&fake, "</auth>");
    fake_say(&fake, "<success" SASL "/>");
    expect_end(CLIENT_END_IMPOSTOR);
    seen.ended = 0;
    begin(OFFER(MECHANISM("SCRAM-SHA-1")));
    exchange(SCRAM_SHA_1, &last);
    fake_say(&fake, "<success" SASL ">=</success>");
    expect_end(CLIENT_END_IMPOSTOR);
    assert_int_equal(seen.proved, 0);
    buf_free(&last);
}

static void test_other_account(void **state)
{
    static const struct {
        const char *jid;
        enum client_end end;
    } rows[] = { { "bob@localhost/r", CLIENT_END_JID },
                 { "alice@localhost.evil/r", CLIENT_END_JID },
                 { "alice@localhost", CLIENT_END_BIND },
                 { "alice@@localhost/r", CLIENT_END_BIND } };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        seen.ended = 0;
        begin(OFFER(MECHANISM("PLAIN")));
        fake_expect(&fake, "</auth>");
        buf_clear(&fake.in);
        fake_say(&fake, "<success" SASL "/>");
        bind_to(rows[i].jid);
        expect_end(rows[i].end);
        assert_int_equal(seen.up, 0);
    }
}

/* Bytes behind <proceed/> in clear, which a man in the middle could have put there. */
static void test_injection(void **state)
{
    (void)state;
    setting.c2s_security = C2S_STARTTLS;
    begin(HEADER "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
                 "<mechanisms" SASL "><mechanism>PLAIN</mechanism></mechanisms></stream:features>");
    fake_expect(&fake, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    assert_false(fake_heard(&fake, "<auth"));
    fake_say(&fake, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><stream:features/>");
    expect_end(CLIENT_END_BROKEN);
}

static void test_no_starttls(void **state)
{
    (void)state;
    setting.c2s_security = C2S_STARTTLS;
    begin(OFFER(MECHANISM("PLAIN")));
    expect_end(CLIENT_END_NO_TLS);
    assert_false(fake_heard(&fake, "<auth"));
    seen.ended = 0;
    begin(HEADER "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>");
    fake_expect(&fake, "<starttls");
    fake_say(&fake, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
    expect_end(CLIENT_END_NO_TLS);
}

/* Each says something else to the operator, and to who asked. */
static void test_ends(void **state)
{
    static const struct {
        const char *says;
        enum client_end end;
        enum problem problem;
    } rows[] = {
        { OFFER(MECHANISM("X-OAUTH2")), CLIENT_END_MECHANISM, PROBLEM_unavailable },
        { HEADER "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
                 "</stream:features>",
          CLIENT_END_NEEDS_TLS, PROBLEM_unavailable },
        { OFFER(MECHANISM("PLAIN")) "<failure" SASL "><not-authorized/></failure>", CLIENT_END_REFUSED,
          PROBLEM_not_authorized },
        { OFFER(MECHANISM("PLAIN")) "<failure" SASL "><text>no</text><account-disabled/></failure>",
          CLIENT_END_REFUSED, PROBLEM_not_authorized },
        { OFFER(MECHANISM("PLAIN")) "<failure" SASL "><temporary-auth-failure/></failure>",
          CLIENT_END_NOT_NOW, PROBLEM_unavailable },
        { OFFER(MECHANISM("PLAIN")) "<failure" SASL "><encryption-required/></failure>", CLIENT_END_NEEDS_TLS,
          PROBLEM_unavailable },
        { OFFER(MECHANISM("PLAIN")) "<challenge" SASL ">QQ==</challenge>", CLIENT_END_IMPOSTOR,
          PROBLEM_internal },
        { OFFER(MECHANISM("PLAIN")) "<success" SASL ">QQ==</success>", CLIENT_END_IMPOSTOR,
          PROBLEM_internal },
        { OFFER(MECHANISM("PLAIN")) "<success" SASL ">!!</success>", CLIENT_END_IMPOSTOR, PROBLEM_internal },
        { OFFER(MECHANISM("SCRAM-SHA-1")) "<message xmlns='jabber:client'/>", CLIENT_END_BROKEN,
          PROBLEM_internal },
        { HEADER "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
                 "</stream:stream>",
          CLIENT_END_HOST, PROBLEM_not_authorized },
        { HEADER
          "<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
          "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Too many (20) failed authentications from "
          "this IP address (1.2.3.4)</text></stream:error></stream:stream>",
          CLIENT_END_BANNED, PROBLEM_logins_refused },
        { HEADER "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
                 "</stream:stream>",
          CLIENT_END_ERROR, PROBLEM_server_absent },
        { HEADER "</stream:stream>", CLIENT_END_CLOSED, PROBLEM_server_absent },
        { "HTTP/1.1 400 Bad Request\r\n\r\n", CLIENT_END_BROKEN, PROBLEM_internal },
        { "<foo>", CLIENT_END_BROKEN, PROBLEM_internal },
        { HEADER "<!-- --><x/>", CLIENT_END_BROKEN, PROBLEM_internal },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        seen.ended = 0;
        begin(rows[i].says);
        expect_end(rows[i].end);
        assert_int_equal(client_problem(seen.end), rows[i].problem);
        assert_int_equal(seen.proved, 0);
    }
}

static void test_too_large(void **state)
{
    struct buf text = { 0 };

    (void)state;
    log_in_plain();
    buf_text(&text, "<message><body>");
    for (size_t i = 0; i < 16384; i++)
        buf_char(&text, 'x');
    buf_char(&text, '\0');
    fake_say(&fake, text.at);
    buf_free(&text);
    expect_end(CLIENT_END_BROKEN);
}

static void test_nobody_there(void **state)
{
    (void)state;
    fake.hangs_up = true;
    start();
    expect_end(CLIENT_END_EARLY);
    assert_int_equal(client_problem(seen.end), PROBLEM_logins_refused);
    seen.ended = 0;
    fake_deaf_port(&fake);
    start();
    expect_end(CLIENT_END_CONNECT);
    assert_int_equal(client_problem(seen.end), PROBLEM_server_absent);
}

static void test_names_and_passwords(void **state)
{
    static const struct span bad[] = { { "", 0 }, { "a\0b", 3 }, { "a\nb", 3 }, { "\xff", 1 } };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_null(client_new(&world, alice(), bad[i], &calls, NULL));
    assert_true(list_empty(&world.clients));
}

/* A client that ends while its keys are derived: the thread's work is for nobody. */
static bool derives(void *data)
{
    (void)data;
    return client->state == CLIENT_DERIVING;
}

static void test_gone_while_deriving(void **state)
{
    struct buf first = { 0 }, mine = { 0 };

    (void)state;
    begin(OFFER(MECHANISM("SCRAM-SHA-1")));
    hear_first(&first);
    server_first(&first, "XYZ,s=QSXCR+Q6sek8bf92,i=100000", &mine);
    say_message("challenge", buf_span(&mine));
    assert_true(run_until(loop, derives, NULL));
    client_free(&client);
    buf_free(&first);
    buf_free(&mine);
}

static void test_explanations(void **state)
{
    struct buf line = { 0 };

    (void)state;
    for (enum client_end end = 0; end < CLIENT_ENDS; end++) {
        buf_clear(&line);
        client_explain(&world, end, SPAN("localhost"), "detail", &line);
        assert_true(span_starts(buf_span(&line), SPAN("logins of localhost at 127.0.0.1 port ")));
        assert_true(span_ends(buf_span(&line), SPAN(" (detail)")));
        assert_int_not_equal(client_problem(end), PROBLEM_none);
        assert_non_null(client_sentence(end));
    }
    client_explain(&world, CLIENT_END_BANNED, SPAN("localhost"), "", &line);
    assert_non_null(memmem(line.at, line.size, "mod_fail2ban", 12));
    assert_non_null(memmem(line.at, line.size, "xmpp/login-failures-most", 24));
    buf_free(&line);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_plain),
        TEST(test_scram),
        TEST(test_scram_256_in_four_messages),
        TEST(test_keys_are_kept),
        TEST(test_proved_is_enough),
        TEST(test_close),
        TEST(test_close_early),
        TEST(test_out),
        TEST(test_impostors),
        TEST(test_extension),
        TEST(test_wrong_signature),
        TEST(test_no_signature),
        TEST(test_other_account),
        TEST(test_injection),
        TEST(test_no_starttls),
        TEST(test_ends),
        TEST(test_too_large),
        TEST(test_nobody_there),
        TEST(test_names_and_passwords),
        TEST(test_gone_while_deriving),
        TEST(test_explanations),
    };

    xml_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
