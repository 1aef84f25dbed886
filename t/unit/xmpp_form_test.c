/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: xmpp_form_test.c - data forms as maps, and answers to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "xmpp/form.h"
#include "xmpp/ns.h"

static struct xml_element *read_form(struct arena *arena, const char *children)
{
    struct buf text = { 0 };
    struct xml_element *root;
    const char *why;

    buf_printf(&text, "<x xmlns='" NS_DATA "' type='form'>%s</x>", children);
    if (xml_document(buf_span(&text), &xml_limits_component, arena, &root, &why) != 1)
        fail_msg("%s: %s", why, text.at);
    buf_free(&text);
    return root;
}

static void check_json(struct json_object *got, const char *want)
{
    assert_string_equal(
        got ? json_object_to_json_string_ext(got, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)
            : "(none)",
        want);
    json_object_put(got);
}

/* ---- shown ---- */

static const struct {
    const char *form, *fields, *why;
} shown[] = {
    { "", "[]", "nothing" },
    { "<field var='a'/>", "[{\"var\":\"a\"}]", "no value: no key" },
    { "<field var='a'><value/></field>", "[{\"var\":\"a\",\"value\":null}]", "one empty value is null" },
    { "<field type='text-multi' var='a' label='L'><value>1</value></field>",
      "[{\"var\":\"a\",\"label\":\"L\",\"type\":\"text-multi\",\"value\":\"1\"}]",
      "one value is a text, whatever the type; the order of keys is ours" },
    { "<field var='a'><value>1</value><value/><value>3</value></field>",
      "[{\"var\":\"a\",\"value\":[\"1\",\"\",\"3\"]}]", "two or more are a list" },
    { "<field var='a' type='list-single'><option label='One'><value>1</value></option>"
      "<option><value>2</value></option><required/><desc>d</desc></field>",
      "[{\"var\":\"a\",\"type\":\"list-single\",\"options\":[{\"value\":\"1\",\"label\":\"One\"},"
      "{\"value\":\"2\"}]}]",
      "options; required and desc are not shown" },
    { "<field type='fixed'><value>&lt;it&apos;s&gt; &amp;c</value></field>",
      "[{\"var\":null,\"type\":\"fixed\",\"value\":\"<it's> &c\"}]", "no name; entities resolved once" },
    { "<field xmlns='other' var='a'/>", "[]", "another namespace" },
};

static void test_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        struct arena *arena = arena_new();

        print_message("# %s\n", shown[i].why);
        check_json(form_fields(read_form(arena, shown[i].form), arena), shown[i].fields);
        arena_free(&arena);
    }
    check_json(form_fields(NULL, NULL), "[]");
}

static void test_tables(void **state)
{
    struct arena *arena = arena_new();

    (void)state;
    check_json(form_tables(read_form(arena, "<field var='a'/>"), arena), "(none)");
    check_json(form_tables(read_form(arena, "<item><field var='lost'><value>0</value></field></item>"
                                            "<reported label='Users'><field var='j' label='JID'/></reported>"
                                            "<item><field var='j'><value>a</value><value>b</value></field>"
                                            "<field var='n'/></item><item/><reported/>"),
                           arena),
               "[{\"label\":\"Users\",\"items\":[{\"fields\":[{\"var\":\"j\",\"value\":\"a\"},"
               "{\"var\":\"n\",\"value\":null}]},{\"fields\":[]}]},{\"label\":null,\"items\":[]}]");
    arena_free(&arena);
}

static void test_roster(void **state)
{
    struct arena *arena = arena_new();

    (void)state;
    check_json(form_roster(read_form(arena, ""), arena), "(none)");
    check_json(
        form_roster(read_form(arena,
                              "<query xmlns='jabber:iq:roster'><item jid='a@b' subscription='both' name='A'>"
                              "<group>Work &amp; play</group><group>B</group></item>"
                              "<item jid='c@d' subscription='to'/></query>"),
                    arena),
        "[{\"jid\":\"a@b\",\"subscription\":\"both\",\"name\":\"A\",\"groups\":[\"Work & play\",\"B\"]},"
        "{\"jid\":\"c@d\",\"subscription\":\"to\"}]");
    arena_free(&arena);
}

