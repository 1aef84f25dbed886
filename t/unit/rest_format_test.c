/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_format_test.c - maps as XML and JSON, byte for byte, and back; places of mistakes.
 */
#include "modules/rest/rest.h"

#include "parse/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

static struct json_object *json_of(const char *text)
{
    struct json_object *json = NULL;
    const char *why = "";

    if (!json_parse(span_of(text), &json_limits_body, &json, &why))
        fail_msg("%s: %s", text, why);
    return json;
}

typedef void writer(struct buf *out, struct json_object *map);

static void writes(writer *write, const char *json, const char *wanted)
{
    struct json_object *map = json_of(json);
    struct buf out = { 0 };

    write(&out, map);
    buf_char(&out, '\0');
    assert_string_equal(out.at, wanted);
    buf_free(&out);
    json_object_put(map);
}

/* ---- contract 1.1.7 ---- */

static void test_map_to_xml(void **state)
{
    static const struct {
        const char *json, *xml;
    } rows[] = {
        { "{\"items\":[{\"jid\":\"s@e\",\"node\":\"n\"},{\"jid\":\"t@e\"}]}",
          "<items>\n  <item>\n    <jid>s@e</jid>\n    <node>n</node>\n  </item>\n  <item>\n    "
          "<jid>t@e</jid>\n"
          "  </item>\n</items>" },
        { "{\"command\":{\"fields\":[{\"var\":\"v\",\"value\":[\"a\",\"b\"]}]}}",
          "<command>\n  <fields>\n    <item>\n      <var>v</var>\n      <value>\n        <item>a</item>\n"
          "        <item>b</item>\n      </value>\n    </item>\n  </fields>\n</command>" },
        { "{\"command\":{\"fields\":[]}}", "<command>\n  <fields />\n</command>" },
        { "{\"command\":{\"fields\":{}}}", "<command>\n  <fields />\n</command>" },
        { "{\"a\":{\"value\":null}}", "<a>\n  <value />\n</a>" },
        { "{\"a\":{\"value\":\"\"}}", "<a>\n  <value></value>\n</a>" },
        { "{\"a\":[null,\"\",{},[]]}", "<a>\n  <item />\n  <item></item>\n  <item />\n  <item />\n</a>" },
        { "{\"a\":{\"n\":-12,\"d\":1.5,\"t\":true,\"f\":false}}",
          "<a>\n  <n>-12</n>\n  <d>1.5</d>\n  <t>true</t>\n  <f>false</f>\n</a>" },
        { "{\"a\":\"& < > \\\" ' \xc3\xa4 \xf0\x9f\x98\x80\"}",
          "<a>&amp; &lt; &gt; \" ' \xc3\xa4 \xf0\x9f\x98\x80</a>" },
        { "{\"a\":\"one\\n\\ttwo\\r\"}", "<a>one\n\ttwo&#13;</a>" },
        { "{\"a\":\"\\u0001\\ufffe\"}", "<a>\xef\xbf\xbd\xef\xbf\xbd</a>" },
        { "{\"a\":[[1,2],[3]]}",
          "<a>\n  <item>\n    <item>1</item>\n    <item>2</item>\n  </item>\n  <item>\n"
          "    <item>3</item>\n  </item>\n</a>" },
        /* names that no element can have */
        { "{\"a b\":{\"1x\":1,\"\":2,\"x:y\":3,\"<\":4,\"default-virtual-host\":true,\"\xc3\xa4\":5}}",
          "<a_b>\n  <_1x>1</_1x>\n  <_>2</_>\n  <x_y>3</x_y>\n  <__>4</__>\n"
          "  <default-virtual-host>true</default-virtual-host>\n  <\xc3\xa4>5</\xc3\xa4>\n</a_b>" },
        /* what has no single root gets one */
        { "{\"a\":1,\"b\":2}", "<result>\n  <a>1</a>\n  <b>2</b>\n</result>" },
        { "[\"x\"]", "<result>\n  <item>x</item>\n</result>" },
        { "{}", "<result />" },
        { "null", "<result />" },
        { "\"text\"", "<result>text</result>" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        writes(rest_write_xml, rows[i].json, rows[i].xml);
}

static void test_broken_utf8_makes_good_xml_and_json(void **state)
{
    struct json_object *map = json_object_new_object();
    struct buf out = { 0 };

    (void)state;
    json_object_object_add(map, "a\xff", json_object_new_string_len("x\xc3\0y", 4));
    rest_write_xml(&out, map);
    assert_true(span_is(buf_span(&out), "<a_>x\xef\xbf\xbd\xef\xbf\xbdy</a_>"));
    buf_clear(&out);
    rest_write_json(&out, map);
    assert_true(span_is(buf_span(&out), "{\n    \"a\\ufffd\": \"x\\ufffd\\u0000y\"\n}"));
    buf_free(&out);
    json_object_put(map);
}

/* ---- contract 1.1.8 ---- */

static void test_map_to_json(void **state)
{
    static const struct {
        const char *json, *wanted;
    } rows[] = {
        { "{\"command\":{\"jid\":\"a@b\",\"fields\":[{\"var\":\"v\",\"value\":[\"a\",\"b\"]},{}]}}",
          "{\n    \"command\": {\n        \"jid\": \"a@b\",\n        \"fields\": [\n            {\n"
          "                \"var\": \"v\",\n                \"value\": [\n                    \"a\",\n"
          "                    \"b\"\n                ]\n            },\n            {}\n        ]\n    "
          "}\n}" },
        { "{\"a\":[]}", "{\n    \"a\": []\n}" },
        { "{}", "{}" },
        { "[]", "[]" },
        { "{\"a\":null,\"b\":1,\"c\":true}", "{\n    \"a\": null,\n    \"b\": 1,\n    \"c\": true\n}" },
        { "{\"a\":\"/ < > & ' \\u007f\"}", "{\n    \"a\": \"/ < > & ' \\u007f\"\n}" },
        { "{\"a\":\"\xc4\x85 \xf0\x9f\x98\x80\"}", "{\n    \"a\": \"\\u0105 \\ud83d\\ude00\"\n}" },
        { "{\"a\":\"\\\" \\\\ \\b\\f\\n\\r\\t \\u0001\"}",
          "{\n    \"a\": \"\\\" \\\\ \\b\\f\\n\\r\\t \\u0001\"\n}" },
        { "18446744073709551615", "18446744073709551615" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        writes(rest_write_json, rows[i].json, rows[i].wanted);
}

/* ---- contract 1.1.9 ---- */

static void test_xml_to_map(void **state)
{
    static const struct {
        const char *xml, *json;
    } rows[] = {
        { "<command><node>n</node><fields/></command>", "{\"command\":{\"node\":\"n\",\"fields\":\"\"}}" },
        { "<command>\n <node>n</node>\n <fields>\n  <item><var>v</var><value>x</value></item>\n"
          "  <item><var>w</var><value><item>1</item><item>2</item></value></item>\n </fields>\n</command>",
          "{\"command\":{\"node\":\"n\",\"fields\":[{\"var\":\"v\",\"value\":\"x\"},"
          "{\"var\":\"w\",\"value\":[\"1\",\"2\"]}]}}" },
        /* repeated values of an item are all kept */
        { "<c><fields><item><var>v</var><value>1</value><value>2</value><value>3</value></item></fields></c>",
          "{\"c\":{\"fields\":[{\"var\":\"v\",\"value\":[\"1\",\"2\",\"3\"]}]}}" },
        { "<c><fields><item><value><item>1</item></value><value>2</value></item></fields></c>",
          "{\"c\":{\"fields\":[{\"value\":[\"1\",\"2\"]}]}}" },
        /* of other repeated names the last counts */
        { "<c><a>1</a><b>x</b><a>2</a></c>", "{\"c\":{\"a\":\"2\",\"b\":\"x\"}}" },
        { "<c><value>1</value><value>2</value></c>", "{\"c\":{\"value\":\"2\"}}" },
        /* a root that is no map has no name */
        { "<users><item>a</item><item>b</item></users>", "[\"a\",\"b\"]" },
        { "<a>text</a>", "\"text\"" },
        { "<a/>", "\"\"" },
        /* attributes, namespaces, mixed text are not looked at; blanks of leaves stay */
        { "<x:c xmlns:x='urn:x' k='v'>mixed<x:a>  1 </x:a>text</x:c>", "{\"c\":{\"a\":\"  1 \"}}" },
        { "<?xml version='1.0'?><c><a><![CDATA[<&>]]>&amp;</a></c>", "{\"c\":{\"a\":\"<\\u0026>&\"}}" },
        { "<c><item><item>1</item></item><b/></c>", "{\"c\":{\"item\":[\"1\"],\"b\":\"\"}}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct json_object *wanted = json_of(rows[i].json), *map = NULL;
        char why[200] = "";

        if (!rest_read_xml(span_of(rows[i].xml), &map, why, sizeof(why)))
            fail_msg("%s: %s", rows[i].xml, why);
        if (!json_object_equal(map, wanted))
            fail_msg("%s: %s", rows[i].xml, json_object_to_json_string(map));
        json_object_put(map);
        json_object_put(wanted);
    }
}

static void refuses(int (*read)(struct span, struct json_object **, char *, size_t), const char *text,
                    const char *place)
{
    struct json_object *map = NULL;
    char why[200] = "";

    assert_int_equal(read(span_of(text), &map, why, sizeof(why)), 0);
    if (strstr(why, place) == NULL)
        fail_msg("%s: '%s' does not say '%s'", text, why, place);
}

static void test_bad_bodies_say_where(void **state)
{
    (void)state;
    refuses(rest_read_xml, "<a>\n <b></c>\n</a>", "The XML is bad at line 2, column 5");
    refuses(rest_read_xml, "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "line 1, column 1");
    refuses(rest_read_xml, "<a>\n<!-- c --></a>", "line 2, column 1");
    refuses(rest_read_xml, "<a>&nbsp;</a>", "line 1");
    refuses(rest_read_xml, "<a/><b/>", "line 1, column 5");
    refuses(rest_read_xml, "", "The XML is bad");
    refuses(rest_read_xml, "{\"a\":1}", "The XML is bad");
    refuses(rest_read_xml, "<p:a/>", "line 1, column 1");
    refuses(rest_read_json, "{\n \"a\": 1,\n \"b\": }", "The JSON is bad at line 3, column 7");
    refuses(rest_read_json, "{\"a\":1,\"a\":2}", "the same name twice");
    refuses(rest_read_json, "{\"\xc3\xa4\":tru}", "line 1, column 6");
    refuses(rest_read_json, "", "line 1, column 1");
    refuses(rest_read_json, "{} x", "bytes behind the value");
}

static void test_levels_are_bounded(void **state)
{
    struct buf text = { 0 };
    struct json_object *map = NULL;
    char why[200];

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        buf_text(&text, "<a>");
    assert_int_equal(rest_read_xml(buf_span(&text), &map, why, sizeof(why)), 0);
    assert_non_null(strstr(why, "level"));
    buf_clear(&text);
    for (unsigned i = 0; i < 1000; i++)
        buf_text(&text, "[");
    assert_int_equal(rest_read_json(buf_span(&text), &map, why, sizeof(why)), 0);
    assert_non_null(strstr(why, "levels"));
    buf_free(&text);
}

static int set_up(void **state)
{
    (void)state;
    xml_start();
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map_to_xml),
        cmocka_unit_test(test_broken_utf8_makes_good_xml_and_json),
        cmocka_unit_test(test_map_to_json),
        cmocka_unit_test(test_xml_to_map),
        cmocka_unit_test(test_bad_bodies_say_where),
        cmocka_unit_test(test_levels_are_bounded),
    };

    return cmocka_run_group_tests_name("rest_format", tests, set_up, NULL);
}
