/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_guard_test.c - where scripts' HTTP requests may go, and what they may say. */
#include "modules/rest/fetch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct {
    const char *address;
    bool want;
} addresses[] = {
    { "8.8.8.8", true },
    { "93.184.216.34", true },
    { "1.0.0.1", true },
    { "172.15.255.255", true },
    { "172.32.0.0", true },
    { "100.63.255.255", true },
    { "100.128.0.0", true },
    { "223.255.255.255", true },
    { "2606:4700::1", true },
    { "2a00:1450:4001::8a", true },
    { "0.0.0.0", false },
    { "0.1.2.3", false },
    { "10.0.0.1", false },
    { "10.255.255.255", false },
    { "100.64.0.1", false },
    { "100.100.100.200", false },
    { "127.0.0.1", false },
    { "127.255.255.254", false },
    { "168.63.129.16", false },
    { "169.254.169.254", false },
    { "172.16.0.1", false },
    { "172.31.255.255", false },
    { "192.0.0.8", false },
    { "192.0.2.1", false },
    { "192.88.99.1", false },
    { "192.168.1.1", false },
    { "198.18.0.1", false },
    { "198.19.255.255", false },
    { "198.51.100.1", false },
    { "203.0.113.1", false },
    { "224.0.0.1", false },
    { "239.255.255.250", false },
    { "240.0.0.1", false },
    { "255.255.255.255", false },
    { "::", false },
    { "::1", false },
    { "::7f00:1", false },
    { "::ffff:127.0.0.1", false },
    { "::ffff:10.1.2.3", false },
    { "64:ff9b::7f00:1", false },
    { "64:ff9b:1::1", false },
    { "100::1", false },
    { "2001::1", false },
    { "2001:db8::1", false },
    { "2002:7f00:1::1", false },
    { "3fff::1", false },
    { "5f00::1", false },
    { "fc00::1", false },
    { "fd00:ec2::254", false },
    { "fe80::1", false },
    { "fec0::1", false },
    { "ff02::1", false },
};

static void addresses_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        struct ip_address address;

        assert_true(ip_address_parse(span_of(addresses[i].address), &address));
        if (fetch_address_good(&address, NULL, 0) != addresses[i].want)
            fail_msg("%s", addresses[i].address);
    }
}

static void networks_of_the_operator_are_let_through(void **state)
{
    struct ip_network allowed[2];
    struct ip_address address;

    (void)state;
    assert_true(ip_network_parse(SPAN("10.1.0.0/16"), &allowed[0]));
    assert_true(ip_network_parse(SPAN("fd12::/16"), &allowed[1]));
    assert_true(ip_address_parse(SPAN("10.1.2.3"), &address));
    assert_true(fetch_address_good(&address, allowed, 2));
    assert_true(ip_address_parse(SPAN("10.2.2.3"), &address));
    assert_false(fetch_address_good(&address, allowed, 2));
    assert_true(ip_address_parse(SPAN("fd12::1"), &address));
    assert_true(fetch_address_good(&address, allowed, 2));
    assert_true(ip_address_parse(SPAN("127.0.0.1"), &address));
    assert_false(fetch_address_good(&address, allowed, 2));
}

static void sockets_are_judged_by_their_address(void **state)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    struct sockaddr local = { .sa_family = AF_UNIX };
    struct ip_network all;
    char text[IP_TEXT];

    (void)state;
    assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &in.sin_addr), 1);
    assert_false(fetch_sockaddr_good((struct sockaddr *)&in, NULL, 0, text));
    assert_string_equal(text, "127.0.0.1");
    assert_int_equal(inet_pton(AF_INET, "9.9.9.9", &in.sin_addr), 1);
    assert_true(fetch_sockaddr_good((struct sockaddr *)&in, NULL, 0, text));
    assert_int_equal(inet_pton(AF_INET6, "2620:fe::fe", &in6.sin6_addr), 1);
    assert_true(fetch_sockaddr_good((struct sockaddr *)&in6, NULL, 0, text));
    assert_int_equal(inet_pton(AF_INET6, "::1", &in6.sin6_addr), 1);
    assert_false(fetch_sockaddr_good((struct sockaddr *)&in6, NULL, 0, text));
    assert_string_equal(text, "::1");
    /* mapped: refused whatever is inside, and whatever is allowed */
    assert_true(ip_network_parse(SPAN("::/0"), &all));
    assert_int_equal(inet_pton(AF_INET6, "::ffff:9.9.9.9", &in6.sin6_addr), 1);
    assert_false(fetch_sockaddr_good((struct sockaddr *)&in6, NULL, 0, text));
    assert_false(fetch_sockaddr_good((struct sockaddr *)&in6, &all, 1, text));
    assert_false(fetch_sockaddr_good(&local, &all, 1, text));
}

