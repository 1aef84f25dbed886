/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: http_pure_test.c - what needs no connection: PROXY headers, forwarding, routes. */
#include "http/inside.h"
#include "http/proxy_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define V2 "\r\n\r\n\0\r\nQUIT\n"

static const struct {
    struct span in;
    enum verdict want;
    size_t size;
    const char *source; /* NULL: none */
} headers[] = {
    { { "PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\nGET", 43 }, PARSE_DONE, 40, "192.0.2.7" },
    { { "PROXY TCP6 2001:db8::7 ::1 4711 443\r\n", 37 }, PARSE_DONE, 37, "2001:db8::7" },
    { { "PROXY UNKNOWN\r\n", 15 }, PARSE_DONE, 15, NULL },
    { { "PROXY UNKNOWN ff:: ff:: 1 2\r\n", 29 }, PARSE_DONE, 29, NULL },
    { { "PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\n", 39 }, PARSE_BAD, 0, NULL },
    { { "PROXY TCP4 192.0.2.7 10.0.0.1 4711\r\n", 36 }, PARSE_BAD, 0, NULL },
    { { "PROXY TCP4 192.0.2.7 10.0.0.1 4711 65536\r\n", 42 }, PARSE_BAD, 0, NULL },
    { { "PROXY TCP4 2001:db8::7 ::1 4711 443\r\n", 37 }, PARSE_BAD, 0, NULL },
    { { "PROXY TCP4 192.0.2.7  10.0.0.1 4711 443\r\n", 41 }, PARSE_BAD, 0, NULL },
    { { "PROXY UDP4 192.0.2.7 10.0.0.1 4711 443\r\n", 40 }, PARSE_BAD, 0, NULL },
    { { "PROXY TCP4 192.0.2.7 10.0.0.1 47", 32 }, PARSE_MORE, 0, NULL },
    { { "PRO", 3 }, PARSE_MORE, 0, NULL },
    { { "GET / HTTP/1.1\r\n", 16 }, PARSE_BAD, 0, NULL },
    { { "", 0 }, PARSE_MORE, 0, NULL },
    { { V2 "\x21\x11\0\x0c\xc0\0\2\7\x0a\0\0\1\0\1\0\2rest", 32 }, PARSE_DONE, 28, "192.0.2.7" },
    { { V2 "\x21\x21\0\x24 \1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\7 \1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\1\0\2", 52 },
      PARSE_DONE,
      52,
      "2001:db8::7" },
    { { V2 "\x20\0\0\0", 16 }, PARSE_DONE, 16, NULL },
    { { V2 "\x21\x11\0\x04\1\2\3\4", 20 }, PARSE_BAD, 0, NULL },
    { { V2 "\x31\x11\0\x0c", 16 }, PARSE_BAD, 0, NULL },
    { { V2 "\x22\x11\0\x0c", 16 }, PARSE_BAD, 0, NULL },
    { { V2 "\x21\x11\xff\xff", 16 }, PARSE_BAD, 0, NULL },
    { { V2 "\x21\x11\0\x0c\xc0\0", 18 }, PARSE_MORE, 0, NULL },
};

static void proxy_headers_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        struct proxy_header header;
        char text[IP_TEXT];

        if (proxy_header_parse(headers[i].in, &header) != headers[i].want)
            fail_msg("row %zu", i);
        if (headers[i].want != PARSE_DONE)
            continue;
        assert_int_equal(header.size, headers[i].size);
        assert_int_equal(header.has_source, headers[i].source != NULL);
        if (headers[i].source) {
            ip_address_text(&header.source, text);
            assert_string_equal(text, headers[i].source);
        }
    }
}

/* As proxy.c relies on it: no proper front of a good header is anything but PARSE_MORE. */
static void proxy_headers_come_in_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        struct proxy_header header;

        if (headers[i].want != PARSE_DONE)
            continue;
        for (size_t n = 0; n < headers[i].size; n++)
            assert_int_equal(proxy_header_parse(span_head(headers[i].in, n), &header), PARSE_MORE);
    }
}

