/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: xmpp_component_test.c - a component's stream against every way in which servers say
 * no, fall silent, come back. */
#include "xmpp_fake.h"

#include "os/file.h"
#include "os/log.h"
#include "xmpp/component_inside.h"
#include "xmpp/stanza.h"

static struct loop *loop;
static struct resolver *resolver;
static struct fake fake;
static struct component *component;
static struct component_settings setting;
static struct xmpp_settings xmpp;
static unsigned stanzas, ups, closings;
static char folder[] = "/tmp/stoa-component-XXXXXX";

static void on_stanza(void *data, struct component *from, const struct xml_element *stanza,
                      struct arena *arena)
{
    (void)data;
    (void)from;
    (void)stanza;
    (void)arena;
    stanzas++;
}

static void on_changed(void *data, struct component *from, enum component_state state, const char *trouble)
{
    (void)data;
    (void)from;
    if (state == COMPONENT_UP) {
        ups++;
        assert_string_equal(trouble, "");
    }
}

static void on_closed(void *data, struct component *from)
{
    (void)data;
    (void)from;
    closings++;
}

static const struct component_calls calls = { on_stanza, on_changed, on_closed };

static int set_up(void **state)
{
    char path[64];

    (void)state;
    snprintf(path, sizeof(path), "%s/stoa.log", folder);
    assert_int_equal(truncate(path, 0), 0);
    loop = loop_new();
    resolver = resolver_new(loop);
    fake_open(&fake, loop);
    setting = (struct component_settings){ .section = { .name = "upload.localhost" }, .secret = "s&cr<t" };
    xmpp = (struct xmpp_settings){ .host = "127.0.0.1",
                                   .port = fake.port,
                                   .iq_timeout = USEC_PER_SEC,
                                   .reconnect_least = 100 * USEC_PER_MSEC,
                                   .reconnect_most = 200 * USEC_PER_MSEC,
                                   .max_stanza_size = 65536 };
    stanzas = ups = closings = 0;
    component = component_new(loop, resolver, &xmpp, &setting, SPAN("upload.localhost"), &calls, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    component_free(&component);
    fake_close(&fake);
    resolver_free(&resolver);
    loop_free(&loop);
    return 0;
}

static bool is_up(void *data)
{
    (void)data;
    return component_state(component) == COMPONENT_UP;
}

static bool is_in_trouble(void *data)
{
    return strstr(component_trouble(component), data) != NULL;
}

static void start(void)
{
    component_start(component);
    assert_true(run_until(loop, is_up, NULL));
}

/* XEP-0114 3: SHA-1 over the id with its reference resolved and the secret as it is, in lower-case hex. */
static void test_handshake(void **state)
{
    unsigned char digest[SHA1_BYTES];
    struct buf proof = { 0 };

    (void)state;
    start();
    digest_sha1(SPAN("a&b-7s&cr<t"), digest);
    buf_text(&proof, "<handshake>");
    codec_hex(&proof, span_make((const char *)digest, sizeof(digest)));
    buf_text(&proof, "</handshake>");
    buf_char(&proof, '\0');
    fake_expect(&fake, proof.at);
    fake_expect(&fake, "xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' "
                       "to='upload.localhost'>");
    assert_string_equal(component_trouble(component), "");
    fake_say(&fake, " \n<iq/> <message/><presence/>");
    buf_free(&proof);
}

static const struct {
    const char *header, *verdict, *trouble;
} refusals[] = {
    { FAKE_HEADER, FAKE_ERROR("not-authorized"), "the server refuses its secret" },
    /* Prosody: no id, then the error. */
    { "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
      "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' id=''>" FAKE_ERROR("host-unknown"),
      NULL, "the server has no such component" },
    { FAKE_HEADER, FAKE_ERROR("conflict"), "the component JID is taken (conflict: so it is)" },
    /* A client's port: features, or what Prosody says there. */
    { "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' from='x' "
      "version='1.0'><stream:features/>",
      NULL, "no component port" },
    { "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='' "
      "version='1.0'>" FAKE_ERROR("invalid-namespace"),
      NULL, "no component port" },
    { "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", NULL, "no component port" },
    { "<html>", NULL, "no component port" },
    { FAKE_HEADER, "<message/>", "no component port" },
    { FAKE_HEADER, "<handshake/>" FAKE_ERROR("conflict"), "another connection has taken the component JID" },
    { FAKE_HEADER, "<handshake/>" FAKE_ERROR("system-shutdown"),
      "the server ended the stream: system-shutdown" },
    { FAKE_HEADER, "<handshake/><stream:error/>", "the server ended the stream: undefined-condition" },
    { FAKE_HEADER, "<handshake/></stream:stream>", "the server closed the stream" },
    { FAKE_HEADER, "<handshake/><iq>&nbsp;</iq>", "the server sent what cannot be read" },
    { FAKE_HEADER, "<handshake/><!-- --><iq/>", "the server sent what cannot be read" },
    { FAKE_HEADER, "<handshake/>text", "the server sent what cannot be read" },
};

static void test_refusals(void **state)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (i > 0)
            set_up(state);
        fake.header = refusals[i].header;
        fake.verdict = refusals[i].verdict;
        component_start(component);
        if (!run_until(loop, is_in_trouble, (void *)(uintptr_t)refusals[i].trouble))
            fail_msg("want: %s, have: %s", refusals[i].trouble, component_trouble(component));
        if (i + 1 < sizeof(refusals) / sizeof(refusals[0]))
            tear_down(state);
    }
}