static void headers_cannot_smuggle(void **state)
{
    static const struct {
        const char *name, *value;
        bool want;
    } rows[] = {
        { "Accept", "text/html", true },
        { "X-Empty", "", true },
        { "Authorization", "Bearer x", true },
        { "X-Tab", "a\tb", false },
        { "X-Line", "a\r\nHost: b", false },
        { "X-Line", "a\nb", false },
        { "X Space", "a", false },
        { "X:Colon", "a", false },
        { "", "a", false },
        { "X\r\nY", "a", false },
        { "Host", "inside", false },
        { "host", "inside", false },
        { "Content-Length", "0", false },
        { "Transfer-Encoding", "chunked", false },
        { "Connection", "upgrade", false },
        { "Proxy-Authorization", "a", false },
        { "Upgrade", "h2c", false },
    };
    const char *why;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (fetch_header_good(span_of(rows[i].name), span_of(rows[i].value), &why) != rows[i].want)
            fail_msg("%s: %s", rows[i].name, rows[i].value);
}

static void methods_are_of_a_list(void **state)
{
    (void)state;
    assert_true(fetch_method_good(SPAN("GET")));
    assert_true(fetch_method_good(SPAN("PATCH")));
    assert_false(fetch_method_good(SPAN("get")));
    assert_false(fetch_method_good(SPAN("CONNECT")));
    assert_false(fetch_method_good(SPAN("TRACE")));
    assert_false(fetch_method_good(SPAN("GET / HTTP/1.1\r\n")));
    assert_false(fetch_method_good(SPAN("")));
}

static void packing_is_undone(void **state)
{
    struct json_object *head = json_object_new_object(), *again;
    static const char bytes[] = "\0\xff{\"a\"}";
    struct buf out = { 0 };
    struct span body;

    (void)state;
    json_object_object_add(head, "url", json_object_new_string("https://example.org/"));
    fetch_pack(&out, head, span_make(bytes, sizeof(bytes)));
    assert_true(fetch_unpack(buf_span(&out), &again, &body));
    assert_string_equal(json_object_get_string(json_member(again, "url")), "https://example.org/");
    assert_true(span_eq(body, span_make(bytes, sizeof(bytes))));
    json_object_put(again);
    for (size_t size = 0; size < 4; size++)
        assert_false(fetch_unpack(span_head(buf_span(&out), size), &again, &body));
    assert_false(fetch_unpack(span_head(buf_span(&out), 10), &again, &body));
    assert_false(fetch_unpack(SPAN("\xff\xff\xff\xff{}"), &again, &body));
    assert_false(fetch_unpack(SPAN("\0\0\0\2[]"), &again, &body));
    assert_false(fetch_unpack(SPAN("\0\0\0\2{x"), &again, &body));
    assert_true(fetch_unpack(SPAN("\0\0\0\2{}"), &again, &body));
    assert_int_equal(body.size, 0);
    json_object_put(again);
    json_object_put(head);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_judged),
        cmocka_unit_test(networks_of_the_operator_are_let_through),
        cmocka_unit_test(sockets_are_judged_by_their_address),
        cmocka_unit_test(headers_cannot_smuggle),
        cmocka_unit_test(methods_are_of_a_list),
        cmocka_unit_test(packing_is_undone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
