/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: xmpp_stanza_test.c - what is read from stanzas, and that nothing written can end a
 * stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "xmpp/ns.h"
#include "xmpp/stanza.h"

#define IN_STREAM "<iq xmlns='" NS_COMPONENT "' "

static const struct stanza_head head = { { "upload.localhost", 16 },
                                         { "alice@localhost/a&b", 19 },
                                         { "q'1", 3 } };

static const struct {
    const char *xml;
    bool good;
    enum stanza_kind kind;
    const char *why;
} rows[] = {
    { IN_STREAM "type='get' from='a@b/c' to='d' id='1'><x xmlns='y'/></iq>", true, STANZA_IQ_GET, "usual" },
    { IN_STREAM "type='set' from='a@b/c' to='d' id=''><x xmlns='y'/></iq>", true, STANZA_IQ_SET, "empty id" },
    { IN_STREAM "type='result' from='b' to='d' id='1'/>", true, STANZA_IQ_RESULT, "result" },
    { IN_STREAM "type='error' from='b' to='d' id='1'/>", true, STANZA_IQ_ERROR, "error" },
    { "<iq xmlns='jabber:client' type='get' from='a' to='d' id='1'/>", true, STANZA_IQ_GET, "client's" },
    { "<message xmlns='" NS_COMPONENT "' from='a' to='d'/>", true, STANZA_MESSAGE, "message" },
    { "<presence xmlns='" NS_COMPONENT "' type='subscribe' from='a' to='d'/>", true, STANZA_PRESENCE,
      "presence" },
    { IN_STREAM "type='get' to='d' id='1'/>", false, 0, "no from" },
    { IN_STREAM "type='get' from='a' id='1'/>", false, 0, "no to" },
    { IN_STREAM "type='get' from='a' to='d'/>", false, 0, "no id" },
    { IN_STREAM "from='a' to='d' id='1'/>", false, 0, "no type" },
    { IN_STREAM "type='GET' from='a' to='d' id='1'/>", false, 0, "unknown type" },
    { IN_STREAM "type='get' from='a@@b' to='d' id='1'/>", false, 0, "from is no JID" },
    { IN_STREAM "type='get' from='a' to='@d' id='1'/>", false, 0, "to is no JID" },
    { "<iq xmlns='urn:x' type='get' from='a' to='d' id='1'/>", false, 0, "another namespace" },
    { "<other xmlns='" NS_COMPONENT "' from='a' to='d' id='1'/>", false, 0, "no stanza" },
};

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *arena = arena_new();
        struct xml_element *root;
        struct stanza stanza;
        const char *why;

        assert_int_equal(xml_document(span_of(rows[i].xml), &xml_limits_component, arena, &root, &why), 1);
        if (stanza_read(root, arena, &stanza) != rows[i].good)
            fail_msg("%s", rows[i].why);
        if (rows[i].good)
            assert_int_equal(stanza.kind, rows[i].kind);
        arena_free(&arena);
    }
}

static void test_children(void **state)
{
    static const char two[] =
        IN_STREAM "type='get' from='a' to='d' id='1'>\n<x xmlns='y'/><z xmlns='y'/></iq>";
    struct arena *arena = arena_new();
    struct xml_element *root;
    struct stanza stanza;
    const char *why;

    (void)state;
    assert_int_equal(xml_document(span_of(two), &xml_limits_component, arena, &root, &why), 1);
    assert_true(stanza_read(root, arena, &stanza));
    assert_false(stanza.single);
    assert_true(xml_is(stanza.payload, "y", "x"));
    arena_free(&arena);
}

static void assert_text(const struct buf *out, const char *text)
{
    assert_string_equal(out->size ? (buf_char((struct buf *)(uintptr_t)out, '\0'), out->at) : "", text);
}

