/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: admin_sheet_test.c - forms of servers as pages and back: controls, checks, submissions,
 * tables, CSV, and the step that a page carries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/codec.h"
#include "base/random.h"
#include "modules/admin/admin.h"
#include "modules/admin/sheet.h"
#include "modules/admin/step.h"
#include "xmpp/ns.h"

#define X(inside) "<x xmlns='" NS_DATA "' type='form'>" inside "</x>"

/* What Prosody asks for a new account. */
#define ADD_USER                                                                                             \
    X("<title>Adding a User</title><instructions>Fill out this form to add a user.</instructions>"           \
      "<field type='hidden' var='FORM_TYPE'><value>" NS_ADMIN "</value></field>"                             \
      "<field label='The Jabber ID for the account to be added' type='jid-single' "                          \
      "var='accountjid'><required/></field>"                                                                 \
      "<field label='The password for this account' type='text-private' var='password'/>"                    \
      "<field label='Retype password' type='text-private' var='password-verify'/>")

static struct xml_element *form_of(struct arena *arena, const char *text)
{
    struct xml_limits limits = xml_limits_component;
    struct xml_element *form;
    const char *why;

    limits.element_most = 8 << 20;
    if (xml_document(span_of(text), &limits, arena, &form, &why) != 1)
        fail_msg("%s", why);
    return form;
}

/* "name=value&name=value", with nothing decoded. */
static struct web_form typed_of(struct arena *arena, const char *text)
{
    struct web_field *fields = arena_alloc(arena, 50 * sizeof(*fields));
    struct span rest = span_of(text);
    struct web_form form = { fields, 0 };

    while (rest.size > 0) {
        struct span pair = span_cut(&rest, '&');

        fields[form.count].name = span_cut(&pair, '=');
        fields[form.count++].value = pair;
    }
    return form;
}

static const char *submission(struct arena *arena, const char *form, const char *typed_text)
{
    struct web_form typed = typed_of(arena, typed_text);
    struct sheet sheet;
    struct buf out = { 0 };
    const char *text;

    sheet_read(&sheet, form_of(arena, form), arena);
    sheet_submit(&sheet, &typed, &out);
    text = arena_text(arena, buf_span(&out));
    buf_free(&out);
    return text;
}

#define SUBMIT(inside) "<x xmlns='" NS_DATA "' type='submit'>" inside "</x>"
#define TYPE_FIELD     "<field var='FORM_TYPE' type='hidden'><value>" NS_ADMIN "</value></field>"

