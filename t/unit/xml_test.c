/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0 and libxml2: xml_test.c - the guarded entrance for XML: what it lets in, and all it must not
 * (R16). */
#include "base/must.h"
#include "parse/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

/* Each is fed as a document, and inside a stream as a first-level element. want: how it is written again;
 * NULL: refused. */
static const struct {
    const char *in, *want, *why;
} rows[] = {
    { "<a/>", "<a/>", "smallest" },
    { "<a></a>", "<a/>", "empty" },
    { "<a xmlns='u'><b>x</b>y<c/></a>", "<a xmlns='u'><b>x</b>y<c/></a>", "children and text" },
    { "<p:a xmlns:p='u'><p:b/><c/></p:a>", "<a xmlns='u'><b/><c xmlns=''/></a>", "prefixes" },
    { "<a b='1' c=\"2'\"/>", "<a b='1' c='2&apos;'/>", "attributes" },
    { "<a b='&amp;&lt;&#38;&#x26;amp;&#65;&apos;&quot;&gt;>'/>",
      "<a b='&amp;&lt;&amp;&amp;amp;A&apos;&quot;&gt;&gt;'/>", "references in attributes" },
    { "<a>&amp;&lt;&#38;lt;&#x41;&gt;'</a>", "<a>&amp;&lt;&amp;lt;A&gt;&apos;</a>", "references in text" },
    { "<a><![CDATA[<b>&amp;']]></a>", "<a>&lt;b&gt;&amp;amp;&apos;</a>", "CDATA" },
    { "<a><![CDATA[]]]]><![CDATA[>]]>x</a>", "<a>]]&gt;x</a>", "CDATA with an end inside" },
    { "<a xml:lang='de'/>", "<a xml:lang='de'/>", "the xml prefix" },
    { "<a xmlns:p='u' p:b='1' p:c='2' b='3'/>", "<a xmlns:n0='u' n0:b='1' n0:c='2' b='3'/>",
      "attributes with one" },
    { "<a>\n\t\xc3\xa4\xf0\x9f\x98\x80</a>", "<a>&#10;&#9;\xc3\xa4\xf0\x9f\x98\x80</a>", "UTF-8 and blanks" },
    { "<a b='x\n\ty'/>", "<a b='x  y'/>", "attribute values are normalised" },
    { "<a b='&#10;&#13;'/>", "<a b='&#10;&#13;'/>", "unless written as references" },
    { "<a b='>' c='/>'>></a>", "<a b='&gt;' c='/&gt;'>&gt;</a>", "tag ends that are none" },
    { "<a></a >", "<a/>", "blank in an end tag" },
    { "<xml:a/>", "<xml:a/>", "an element of the xml namespace" },
    { "<a xmlns='u&amp;v w'/>", "<a xmlns='u&amp;v w'/>", "a namespace is a name: any text" },
    { "<a xmlns='&amp;#38;'/>", "<a xmlns='&amp;#38;'/>", "one that looks like libxml2's own escape" },
    { "<a>", NULL, "no end" },
    { "</a>", NULL, "no start" },
    { "<a></b>", NULL, "tags do not match" },
    { "<a b='1' b='2'/>", NULL, "the same attribute twice" },
    { "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>", NULL, "the same under two prefixes" },
    { "<p:a/>", NULL, "an unbound prefix" },
    { "<a p:b='1'/>", NULL, "an unbound prefix of an attribute" },
    { "<a xmlns:p=''/>", NULL, "a prefix bound to nothing" },
    { "<a b='<'/>", NULL, "a tag in an attribute" },
    { "<a <b/>", NULL, "a tag in a tag" },
    { "<a b=1/>", NULL, "no quotes" },
    { "<a b/>", NULL, "no value" },
    { "<a>&b;</a>", NULL, "an unknown entity" },
    { "<a b='&c;'/>", NULL, "an unknown entity in an attribute" },
    { "<a>&nbsp;</a>", NULL, "an entity of HTML" },
    { "<a>&</a>", NULL, "a bare ampersand" },
    { "<a>&#0;</a>", NULL, "U+0000" },
    { "<a>&#1;</a>", NULL, "a control character by reference" },
    { "<a>&#xFFFE;</a>", NULL, "no character" },
    { "<a>\x01</a>", NULL, "a control character" },
    { "<a>]]></a>", NULL, "the end of CDATA in text" },
    { "<!DOCTYPE a><a/>", NULL, "a DTD" },
    { "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", NULL, "a DTD with entities" },
    { "<a><!DOCTYPE b></a>", NULL, "a DTD inside" },
    { "<a><!-- b --></a>", NULL, "a comment" },
    { "<!-- b --><a/>", NULL, "a comment before" },
    { "<a><?b c?></a>", NULL, "a processing instruction" },
    { "<?b c?><a/>", NULL, "one before" },
    { "<?xml-stylesheet href='b'?><a/>", NULL, "one that looks like a declaration" },
    { "<a>\xff</a>", NULL, "no UTF-8" },
    { "<a>\xc0\xbc</a>", NULL, "overlong UTF-8" },
    { "<a>\xed\xa0\x80</a>", NULL, "a surrogate" },
    { "<a b='\xe4'/>", NULL, "Latin-1" },
    { "\xff\xfe<\0a\0/\0>\0", NULL, "UTF-16" },
    { "x<a/>", NULL, "text before" },
    { "< a/>", NULL, "a blank before the name" },
    { "<>", NULL, "no name" },
    { "<1/>", NULL, "a bad name" },
    { "<a:b:c xmlns:a='u'/>", NULL, "two colons" },
};

