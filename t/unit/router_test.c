/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_test.c - the router between a fake server and fake workers that post
 * real letters through a real segment, all in one loop. */
#include "router_slot.h"

static void test_journey(void **state)
{
    (void)state;
    begin(1);
    ask_worker();
    assert_part(&workers[0], 0, "upload.localhost");
    assert_part(&workers[0], 1, "alice@localhost/a");
    assert_part(&workers[0], 2, "get");
    assert_part(&workers[0], 3, REQUEST);
    assert_part(&workers[0], 4, "upload");
    assert_int_equal(router->peers[ROW_WORKER_0].in_hand, 1);
    send_letter(&workers[0],
                &(struct letter){ .kind = LETTER_IQ_RESULT,
                                  .call = workers[0].call,
                                  .count = 1,
                                  .parts = { SPAN("<s:slot xmlns:s='urn:xmpp:http:upload:0'/>") } });
    fake_expect(&fake, "<iq type='result'" TO_ALICE "<slot xmlns='urn:xmpp:http:upload:0'/></iq>");
    assert_int_equal(router->peers[ROW_WORKER_0].in_hand, 0);
    assert_int_equal(count_sum(&heritage.segment->counts, COUNT_iqs_answered), 0); /* not attached here */
}

static void test_refusal(void **state)
{
    (void)state;
    begin(1);
    ask_worker();
    send_letter(&workers[0],
                &(struct letter){ .kind = LETTER_IQ_REFUSED,
                                  .call = workers[0].call,
                                  .count = 4,
                                  .parts = { SPAN("modify"), SPAN("not-acceptable"), SPAN("large & wide"),
                                             SPAN("<file-too-large xmlns='urn:xmpp:http:upload:0'/>") } });
    fake_expect(&fake, REFUSED("modify", "not-acceptable"));
    fake_expect(&fake,
                ">large &amp; wide</text><file-too-large xmlns='urn:xmpp:http:upload:0'/></error></iq>");
}

/* A worker that would end the stream for everybody gets its asker an error instead. */
static void test_poison(void **state)
{
    static const char *const poisons[] = { "</iq></stream:stream>", "<a>&nbsp;</a>",
                                           "<a xmlns='x'/><b xmlns='x'/>", "\xff" };

    (void)state;
    begin(1);
    for (size_t i = 0; i < sizeof(poisons) / sizeof(poisons[0]); i++) {
        ask_worker();
        send_letter(&workers[0], &(struct letter){ .kind = LETTER_IQ_RESULT,
                                                   .call = workers[0].call,
                                                   .count = 1,
                                                   .parts = { span_of(poisons[i]) } });
        fake_expect(&fake, REFUSED("wait", "internal-server-error"));
        assert_false(fake_heard(&fake, "</stream:stream>"));
    }
}

