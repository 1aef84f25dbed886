/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: http_h2_test.c - HTTP/2: requests as frames, flow control both ways, ends. */
#include "http_h2_peer.h"

/* ---- requests and replies ---- */

static void test_get_head_404(void **state)
{
    int32_t get, head, none, method;

    (void)state;
    driver_start(driver);
    client_open(0);
    get = ask("GET", "/who", -1);
    head = ask("HEAD", "/who", -1);
    none = ask("GET", "/nowhere", -1);
    method = ask("DELETE", "/who", -1);
    client_go();
    assert_int_equal(answer_of(get)->status, 200);
    assert_string_equal(answer_of(get)->body, "192.0.2.1 0 h");
    assert_non_null(strstr(answer_of(get)->fields, "\nserver: Stoa\n"));
    assert_non_null(strstr(answer_of(get)->fields, "\ncontent-length: 13\n"));
    assert_null(strstr(answer_of(get)->fields, "connection"));
    assert_int_equal(answer_of(head)->status, 200);
    assert_int_equal(answer_of(head)->size, 0);
    assert_non_null(strstr(answer_of(head)->fields, "\ncontent-length: 13\n"));
    assert_int_equal(answer_of(none)->status, 404);
    assert_int_equal(answer_of(method)->status, 405);
    assert_true(answer_of(get)->closed && answer_of(head)->closed && answer_of(none)->closed);
    assert_int_equal(answer_of(get)->error, 0);
    assert_int_equal(http_server_connections(driver->server), 1);
    client_end();
    assert_int_equal(http_server_connections(driver->server), 0);
}

static void test_bodies(void **state)
{
    static const char *const length[] = { "content-length", "2500000", NULL };
    static const char *const none[] = { "content-length", "0", NULL };
    int32_t sized, chunked, empty, zero, echoed;

    (void)state;
    driver_start(driver);
    client_open(0);
    sized = ask_more("PUT", "/take", 2500000, length);
    chunked = ask("PUT", "/take", 2500001);
    empty = ask("PUT", "/take", 0);
    zero = ask_more("PUT", "/take", -1, none);
    echoed = ask("POST", "/echo", 300000);
    client_go();
    assert_non_null(strstr(answer_of(sized)->fields, "\nx-total: 2500000\n"));
    assert_non_null(strstr(answer_of(chunked)->fields, "\nx-total: 2500001\n"));
    assert_non_null(strstr(answer_of(empty)->fields, "\nx-total: 0\n"));
    assert_non_null(strstr(answer_of(zero)->fields, "\nx-total: 0\n"));
    assert_int_equal(answer_of(sized)->status, 201);
    assert_int_equal(answer_of(echoed)->status, 200);
    assert_int_equal(answer_of(echoed)->size, 300000);
    client_end();
    assert_int_equal(cancels, 0);
}

static void test_files_in_parallel(void **state)
{
    int32_t ids[5];

    (void)state;
    driver_start(driver);
    client_open(0);
    for (int i = 0; i < 5; i++)
        ids[i] = ask("GET", "/file", -1);
    client_go();
    for (int i = 0; i < 5; i++) {
        assert_int_equal(answer_of(ids[i])->size, FILE_BYTES);
        assert_true(answer_of(ids[i])->good && answer_of(ids[i])->closed);
        assert_int_equal(answer_of(ids[i])->error, 0);
    }
    client_end();
}

static void test_hundred_streams_at_once(void **state)
{
    int32_t ids[250];

    (void)state;
    driver_start(driver);
    client_open(0);
    for (int i = 0; i < 250; i++)
        ids[i] = ask("GET", "/who", -1);
    client_go();
    for (int i = 0; i < 250; i++)
        assert_true(answer_of(ids[i])->status == 200 || answer_of(ids[i])->error == NGHTTP2_REFUSED_STREAM);
    for (int i = 0; i < 100; i++)
        assert_int_equal(answer_of(ids[i])->status, 200);
    assert_int_equal(client.goaways, 0);
    client_end();
}

