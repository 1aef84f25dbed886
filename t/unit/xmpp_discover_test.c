/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2: xmpp_discover_test.c - searches against a name server on the same loop, the order of
 * RFC 2782, and the documents of host-meta. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/must.h"
#include "base/clock.h"
#include "dns_wire.h"
#include "os/dns.h"
#include "xmpp/discover.h"
#include "xmpp/host_meta.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- a name server that is a watch of the loop under test ---- */

static struct loop *loop;
static struct watch server;
static char server_text[32];
static unsigned questions;
static bool is_silent;
static unsigned told; /* calls of done */
static enum discover_verdict told_verdict;
static unsigned told_hosts;

/* As text what was asked for, and its type. */
static unsigned read_question(const unsigned char *bytes, char name_r[DNS_NAME_TEXT])
{
    size_t at = 12, size = 0;

    while (bytes[at] != 0) {
        if (size > 0)
            name_r[size++] = '.';
        memcpy(name_r + size, bytes + at + 1, bytes[at]);
        size += bytes[at];
        at += (size_t)bytes[at] + 1;
    }
    name_r[size] = '\0';
    return (unsigned)bytes[at + 1] << 8 | bytes[at + 2];
}

static void answer(const char *name, unsigned type, struct buf *out)
{
    if (strcmp(name, "_xmpp-client._tcp.example.org") == 0) {
        wire_begin(out, name, type, 0, 1, 0);
        wire_service(out, name, 60, 1, 1, 5222, "x.example.org");
    } else if (strcmp(name, "x.example.org") == 0 && type == DNS_A) {
        wire_begin(out, name, type, 0, 1, 0);
        wire_record(out, name, DNS_A, 60, SPAN("\300\0\2\1"));
    } else {
        wire_begin(out, name, type, 3, 0, 1);
        wire_authority(out, 60, 60);
    }
}

static void on_question(struct watch *watch, uint32_t events)
{
    unsigned char bytes[1500];
    char name[DNS_NAME_TEXT];
    struct sockaddr_in peer;
    socklen_t peer_size = sizeof(peer);
    struct buf out = { 0 };
    unsigned type;

    (void)events;
    if (recvfrom(watch->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&peer, &peer_size) < 17)
        return;
    questions++;
    type = read_question(bytes, name);
    answer(name, type, &out);
    memcpy(out.at, bytes, 2);
    if (!is_silent)
        assert_true(sendto(watch->fd, out.at, out.size, 0, (struct sockaddr *)&peer, peer_size) > 0);
    buf_free(&out);
}

static int set_up(void **state)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    (void)state;
    loop = loop_new();
    must(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0);
    must(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    (void)snprintf(server_text, sizeof(server_text), "127.0.0.1:%u", ntohs(address.sin_port));
    server = (struct watch){ 0 };
    watch_start(loop, &server, fd, EPOLLIN, on_question);
    questions = told = 0;
    is_silent = false;
    return 0;
}

static int tear_down(void **state)
{
    int fd = server.fd;

    (void)state;
    watch_stop(&server);
    close(fd);
    loop_free(&loop);
    return 0;
}

static struct discoverer *discoverer_of(size_t remembered, int64_t wait)
{
    struct discover_settings settings = { .servers = server_text,
                                          .wait = wait,
                                          .ttl_most = 3600 * USEC_PER_SEC,
                                          .ttl_none_most = 60 * USEC_PER_SEC,
                                          .remembered_most = remembered,
                                          .running_most = 2 };
    const char *why = NULL;
    struct discoverer *discoverer = discoverer_new(loop, &settings, &why);

    if (discoverer == NULL)
        fail_msg("%s", why);
    return discoverer;
}

static void on_done(struct discover_ask *ask, const struct discovery *discovery)
{
    (void)ask;
    told++;
    told_verdict = discovery->verdict;
    told_hosts = discovery->host_count;
    loop_stop(loop);
}

/* ---- searches ---- */

static void a_search_finds_and_is_remembered(void **state)
{
    struct discoverer *discoverer = discoverer_of(10, 60 * USEC_PER_SEC);
    struct discover_ask first = { 0 }, second = { 0 };
    const struct discovery *known;
    unsigned asked;

    (void)state;
    assert_null(discover_known(discoverer, DISCOVER_XMPP, SPAN("example.org")));
    assert_true(discover(discoverer, &first, DISCOVER_XMPP, SPAN("example.org"), on_done));
    assert_true(discover(discoverer, &second, DISCOVER_XMPP, SPAN("example.org"), on_done));
    assert_int_equal(told, 0); /* never from within */
    loop_run(loop);
    assert_int_equal(told, 2);
    assert_int_equal(told_verdict, DISCOVER_FOUND);
    asked = questions;
    known = discover_known(discoverer, DISCOVER_XMPP, SPAN("example.org"));
    assert_non_null(known);
    assert_int_equal(known->host_count, 1);
    assert_true(span_is(known->hosts[0].host, "x.example.org"));
    assert_int_equal(known->hosts[0].address_count, 1);
    assert_null(discover_known(discoverer, DISCOVER_ADDRESSES, SPAN("example.org"))); /* another question */
    assert_int_equal(questions, asked);
    discoverer_free(&discoverer);
    assert_null(discoverer);
}