static void test_hang_up(void **state)
{
    (void)state;
    fake.hangs_up = true;
    component_start(component);
    assert_true(run_until(loop, is_in_trouble, (void *)(uintptr_t) "without a word"));
    fake.hangs_up = false;
    assert_true(run_until(loop, is_up, NULL));
    assert_string_equal(component_trouble(component), "");
}

static bool tried_often(void *data)
{
    (void)data;
    return component->failures >= 4;
}

static size_t count_in_log(const char *text)
{
    struct buf log = { 0 };
    size_t count = 0;
    char path[64];

    snprintf(path, sizeof(path), "%s/stoa.log", folder);
    assert_int_equal(file_read_all(path, 1 << 20, &log), 0);
    buf_char(&log, '\0');
    for (const char *at = log.at; (at = strstr(at, text)); at++)
        count++;
    buf_free(&log);
    return count;
}

/* Starts before the server, goes on trying, says it once, says that it is good again. */
static void test_absent(void **state)
{
    (void)state;
    fake_deaf_port(&fake);
    component_start(component);
    assert_true(run_until(loop, is_in_trouble, (void *)(uintptr_t) "nobody answers at 127.0.0.1 port"));
    assert_true(run_until(loop, tried_often, NULL));
    assert_null(component_out(component));
    assert_int_equal(count_in_log("component upload.localhost: nobody answers"), 1);
    assert_int_equal(count_in_log("are xmpp/host and xmpp/port those of its component listener?"), 1);
    fake_listen(&fake);
    assert_true(run_until(loop, is_up, NULL));
    assert_int_equal(count_in_log("component upload.localhost: connected again"), 1);
}

static void test_secret_is_named(void **state)
{
    (void)state;
    fake.verdict = FAKE_ERROR("not-authorized");
    component_start(component);
    assert_true(run_until(loop, tried_often, NULL));
    assert_int_equal(count_in_log("compare xmpp/components/upload.localhost/secret with"), 1);
    assert_int_equal(count_in_log("s&cr<t"), 0);
}

/* No try follows another at once, whatever is configured; and the delay grows. */
static void test_delay(void **state)
{
    (void)state;
    xmpp.reconnect_least = 0;
    xmpp.reconnect_most = 60 * USEC_PER_SEC;
    for (unsigned i = 0; i < 12; i++) {
        int64_t least = 50 * USEC_PER_MSEC << i;

        component_fall(component, TROUBLE_CLOSED, NULL);
        if (least > 30 * USEC_PER_SEC)
            least = 30 * USEC_PER_SEC;
        assert_true(component->timer.deadline - loop_now(loop) >= least);
        assert_true(component->timer.deadline - loop_now(loop) <= 60 * USEC_PER_SEC);
    }
}

static bool has_closed(void *data)
{
    (void)data;
    return fake.closed;
}

static void test_ping(void **state)
{
    const char *domain = "example.org";

    (void)state;
    xmpp.ping_interval = 100 * USEC_PER_MSEC;
    start();
    fake_expect(&fake, "to='localhost' id='"); /* what the component stands below */
    fake_expect(&fake, "'><ping xmlns='urn:xmpp:ping'/></iq>");
    assert_true(run_until(loop, is_in_trouble, (void *)(uintptr_t) "does not answer any more"));
    assert_true(run_until(loop, has_closed, NULL) || fake.accepted > 1);
    xmpp.domains = (struct conf_list){ .texts = &domain, .count = 1 };
    assert_true(run_until(loop, is_up, NULL));
    fake_expect(&fake, "to='example.org' id='");
    xmpp.ping_interval = 0;
}