static const char *trusted_texts[] = { "127.0.0.0/8", "10.0.0.0/8", "unix" };

static const struct {
    const char *peer; /* NULL: unix */
    const char *fields;
    const char *client, *proto, *host; /* proto, host NULL: nobody said */
} forwards[] = {
    { "192.0.2.1", "X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n", "192.0.2.1", NULL, NULL },
    { "127.0.0.1", "", "127.0.0.1", NULL, NULL },
    { "127.0.0.1", "X-Forwarded-For: 6.6.6.6, 192.0.2.9\r\nX-Forwarded-Proto: https\r\n", "192.0.2.9",
      "https", NULL },
    { "127.0.0.1", "X-Forwarded-For: 6.6.6.6, 192.0.2.9, 10.1.1.1\r\n", "192.0.2.9", NULL, NULL },
    { "127.0.0.1", "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 192.0.2.9\r\n", "192.0.2.9", NULL, NULL },
    { "127.0.0.1", "X-Forwarded-For: 10.1.1.2, 10.1.1.1\r\n", "10.1.1.2", NULL, NULL },
    { "127.0.0.1", "X-Forwarded-For: 192.0.2.9, unknown\r\n", "127.0.0.1", NULL, NULL },
    { "127.0.0.1", "X-Forwarded-For: 192.0.2.9, <script>\r\n", "127.0.0.1", NULL, NULL },
    { "127.0.0.1", "X-Forwarded-For: <script>, 192.0.2.9\r\n", "127.0.0.1", NULL, NULL },
    { "127.0.0.1", "X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Proto: http, https\r\n", "192.0.2.9", "https",
      NULL },
    { "127.0.0.1", "X-Forwarded-For: 1.1.1.1, 192.0.2.9\r\nX-Forwarded-Host: bad, good\r\n", "192.0.2.9",
      NULL, "good" },
    { NULL, "X-Forwarded-For: 192.0.2.9\r\n", "192.0.2.9", NULL, NULL },
    { "127.0.0.1", "Forwarded: for=6.6.6.6;proto=http, for=\"[2001:db8::1]:7\";proto=https;host=h\r\n",
      "2001:db8::1", "https", "h" },
    { "127.0.0.1", "Forwarded: for=192.0.2.9\r\nX-Forwarded-For: 6.6.6.6\r\n", "192.0.2.9", NULL, NULL },
    { "127.0.0.1", "Forwarded: for=192.0.2.9;host=a, for=10.0.0.1;host=b\r\n", "192.0.2.9", NULL, "a" },
    { "127.0.0.1", "Forwarded: for=1.1.1.1;for=2.2.2.2, for=192.0.2.9\r\n", "127.0.0.1", NULL, NULL },
    { "127.0.0.1", "Forwarded: for=_hidden;proto=https\r\n", "127.0.0.1", "https", NULL },
    { "127.0.0.1", "Forwarded: for=1.1.1.1\r\nForwarded: for=192.0.2.9\r\n", "192.0.2.9", NULL, NULL },
};

static void same(struct span got, const char *want)
{
    assert_int_equal(got.at != NULL, want != NULL);
    if (want)
        assert_true(span_is(got, want));
}

static void R2_forwarded_counts_only_from_trusted_proxies(void **state)
{
    const struct conf_list texts = { trusted_texts, 3 };
    const struct http_limits limits = { 8192, 32 };
    struct trusted trusted;

    (void)state;
    trusted_read(&trusted, &texts);
    for (size_t i = 0; i < sizeof(forwards) / sizeof(forwards[0]); i++) {
        struct client peer = { .is_local = forwards[i].peer == NULL };
        struct forwarded forwarded;
        struct http_head head;
        enum problem problem;
        char text[2048], client[IP_TEXT];

        snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", forwards[i].fields);
        assert_int_equal(http_head_parse(span_of(text), &limits, &head, &problem), PARSE_DONE);
        if (forwards[i].peer)
            assert_true(ip_address_parse(span_of(forwards[i].peer), &peer.address));
        forwarded_find(&trusted, &peer, &head, &forwarded);
        client_text(&forwarded.client, client);
        if (strcmp(client, forwards[i].client) != 0)
            fail_msg("row %zu: %s", i, client);
        same(forwarded.proto, forwards[i].proto);
        same(forwarded.host, forwards[i].host);
    }
    trusted_free(&trusted);
}