static void nothing_is_remembered_too(void **state)
{
    struct discoverer *discoverer = discoverer_of(10, 60 * USEC_PER_SEC);
    struct discover_ask ask = { 0 };

    (void)state;
    assert_true(discover(discoverer, &ask, DISCOVER_ADDRESSES, SPAN("n.example.org"), on_done));
    loop_run(loop);
    assert_int_equal(told_verdict, DISCOVER_NOTHING);
    assert_int_equal(told_hosts, 0);
    assert_non_null(discover_known(discoverer, DISCOVER_ADDRESSES, SPAN("n.example.org")));
    discoverer_free(&discoverer);
}

static void silence_ends_in_time(void **state)
{
    struct discoverer *discoverer = discoverer_of(10, USEC_PER_SEC / 5);
    struct discover_ask ask = { 0 };

    (void)state;
    is_silent = true;
    assert_true(discover(discoverer, &ask, DISCOVER_XMPP, SPAN("example.org"), on_done));
    loop_run(loop);
    assert_int_equal(told_verdict, DISCOVER_SILENT);
    discoverer_free(&discoverer);
}

static void who_forgets_is_not_told(void **state)
{
    struct discoverer *discoverer = discoverer_of(10, 60 * USEC_PER_SEC);
    struct discover_ask gone = { 0 }, stays = { 0 };

    (void)state;
    assert_true(discover(discoverer, &gone, DISCOVER_XMPP, SPAN("example.org"), on_done));
    assert_true(discover(discoverer, &stays, DISCOVER_XMPP, SPAN("example.org"), on_done));
    discover_forget(&gone);
    discover_forget(&gone);
    loop_run(loop);
    assert_int_equal(told, 1);
    discoverer_free(&discoverer);
}

static void searches_are_bounded(void **state)
{
    struct discoverer *discoverer = discoverer_of(1, 60 * USEC_PER_SEC);
    struct discover_ask asks[3] = { 0 };

    (void)state;
    is_silent = true;
    assert_true(discover(discoverer, &asks[0], DISCOVER_XMPP, SPAN("a.example"), on_done));
    assert_true(discover(discoverer, &asks[1], DISCOVER_XMPP, SPAN("b.example"), on_done));
    assert_false(discover(discoverer, &asks[2], DISCOVER_XMPP, SPAN("c.example"), on_done));
    discoverer_free(&discoverer); /* in the middle of it: nobody is told, nothing leaks */
    assert_int_equal(told, 0);
    assert_null(asks[0].node.next);
}

static void memory_is_bounded(void **state)
{
    static const char *const names[] = { "a.example", "b.example", "c.example" };
    struct discoverer *discoverer = discoverer_of(2, 60 * USEC_PER_SEC);

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct discover_ask ask = { 0 };

        assert_true(discover(discoverer, &ask, DISCOVER_ADDRESSES, span_of(names[i]), on_done));
        loop_run(loop);
        if (i == 1) /* used again: it is not the next to go */
            assert_non_null(discover_known(discoverer, DISCOVER_ADDRESSES, span_of(names[0])));
    }
    assert_non_null(discover_known(discoverer, DISCOVER_ADDRESSES, span_of(names[0])));
    assert_null(discover_known(discoverer, DISCOVER_ADDRESSES, span_of(names[1])));
    assert_non_null(discover_known(discoverer, DISCOVER_ADDRESSES, span_of(names[2])));
    discoverer_free(&discoverer);
}

static void servers_are_checked(void **state)
{
    (void)state;
    assert_null(dns_check_servers("127.0.0.1:5353"));
    assert_null(dns_check_servers("[::1]:5353"));
    assert_null(dns_check_servers("192.0.2.1"));
    assert_non_null(dns_check_servers("ns.example.org"));
    assert_non_null(dns_check_servers("127.0.0.1:x"));
}

/* ---- order ---- */

static uint64_t lot; /* what the next draws give, as far as they may */

static uint64_t drawn(uint64_t limit)
{
    return lot < limit ? lot : limit - 1;
}

