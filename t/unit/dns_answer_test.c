/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: dns_answer_test.c - the two versions of an answer in both forms, and names of callbacks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../modules/dns-webservice/answer.h"
#include "http/document.h"
#include "parse/json.h"

static struct discovery discovery;
static const unsigned order[] = { 1, 0, 2 };

static int set_up(void **state)
{
    (void)state;
    discovery = (struct discovery){ .host_count = 3 };
    discovery.hosts[0] = (struct discovered_host){ .host = SPAN("b.example"), .port = 5222, .priority = 5 };
    discovery.hosts[1] = (struct discovered_host){ .host = SPAN("a.example"), .port = 5222 };
    discovery.hosts[2] =
        (struct discovered_host){ .host = SPAN("a.example"), .port = 443, .direct_tls = true };
    for (unsigned i = 0; i < 3; i++) {
        discovery.hosts[i].address_count = 1;
        assert_true(
            ip_address_parse(i == 0 ? SPAN("2001:db8::1") : SPAN("192.0.2.1"), discovery.hosts[i].addresses));
    }
    discovery.bosh.count = 1;
    discovery.bosh.items[0] = SPAN("https://a/'\"<\\\342\200\250");
    return 0;
}

static void is(unsigned version, bool reference, const char *want)
{
    struct buf out = { 0 };

    answer_write(&out, &discovery, order, SPAN("example.org"), version, reference);
    if (!reference) {
        struct json_object *json = NULL;
        const char *why = NULL;

        if (json_parse(buf_span(&out), &json_limits_body, &json, &why) != 1)
            fail_msg("%s: %.*s", why, SPAN_ARG(buf_span(&out)));
        json_object_put(json);
    }
    buf_char(&out, '\0');
    assert_string_equal(out.at, want);
    buf_free(&out);
}

static void version_1(void **state)
{
    (void)state;
    is(1, false,
       "{\"domain\":\"example.org\",\"entries\":[{\"port\":5280,\"ip\":\"192.0.2.1\",\"resultHost\":\"a."
       "example\"},"
       "{\"port\":5280,\"ip\":\"2001:db8::1\",\"resultHost\":\"b.example\"}]}");
    is(1, true,
       "{ domain: 'example.org', entries: [{port:5280, ip:'192.0.2.1', resultHost: 'a.example'},"
       "{port:5280, ip:'2001:db8::1', resultHost: 'b.example'}]}");
}

static void version_2(void **state)
{
    (void)state;
    is(2, false,
       "{\"domain\":\"example.org\",\"c2s\":[{\"host\":\"a.example\",\"ip\":[\"192.0.2.1\"],\"port\":5222},"
       "{\"host\":\"b.example\",\"ip\":[\"2001:db8::1\"],\"port\":5222,\"priority\":5},"
       "{\"host\":\"a.example\",\"ip\":[\"192.0.2.1\"],\"port\":443,\"url\":\"xmpps://a.example:443\"}],"
       "\"bosh\":[{\"url\":\"https://a/\\u0027\\\"\\u003c\\\\\\u2028\"}],\"websocket\":[]}");
    is(2, true,
       "{ domain: 'example.org', c2s: [{host: 'a.example',ip: ['192.0.2.1'],port: 5222},"
       "{host: 'b.example',ip: ['2001:db8::1'],port: 5222,priority: 5},"
       "{host: 'a.example',ip: ['192.0.2.1'],port: 443,url:'xmpps://a.example:443'}], "
       "bosh: [{url:'https://a/\\u0027\\\"\\u003c\\\\\\u2028'}], websocket: []}");
}

static void direct_tls_alone_is_better_than_nothing(void **state)
{
    static const unsigned one[] = { 0 };
    struct buf out = { 0 };

    (void)state;
    discovery.hosts[0] = discovery.hosts[2];
    discovery.host_count = 1;
    answer_write(&out, &discovery, one, SPAN("example.org"), 1, false);
    buf_char(&out, '\0');
    assert_non_null(strstr(out.at, "a.example"));
    buf_free(&out);
}

static void callbacks(void **state)
{
    static const char *const good[] = { "f", "_", "$", "a.b.c", "jQuery1_2", "a$1." };
    static const char *const bad[] = { "",    "1f",  ".f",   "a-b",      "f(",   "f ",
                                       "f\n", "a;b", "a[0]", "\303\274", "a/**/" };
    char text[65];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(document_callback_is_good(span_of(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(document_callback_is_good(span_of(bad[i])));
    assert_false(document_callback_is_good(span_make("a\0b", 3)));
    memset(text, 'a', sizeof(text));
    assert_true(document_callback_is_good(span_make(text, 64)));
    assert_false(document_callback_is_good(span_make(text, 65)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(version_1, set_up),
        cmocka_unit_test_setup(version_2, set_up),
        cmocka_unit_test_setup(direct_tls_alone_is_better_than_nothing, set_up),
        cmocka_unit_test(callbacks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