static void test_words(void **state)
{
    struct arena *arena = arena_new();
    struct xml_element *form =
        read_form(arena, "<title>T</title><instructions>one</instructions><instructions>two</instructions>");

    (void)state;
    assert_true(span_is(form_words(form, "title", arena), "T"));
    assert_true(span_is(form_words(form, "instructions", arena), "one\ntwo"));
    assert_null(form_words(form, "other", arena).at);
    assert_null(form_words(NULL, "title", arena).at);
    arena_free(&arena);
}

/* ---- what callers say ---- */

static bool read_answers(struct arena *arena, const char *json, struct form_answers *answers,
                         const char **why)
{
    struct json_object *fields = NULL;
    const char *bad;
    bool good;

    if (json_parse(span_of(json), &json_limits_body, &fields, &bad) != 1)
        fail_msg("%s: %s", bad, json);
    good = form_answers_read(fields, arena, answers, why);
    if (fields)
        arena_on_free(arena, (void (*)(void *))(void (*)(void))json_object_put, fields);
    return good;
}

static const struct {
    const char *json, *text;
} said[] = {
    { "null", "<x xmlns='jabber:x:data' type='submit'></x>" },
    { "\"\"", "<x xmlns='jabber:x:data' type='submit'></x>" },
    { "[]", "<x xmlns='jabber:x:data' type='submit'></x>" },
    { "[{\"var\":\"a\",\"value\":\"x<&'\\\"\"},{\"var\":\"b\",\"value\":[\"1\",2,true]}]",
      "<x xmlns='jabber:x:data' type='submit'><field var='a'><value>x&lt;&amp;&apos;&quot;</value></field>"
      "<field var='b'><value>1</value><value>2</value><value>true</value></field></x>" },
    { "[{\"var\":\"'/><evil\",\"value\":25},{\"var\":\"c\",\"value\":-1.5},{\"var\":\"d\",\"value\":false}]",
      "<x xmlns='jabber:x:data' type='submit'><field var='&apos;/&gt;&lt;evil'><value>25</value></field>"
      "<field var='c'><value>-1.5</value></field><field var='d'><value>false</value></field></x>" },
    { "[{\"var\":\"a\",\"value\":\"\"},{\"var\":\"b\",\"value\":null},{\"var\":\"c\"},"
      "{\"var\":\"d\",\"value\":[]},{\"var\":\"e\",\"value\":[\"\"]}]",
      "<x xmlns='jabber:x:data' type='submit'><field var='a'></field><field var='b'></field>"
      "<field var='c'></field><field var='d'></field><field var='e'></field></x>" },
};

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        struct arena *arena = arena_new();
        struct form_answers answers;
        struct buf out = { 0 };
        const char *why = NULL;

        if (!read_answers(arena, said[i].json, &answers, &why))
            fail_msg("%s: %s", why, said[i].json);
        form_submit(&answers, &out);
        buf_char(&out, '\0');
        assert_string_equal(out.at, said[i].text);
        buf_free(&out);
        arena_free(&arena);
    }
}

static const struct {
    const char *json, *complaint;
} bad_answers[] = {
    { "{\"a\":1}", "must be a list" },
    { "\"text\"", "must be a list" },
    { "[1]", "needs a \"var\"" },
    { "[{\"value\":\"x\"}]", "needs a \"var\"" },
    { "[{\"var\":\"\",\"value\":\"x\"}]", "needs a \"var\"" },
    { "[{\"var\":7,\"value\":\"x\"}]", "needs a \"var\"" },
    { "[{\"var\":\"a\",\"value\":{\"secret\":1}}]", "\"a\" is neither" },
    { "[{\"var\":\"a\",\"value\":[[\"secret\"]]}]", "\"a\" is neither" },
    { "[{\"var\":\"a\",\"value\":\"secret\"},{\"var\":\"a\",\"value\":\"x\"}]", "\"a\" is given twice" },
};

static void test_bad_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_answers) / sizeof(bad_answers[0]); i++) {
        struct arena *arena = arena_new();
        struct form_answers answers;
        const char *why = NULL;

        assert_false(read_answers(arena, bad_answers[i].json, &answers, &why));
        if (strstr(why, bad_answers[i].complaint) == NULL || strstr(why, "secret"))
            fail_msg("%s: %s", bad_answers[i].json, why);
        arena_free(&arena);
    }
}