static void test_continue_comes_when_the_body_is_wanted(void **state)
{
    static const char *const expect[] = { "expect", "100-continue", "content-length", "10", NULL };
    int32_t id;

    (void)state;
    driver_start(driver);
    client_open(0);
    id = ask_more("PUT", "/take", 0, expect);
    client.uploads[id / 2].held = true;
    client_go();
    assert_int_equal(answer_of(id)->interim, 100);
    assert_int_equal(answer_of(id)->status, 0);
    client.uploads[id / 2] = (struct upload){ .left = 10 };
    nghttp2_session_resume_data(client.session, id);
    client_go();
    assert_int_equal(answer_of(id)->status, 201);
    client_end();
}

static void test_cookies_are_one_line(void **state)
{
    static const char *const cookies[] = { "cookie", "a=1", "cookie", "b=2", NULL };
    int32_t id;

    (void)state;
    driver_start(driver);
    client_open(0);
    id = ask_more("GET", "/echo", -1, cookies);
    client_go();
    assert_non_null(strstr(answer_of(id)->fields, "\nx-echo: a=1; b=2\n"));
    client_end();
}

/* ---- flow control ---- */

static void test_reply_waits_for_the_client_s_window(void **state)
{
    struct http_conn *conn;
    int32_t id;

    (void)state;
    driver_start(driver);
    client_open(10000);
    conn = LIST_OF(driver->server->conns.prev, struct http_conn, node);
    id = ask("GET", "/file", -1);
    client_go();
    assert_int_equal(answer_of(id)->size, 10000);
    assert_true(conn->h2->held <= H2_OUT_BYTES);
    nghttp2_session_set_local_window_size(client.session, 0, 0, 10 * FILE_BYTES);
    nghttp2_session_set_local_window_size(client.session, 0, id, FILE_BYTES);
    client_go();
    assert_int_equal(answer_of(id)->size, FILE_BYTES);
    assert_true(answer_of(id)->good);
    assert_int_equal(conn->h2->held, 0);
    client_end();
}

static void test_held_replies_are_bounded(void **state)
{
    struct http_conn *conn;

    (void)state;
    driver_start(driver);
    client_open(1);
    conn = LIST_OF(driver->server->conns.prev, struct http_conn, node);
    for (int i = 0; i < 90; i++)
        ask("GET", "/file", -1);
    client_go();
    assert_true(conn->h2->held <= H2_HELD_BYTES + H2_OUT_BYTES + H2_STREAMS_MOST * H2_OUT_LEAST);
    client_end();
}

static void test_stalled_reply_is_given_up(void **state)
{
    int32_t id;

    (void)state;
    driver->http_server.body_timeout = 100 * USEC_PER_MSEC;
    driver_start(driver);
    client_open(1000);
    id = ask("GET", "/file", -1);
    client_go();
    for (int i = 0; i < 100 && !answer_of(id)->closed; i++) {
        driver_step(driver, true);
        client_go();
    }
    assert_true(answer_of(id)->closed);
    assert_int_equal(answer_of(id)->error, NGHTTP2_CANCEL);
    assert_false(client.closed);
    client_end();
}

static void test_paused_body_closes_its_window_only(void **state)
{
    int32_t slow, fast;

    (void)state;
    driver_start(driver);
    client_open(0);
    slow = ask("PUT", "/pause", 2500000);
    client_go();
    assert_non_null(paused);
    assert_int_equal(nghttp2_session_get_stream_remote_window_size(client.session, slow), 0);
    assert_int_equal(answer_of(slow)->status, 0);
    fast = ask("PUT", "/take", 2500000);
    client_go();
    assert_int_equal(answer_of(fast)->status, 201);
    request_resume_body(paused);
    client_go();
    assert_int_equal(answer_of(slow)->status, 201);
    client_end();
    assert_int_equal(cancels, 0);
}

/* ---- ends ---- */

static void test_reset_cancels_the_handler(void **state)
{
    int32_t upload, other, after;

    (void)state;
    driver_start(driver);
    client_open(0);
    upload = ask("PUT", "/take", 100);
    client.uploads[upload / 2].held = true;
    other = ask("GET", "/park", -1);
    client_go();
    assert_true(takes > 0);
    assert_non_null(parked);
    nghttp2_submit_rst_stream(client.session, 0, upload, NGHTTP2_CANCEL);
    nghttp2_submit_rst_stream(client.session, 0, other, NGHTTP2_CANCEL);
    client_go();
    assert_int_equal(cancels, 2);
    assert_null(parked);
    after = ask("GET", "/who", -1);
    client_go();
    assert_int_equal(answer_of(after)->status, 200);
    client_end();
    assert_int_equal(cancels, 2);
}