static const char *document(const char *in, size_t size, struct arena *arena, struct buf *out)
{
    struct xml_element *root = NULL;
    const char *why = NULL;

    buf_clear(out);
    if (!xml_document(span_make(in, size), &xml_limits_client, arena, &root, &why)) {
        assert_non_null(why);
        return why;
    }
    xml_write(out, root, SPAN(""));
    return NULL;
}

static void documents(void **state)
{
    struct arena *arena = arena_new();
    struct buf out = { 0 }, again = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *why = document(rows[i].in, strlen(rows[i].in), arena, &out);

        if ((why == NULL) != (rows[i].want != NULL))
            fail_msg("%s: %s", rows[i].why, why ? why : "let in");
        if (why)
            continue;
        if (!span_is(buf_span(&out), rows[i].want))
            fail_msg("%s: %.*s", rows[i].why, SPAN_ARG(buf_span(&out)));
        assert_null(document(out.at, out.size, arena, &again));
        assert_true(span_eq(buf_span(&out), buf_span(&again)));
    }
    assert_null(document("\xef\xbb\xbf<a/>", 7, arena, &out));
    assert_null(document("<?xml version='1.0'?> <a/>\r\n", 28, arena, &out));
    assert_null(document("<?xml version='1.0' encoding = \"utf-8\" ?><a/>", 45, arena, &out));
    assert_non_null(document("<?xml version='1.0' encoding='UTF-7'?><a/>", 42, arena, &out));
    assert_non_null(document("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", 47, arena, &out));
    assert_non_null(document(" <?xml version='1.0'?><a/>", 26, arena, &out));
    assert_null(document(" <a/>", 5, arena, &out));
    assert_non_null(document("<a/><b/>", 8, arena, &out));
    assert_non_null(document("<a/>b", 5, arena, &out));
    assert_non_null(document("<a/><!---->", 11, arena, &out));
    assert_non_null(document("<a>\0</a>", 8, arena, &out));
    assert_non_null(document("", 0, arena, &out));
    assert_non_null(document("\xff\xfe<\0a\0/\0>\0", 10, arena, &out));
    buf_free(&out);
    buf_free(&again);
    arena_free(&arena);
}

/* What a stream called back, as text: "(" header, elements, ")" end. */
struct heard {
    struct buf text;
    struct xml_stream *stream;
    char act; /* what the element callback does: 'f' free, 'r' restart at <r/> */
};

static void on_opened(void *data, struct xml_element *header)
{
    struct heard *heard = data;

    buf_char(&heard->text, '(');
    buf_add(&heard->text, header->name);
    assert_null(header->children);
}

static void on_element(void *data, struct xml_element *element, struct arena *arena)
{
    struct heard *heard = data;

    assert_non_null(arena);
    xml_write(&heard->text, element, SPAN("u"));
    if (heard->act == 'f' && xml_is(element, NULL, "r"))
        xml_stream_free(&heard->stream);
    else if (heard->act == 'r' && xml_is(element, NULL, "r"))
        xml_stream_restart(heard->stream);
}

static void on_closed(void *data)
{
    buf_char(&((struct heard *)data)->text, ')');
}

static const struct xml_callbacks calls = { .opened = on_opened, .element = on_element, .closed = on_closed };

static bool feed(struct heard *heard, struct span in, size_t piece)
{
    while (in.size) {
        if (!xml_stream_feed(heard->stream, span_head(in, piece)))
            return false;
        in = span_from(in, span_head(in, piece).size);
    }
    return true;
}