/* ---- filled ---- */

#define ADD_USER                                                                                             \
    "<field type='hidden' var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field>"           \
    "<field type='jid-single' var='accountjid'><required/></field>"                                          \
    "<field type='text-private' var='password'/>"
#define HIDDEN "<field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field>"

static const struct {
    const char *form, *json, *fields;
} filled[] = {
    { ADD_USER, "[{\"var\":\"password\",\"value\":\"p&p\"},{\"var\":\"accountjid\",\"value\":\"a@b\"}]",
      HIDDEN "<field var='accountjid'><value>a@b</value></field>"
             "<field var='password'><value>p&amp;p</value></field>" },
    { ADD_USER, "[{\"var\":\"accountjids\",\"value\":[\"a@b\"]},{\"var\":\"FORM_TYPE\",\"value\":\"x\"}]",
      "<field var='FORM_TYPE'><value>x</value></field><field var='accountjid'><value>a@b</value></field>"
      "<field var='password'></field>" },
    { "<field type='jid-multi' var='accountjids'><required/></field>",
      "[{\"var\":\"accountjid\",\"value\":\"a@b\"}]", "<field var='accountjids'><value>a@b</value></field>" },
    { "<field type='jid-multi' var='accountjids'/>",
      "[{\"var\":\"accountjids\",\"value\":[\"a@b\",\"c@d\"]}]",
      "<field var='accountjids'><value>a@b</value><value>c@d</value></field>" },
    { "<field type='text-multi' var='announcement'/>",
      "[{\"var\":\"body\",\"value\":\"one\\r\\ntwo\\n\\n3\"}]",
      "<field var='announcement'><value>one</value><value>two</value><value></value><value>3</value>"
      "</field>" },
    { "<field type='boolean' var='b'/><field type='boolean' var='c'/>",
      "[{\"var\":\"b\",\"value\":true},{\"var\":\"c\",\"value\":\"FALSE\"}]",
      "<field var='b'><value>1</value></field><field var='c'><value>0</value></field>" },
    { "<field type='list-single' var='l'><value>d</value></field>"
      "<field type='list-multi' var='m'><value>1</value><value>2</value></field>"
      "<field type='fixed' var='f'><value>not sent</value></field>"
      "<field type='fixed'><value>not sent</value></field>",
      "[]",
      "<field var='l'><value>d</value></field><field var='m'><value>1</value><value>2</value></field>" },
    { "<field var='l'><value>default</value></field>", "[{\"var\":\"l\",\"value\":\"\"}]",
      "<field var='l'></field>" },
    { "<field type='hidden' var='command-marker'><value>command-marker</value><required/></field>", "[]",
      "<field var='command-marker'><value>command-marker</value></field>" },
    { "", "[{\"var\":\"FORM_TYPE\",\"value\":\"not asked for\"}]", "" },
};

static void test_fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(filled) / sizeof(filled[0]); i++) {
        struct arena *arena = arena_new();
        struct form_answers answers;
        struct buf out = { 0 }, want = { 0 };
        const char *why = NULL;

        assert_true(read_answers(arena, filled[i].json, &answers, &why));
        if (!form_fill(read_form(arena, filled[i].form), &answers, true, arena, &out, &why))
            fail_msg("row %zu: %s", i, why);
        buf_printf(&want, "<x xmlns='jabber:x:data' type='submit'>%s</x>", filled[i].fields);
        buf_char(&out, '\0');
        buf_char(&want, '\0');
        assert_string_equal(out.at, want.at);
        assert_false(form_answers_left(&answers));
        buf_free(&out);
        buf_free(&want);
        arena_free(&arena);
    }
}

