/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: uri_test.c - targets, paths that have one reading only (R4), queries, hosts, networks. */
#include "parse/ip.h"
#include "parse/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

static void targets_split(void **state)
{
    static const struct {
        const char *target, *path, *query; /* path NULL: refused */
        bool has_query;
    } rows[] = {
        { "/", "/", "", false },
        { "/a/b?c=d?e", "/a/b", "c=d?e", true },
        { "/a?", "/a", "", true },
        { "http://h", "/", "", false },
        { "HTTPS://h:1?q", "/", "q", true },
        { "https://h/x", "/x", "", false },
        { "*", "*", "", false },
        { "", NULL, "", false },
        { "a/b", NULL, "", false },
        { "http:/", NULL, "", false },
        { "ftp://hhhh/", NULL, "", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct uri_target got;
        bool good = uri_target_split(span_of(rows[i].target), &got);

        if (good != (rows[i].path != NULL) ||
            (good && (!span_is(got.path, rows[i].path) || !span_is(got.query, rows[i].query) ||
                      got.has_query != rows[i].has_query)))
            fail_msg("%s", rows[i].target);
    }
}

static const struct {
    const char *path, *want; /* NULL: refused */
} paths[] = {
    { "/", "/" },
    { "/a", "/a" },
    { "/a/", "/a/" },
    { "/a%20b", "/a b" },
    { "/%c3%a4", "/\xc3\xa4" },
    { "/a+b", "/a+b" },
    { "/a%2520b", "/a%20b" }, /* decoded once */
    { "/..a/.b/c..", "/..a/.b/c.." },
    { "/a:b@c;d=e,f", "/a:b@c;d=e,f" },
    { "", NULL },
    { "*", NULL },
    { "a", NULL },
    { "/a%2fb", NULL },
    { "/a%2Fb", NULL },
    { "/a%5cb", NULL },
    { "/a%5Cb", NULL },
    { "/a\\b", NULL },
    { "/a%00b", NULL },
    { "/a%0ab", NULL },
    { "/a%7f", NULL },
    { "/a%1f", NULL },
    { "/.", NULL },
    { "/..", NULL },
    { "/a/./b", NULL },
    { "/a/../b", NULL },
    { "/a/..", NULL },
    { "/a/%2e%2e/b", NULL },
    { "/a/.%2E/b", NULL },
    { "/a/%2e", NULL },
    { "//", NULL },
    { "//a", NULL },
    { "/a//b", NULL },
    { "/a%", NULL },
    { "/a%4", NULL },
    { "/a%4g", NULL },
    { "/a%zz", NULL },
    { "/%c0%ae%c0%ae/", NULL }, /* overlong dots */
    { "/%c0%af", NULL },        /* overlong slash */
    { "/%e0%80%af", NULL },
    { "/%ed%a0%80", NULL },    /* a surrogate */
    { "/%f4%90%80%80", NULL }, /* above U+10FFFF */
    { "/%ff", NULL },
    { "/%c3", NULL },
    { "/a b", NULL },
    { "/a?b", NULL },
    { "/a#b", NULL },
    { "/\xc3\xa4", NULL },
};

static void paths_have_one_reading(void **state)
{
    struct buf out = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        enum problem problem = PROBLEM_none;

        buf_clear(&out);
        buf_text(&out, "before");
        if (uri_path_decode(span_of(paths[i].path), &out, &problem) != (paths[i].want != NULL))
            fail_msg("%s", paths[i].path);
        if (paths[i].want)
            assert_true(span_is(span_from(buf_span(&out), 6), paths[i].want));
        else
            assert_true(problem == PROBLEM_bad_request && out.size == 6);
    }
    buf_free(&out);
}

static void queries_decode(void **state)
{
    struct span query = SPAN("&a=1&&b&c=%26%3d+x&=e&f=%"), name, value;
    struct buf out = { 0 };

    (void)state;
    assert_int_equal(uri_query_find(query, "a", &out), 1);
    assert_true(span_is(buf_span(&out), "1"));
    buf_clear(&out);
    assert_int_equal(uri_query_find(query, "b", &out), 1);
    assert_int_equal(uri_query_find(query, "c", &out), 1);
    assert_true(span_is(buf_span(&out), "&= x"));
    assert_int_equal(uri_query_find(query, "", &out), 1);
    assert_int_equal(uri_query_find(query, "f", &out), -1);
    assert_int_equal(uri_query_find(query, "g", &out), 0);
    assert_int_equal(uri_query_find(SPAN("%zz=1&a=2"), "a", &out), -1);
    assert_true(span_is(buf_span(&out), "&= xe"));
    assert_true(uri_query_next(&query, &name, &value) && span_is(name, "a") && span_is(value, "1"));
    assert_true(uri_query_next(&query, &name, &value) && span_is(name, "b") && value.size == 0);
    assert_false(uri_query_decode(SPAN("%00"), &out));
    assert_false(uri_query_decode(SPAN("%ff"), &out));
    buf_free(&out);
}