static void test_own_answers(void **state)
{
    static const struct {
        const char *stanza, *answer;
    } rows[] = {
        { "<iq type='get'" FROM_ALICE "><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
          "<feature var='told'/>" },
        { "<iq type='get'" FROM_ALICE "><query xmlns='http://jabber.org/protocol/disco#items'/></iq>",
          "<iq type='result'" TO_ALICE "<query xmlns='http://jabber.org/protocol/disco#items'/></iq>" },
        { "<iq type='get'" FROM_ALICE "><ping xmlns='urn:xmpp:ping'/></iq>",
          "<iq type='result'" TO_ALICE "</iq>" },
        { "<iq type='get'" FROM_ALICE "><query xmlns='jabber:iq:version'/></iq>", "<name>Stoa</name>" },
        { "<iq type='get'" FROM_ALICE "><time xmlns='urn:xmpp:time'/></iq>", "<tzo>+00:00</tzo>" },
        { "<iq type='get'" FROM_ALICE "><vCard xmlns='vcard-temp'/></iq>", "<FN>Files</FN>" },
        /* Unclaimed: another namespace, the old one, a set of what is claimed as a get. */
        { "<iq type='get'" FROM_ALICE "><query xmlns='jabber:iq:roster'/></iq>",
          REFUSED("cancel", "service-unavailable") },
        { "<iq type='get'" FROM_ALICE "><request xmlns='urn:xmpp:http:upload'/></iq>",
          REFUSED("cancel", "service-unavailable") },
        { "<iq type='set'" FROM_ALICE ">" REQUEST "</iq>", REFUSED("cancel", "service-unavailable") },
        /* Exactly one child (RFC 6120 8.2.3). */
        { "<iq type='get'" FROM_ALICE "/>", REFUSED("modify", "bad-request") },
        { "<iq type='get'" FROM_ALICE ">" REQUEST REQUEST "</iq>", REFUSED("modify", "bad-request") },
        /* Nobody lives below a component. */
        { "<iq type='get' from='a@b/c' to='bob@upload.localhost' id='1'>" REQUEST "</iq>",
          "<iq type='error' from='bob@upload.localhost' to='a@b/c' id='1'><error type='cancel'>"
          "<service-unavailable" },
        { "<iq type='get' from='a@b/c' to='upload.localhost/x' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
          "<iq type='error' from='upload.localhost/x' to='a@b/c' id='1'><error type='cancel'>"
          "<service-unavailable" },
    };

    (void)state;
    begin(1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        fake_ask(&fake, rows[i].stanza, rows[i].answer);
    fake_ask(&fake_http, "<iq type='get' from='a@b/c' to='http.localhost' id='2'>" REQUEST "</iq>",
             "<service-unavailable"); /* claimed for another service */
    assert_int_equal(workers[0].arrived, 0);
}

/* What must not be answered at all; the ping behind each shows that it was read. */
static void test_silence(void **state)
{
    static const char *const silent[] = {
        "<iq type='error' from='a@b/c' to='upload.localhost' id='1'><error type='cancel'/></iq>",
        "<iq type='result' from='a@b/c' to='upload.localhost' id='1'/>",
        "<iq type='get' to='upload.localhost' id='1'>" REQUEST "</iq>",
        "<iq type='get' from='a@@b' to='upload.localhost' id='1'>" REQUEST "</iq>",
        "<iq type='get' from='a@b/c' to='upload.localhost'>" REQUEST "</iq>",
        "<iq type='what' from='a@b/c' to='upload.localhost' id='1'>" REQUEST "</iq>",
        "<iq type='get' from='a@b/c' to='localhost' id='1'>" REQUEST "</iq>",
        "<message from='a@b/c' to='upload.localhost'><body>hello</body></message>",
        "<presence type='subscribe' from='a@b/c' to='upload.localhost'/>",
        "<other xmlns='urn:x'/>",
    };

    (void)state;
    begin(1);
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
        fake_say(&fake, silent[i]);
        fake_ask(&fake, "<iq type='get'" FROM_ALICE "><ping xmlns='urn:xmpp:ping'/></iq>",
                 "<iq type='result'" TO_ALICE "</iq>");
        assert_int_equal(fake.in.size, strlen("<iq type='result'" TO_ALICE "</iq>"));
    }
    assert_int_equal(workers[0].arrived, 0);
}

static bool lost(void *data)
{
    return router->peers[ROW_WORKER_0 + *(unsigned *)data].generation == 0;
}

static void test_worker_death(void **state)
{
    unsigned zero = 0;

    (void)state;
    begin(1);
    ask_worker();
    worker_dies(0);
    fake_expect(&fake, REFUSED("wait", "resource-constraint"));
    assert_true(run_until(loop, lost, &zero));
    /* Nobody is there now; the claim is remembered as one that will come back. */
    fake_ask(&fake, SLOT_ASKED, REFUSED("wait", "resource-constraint"));
    /* Reborn in the same row: an answer to the old call is nobody's. */
    worker_up(0);
    assert_true(run_until(loop, ready, &zero));
    ask_worker();
    send_letter(
        &workers[0],
        &(struct letter){ .kind = LETTER_IQ_RESULT, .call = workers[0].call - IQS_IN_MOST, .count = 1 });
    send_letter(&workers[0],
                &(struct letter){ .kind = LETTER_IQ_RESULT, .call = workers[0].call, .count = 1 });
    send_letter(&workers[0],
                &(struct letter){ .kind = LETTER_IQ_RESULT, .call = workers[0].call, .count = 1 });
    fake_ask(&fake, "<iq type='get'" FROM_ALICE "><ping xmlns='urn:xmpp:ping'/></iq>",
             "<iq type='result'" TO_ALICE "</iq>");
    assert_int_equal(router->in_unused_count, IQS_IN_MOST);
}