static void order_is_that_of_rfc_2782(void **state)
{
    struct discovery discovery = { .host_count = 4 };
    unsigned order[DISCOVER_HOSTS_MOST];
    static const struct {
        uint64_t lot;
        unsigned want[4];
    } rows[] = {
        { 0, { 0, 3, 2, 1 } },  /* the lot 0 falls on weight 0 */
        { 1, { 0, 2, 1, 3 } },  /* 1..10 on weight 10 */
        { 11, { 0, 1, 2, 3 } }, /* 11..100 on weight 90 */
        { UINT64_MAX, { 0, 1, 2, 3 } },
    };

    (void)state;
    discovery.hosts[0].priority = 1;
    for (unsigned i = 1; i < 4; i++)
        discovery.hosts[i].priority = 5;
    discovery.hosts[1].weight = 90;
    discovery.hosts[2].weight = 10;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        lot = rows[i].lot;
        discover_order(&discovery, order, drawn);
        for (unsigned k = 0; k < 4; k++)
            if (order[k] != rows[i].want[k])
                fail_msg("lot %llu, place %u: %u", (unsigned long long)lot, k, order[k]);
    }
}

/* ---- host-meta ---- */

static void urls_that_browsers_may_be_sent_to(void **state)
{
    static const struct {
        enum host_meta_relation relation;
        const char *url;
        bool good, good_plain;
    } rows[] = {
        { RELATION_WEBSOCKET, "wss://example.org/ws", true, true },
        { RELATION_WEBSOCKET, "wss://example.org:5443", true, true },
        { RELATION_WEBSOCKET, "wss://[2001:db8::1]:5443/ws?a=b", true, true },
        { RELATION_WEBSOCKET, "ws://example.org/ws", false, true },
        { RELATION_WEBSOCKET, "https://example.org/ws", false, false },
        { RELATION_BOSH, "https://example.org/bosh", true, true },
        { RELATION_BOSH, "http://example.org/bosh", false, true },
        { RELATION_BOSH, "HTTPS://example.org/bosh", false, false },
        { RELATION_BOSH, "https://", false, false },
        { RELATION_BOSH, "https:///bosh", false, false },
        { RELATION_BOSH, "https://user@example.org/", false, false },
        { RELATION_BOSH, "https://example.org/a b", false, false },
        { RELATION_BOSH, "https://example.org/\n", false, false },
        { RELATION_BOSH, "https://example.org/\"><script>", false, false },
        { RELATION_BOSH, "https://example.org/\377", false, false },
        { RELATION_BOSH, "javascript:alert(1)", false, false },
        { RELATION_TLS, "wss://example.org/", false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (host_meta_url_is_good(rows[i].relation, span_of(rows[i].url), false) != rows[i].good ||
            host_meta_url_is_good(rows[i].relation, span_of(rows[i].url), true) != rows[i].good_plain)
            fail_msg("%s", rows[i].url);
}

static void both_documents(void **state)
{
    struct ip_address address;
    struct host_meta_link links[] = {
        { .relation = RELATION_WEBSOCKET, .href = SPAN("wss://a/?b&c") },
        { .relation = RELATION_TLS,
          .port = 5223,
          .priority = 1,
          .sni = SPAN("a"),
          .addresses = &address,
          .address_count = 1 },
        { .relation = RELATION_QUIC, .port = 5224, .sni = SPAN("a") },
    };
    struct host_meta meta = { .links = links, .link_count = 3 };
    struct buf out = { 0 };

    (void)state;
    assert_true(ip_address_parse(SPAN("192.0.2.1"), &address));
    host_meta_xrd(&meta, &out);
    buf_char(&out, '\0');
    assert_string_equal(out.at,
                        "<?xml version='1.0' encoding='utf-8'?>\n"
                        "<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>\n"
                        "  <Link rel=\"urn:xmpp:alt-connections:websocket\" href=\"wss://a/?b&amp;c\" />\n"
                        "</XRD>\n");
    buf_clear(&out);
    host_meta_json(&meta, &out);
    buf_char(&out, '\0');
    assert_string_equal(out.at, "{\"links\":[{\"rel\":\"urn:xmpp:alt-connections:websocket\","
                                "\"href\":\"wss://a/?b\\u0026c\"}]}");
    buf_clear(&out);
    meta.ttl = 60;
    host_meta_json(&meta, &out);
    buf_char(&out, '\0');
    assert_non_null(strstr(out.at, "{\"xmpp\":{\"ttl\":60},"));
    assert_non_null(strstr(out.at,
                           "{\"rel\":\"urn:xmpp:alt-connections:tls\",\"port\":5223,\"ips\":[\"192.0.2.1\"],"
                           "\"priority\":1,\"weight\":0,\"sni\":\"a\"}"));
    assert_null(strstr(out.at, "5224"));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_search_finds_and_is_remembered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_remembered_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(silence_ends_in_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_forgets_is_not_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(searches_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_is_bounded, set_up, tear_down),
        cmocka_unit_test(servers_are_checked),
        cmocka_unit_test(order_is_that_of_rfc_2782),
        cmocka_unit_test(urls_that_browsers_may_be_sent_to),
        cmocka_unit_test(both_documents),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