/* C.19: hidden fields and FORM_TYPE come back, multi stays multi. */
static void test_C19_submissions(void **state)
{
    static const struct {
        const char *form, *typed, *wanted;
    } rows[] = {
        { ADD_USER, "accountjid= eve@localhost &password=p%26&password-verify=p%26",
          SUBMIT(TYPE_FIELD "<field var='accountjid'><value>eve@localhost</value></field>"
                            "<field var='password'><value>p%26</value></field>"
                            "<field var='password-verify'><value>p%26</value></field>") },
        /* A secret left empty is not sent, other empty ones are, without a value. */
        { ADD_USER, "accountjid=&password=", SUBMIT(TYPE_FIELD "<field var='accountjid'></field>") },
        { X("<field type='jid-multi' var='accountjids'/>"), "accountjids=a@b\r\n\r\n  c@d \r\n",
          SUBMIT("<field var='accountjids'><value>a@b</value><value>c@d</value></field>") },
        { X("<field type='text-multi' var='body'/>"), "body=  one\r\n\r\ntwo\r\n\r\n",
          SUBMIT("<field var='body'><value>  one</value><value></value><value>two</value></field>") },
        { X("<field type='boolean' var='b'><value>true</value></field>"), "",
          SUBMIT("<field var='b'><value>false</value></field>") },
        { X("<field type='boolean' var='b'/>"), "b=on",
          SUBMIT("<field var='b'><value>true</value></field>") },
        { X("<field type='list-multi' var='l'><option><value>1</value></option><option><value>2</value>"
            "</option></field>"),
          "l=1&l=2", SUBMIT("<field var='l'><value>1</value><value>2</value></field>") },
        { X("<field var='t'><value>old</value></field>"), "t=", SUBMIT("<field var='t'><value/></field>") },
        { X("<field type='fixed'><value>words</value></field><field type='fixed' var='f'><value>kept</value>"
            "</field>"),
          "f=changed", SUBMIT("<field var='f'><value>kept</value></field>") },
        { X("<field var='FORM_TYPE' type='hidden'><value>a</value></field><field type='hidden' var='h'>"
            "<value>1</value><value>2</value></field>"),
          "h=forged&FORM_TYPE=forged",
          SUBMIT("<field var='FORM_TYPE' type='hidden'><value>a</value></field>"
                 "<field var='h'><value>1</value><value>2</value></field>") },
        /* Names of our own, and names that come twice, go by others in the page. */
        { X("<field var='token'/><field var='_state'/><field var='a'/><field var='a'/>"),
          "token=csrf&_state=mac&_field_0=t&_field_1=s&a=x&_field_3=y",
          SUBMIT("<field var='token'><value>t</value></field><field var='_state'><value>s</value></field>"
                 "<field var='a'><value>x</value></field><field var='a'><value>y</value></field>") },
        { X("<field var='&lt;&apos;'/>"), "<'=<b>&",
          SUBMIT("<field var='&lt;&apos;'><value>&lt;b&gt;</value></field>") },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *arena = arena_new();
        struct xml_element *wanted = form_of(arena, rows[i].wanted);
        const char *text = submission(arena, rows[i].form, rows[i].typed);
        struct buf a = { 0 }, b = { 0 };

        xml_write(&a, form_of(arena, text), SPAN(""));
        xml_write(&b, wanted, SPAN(""));
        if (!span_eq(buf_span(&a), buf_span(&b)))
            fail_msg("row %zu: %s", i, text);
        buf_free(&a);
        buf_free(&b);
        arena_free(&arena);
    }
}

#define VALIDATE(type, inside)                                                                               \
    "<validate xmlns='http://jabber.org/protocol/xdata-validate' datatype='" type "'>" inside "</validate>"

static void test_checks(void **state)
{
    static const struct {
        const char *field, *typed;
        bool is_good;
    } rows[] = {
        { "<field var='a'><required/></field>", "a=x", true },
        { "<field var='a'><required/></field>", "a=", false },
        { "<field var='a'><required/></field>", "", false },
        { "<field var='a' type='text-private'><required/></field>", "a=", false },
        { "<field var='a' type='boolean'><required/></field>", "", true },
        { "<field var='a' type='jid-single'/>", "a=", true },
        { "<field var='a' type='jid-single'/>", "a=x@y@z", false },
        { "<field var='a' type='jid-multi'/>", "a=a@b\nc d@e", false },
        { "<field var='a'/>", "a=one\ntwo", false },
        { "<field var='a'/>", "a=\x01", false },
        { "<field var='a'/>", "a=\xff", false },
        { "<field var='a' type='text-multi'/>", "a=one\ntwo", true },
        { "<field var='a' type='list-single'><option><value>1</value></option></field>", "a=1", true },
        { "<field var='a' type='list-single'><option><value>1</value></option></field>", "a=2", false },
        { "<field var='a' type='list-single'>" VALIDATE(
              "xs:string", "<open/>") "<option><value>1</value></option></field>",
          "a=2", true },
        { "<field var='a' type='list-multi'><option><value>1</value></option></field>", "a=1&a=2", false },
        { "<field var='a'>" VALIDATE("xs:integer", "<range min='1' max='10'/>") "</field>", "a=10", true },
        { "<field var='a'>" VALIDATE("xs:integer", "<range min='1' max='10'/>") "</field>", "a=11", false },
        { "<field var='a'>" VALIDATE("xs:integer", "<range min='1' max='10'/>") "</field>", "a=0", false },
        { "<field var='a'>" VALIDATE("xs:integer", "<range max='10'/>") "</field>", "a=-99", true },
        { "<field var='a'>" VALIDATE("xs:integer", "") "</field>", "a=1.5", false },
        { "<field var='a'>" VALIDATE("xs:integer", "") "</field>", "a=0x10", false },
        { "<field var='a'>" VALIDATE("xs:decimal", "") "</field>", "a=1.5", true },
        { "<field var='a'>" VALIDATE("xs:decimal", "") "</field>", "a=nan", false },
        { "<field var='a'>" VALIDATE("xs:string", "<regex>[0-9]{3}</regex>") "</field>", "a=123", true },
        { "<field var='a'>" VALIDATE("xs:string", "<regex>[0-9]{3}</regex>") "</field>", "a=1234", false },
        { "<field var='a'>" VALIDATE("xs:string", "<regex>([0-9</regex>") "</field>", "a=1234", true },
        { "<field var='a'>" VALIDATE("xs:string", "<regex>(a|aa)+[bc]</regex>") "</field>",
          "a=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad", true }, /* too hard to tell: the server may */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *arena = arena_new();
        struct web_form typed = typed_of(arena, rows[i].typed);
        struct json_object *faults;
        struct sheet sheet;

        sheet_read(&sheet, form_of(arena, arena_printf(arena, X("%s"), rows[i].field)), arena);
        if (sheet_check(&sheet, &typed) != rows[i].is_good)
            fail_msg("row %zu: %s with %s", i, rows[i].field, rows[i].typed);
        faults = sheet_faults(&sheet);
        assert_int_equal(json_object_array_length(faults), rows[i].is_good ? 0 : 1);
        json_object_put(faults);
        arena_free(&arena);
    }
}