static void test_no_worker(void **state)
{
    (void)state;
    assert_true(run_until(loop, both_up, NULL)); /* comes up without any, a little later */
    fake_ask(&fake, SLOT_ASKED, REFUSED("wait", "resource-constraint"));
    fake_ask(&fake,
             "<iq type='get'" FROM_ALICE "><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
             "<feature var='urn:xmpp:http:upload:0'/>");
}

static void test_deadline(void **state)
{
    (void)state;
    xmpp.iq_timeout = 1;
    begin(1);
    ask_worker();
    fake_expect(&fake, REFUSED("wait", "remote-server-timeout"));
    assert_int_equal(router->peers[ROW_WORKER_0].in_hand, 0);
    assert_int_equal(router->in_unused_count, IQS_IN_MOST);
}

static bool both_have_one(void *data)
{
    (void)data;
    return workers[0].arrived == 2 && workers[1].arrived == 2;
}

static bool zero_has_four(void *data)
{
    (void)data;
    return workers[0].arrived == 4;
}

/* The least busy gets it, by the board and by what it has in hand; one that leaves gets nothing while there
 * is another. */
static void test_choice(void **state)
{
    struct board_row *rows = heritage.segment->board.rows;
    unsigned one = 1;

    (void)state;
    begin(2);
    fake_say(&fake, SLOT_ASKED SLOT_ASKED SLOT_ASKED SLOT_ASKED);
    assert_true(run_until(loop, both_have_one, NULL));
    atomic_store(&rows[ROW_WORKER_0].busy, 100);
    fake_say(&fake, SLOT_ASKED);
    fake_ask(&fake, "<iq type='get'" FROM_ALICE "><ping xmlns='urn:xmpp:ping'/></iq>", "result");
    assert_int_equal(router->peers[ROW_WORKER_0].in_hand, 2);
    assert_int_equal(router->peers[ROW_WORKER_0 + 1].in_hand, 3);
    atomic_store(&rows[ROW_WORKER_0 + 1].state, ROW_DRAINING);
    send_letter(&workers[1], &(struct letter){ .kind = LETTER_LEAVING });
    assert_true(run_until(loop, let_go, &one));
    fake_say(&fake, SLOT_ASKED SLOT_ASKED);
    assert_true(run_until(loop, zero_has_four, NULL));
}

/* A flood is bounded: what is in hand, then resource-constraint; the stream lives on. */
static void test_flood(void **state)
{
    struct buf many = { 0 };

    (void)state;
    begin(1);
    for (unsigned i = 0; i < 100; i++)
        buf_text(&many, SLOT_ASKED);
    buf_char(&many, '\0');
    buf_clear(&fake.in);
    for (unsigned i = 0; i < IQS_IN_MOST / 100 + 1; i++) {
        fake_say(&fake, many.at);
        fake_ask(&fake, "<iq type='get'" FROM_ALICE "><ping xmlns='urn:xmpp:ping'/></iq>",
                 "<iq type='result'");
    }
    assert_true(fake_heard(&fake, "resource-constraint"));
    assert_int_equal(router->in_unused_count, 0);
    assert_int_equal(component_state(router->streams[0].component), COMPONENT_UP);
    worker_dies(0);
    fake_expect(&fake, REFUSED("wait", "resource-constraint"));
    buf_free(&many);
}

/* ---- IQs out ---- */