static const struct {
    const char *form, *json, *complaint;
} unfit[] = {
    { ADD_USER, "[{\"var\":\"acount\",\"value\":\"secret\"}]",
      "The form has no field \"acount\"; its fields are: accountjid, password" },
    { ADD_USER, "[{\"var\":\"password\",\"value\":\"secret\"}]", "The field \"accountjid\" is required" },
    { ADD_USER, "[{\"var\":\"accountjid\",\"value\":\"\"}]", "The field \"accountjid\" is required" },
    { ADD_USER, "[{\"var\":\"accountjid\",\"value\":[\"secret\",\"b\"]}]",
      "The field \"accountjid\" takes one value only" },
    { ADD_USER, "[{\"var\":\"accountjid\",\"value\":\"a@b\"},{\"var\":\"accountjids\",\"value\":\"secret\"}]",
      "The form has no field \"accountjids\"; its fields are: accountjid, password" },
    { "<field type='boolean' var='b'/>", "[{\"var\":\"b\",\"value\":\"secret\"}]",
      "The field \"b\" takes true or false" },
    { "<field type='hidden' var='h'/>", "[{\"var\":\"a\",\"value\":\"x\"}]",
      "The form has no field \"a\"; its fields are: none" },
    { "<field var='items'/>", "[{\"var\":\"item\",\"value\":\"x\"},{\"var\":\"itemss\",\"value\":\"y\"}]",
      "The form has no field \"itemss\"; its fields are: items" },
};

static void test_unfit(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(unfit) / sizeof(unfit[0]); i++) {
        struct arena *arena = arena_new();
        struct form_answers answers;
        struct buf out = { 0 };
        const char *why = NULL;

        buf_text(&out, "before");
        assert_true(read_answers(arena, unfit[i].json, &answers, &why));
        assert_false(form_fill(read_form(arena, unfit[i].form), &answers, true, arena, &out, &why));
        assert_string_equal(why, unfit[i].complaint);
        assert_true(span_is(buf_span(&out), "before"));
        assert_true(form_answers_left(&answers));
        buf_free(&out);
        arena_free(&arena);
    }
}

/* A first form that is not the last: what it does not ask for waits for the next one. */
static void test_fill_in_steps(void **state)
{
    struct arena *arena = arena_new();
    struct form_answers answers;
    struct buf out = { 0 };
    const char *why;

    (void)state;
    assert_true(read_answers(arena, "[{\"var\":\"a\",\"value\":\"1\"},{\"var\":\"b\",\"value\":\"2\"}]",
                             &answers, &why));
    assert_true(form_fill(read_form(arena, "<field var='a'/>"), &answers, false, arena, &out, &why));
    assert_true(form_answers_left(&answers));
    buf_clear(&out);
    /* What was used for the first form is not sent with another one of the same name. */
    assert_true(
        form_fill(read_form(arena, "<field var='a'/><field var='b'/>"), &answers, true, arena, &out, &why));
    assert_true(span_is(buf_span(&out), "<x xmlns='jabber:x:data' type='submit'><field var='a'></field>"
                                        "<field var='b'><value>2</value></field></x>"));
    assert_false(form_answers_left(&answers));
    buf_free(&out);
    arena_free(&arena);
}

/* Sizes are bounded on both sides. */
static void test_bounds(void **state)
{
    struct arena *arena = arena_new();
    struct buf json = { 0 }, xml = { 0 }, out = { 0 };
    struct form_answers answers;
    const char *why = NULL;

    (void)state;
    for (int i = 0; i <= FORM_FIELDS_MOST; i++) {
        buf_printf(&json, "%c{\"var\":\"f%d\"}", i ? ',' : '[', i);
        buf_printf(&xml, "<field var='f%d'/>", i);
    }
    buf_text(&json, "]");
    buf_char(&json, '\0');
    buf_char(&xml, '\0');
    assert_false(read_answers(arena, json.at, &answers, &why));
    assert_string_equal(why, "There are too many fields");
    assert_true(read_answers(arena, "[{\"var\":\"f1\",\"value\":\"x\"}]", &answers, &why));
    assert_false(form_fill(read_form(arena, xml.at), &answers, true, arena, &out, &why));
    assert_string_equal(why, "The form has too many fields to be filled here");
    buf_free(&json);
    buf_free(&xml);
    buf_free(&out);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields), cmocka_unit_test(test_tables),  cmocka_unit_test(test_roster),
        cmocka_unit_test(test_words),  cmocka_unit_test(test_answers), cmocka_unit_test(test_bad_answers),
        cmocka_unit_test(test_fill),   cmocka_unit_test(test_unfit),   cmocka_unit_test(test_fill_in_steps),
        cmocka_unit_test(test_bounds),
    };

    xml_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
