/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: xmpp_disco_test.c - what every component answers by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "xmpp/disco.h"
#include "xmpp/ns.h"

static const struct stanza_head head = { { "upload.localhost", 16 },
                                         { "alice@localhost/a", 17 },
                                         { "q1", 2 } };

/* The answer to that payload in an IQ of that type, as C text; "" when disco has none. */
static const char *ask(const struct disco *disco, const char *type, const char *payload, struct buf *out)
{
    struct arena *arena = arena_new();
    struct buf text = { 0 };
    struct xml_element *root;
    struct stanza stanza;
    const char *why;
    bool answered;

    buf_clear(out);
    buf_printf(&text,
               "<iq xmlns='" NS_COMPONENT
               "' from='alice@localhost/a' to='upload.localhost' id='q1' type='%s'>%s</iq>",
               type, payload);
    assert_int_equal(xml_document(buf_span(&text), &xml_limits_component, arena, &root, &why), 1);
    assert_true(stanza_read(root, arena, &stanza));
    answered = disco_answer(disco, &stanza, &head, out);
    assert_int_equal(answered, out->size > 0);
    buf_char(out, '\0');
    /* Whatever it is, it is one good stanza. */
    if (answered)
        assert_int_equal(
            xml_document(span_make(out->at, out->size - 1), &xml_limits_component, arena, &root, &why), 1);
    buf_free(&text);
    arena_free(&arena);
    return out->at;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("%s\nis not in %s", part, text);
}

static void test_info(void **state)
{
    struct disco *disco = disco_new(SPAN("upload"));
    struct buf out = { 0 };
    const char *why;

    (void)state;
    /* Before any word of the module. */
    ask(disco, "get", "<query xmlns='" NS_DISCO_INFO "'/>", &out);
    assert_has(out.at, "category='store'");
    assert_has(out.at, "urn:xmpp:http:upload:0");
    assert_has(out.at, "<feature var='urn:xmpp:ping'/>");
    assert_true(
        disco_describe(disco, SPAN("Files & more"),
                       SPAN("<identity category='store' type='file' name='Files'/>"
                            "<feature var='urn:xmpp:http:upload:0'/><feature var='" NS_DISCO_INFO "'/>"
                            "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>"
                            "<value>urn:xmpp:http:upload:0</value></field>"
                            "<field var='max-file-size'><value>42</value></field></x>"),
                       &why));
    ask(disco, "get", "<query xmlns='" NS_DISCO_INFO "'/>", &out);
    assert_string_equal(out.at, "<iq type='result' from='upload.localhost' to='alice@localhost/a' id='q1'>"
                                "<query xmlns='http://jabber.org/protocol/disco#info'>"
                                "<identity category='store' type='file' name='Files'/>"
                                "<feature var='urn:xmpp:http:upload:0'/>"
                                "<feature var='http://jabber.org/protocol/disco#info'/>"
                                "<feature var='http://jabber.org/protocol/disco#items'/>"
                                "<feature var='urn:xmpp:ping'/><feature var='jabber:iq:version'/>"
                                "<feature var='urn:xmpp:time'/><feature var='vcard-temp'/>"
                                "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>"
                                "<value>urn:xmpp:http:upload:0</value></field>"
                                "<field var='max-file-size'><value>42</value></field></x></query></iq>");
    disco_settle(disco); /* does nothing now */
    ask(disco, "get", "<query xmlns='" NS_DISCO_INFO "' node='x'/>", &out);
    assert_has(out.at, "<item-not-found");
    ask(disco, "get", "<vCard xmlns='vcard-temp'/>", &out);
    assert_has(out.at, "<vCard xmlns='vcard-temp'><FN>Files &amp; more</FN><DESC>");
    disco_free(&disco);
    buf_free(&out);
}

/* A description that would break out of its element, or is no XML, changes nothing. */
static void test_bad_description(void **state)
{
    static const char *const bad[] = { "</query><query>", "<identity", "<!-- -->", "<x:y/>", "&nbsp;" };
    struct disco *disco = disco_new(SPAN("http"));
    struct buf before = { 0 }, after = { 0 };
    const char *why = NULL;

    (void)state;
    ask(disco, "get", "<query xmlns='" NS_DISCO_INFO "'/>", &before);
    assert_has(before.at, "category='component'");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(disco_describe(disco, SPAN("n"), span_of(bad[i]), &why));
        assert_non_null(why);
        ask(disco, "get", "<query xmlns='" NS_DISCO_INFO "'/>", &after);
        assert_string_equal(before.at, after.at);
    }
    disco_free(&disco);
    buf_free(&before);
    buf_free(&after);
}

static void test_others(void **state)
{
    struct disco *disco = disco_new(SPAN("http"));
    struct buf out = { 0 };

    (void)state;
    ask(disco, "get", "<query xmlns='" NS_DISCO_ITEMS "'/>", &out);
    assert_has(out.at, "type='result'");
    assert_has(out.at, "<query xmlns='http://jabber.org/protocol/disco#items'/>");
    ask(disco, "get", "<query xmlns='" NS_DISCO_ITEMS "' node=\"a'b\"/>", &out);
    assert_has(out.at, "node='a&apos;b'");
    ask(disco, "get", "<ping xmlns='urn:xmpp:ping'/>", &out);
    assert_string_equal(out.at,
                        "<iq type='result' from='upload.localhost' to='alice@localhost/a' id='q1'></iq>");
    ask(disco, "get", "<query xmlns='jabber:iq:version'/>", &out);
    assert_has(out.at, "<name>Stoa</name><version>");
    ask(disco, "get", "<time xmlns='urn:xmpp:time'/>", &out);
    assert_has(out.at, "<tzo>+00:00</tzo><utc>20");
    assert_has(out.at, "Z</utc>");
    /* Not ours: a set, another element, another namespace, nothing at all. */
    assert_string_equal(ask(disco, "set", "<ping xmlns='urn:xmpp:ping'/>", &out), "");
    assert_string_equal(ask(disco, "get", "<pong xmlns='urn:xmpp:ping'/>", &out), "");
    assert_string_equal(ask(disco, "get", "<query xmlns='jabber:iq:roster'/>", &out), "");
    assert_string_equal(ask(disco, "get", "", &out), "");
    disco_free(&disco);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_bad_description),
        cmocka_unit_test(test_others),
    };

    xml_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