static void call(const char *from, const char *to, const char *type, const char *payload, uint64_t number,
                 uint32_t msec)
{
    workers[0].last = LETTER_NONE;
    send_letter(&workers[0],
                &(struct letter){ .kind = LETTER_IQ_CALL,
                                  .call = number,
                                  .number = msec,
                                  .count = 4,
                                  .parts = { span_of(from), span_of(to), span_of(type), span_of(payload) } });
}

static bool told(void *data)
{
    (void)data;
    return workers[0].last != LETTER_NONE;
}

static void expect_failure(enum problem problem)
{
    assert_true(run_until(loop, told, NULL));
    assert_int_equal(workers[0].last, LETTER_IQ_FAILED);
    assert_int_equal(workers[0].number, problem);
}

/* The id of the last IQ that the server heard, quoted as an attribute. */
static void answer(const char *format, const char *from)
{
    const char *id = memmem(fake.in.at, fake.in.size, " id='", 5);
    char text[400], copy[IQ_ID_SIZE + 6];

    assert_non_null(id);
    snprintf(copy, sizeof(copy), "%.*s", 38, id);
    snprintf(text, sizeof(text), format, from, copy);
    fake_say(&fake, text);
}

#define PING "<ping xmlns='urn:xmpp:ping'/>"

static void test_call(void **state)
{
    (void)state;
    begin(1);
    buf_clear(&fake.in);
    call("upload.localhost/w", "Bob@LocalHost", "get", PING, 7, 5000);
    fake_expect(&fake, "<iq type='get' from='upload.localhost/w' to='bob@localhost' id='");
    fake_expect(&fake, "<ping xmlns='urn:xmpp:ping'/></iq>");
    /* From somebody else with the very id: it does not count. */
    answer("<iq type='result' from='%s' to='upload.localhost/w'%s/>", "mallory@localhost");
    answer("<iq type='result' from='%s' to='upload.localhost/w'%s><x xmlns='y'/></iq>", "bob@localhost");
    assert_true(run_until(loop, told, NULL));
    assert_int_equal(workers[0].last, LETTER_IQ_ANSWER);
    assert_int_equal(workers[0].call, 7);
    assert_part(&workers[0], 0, "result");
    assert_true(memmem(workers[0].parts[1].at, workers[0].parts[1].size, "from='bob@localhost'", 20) != NULL);
    assert_int_equal(router->out_count, 0);
}

static void test_bad_calls(void **state)
{
    static const char *const rows[][4] = {
        { "localhost", "bob@localhost", "get", PING },
        { "alice@localhost/a", "bob@localhost", "get", PING },
        { "evil.upload.localhost", "bob@localhost", "get", PING },
        { "", "bob@localhost", "get", PING },
        { "upload.localhost", "b@@", "get", PING },
        { "upload.localhost", "bob@localhost", "result", PING },
        { "upload.localhost", "bob@localhost", "get", "" },
        { "upload.localhost", "bob@localhost", "set", "<a xmlns='b'></c>" },
        { "upload.localhost", "bob@localhost", "set", "<a xmlns='b'/></iq><iq>" },
    };

    size_t i;

    (void)state;
    begin(1);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        call(rows[i][0], rows[i][1], rows[i][2], rows[i][3], i, 1000);
        expect_failure(PROBLEM_bad_request);
    }
    call("alice@localhost", "bob@localhost", "get", PING, i, 1000);
    expect_failure(PROBLEM_no_session);
    assert_int_equal(router->out_count, 0);
    assert_false(fake_heard(&fake, "<iq"));
}

static bool one_out(void *data)
{
    (void)data;
    return router->out_count == 1;
}

static bool none_out(void *data)
{
    (void)data;
    return router->out_count == 0;
}