static void elements_in_streams(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span in = span_of(rows[i].in);

        for (size_t piece = 1; piece < 12; piece += 5) {
            struct heard heard = { .stream = xml_stream_new(&calls, &heard, &xml_limits_client) };
            bool good;

            assert_true(feed(&heard, SPAN("<?xml version='1.0'?>\n<s:s xmlns='v' xmlns:s='w'>"), piece));
            assert_true(span_is(buf_span(&heard.text), "(s"));
            good = feed(&heard, in, piece) && heard.text.size > 2;
            if (span_eq(in, SPAN("</a>")) || span_eq(in, SPAN("<a>")))
                assert_false(good);
            else if (good != (rows[i].want != NULL))
                fail_msg("%s: %s", rows[i].why, good ? "let in" : xml_stream_why(heard.stream));
            if (!good && xml_stream_why(heard.stream))
                assert_false(feed(&heard, SPAN("<x/>"), 9)); /* broken for ever */
            xml_stream_free(&heard.stream);
            buf_free(&heard.text);
        }
    }
}

static void a_stream_lives_and_ends(void **state)
{
    struct span in =
        SPAN(" <s:s xmlns='u' xmlns:s='w' id='1'> <a b='>'>x</a>\n\n<c/><d xmlns='v'><a xmlns='u'/>"
             "</d> \r\n</s:s> ");

    (void)state;
    for (size_t piece = 1; piece <= in.size; piece++) {
        struct heard heard = { .stream = xml_stream_new(&calls, &heard, &xml_limits_client) };

        assert_true(feed(&heard, in, piece));
        assert_true(
            span_is(buf_span(&heard.text), "(s<a b='&gt;'>x</a><c/><d xmlns='v'><a xmlns='u'/></d>)"));
        assert_null(xml_stream_why(heard.stream));
        assert_false(feed(&heard, SPAN("<"), 1));
        xml_stream_free(&heard.stream);
        assert_null(heard.stream);
        buf_free(&heard.text);
    }
}

static void text_between_elements_ends_it(void **state)
{
    static const char *const tails[] = { "x", "<a/>x", "<![CDATA[xyz]]><a/>", "&amp;&amp;<a/>", "</t>" };

    (void)state;
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        struct heard heard = { .stream = xml_stream_new(&calls, &heard, &xml_limits_client) };

        assert_true(feed(&heard, SPAN("<s>"), 9));
        if (feed(&heard, span_of(tails[i]), 99))
            fail_msg("%s", tails[i]);
        xml_stream_free(&heard.stream);
        buf_free(&heard.text);
    }
}

static void callbacks_may_free(void **state)
{
    struct heard heard = { .stream = xml_stream_new(&calls, &heard, &xml_limits_client), .act = 'f' };

    (void)state;
    assert_false(xml_stream_feed(heard.stream, SPAN("<s><a/><r/><b/></s>")));
    assert_null(heard.stream);
    assert_true(span_is(buf_span(&heard.text), "(s<a xmlns=''/><r xmlns=''/>"));
    buf_free(&heard.text);
}

static void callbacks_may_restart(void **state)
{
    struct span in =
        SPAN("<?xml version='1.0'?><s xmlns='u'><a/><r/><?xml version='1.0'?><t xmlns='u'><b/></t>");

    (void)state;
    for (size_t piece = 1; piece <= in.size; piece++) {
        struct heard heard = { .stream = xml_stream_new(&calls, &heard, &xml_limits_client), .act = 'r' };

        assert_true(feed(&heard, in, piece));
        assert_true(span_is(buf_span(&heard.text), "(s<a/><r/>(t<b/>)"));
        xml_stream_restart(heard.stream);
        assert_true(feed(&heard, SPAN("<v><w/>"), piece));
        xml_stream_free(&heard.stream);
        buf_free(&heard.text);
    }
}

