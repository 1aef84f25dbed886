/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: http_h2_refuse_test.c - HTTP/2: what is malformed, too large, or an attack. */
#include "http_h2_peer.h"

static const struct {
    const char *fields[9];
    int status; /* 0: the stream is reset */
    const char *why;
} heads[] = {
    { { ":method", "GET", ":path", "/who", ":scheme", "https", ":authority", "h" }, 200, "smallest" },
    { { ":method", "GET", ":path", "/who", ":scheme", "https", "host", "h" }, 200, "Host alone" },
    { { ":method", "GET", ":path", "/who", ":scheme", "https" }, 0, "no host" },
    { { ":method", "OPTIONS", ":path", "*", ":scheme", "https", ":authority", "h" }, 204, "the server" },
    { { ":method", "BREW", ":path", "/who", ":scheme", "https", ":authority", "h" }, 405, "other method" },
    { { ":method", "GET", ":path", "http://evil/who", ":scheme", "https", ":authority", "h" },
      0,
      "absolute" },
    { { ":method", "GET", ":path", "/a b", ":scheme", "https", ":authority", "h" }, 0, "a space" },
    { { ":method", "GET", ":path", "", ":scheme", "https", ":authority", "h" }, 0, "empty path" },
    { { ":method", "G T", ":path", "/who", ":scheme", "https", ":authority", "h" }, 0, "no token" },
    { { ":method", "GET", ":path", "/who", ":scheme", "https", ":authority", "h\r\nx: y" }, 0, "line end" },
    { { ":method", "GET", ":path", "/who", ":scheme", "https", ":authority", "user@h" }, 0, "user" },
    { { ":method", "CONNECT", ":authority", "h:443" }, 501, "CONNECT" },
    { { ":path", "/who", ":scheme", "https", ":authority", "h" }, 0, "no method" },
};

static void test_pseudo_fields(void **state)
{
    (void)state;
    driver_start(driver);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        nghttp2_nv fields[4];
        size_t count = 0;
        int32_t id;

        client_open(0);
        for (; count < 4 && heads[i].fields[2 * count]; count++)
            fields[count] = field(heads[i].fields[2 * count], heads[i].fields[2 * count + 1]);
        id = nghttp2_submit_request(client.session, NULL, fields, count, NULL, NULL);
        client_go();
        if (answer_of(id)->status != heads[i].status &&
            !(heads[i].status == 0 && answer_of(id)->status == 400))
            fail_msg("%s: %d", heads[i].why, answer_of(id)->status);
        if (answer_of(id)->status == 0)
            assert_int_equal(answer_of(id)->error, NGHTTP2_PROTOCOL_ERROR);
        client_end();
    }
}

static const char *const bad_fields[][2] = {
    { "connection", "close" },
    { "transfer-encoding", "chunked" },
    { "upgrade", "h2c" },
    { "keep-alive", "timeout=5" },
    { "proxy-connection", "close" },
    { "te", "gzip" },
    { "x-a", "b\r\nx-c: d" },
    { "x-a", "b\nx-c: d" },
    { "x a", "b" },
    { "x-a:", "b" },
    { "host", "other" },
    { ":path", "/again" },
    { ":unknown", "x" },
};

static void test_fields_that_are_malformed(void **state)
{
    (void)state;
    driver_start(driver);
    for (size_t i = 0; i < sizeof(bad_fields) / sizeof(bad_fields[0]); i++) {
        const char *const more[] = { bad_fields[i][0], bad_fields[i][1], NULL };
        int32_t bad, good;

        client_open(0);
        bad = ask_more("GET", "/who", -1, more);
        good = ask("GET", "/who", -1);
        client_go();
        if (answer_of(bad)->status || answer_of(bad)->error != NGHTTP2_PROTOCOL_ERROR)
            fail_msg("%s: %s: %d", more[0], more[1], answer_of(bad)->status);
        assert_int_equal(answer_of(good)->status, 200);
        client_end();
    }
}