static void test_lost_client_cancels_all(void **state)
{
    (void)state;
    driver_start(driver);
    client_open(0);
    ask("GET", "/park", -1);
    ask("GET", "/park", -1);
    ask("PUT", "/pause", 100000);
    client_go();
    client_end();
    assert_int_equal(cancels, 3);
    assert_int_equal(http_server_connections(driver->server), 0);
}

static void test_body_that_is_not_wanted(void **state)
{
    int32_t id, after;

    (void)state;
    driver_start(driver);
    client_open(0);
    id = ask("PUT", "/refuse", 5000000);
    client.uploads[id / 2].held = true;
    client_go();
    assert_int_equal(answer_of(id)->status, 413);
    assert_true(answer_of(id)->closed);
    assert_int_equal(answer_of(id)->error, NGHTTP2_NO_ERROR);
    after = ask("PUT", "/take", 6000000); /* the connection's window was given back */
    client_go();
    assert_int_equal(answer_of(after)->status, 201);
    client_end();
}

static bool drained;

static void on_drained(void *data)
{
    (void)data;
    drained = true;
}

static void test_drain_says_goaway_and_finishes(void **state)
{
    int32_t id;

    (void)state;
    drained = false;
    driver_start(driver);
    client_open(0);
    id = ask("GET", "/park", -1);
    client_go();
    http_server_drain(driver->server, on_drained, NULL);
    for (int i = 0; i < 100 && client.goaways < 2; i++) {
        driver_step(driver, true);
        client_go();
    }
    assert_int_equal(client.goaways, 2);
    assert_int_equal(client.goaway_error, NGHTTP2_NO_ERROR);
    assert_int_equal(client.goaway_last, id);
    assert_false(drained || client.closed);
    reply_empty(parked, 204);
    client_go();
    assert_int_equal(answer_of(id)->status, 204);
    assert_true(client.closed);
    client_end();
    driver_step(driver, false);
    assert_true(drained);
}

static void test_idle_connection_says_goaway(void **state)
{
    (void)state;
    driver->http_server.idle_timeout = 50 * USEC_PER_MSEC;
    driver_start(driver);
    client_open(0);
    ask("GET", "/who", -1);
    client_go();
    for (int i = 0; i < 100 && !client.closed; i++) {
        driver_step(driver, true);
        client_go();
    }
    assert_int_equal(client.goaways, 1);
    assert_int_equal(client.goaway_error, NGHTTP2_NO_ERROR);
    client_end();
}

static void test_most_requests(void **state)
{
    (void)state;
    driver->http_server.max_requests = 2;
    driver_start(driver);
    client_open(0);
    ask("GET", "/who", -1);
    ask("GET", "/who", -1);
    client_go();
    assert_int_equal(client.answers[0].status, 200);
    assert_int_equal(client.answers[1].status, 200);
    assert_int_equal(client.goaways, 1);
    assert_true(client.closed);
    client_end();
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, up, down)
    const struct CMUnitTest tests[] = {
        ROW(test_get_head_404),
        ROW(test_bodies),
        ROW(test_files_in_parallel),
        ROW(test_hundred_streams_at_once),
        ROW(test_continue_comes_when_the_body_is_wanted),
        ROW(test_cookies_are_one_line),
        ROW(test_reply_waits_for_the_client_s_window),
        ROW(test_held_replies_are_bounded),
        ROW(test_stalled_reply_is_given_up),
        ROW(test_paused_body_closes_its_window_only),
        ROW(test_reset_cancels_the_handler),
        ROW(test_lost_client_cancels_all),
        ROW(test_body_that_is_not_wanted),
        ROW(test_drain_says_goaway_and_finishes),
        ROW(test_idle_connection_says_goaway),
        ROW(test_most_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