static void bounds_hold(void **state)
{
    static const struct xml_limits small = { .element_most = 100, .depth_most = 3, .attributes_most = 2 };
    static const struct {
        const char *in;
        bool want;
    } bounds[] = {
        { "<a><b><c/></b></a>", true },
        { "<a><b><c><d/></c></b></a>", false },
        { "<a b='' c=''/>", true },
        { "<a b='' c='' d=''/>", false },
        { "<a xmlns='u' xmlns:p='v' b=''/>", false },
    };
    struct arena *arena = arena_new();
    struct xml_element *root;
    const char *why;
    char big[200];

    (void)state;
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        struct heard heard = { .stream = xml_stream_new(&calls, &heard, &small) };

        assert_int_equal(xml_document(span_of(bounds[i].in), &small, arena, &root, &why), bounds[i].want);
        assert_int_equal(feed(&heard, SPAN("<s>"), 9) && feed(&heard, span_of(bounds[i].in), 99),
                         bounds[i].want);
        xml_stream_free(&heard.stream);
        buf_free(&heard.text);
    }
    for (size_t size = 99; size <= 102; size++) {
        struct heard heard = { .stream = xml_stream_new(&calls, &heard, &small) };

        memset(big, 'x', sizeof(big));
        memcpy(big, "<a>", 3);
        memcpy(big + size - 4, "</a>", 4);
        assert_int_equal(xml_document(span_make(big, size), &small, arena, &root, &why), size <= 100);
        /* each element has the whole bound, keep-alives do not count, and an endless one ends at the bound */
        assert_true(feed(&heard, SPAN("<s>"), 9));
        for (int i = 0; i < 100; i++)
            assert_true(feed(&heard, SPAN("   "), 9));
        assert_int_equal(feed(&heard, span_make(big, size), 7), size <= 100);
        assert_int_equal(feed(&heard, span_make(big, size), 7), size <= 100);
        xml_stream_free(&heard.stream);
        buf_free(&heard.text);
    }
    arena_free(&arena);
}

static void on_skipped(void *data, const char *why)
{
    assert_non_null(why);
    buf_char(&((struct heard *)data)->text, '#');
}

static const struct xml_callbacks skipping = {
    .opened = on_opened, .element = on_element, .closed = on_closed, .skipped = on_skipped
};

/* What is beyond a bound is passed over where that is asked for, in whatever pieces it comes; what is no good
 * XML ends the stream all the same. */
static void beyond_bounds_is_passed_over(void **state)
{
    static const struct xml_limits small = { .element_most = 100, .depth_most = 3, .attributes_most = 2 };
    static const struct {
        const char *in, *want;
        bool good;
    } rows_of[] = {
        { "<a><b><c><d/></c></b></a><x/>", "(s#<x/>", true },
        { "<a><b><c><d><e></e></d><f/><g b='/'></g></c>t</b></a><x/><y/>", "(s#<x/><y/>", true },
        { "<a><b><c><d/></c></b></a><a><b><c><d/></c></b></a></s>", "(s##)", true },
        { "<a b='' c='' d='>'/><x/>", "(s#<x/>", true },
        { "<a b='' c='' d='' e=''><b/></a> <x/>", "(s#<x/>", true },
        { "<a><b c='' d='' e=''/>t</a><x/>", "(s#<x/>", true },
        { "<a><b><c><d><![CDATA[</a><x/>]]></d></c></b></a><x/>", "(s#<x/>", true },
        { "<a>"
          "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
          "89"
          "<b>more</b></a><x/>",
          "(s#<x/>", true },
        { "<a "
          "b='0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123'"
          "/><x/>",
          "(s#<x/>", true },
        { "<x/><a><b><c><d><!-- --></d></c></b></a>", "(s<x/>", false },
        { "<a><b><c><d b='<'/></c></b></a>", "(s", false },
        { "<a></b></a>", "(s", false },
        { "</s                                                                                               "
          "  "
          "                                     >",
          "(s", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows_of) / sizeof(rows_of[0]); i++) {
        struct span in = span_of(rows_of[i].in);

        for (size_t piece = 1; piece <= in.size; piece++) {
            struct heard heard = { .stream = xml_stream_new(&skipping, &heard, &small) };
            bool good = feed(&heard, SPAN("<s xmlns='u'>"), piece) && feed(&heard, in, piece);

            if (good != rows_of[i].good || !span_is(buf_span(&heard.text), rows_of[i].want))
                fail_msg("%s in pieces of %zu: %.*s", rows_of[i].in, piece, SPAN_ARG(buf_span(&heard.text)));
            xml_stream_free(&heard.stream);
            buf_free(&heard.text);
        }
    }
}

static void memory_is_bounded(void **state)
{
    static char text[60000];
    struct arena *arena = arena_new();
    struct xml_element *root;
    const char *why;
    size_t size = 2;
    unsigned turn = 0;

    (void)state;
    /* long namespaces in turns, more of them than are remembered */
    memcpy(text, "<a", 2);
    for (int i = 0; i < 12; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, " xmlns:p%d='%0*d'", i, 2000, i);
    text[size++] = '>';
    while (size + 80 < sizeof(text))
        size += (size_t)snprintf(text + size, sizeof(text) - size, "<p%u:b/>", turn++ % 12);
    size += (size_t)snprintf(text + size, sizeof(text) - size, "</a>");
    assert_false(xml_document(span_make(text, size), &xml_limits_client, arena, &root, &why));
    assert_string_equal(why, "an element that takes too much memory");
    assert_true(arena_bytes(arena) < 4 * 1024 * 1024);
    arena_free(&arena);
}