static void test_call_ends(void **state)
{
    (void)state;
    begin(1);
    call("upload.localhost", "bob@localhost", "get", PING, 1, 1);
    expect_failure(PROBLEM_server_silent);
    /* The stream goes down: at once. */
    call("upload.localhost", "bob@localhost", "get", PING, 2, 3600000);
    assert_true(run_until(loop, one_out, NULL));
    fake.header = NULL; /* it stays down */
    fake_hang_up(&fake);
    expect_failure(PROBLEM_server_absent);
    call("upload.localhost", "bob@localhost", "get", PING, 3, 3600000);
    expect_failure(PROBLEM_server_absent);
    /* The caller dies: nobody waits any more. */
    call("http.localhost", "bob@localhost", "get", PING, 4, 3600000);
    assert_true(run_until(loop, one_out, NULL));
    worker_dies(0);
    assert_true(run_until(loop, none_out, NULL));
}

/* ---- streams ---- */

/* ejabberd without global_routes: false: each stream gets the stanzas of both. */
static void test_misrouted(void **state)
{
    unsigned zero = 0;

    (void)state;
    begin(1);
    buf_clear(&fake_http.in);
    fake_say(&fake_http, SLOT_ASKED);
    assert_true(run_until(loop, arrived, &zero));
    assert_part(&workers[0], 0, "upload.localhost");
    send_letter(&workers[0],
                &(struct letter){ .kind = LETTER_IQ_RESULT, .call = workers[0].call, .count = 1 });
    fake_expect(&fake_http, "<iq type='result'" TO_ALICE "</iq>");
}

static bool link_says(void *data)
{
    struct link_view view;

    link_read(&heritage.segment->links.links[0], &view);
    return strstr(view.trouble, data) != NULL && view.state != LINK_UP;
}

static void test_links(void **state)
{
    struct link_view view;

    (void)state;
    begin(1);
    fake_ask(&fake, "<iq type='get'" FROM_ALICE "><ping xmlns='urn:xmpp:ping'/></iq>", "<iq type='result'");
    link_read(&heritage.segment->links.links[0], &view);
    assert_int_equal(view.state, LINK_UP);
    assert_string_equal(view.name, "upload.localhost");
    assert_string_equal(view.trouble, "");
    assert_int_equal(view.stanzas_in, 1);
    assert_int_equal(view.stanzas_out, 1);
    link_read(&heritage.segment->links.links[1], &view);
    assert_string_equal(view.name, "http.localhost");
    link_read(&heritage.segment->links.links[2], &view);
    assert_int_equal(view.state, LINK_UNUSED);
    fake.verdict = FAKE_ERROR("not-authorized");
    fake_hang_up(&fake);
    assert_true(run_until(loop, link_says, (void *)(uintptr_t) "refuses its secret"));
}

static bool has_closed;

static void on_closed(struct router *closed)
{
    assert_ptr_equal(closed, router);
    has_closed = true;
}

static bool closed(void *data)
{
    (void)data;
    return has_closed;
}

static void test_close(void **state)
{
    (void)state;
    begin(1);
    ask_worker();
    call("upload.localhost", "bob@localhost", "get", PING, 2, 3600000);
    assert_true(run_until(loop, one_out, NULL));
    has_closed = false;
    router_close(router, on_closed);
    fake_expect(&fake, REFUSED("wait", "resource-constraint"));
    fake_expect(&fake, "</stream:stream>");
    fake_expect(&fake_http, "</stream:stream>");
    fake_say(&fake, "</stream:stream>");
    fake_hang_up(&fake_http);
    assert_true(run_until(loop, closed, NULL));
    expect_failure(PROBLEM_server_absent);
}

static void test_bad_names(void **state)
{
    tear_down(state);
    set_up(state);
    router_free(&router);
    upload.section.name = "a@b";
    http.section.active = false;
    give_row(ROW_ROUTER, PROCESS_router);
    heritage.generation++;
    router = router_new(&heritage, loop);
    assert_int_equal(router->stream_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_journey),   TEST(test_refusal),      TEST(test_poison),    TEST(test_own_answers),
        TEST(test_silence),   TEST(test_worker_death), TEST(test_no_worker), TEST(test_deadline),
        TEST(test_choice),    TEST(test_flood),        TEST(test_call),      TEST(test_bad_calls),
        TEST(test_call_ends), TEST(test_misrouted),    TEST(test_links),     TEST(test_close),
        TEST(test_bad_names),
    };

    xml_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