/* ---- routes ---- */

static void nothing(struct http_request *request)
{
    (void)request;
}

#define GET_ROW(text)                                                                                        \
    {                                                                                                        \
        .methods = METHOD_BIT(HTTP_GET), .path = text, .handle = nothing                                     \
    }

static const struct http_route root_rows[] = { GET_ROW("/"), GET_ROW("/about"), { .path = NULL } };
static const struct http_route upload_rows[] = {
    GET_ROW("/x"),
    { .methods = METHOD_BIT(HTTP_PUT), .path = "/*", .handle = nothing },
    { .path = NULL },
};
static const struct http_route named_rows[] = { GET_ROW("/named/*"), { .path = NULL } };

static const char *hosts_texts[] = { "Files.example" };
static const struct conf_list hosts = { hosts_texts, 1 };

static const struct {
    const char *host, *path;
    enum http_method method;
    enum route_found want;
    const char *row; /* path of the row found */
    const char *below;
} routes[] = {
    { "a", "/", HTTP_GET, ROUTE_FOUND, "/", "/" },
    { "a", "/about", HTTP_GET, ROUTE_FOUND, "/about", "/about" },
    { "a", "/about/", HTTP_GET, ROUTE_NO_PATH, NULL, NULL },
    { "a", "/nothing", HTTP_GET, ROUTE_NO_PATH, NULL, NULL },
    { "a", "/", HTTP_POST, ROUTE_NO_METHOD, NULL, NULL },
    { "a", "/upload/x", HTTP_GET, ROUTE_FOUND, "/x", "/x" },
    { "a", "/upload/x", HTTP_PUT, ROUTE_FOUND, "/*", "/x" },
    { "a", "/upload/x", HTTP_DELETE, ROUTE_NO_METHOD, NULL, NULL },
    { "a", "/upload", HTTP_PUT, ROUTE_FOUND, "/*", "" },
    { "a", "/uploads", HTTP_PUT, ROUTE_NO_PATH, NULL, NULL },
    { "files.example", "/upload/named/y", HTTP_GET, ROUTE_FOUND, "/named/*", "/named/y" },
    { "files.example", "/upload/x", HTTP_GET, ROUTE_NO_PATH, NULL, NULL },
};

static void routes_are_found_by_host_path_and_method(void **state)
{
    struct router_table *table = router_table_new();
    const struct http_context contexts[] = {
        { .path = "/", .routes = root_rows },
        { .path = "/upload", .routes = upload_rows },
        { .path = "/upload", .hosts = &hosts, .routes = named_rows },
    };

    (void)state;
    for (size_t i = 0; i < 3; i++)
        router_table_add(table, &contexts[i]);
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        struct http_request request = { .host = span_of(routes[i].host),
                                        .path = span_of(routes[i].path),
                                        .method = routes[i].method };
        unsigned allow;

        if (router_table_find(table, &request, &allow) != routes[i].want)
            fail_msg("row %zu", i);
        assert_int_equal(allow != 0, routes[i].want == ROUTE_NO_METHOD);
        if (routes[i].want == ROUTE_FOUND) {
            assert_string_equal(request.route->path, routes[i].row);
            assert_true(span_is(request.below, routes[i].below));
        }
    }
    router_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proxy_headers_are_read),
        cmocka_unit_test(proxy_headers_come_in_pieces),
        cmocka_unit_test(R2_forwarded_counts_only_from_trusted_proxies),
        cmocka_unit_test(routes_are_found_by_host_path_and_method),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