static struct json_object *control(struct json_object *list, size_t index)
{
    assert_true(index < json_object_array_length(list));
    return json_object_array_get_idx(list, index);
}

static bool says(struct json_object *object, const char *name, const char *text)
{
    struct span own;

    return json_text(json_member(object, name), &own) && span_is(own, text);
}

static void test_controls(void **state)
{
    struct arena *arena = arena_new();
    struct web_form typed;
    struct json_object *list;
    struct sheet sheet;

    (void)state;
    sheet_read(&sheet, form_of(arena, ADD_USER), arena);
    assert_true(sheet.has_secret && sheet.count == 4 && sheet.total == 4);
    typed = typed_of(arena, "accountjid=wrong@@&password=hunter2");
    assert_false(sheet_check(&sheet, &typed));
    list = sheet_controls(&sheet, &typed);
    assert_int_equal(json_object_array_length(list), 3); /* FORM_TYPE is not among them */
    assert_true(says(control(list, 0), "name", "accountjid") && says(control(list, 0), "value", "wrong@@"));
    assert_non_null(json_member(control(list, 0), "fault"));
    assert_true(says(control(list, 0), "described", "f1-fault"));
    assert_non_null(json_member(control(list, 1), "is_secret"));
    assert_null(strstr(json_object_to_json_string(list), "hunter2"));
    json_object_put(list);
    list = sheet_carried(&sheet, &typed);
    assert_null(strstr(json_object_to_json_string(list), "hunter2"));
    json_object_put(list);
    list = sheet_typed(&sheet, &typed);
    assert_null(strstr(json_object_to_json_string(list), "hunter2"));
    json_object_put(list);
    arena_free(&arena);
}