static void turn_once(void)
{
    loop_stop(loop);
    loop_run(loop); /* only what was deferred */
}

static bool reads(void)
{
    return component->watch.events & EPOLLIN;
}

static bool is_drained(void *data)
{
    (void)data;
    return component->out.size == 0 && stanzas > 0;
}

/* A server that takes nothing: what waits is bounded, and nothing more is read until it has gone. */
static void test_deaf(void **state)
{
    const struct stanza_head head = { SPAN("upload.localhost"), SPAN("a@localhost"), SPAN("1") };
    static char filler[100000];
    struct buf *out;

    (void)state;
    start();
    watch_change(&fake.conn, 0);
    memset(filler, 'x', sizeof(filler));
    for (int i = 0; reads() && i < 100; i++) {
        while ((out = component_out(component))) {
            stanza_own(out, &head, "result", span_make(filler, sizeof(filler)));
            assert_true(out->size - component->sent < COMPONENT_OUT_MOST + 2 * sizeof(filler));
        }
        turn_once();
    }
    assert_false(reads());
    fake_say(&fake, "<iq/>");
    turn_once();
    assert_int_equal(stanzas, 0);
    watch_change(&fake.conn, EPOLLIN);
    assert_true(run_until(loop, is_drained, NULL));
    assert_true(reads());
}

static bool has_stanzas(void *data)
{
    (void)data;
    return stanzas > 0;
}

static void test_hold(void **state)
{
    (void)state;
    start();
    component_hold(component, true);
    assert_int_equal(component->watch.events & EPOLLIN, 0);
    fake_say(&fake, "<iq/><iq/>");
    component_hold(component, false);
    assert_true(run_until(loop, has_stanzas, NULL));
    assert_int_equal(stanzas, 2);
}

static void test_too_large(void **state)
{
    static char stanza[70000];

    (void)state;
    start();
    memset(stanza, 'x', sizeof(stanza) - 1);
    memcpy(stanza, "<iq><a xmlns='b'>", 17);
    fake_say(&fake, stanza);
    fake_say(&fake, "</a></iq><iq/>");
    assert_true(run_until(loop, has_stanzas, NULL));
    assert_int_equal(stanzas, 1); /* the large one was passed over, and the stream is up */
    assert_true(is_up(NULL));
}

static bool has_ended(void *data)
{
    (void)data;
    return closings > 0;
}

static void test_close(void **state)
{
    (void)state;
    start();
    component_close(component);
    assert_null(component_out(component));
    fake_expect(&fake, "</stream:stream>");
    fake_say(&fake, "<iq/></stream:stream>");
    assert_true(run_until(loop, has_ended, NULL));
    assert_int_equal(closings, 1);
    assert_int_equal(stanzas, 0);
}

static void test_close_while_down(void **state)
{
    (void)state;
    component_close(component);
    assert_int_equal(closings, 1);
}

static void test_names(void **state)
{
    static const struct {
        const char *host;
        unsigned count;
    } hosts[] = { { "127.0.0.1", 1 }, { "::1", 1 },    { "localhost", 2 },
                  { "@stoa", 1 },     { "/run/x", 1 }, { "", 0 } };
    struct resolve_job *job;
    struct resolved resolved;

    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        assert_true(resolve(resolver, hosts[i].host, 5347, &resolved, &job, NULL, NULL));
        assert_int_equal(resolved.count, hosts[i].count);
        assert_null(job);
    }
}

/* A name that the resolver of the system is asked for; .invalid never exists (RFC 6761 6.4). */
static void test_no_name(void **state)
{
    (void)state;
    xmpp.host = "stoa..invalid";
    component_start(component);
    assert_true(run_until(loop, is_in_trouble, (void *)(uintptr_t) "cannot be found"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_handshake),
        TEST(test_refusals),
        TEST(test_hang_up),
        TEST(test_absent),
        TEST(test_secret_is_named),
        TEST(test_delay),
        TEST(test_ping),
        TEST(test_deaf),
        TEST(test_hold),
        TEST(test_too_large),
        TEST(test_close),
        TEST(test_close_while_down),
        TEST(test_names),
        TEST(test_no_name),
    };
    int failures;
    char path[64];

    xml_start();
    if (mkdtemp(folder) == NULL || log_open(folder, LOG_LEVEL_DEBUG, false) < 0)
        return 99;
    failures = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(path, sizeof(path), "%s/stoa.log", folder);
    unlink(path);
    snprintf(path, sizeof(path), "%s/access.log", folder);
    unlink(path);
    rmdir(folder);
    return failures;
}