static void test_own(void **state)
{
    struct buf out = { 0 };

    (void)state;
    stanza_own(&out, &head, "result", SPAN(""));
    assert_text(&out,
                "<iq type='result' from='upload.localhost' to='alice@localhost/a&amp;b' id='q&apos;1'></iq>");
    buf_free(&out);
    stanza_unclaimed(&out, &head);
    assert_text(&out, "<iq type='error' from='upload.localhost' to='alice@localhost/a&amp;b' id='q&apos;1'>"
                      "<error type='cancel'><service-unavailable "
                      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
    buf_free(&out);
}

/* xmpp-wise deadly or senseless payloads (RFC 6120 11.1): none of them may leave. */
static void test_foreign(void **state)
{
    static const char *const bad[] = {
        "",
        "text",
        "<a xmlns='u'>",
        "<a xmlns='u'/><b xmlns='u'/>",
        "</iq></stream:stream>",
        "<a xmlns='u'><!-- c --></a>",
        "<a xmlns='u'><?pi x?></a>",
        "<a xmlns='u'>&nbsp;</a>",
        "<a xmlns='u'>\x01</a>",
        "<a xmlns='u'>\xff</a>",
        "<p:a/>",
        "<a/>",
        "<message xmlns='jabber:component:accept'/>",
        "<error xmlns='http://etherx.jabber.org/streams'/>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a xmlns='u'>&b;</a>",
    };
    struct arena *arena = arena_new();
    struct buf out = { 0 };
    const char *why;

    (void)state;
    buf_text(&out, "before");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        why = NULL;
        if (stanza_iq(&out, &head, "get", span_of(bad[i]), arena, &why))
            fail_msg("let through: %s", bad[i]);
        assert_non_null(why);
        assert_int_equal(out.size, 6);
    }
    assert_true(stanza_iq(&out, &head, "result", SPAN(""), arena, &why));
    buf_clear(&out);
    assert_true(stanza_iq(
        &out, &head, "set",
        SPAN("<?xml version='1.0'?> <q:a xmlns:q='u' b=\"'&lt;\"><q:c/><![CDATA[<]]></q:a>\n"), arena, &why));
    assert_text(&out, "<iq type='set' from='upload.localhost' to='alice@localhost/a&amp;b' id='q&apos;1'>"
                      "<a xmlns='u' b='&apos;&lt;'><c/>&lt;</a></iq>");
    buf_free(&out);
    arena_free(&arena);
}

static void test_size(void **state)
{
    struct arena *arena = arena_new();
    struct buf payload = { 0 }, out = { 0 };
    const char *why;

    (void)state;
    buf_text(&payload, "<a xmlns='u'>");
    memset(buf_reserve(&payload, STANZA_MOST), 'x', STANZA_MOST - 50);
    payload.size += STANZA_MOST - 50;
    buf_text(&payload, "</a>");
    assert_false(stanza_iq(&out, &head, "set", buf_span(&payload), arena, &why));
    assert_int_equal(out.size, 0);
    /* As an extra it is left out, the error itself leaves. */
    stanza_refuse(&out, &head,
                  &(struct stanza_error){
                      .type = SPAN("wait"), .condition = SPAN("conflict"), .extra = buf_span(&payload) },
                  arena);
    assert_true(out.size > 0 && out.size < 400);
    buf_free(&payload);
    buf_free(&out);
    arena_free(&arena);
}

static void test_refuse(void **state)
{
    struct arena *arena = arena_new();
    struct buf out = { 0 };

    (void)state;
    stanza_refuse(
        &out, &head,
        &(struct stanza_error){
            .type = SPAN("modify"),
            .condition = SPAN("not-acceptable"),
            .text = SPAN("too <large>"),
            .extra = SPAN("<file-too-large xmlns='urn:xmpp:http:upload:0'><max-file-size>9</max-file-size>"
                          "</file-too-large>") },
        arena);
    assert_text(&out,
                "<iq type='error' from='upload.localhost' to='alice@localhost/a&amp;b' id='q&apos;1'>"
                "<error type='modify'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>too &lt;large&gt;</text>"
                "<file-too-large xmlns='urn:xmpp:http:upload:0'><max-file-size>9</max-file-size>"
                "</file-too-large></error></iq>");
    buf_free(&out);
    stanza_refuse(
        &out, &head,
        &(struct stanza_error){ .type = SPAN("modify"), .condition = SPAN("x/><evil"), .extra = SPAN("<a>") },
        arena);
    assert_text(&out, "<iq type='error' from='upload.localhost' to='alice@localhost/a&amp;b' id='q&apos;1'>"
                      "<error type='wait'><internal-server-error "
                      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
    buf_free(&out);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),    cmocka_unit_test(test_children), cmocka_unit_test(test_own),
        cmocka_unit_test(test_foreign), cmocka_unit_test(test_size),     cmocka_unit_test(test_refuse),
    };

    xml_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