/* Each type becomes the control that fits it. */
static void test_kinds(void **state)
{
    static const struct {
        const char *field, *member;
    } rows[] = {
        { "<field var='a'/>", "is_text" },
        { "<field var='a' type='unheard-of'/>", "is_text" },
        { "<field type='fixed'><value>x</value></field>", "is_fixed" },
        { "<field><value>x</value></field>", "is_fixed" },
        { "<field var='a' type='boolean'/>", "is_boolean" },
        { "<field var='a' type='text-private'/>", "is_secret" },
        { "<field var='a' type='text-multi'/>", "is_lines" },
        { "<field var='a' type='jid-multi'/>", "is_addresses" },
        { "<field var='a' type='jid-single'/>", "is_address" },
        { "<field var='a' type='list-single'/>", "is_text" },
        { "<field var='a' type='list-multi'/>", "is_lines" },
        { "<field var='a' type='list-single'><required/><option><value>1</value></option></field>",
          "is_radio" },
        { "<field var='a' type='list-single'><option><value>1</value></option></field>", "has_none" },
        { "<field var='a' type='list-multi'><option><value>1</value></option></field>", "is_checks" },
        { "<field var='a' type='list-single'>" VALIDATE(
              "xs:string", "<open/>") "<option><value>1</value></option></field>",
          "has_list" },
        { "<field var='a'>" VALIDATE("xs:integer", "<range min='1' max='2'/>") "</field>", "most" },
        { "<field var='a'>" VALIDATE("xs:string", "<regex>[(</regex>") "</field>", "is_text" },
        { "<field var='a'><media xmlns='urn:xmpp:media-element'><uri type='image/png'>cid:sha1+x@bob.xmpp.org"
          "</uri></media></field>",
          "has_unshown_media" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *arena = arena_new();
        struct json_object *list;
        struct sheet sheet;

        sheet_read(&sheet, form_of(arena, arena_printf(arena, X("%s"), rows[i].field)), arena);
        list = sheet_controls(&sheet, NULL);
        if (json_member(control(list, 0), rows[i].member) == NULL)
            fail_msg("row %zu: %s", i, json_object_to_json_string(list));
        assert_null(json_member(control(list, 0), "pattern"));
        json_object_put(list);
        arena_free(&arena);
    }
}

static void test_media(void **state)
{
    struct arena *arena = arena_new();
    struct json_object *list, *media;
    struct sheet sheet;

    (void)state;
    sheet_read(&sheet,
               form_of(arena, X("<field var='a'><media xmlns='urn:xmpp:media-element'>"
                                "<uri type='image/png'>javascript:alert(1)</uri><uri>http://a/</uri>"
                                "<uri type='image/png'> https://example.org/a.png </uri></media></field>")),
               arena);
    list = sheet_controls(&sheet, NULL);
    media = json_member(control(list, 0), "media");
    assert_int_equal(json_object_array_length(media), 1);
    assert_true(says(control(media, 0), "address", "https://example.org/a.png"));
    json_object_put(list);
    arena_free(&arena);
}

static void test_limits(void **state)
{
    struct arena *arena = arena_new();
    struct json_object *list;
    struct buf text = { 0 };
    struct sheet sheet;

    (void)state;
    buf_text(&text, "<x xmlns='" NS_DATA "' type='form'>");
    for (unsigned i = 0; i < 10000; i++)
        buf_printf(&text, "<field var='f%u'/>", i);
    buf_text(&text, "</x>");
    buf_char(&text, '\0');
    sheet_read(&sheet, form_of(arena, text.at), arena);
    assert_int_equal(sheet.total, 10000);
    assert_int_equal(sheet.count, SHEET_FIELDS_MOST);
    list = sheet_results(&sheet);
    assert_int_equal(json_object_array_length(list), SHEET_FIELDS_MOST);
    json_object_put(list);
    buf_free(&text);
    sheet_read(&sheet, NULL, arena);
    assert_int_equal(sheet.count, 0);
    arena_free(&arena);
}

static void test_tables(void **state)
{
    struct arena *arena = arena_new();
    struct json_object *tables, *table;
    struct buf text = { 0 };
    int64_t number = 0;

    (void)state;
    tables = sheet_tables(
        form_of(arena,
                "<x xmlns='" NS_DATA "' type='result'><reported label='Who'><field var='jid' label='JID'/>"
                "<field var='n' align='right'/></reported>"
                "<item><field var='n'><value>-5</value></field><field var='jid'><value>a\"b</value></field>"
                "</item><item><field var='jid'><value>=1+2</value><value>x</value></field></item></x>"),
        arena);
    table = control(tables, 0);
    assert_true(says(table, "caption", "Who"));
    assert_true(says(table, "csv", "\"JID\",\"n\"\r\n\"a\"\"b\",\"-5\"\r\n\"'=1+2, x\",\"\"\r\n"));
    assert_true(says(control(json_member(control(json_member(table, "rows"), 0), "cells"), 1), "text", "-5"));
    json_object_put(tables);

    buf_text(&text, "<x xmlns='" NS_DATA "' type='result'><reported><field var='a'/></reported>");
    for (unsigned i = 0; i < 5000; i++)
        buf_text(&text, "<item><field var='a'><value>1</value></field></item>");
    buf_text(&text, "</x>");
    buf_char(&text, '\0');
    tables = sheet_tables(form_of(arena, text.at), arena);
    assert_true(json_whole(json_member(control(tables, 0), "total"), &number) && number == 5000);
    assert_true(json_whole(json_member(control(tables, 0), "count"), &number) && number == 1000);
    assert_non_null(json_member(control(tables, 0), "is_cut"));
    json_object_put(tables);
    assert_null(sheet_tables(form_of(arena, X("<item/>")), arena));
    assert_null(sheet_tables(NULL, arena));
    buf_free(&text);
    arena_free(&arena);
}

/* C.17: what a page carries is good for one user, JID and node, for a while, and cannot be changed. */
static void test_C17_step(void **state)
{
    struct auth_cache *cache = must_alloc(sizeof(*cache));
    struct arena *arena = arena_new();
    const struct adhoc_owner alice = { "admin", SPAN("alice@localhost"), SPAN("localhost"), SPAN("node") };
    const struct adhoc_owner others[] = {
        { "admin", SPAN("bob@localhost"), SPAN("localhost"), SPAN("node") },
        { "admin", SPAN("alice@localhost"), SPAN("example.org"), SPAN("node") },
        { "admin", SPAN("alice@localhost"), SPAN("localhost"), SPAN("other") },
        { "rest", SPAN("alice@localhost"), SPAN("localhost"), SPAN("node") },
    };
    struct step step = { .sessionid = SPAN("2026 12 <x>"),
                         .form = form_of(arena, X("<title>T</title><field var='p' type='text-private'>"
                                                  "<value>hunter2</value></field><field var='q'><value>&lt;"
                                                  "</value></field><item/>")),
                         .actions = 1u << COMMAND_NEXT,
                         .usual = COMMAND_NEXT,
                         .number = 3,
                         .born = 1000 };
    struct step got;
    struct span text;
    struct buf plain = { 0 };
    struct sheet sheet;

    (void)state;
    random_bytes(cache->key, sizeof(cache->key));
    text = step_seal(cache, arena, &alice, &step);
    assert_non_null(text.at);
    assert_true(codec_base64_decode(&plain, text));
    assert_null(memmem(plain.at, plain.size, "hunter2", 7));
    assert_int_equal(step_open(cache, arena, &alice, text, 1000, &got), STEP_GOOD);
    assert_true(span_is(got.sessionid, "2026 12 <x>") && got.number == 3 && got.usual == COMMAND_NEXT &&
                got.actions == 1u << COMMAND_NEXT);
    sheet_read(&sheet, got.form, arena);
    assert_true(sheet.count == 2 && sheet.has_secret);
    assert_int_equal(step_open(cache, arena, &alice, text, 1000 + STEP_LIFE, &got), STEP_GOOD);
    assert_int_equal(step_open(cache, arena, &alice, text, 1001 + STEP_LIFE, &got), STEP_EXPIRED);
    assert_int_equal(step_open(cache, arena, &alice, text, 999, &got), STEP_EXPIRED);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(step_open(cache, arena, &others[i], text, 1000, &got), STEP_BAD);
    for (size_t i = 0; i + 3 < text.size; i++) /* the last two may be padding */
        assert_int_equal(step_open(cache, arena, &alice, span_head(text, i), 1000, &got), STEP_BAD);
    for (size_t i = 0; i < plain.size; i++) {
        struct buf shown = { 0 };

        plain.at[i] ^= 1;
        codec_base64(&shown, buf_span(&plain));
        assert_int_equal(step_open(cache, arena, &alice, buf_span(&shown), 1000, &got), STEP_BAD);
        plain.at[i] ^= 1;
        buf_free(&shown);
    }
    step.sessionid = SPAN("");
    step.form = NULL;
    text = step_seal(cache, arena, &alice, &step);
    assert_int_equal(step_open(cache, arena, &alice, text, 1000, &got), STEP_GOOD);
    assert_true(got.sessionid.size == 0 && got.form == NULL);
    buf_free(&plain);
    arena_free(&arena);
    free(cache);
}

/* Also every text that they name, and every part. */
static void test_templates_compile(void **state)
{
    struct page_kit *kit = page_kit_new(admin_templates);

    (void)state;
    assert_non_null(kit);
    page_kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_C19_submissions),
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_controls),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_media),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_C17_step),
        cmocka_unit_test(test_templates_compile),
    };

    xml_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