/* New names for ever: libxml2's dictionary never shrinks, so the parser must be replaced, unseen. */
static void new_names_for_ever(void **state)
{
    struct heard heard = { .stream = xml_stream_new(&calls, &heard, &xml_limits_component) };
    char line[600];

    (void)state;
    assert_true(feed(&heard, SPAN("<?xml version='1.0'?><s:s xmlns='u' xmlns:s='w' xmlns:p='q' a='b'>"), 99));
    for (unsigned i = 0; i < 20000; i++) {
        buf_clear(&heard.text);
        snprintf(line, sizeof(line), "<n%0200u p:m='1'><x/>&amp;</n%0200u>", i, i);
        assert_true(feed(&heard, span_of(line), 300));
        snprintf(line, sizeof(line), "<n%0200u xmlns:n0='q' n0:m='1'><x/>&amp;</n%0200u>", i, i);
        assert_true(span_is(buf_span(&heard.text), line));
    }
    assert_true(xml_stream_renewals(heard.stream) >= 3);
    buf_clear(&heard.text);
    assert_true(feed(&heard, SPAN("</s:s>"), 99));
    assert_true(span_is(buf_span(&heard.text), ")"));
    xml_stream_free(&heard.stream);
    buf_free(&heard.text);
}

static void trees_are_walked(void **state)
{
    struct arena *arena = arena_new();
    struct xml_element *root, *child;
    const char *why;
    int count = 0;

    (void)state;
    assert_true(
        xml_document(SPAN("<a xmlns='u' b='1' xml:lang='x'>one<f v='1'/>two<g/><f v='2' xmlns='w'/><f v='3'/>"
                          "</a>"),
                     &xml_limits_client, arena, &root, &why));
    assert_true(xml_is(root, "u", "a") && xml_is(root, NULL, NULL) && !xml_is(root, "v", "a"));
    assert_true(span_is(xml_attribute(root, "b"), "1"));
    assert_null(xml_attribute(root, "lang").at);
    assert_null(xml_attribute(root, "c").at);
    assert_true(span_is(xml_attribute_ns(root, XML_NS_XML, "lang"), "x"));
    assert_true(span_is(xml_text(root, arena), "onetwo"));
    for (child = xml_child(root, "u", "f"); child; child = xml_next(child, "u", "f"))
        count += xml_attribute(child, "v").at[0] - '0';
    assert_int_equal(count, 4);
    assert_null(xml_child(root, NULL, "h"));
    assert_null(xml_next(root, NULL, NULL));
    child = xml_child(root, NULL, "g");
    assert_true(xml_text(child, arena).size == 0 && xml_text(child, arena).at != NULL);
    assert_ptr_equal(child->parent, root);
    arena_free(&arena);
}

static void trees_are_made(void **state)
{
    struct arena *arena = arena_new();
    struct xml_element *root = xml_make(arena, "u", "a"), *child = xml_make(arena, "v", "b");
    struct buf out = { 0 };

    (void)state;
    xml_set(arena, root, "x", SPAN("1"));
    xml_set(arena, root, "y", SPAN("'<\xff\x01"));
    xml_set(arena, root, "x", SPAN("2"));
    xml_set(arena, root, "z", SPAN(""));
    xml_remove(root, "z");
    xml_remove(root, "z");
    xml_append_text(arena, root, SPAN("<&"));
    xml_append(arena, root, child);
    xml_write(&out, root, SPAN("u"));
    assert_true(span_is(buf_span(&out),
                        "<a x='2' y='&apos;&lt;\xef\xbf\xbd\xef\xbf\xbd'>&lt;&amp;<b xmlns='v'/></a>"));
    buf_clear(&out);
    xml_write_children(&out, root, SPAN("v"));
    assert_true(span_is(buf_span(&out), "&lt;&amp;<b/>"));
    buf_free(&out);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents),
        cmocka_unit_test(elements_in_streams),
        cmocka_unit_test(a_stream_lives_and_ends),
        cmocka_unit_test(text_between_elements_ends_it),
        cmocka_unit_test(callbacks_may_free),
        cmocka_unit_test(callbacks_may_restart),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(beyond_bounds_is_passed_over),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(new_names_for_ever),
        cmocka_unit_test(trees_are_walked),
        cmocka_unit_test(trees_are_made),
    };

    xml_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