static void test_heads_that_are_too_large(void **state)
{
    static char path[9000], value[3000];
    const char *more[] = { "x-1", value, "x-2", value, "x-3", value, NULL };
    const char *many[2 * 80 + 1];
    int32_t fields, target, count, good;

    (void)state;
    memset(path, 'a', sizeof(path) - 1);
    path[0] = '/';
    memset(value, 'v', sizeof(value) - 1);
    for (size_t i = 0; i < 80; i++) {
        many[2 * i] = "x-many";
        many[2 * i + 1] = "y";
    }
    many[160] = NULL;
    driver_start(driver);
    client_open(0);
    fields = ask_more("GET", "/who", -1, more);
    target = ask("GET", path, -1);
    count = ask_more("GET", "/who", -1, many);
    good = ask("GET", "/who", -1);
    client_go();
    assert_int_equal(answer_of(fields)->status, 431);
    assert_int_equal(answer_of(target)->status, 414);
    assert_int_equal(answer_of(count)->status, 431);
    assert_int_equal(answer_of(good)->status, 200);
    client_end();
}

/* Few bytes on the wire, many in the head: what HPACK's table is good for. */
static void test_bomb_ends_the_connection(void **state)
{
    static char value[3900];
    const char *more[2 * 80 + 1];

    (void)state;
    memset(value, 'v', sizeof(value) - 1);
    for (size_t i = 0; i < 80; i++) {
        more[2 * i] = "x-many";
        more[2 * i + 1] = value;
    }
    more[160] = NULL;
    driver_start(driver);
    client_open(0);
    ask_more("GET", "/who", -1, more);
    client_go();
    assert_int_equal(client.goaway_error, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_true(client.closed);
    client_end();
}

static void test_rapid_resets_end_the_connection(void **state)
{
    (void)state;
    driver_start(driver);
    client_open(0);
    for (int i = 0; i < H2_RESETS_MOST + 20 && !client.closed; i++) {
        int32_t id = ask("GET", "/park", -1);

        client_go();
        nghttp2_submit_rst_stream(client.session, 0, id, NGHTTP2_CANCEL);
        client_go();
    }
    assert_int_equal(client.goaway_error, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_true(client.closed);
    client_end();
}

static void test_unread_pings_end_the_connection(void **state)
{
    static const char ping[17] = { 0,   0,   8,   NGHTTP2_PING, 0,   0,   0,   0,  0,
                                   'p', 'i', 'n', 'g',          'p', 'i', 'n', 'g' };
    bool closed = false;

    (void)state;
    driver_start(driver);
    client_open(0);
    client_go();
    for (int i = 0; i < 2000000 && !closed; i++) {
        ssize_t sent = send(client.fd, ping, sizeof(ping), MSG_NOSIGNAL);

        closed = sent < 0 && errno != EAGAIN;
        if (sent < 0)
            driver_step(driver, false);
        if (sent > 0 && sent < (ssize_t)sizeof(ping))
            break; /* a part of a frame: enough */
    }
    assert_true(closed || http_server_connections(driver->server) <= 1);
    client_end();
    assert_int_equal(http_server_connections(driver->server), 0);
}

static void test_length_that_lies(void **state)
{
    static const char *const more[] = { "content-length", "10", NULL };
    static const char *const both[] = { "content-length", "10", "content-length", "11", NULL };
    int32_t less, over, twice, none;

    (void)state;
    driver_start(driver);
    client_open(0);
    less = ask_more("PUT", "/take", 9, more);
    over = ask_more("PUT", "/take", 11, more);
    twice = ask_more("PUT", "/take", 10, both);
    none = ask_more("PUT", "/take", -1, more);
    client_go();
    assert_int_equal(answer_of(less)->error, NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(answer_of(over)->error, NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(answer_of(twice)->error, NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(answer_of(none)->error, NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(answer_of(less)->status + answer_of(over)->status + answer_of(twice)->status, 0);
    client_end();
}

static void test_http_1_where_h2_was_agreed(void **state)
{
    (void)state;
    driver_start(driver);
    client_open(0);
    assert_true(send(client.fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 27, MSG_NOSIGNAL) == 27);
    for (int i = 0; i < 4; i++)
        driver_step(driver, false);
    assert_int_equal(http_server_connections(driver->server), 0);
    client_end();
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, up, down)
    const struct CMUnitTest tests[] = {
        ROW(test_pseudo_fields),
        ROW(test_fields_that_are_malformed),
        ROW(test_heads_that_are_too_large),
        ROW(test_bomb_ends_the_connection),
        ROW(test_rapid_resets_end_the_connection),
        ROW(test_unread_pings_end_the_connection),
        ROW(test_length_that_lies),
        ROW(test_http_1_where_h2_was_agreed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