static void hosts_are_checked(void **state)
{
    static const struct {
        const char *text, *name; /* NULL: refused */
        uint16_t port;
        bool is_ip;
    } rows[] = {
        { "Example.ORG", "example.org", 0, false },
        { "example.org.", "example.org", 0, false },
        { "example.org.:80", "example.org", 80, false },
        { "a_b:65535", "a_b", 65535, false },
        { "192.0.2.1:8080", "192.0.2.1", 8080, true },
        { "[2001:DB8:0::1]:443", "2001:db8::1", 443, true },
        { "[::1]", "::1", 0, true },
        { "", NULL, 0, false },
        { ".", NULL, 0, false },
        { "..", NULL, 0, false },
        { "a..b", NULL, 0, false },
        { ".a", NULL, 0, false },
        { "a..", NULL, 0, false },
        { ":80", NULL, 0, false },
        { "a:", NULL, 0, false },
        { "a:0", NULL, 0, false },
        { "a:65536", NULL, 0, false },
        { "a:000080", NULL, 0, false },
        { "a:8x", NULL, 0, false },
        { "a:+8", NULL, 0, false },
        { "a:1:2", NULL, 0, false },
        { "u@a", NULL, 0, false },
        { "a/b", NULL, 0, false },
        { "a%41", NULL, 0, false },
        { "\xc3\xa4", NULL, 0, false },
        { "[::1", NULL, 0, false },
        { "[::1]x", NULL, 0, false },
        { "[]", NULL, 0, false },
        { "[192.0.2.1]", NULL, 0, false },
        { "[fe80::1%25eth0]", NULL, 0, false },
        { "::1", NULL, 0, false },
    };
    char longest[300];
    struct uri_host host;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool good = uri_host_parse(span_of(rows[i].text), &host);

        if (good != (rows[i].name != NULL) ||
            (good && (strcmp(host.name, rows[i].name) != 0 || host.port != rows[i].port ||
                      host.is_ip != rows[i].is_ip)))
            fail_msg("%s", rows[i].text);
    }
    memset(longest, 'a', sizeof(longest));
    assert_true(uri_host_parse(span_make(longest, 63), &host));
    assert_false(uri_host_parse(span_make(longest, 64), &host));
    for (size_t i = 50; i < sizeof(longest); i += 51)
        longest[i] = '.';
    assert_true(uri_host_parse(span_make(longest, 254), &host));
    assert_false(uri_host_parse(span_make(longest, 257), &host));
}

static void networks_hold_addresses(void **state)
{
    static const struct {
        const char *network, *address; /* address NULL: the network is refused */
        bool want;
    } rows[] = {
        { "10.0.0.0/8", "10.255.0.1", true },
        { "10.0.0.0/8", "11.0.0.1", false },
        { "10.0.0.0/8", "::ffff:10.0.0.1", true },
        { "192.168.1.128/25", "192.168.1.129", true },
        { "192.168.1.128/25", "192.168.1.127", false },
        { "192.0.2.1", "192.0.2.1", true },
        { "192.0.2.1", "192.0.2.2", false },
        { "0.0.0.0/0", "8.8.8.8", true },
        { "0.0.0.0/0", "::1", false },
        { "::/0", "8.8.8.8", true },
        { "2001:db8::/33", "2001:db8:7fff::1", true },
        { "2001:db8::/33", "2001:db8:8000::1", false },
        { "10.0.0.1/8", NULL, false },
        { "10.0.0.0/33", NULL, false },
        { "10.0.0.0/", NULL, false },
        { "10.0.0.0/x", NULL, false },
        { "10.0.0/8", NULL, false },
        { "010.0.0.0/8", NULL, false },
        { "::/129", NULL, false },
        { "::/0008", NULL, false },
        { "", NULL, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ip_network network;
        struct ip_address address;

        if (ip_network_parse(span_of(rows[i].network), &network) != (rows[i].address != NULL))
            fail_msg("%s", rows[i].network);
        if (rows[i].address == NULL)
            continue;
        assert_true(ip_address_parse(span_of(rows[i].address), &address));
        if (ip_network_has(&network, &address) != rows[i].want)
            fail_msg("%s and %s", rows[i].network, rows[i].address);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_split),           cmocka_unit_test(paths_have_one_reading),
        cmocka_unit_test(queries_decode),          cmocka_unit_test(hosts_are_checked),
        cmocka_unit_test(networks_hold_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
