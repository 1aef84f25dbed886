/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: form_write_test.c - forms that we make, and what may come back for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "xmpp/form_write.h"

#define SUBMIT "<x xmlns='jabber:x:data' type='submit'>"

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct xml_element *parse(const char *text)
{
    struct xml_element *element;
    const char *why;

    assert_int_equal(xml_document(span_of(text), &xml_limits_component, arena, &element, &why), 1);
    return element;
}

/* One field of each type. */
static void make(struct form_draft *draft)
{
    static const struct form_option options[] = { { { "One", 3 }, { "1", 1 } },
                                                  { { "Two", 3 }, { "2", 1 } } };
    struct form_field *field;

    form_draft_begin(draft, arena, "Title & <more>");
    draft->instructions = "First\nSecond";
    form_draft_text(draft, FORM_HIDDEN, "hidden", NULL, SPAN("kept"));
    form_draft_text(draft, FORM_FIXED, NULL, NULL, SPAN("words"));
    form_draft_text(draft, FORM_BOOLEAN, "truth", "Truth", SPAN("true"));
    form_draft_text(draft, FORM_TEXT, "text", "Text", SPAN("proposed"))->is_required = true;
    form_draft_text(draft, FORM_SECRET, "secret", "Secret", SPAN("never-shown"));
    form_draft_text(draft, FORM_LINES, "lines", "Lines", SPAN("a\nb"));
    form_draft_text(draft, FORM_JID, "jid", "Who", (struct span){ NULL, 0 });
    form_draft_text(draft, FORM_JIDS, "jids", "Whom", (struct span){ NULL, 0 });
    field = form_draft_text(draft, FORM_CHOICE, "choice", "Which", SPAN("1"));
    field->options = options;
    field->option_count = 2;
    field = form_draft_text(draft, FORM_CHOICES, "choices", "Which ones", (struct span){ NULL, 0 });
    field->options = options;
    field->option_count = 2;
    field = form_draft_text(draft, FORM_TEXT, "number", "Number", SPAN("7"));
    field->datatype = "xs:integer";
    field->least = -5;
    field->most = 10;
}

static void test_written(void **state)
{
    struct form_draft draft;
    struct buf out = { 0 };
    struct xml_element *form;

    (void)state;
    make(&draft);
    form_draft_write(&draft, false, &out);
    buf_char(&out, '\0');
    assert_null(strstr(out.at, "never-shown"));
    assert_non_null(strstr(out.at, "<range min='-5' max='10'/>"));
    assert_non_null(strstr(out.at, "<value>a</value><value>b</value>"));
    assert_non_null(strstr(out.at, "<instructions>First</instructions><instructions>Second</instructions>"));
    form = parse(out.at);
    assert_true(xml_is(form, "jabber:x:data", "x"));
    assert_true(span_is(xml_text(xml_child(form, NULL, "title"), arena), "Title & <more>"));
    buf_free(&out);
}

static void test_table(void **state)
{
    static const struct form_field columns[] = { { .type = FORM_TEXT, .var = "a", .label = "A" },
                                                 { .type = FORM_TEXT, .var = "b", .label = "B" } };
    struct form_draft draft;
    struct buf out = { 0 };
    unsigned items = 0;
    struct xml_element *form;

    (void)state;
    form_draft_begin(&draft, arena, NULL);
    form_draft_columns(&draft, columns, 2);
    for (unsigned i = 0; i < 100; i++)
        form_draft_row(&draft, (struct span[]){ SPAN("<&>"), span_of(arena_printf(arena, "%u", i)) });
    form_draft_write(&draft, true, &out);
    form = parse(arena_text(arena, buf_span(&out)));
    for (struct xml_element *at = xml_child(form, NULL, "item"); at; at = xml_next(at, NULL, "item")) {
        struct xml_element *cell = xml_child(at, NULL, "field");

        assert_true(span_is(xml_text(xml_child(cell, NULL, "value"), arena), "<&>"));
        assert_true(span_is(xml_text(xml_child(xml_next(cell, NULL, "field"), NULL, "value"), arena),
                            arena_printf(arena, "%u", items++)));
    }
    assert_int_equal(items, 100);
    buf_free(&out);
}

#define FIELD(var, value) "<field var='" var "'><value>" value "</value></field>"

/* var NULL with good false: the whole form. */
static const struct {
    const char *inside;
    bool good;
    const char *var, *value; /* of a good one: a field and what it holds then */
} rows[] = {
    { "", true, "text", "proposed" },
    { "", true, "choice", "1" },
    { FIELD("text", "new"), true, "text", "new" },
    { FIELD("unknown", "x") FIELD("unknown", "y"), true, "text", "proposed" },
    { "<field var='text'/>", false, "text", NULL },
    { FIELD("text", ""), false, "text", NULL },
    { FIELD("text", "a") FIELD("text", "b"), false, "text", NULL },
    { "<field var='text'><value>a</value><value>b</value></field>", false, "text", NULL },
    { FIELD("text", "a&#10;b"), false, "text", NULL },
    { FIELD("truth", "0"), true, "truth", "false" },
    { FIELD("truth", "1"), true, "truth", "true" },
    { "<field var='truth'/>", true, "truth", "false" },
    { FIELD("truth", "yes"), false, "truth", NULL },
    { "<field var='lines'><value>x&#13;&#10;y</value><value/><value>z</value></field>", true, "lines",
      "x\ny\n\nz" },
    { FIELD("jid", "Alice@EXAMPLE.org/Res"), true, "jid", "alice@example.org/Res" },
    { FIELD("jid", "a@@b"), false, "jid", NULL },
    { "<field var='jids'><value>A@b</value><value>c@d</value></field>", true, "jids", "a@b" },
    { FIELD("choice", "2"), true, "choice", "2" },
    { FIELD("choice", "3"), false, "choice", NULL },
    { "<field var='choices'><value>1</value><value>2</value></field>", true, "choices", "1" },
    { "<field var='choices'><value>1</value><value>x</value></field>", false, "choices", NULL },
    { FIELD("number", "-5"), true, "number", "-5" },
    { FIELD("number", "-6"), false, "number", NULL },
    { FIELD("number", "11"), false, "number", NULL },
    { FIELD("number", "99999999999999999999"), false, "number", NULL },
    { FIELD("number", "1e1"), false, "number", NULL },
    { FIELD("number", "-"), false, "number", NULL },
};

static void test_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct form_draft draft;
        const char *var, *why;
        bool good;

        make(&draft);
        good =
            form_draft_take(&draft, parse(arena_printf(arena, SUBMIT "%s</x>", rows[i].inside)), &var, &why);
        if (good != rows[i].good)
            fail_msg("row %zu", i);
        if (good) {
            assert_true(span_is(form_draft_value(&draft, rows[i].var), rows[i].value));
            assert_true(span_is(form_draft_value(&draft, "hidden"), "kept"));
        } else {
            assert_string_equal(var, rows[i].var);
            assert_non_null(why);
        }
    }
}

static void test_too_much(void **state)
{
    struct buf text = { 0 };
    struct form_draft draft;
    const char *var, *why;

    (void)state;
    make(&draft);
    buf_text(&text, SUBMIT);
    for (unsigned i = 0; i < 501; i++)
        buf_printf(&text, "<field var='f%u'/>", i);
    buf_text(&text, "</x>");
    assert_false(form_draft_take(&draft, parse(arena_text(arena, buf_span(&text))), &var, &why));
    assert_null(var);
    buf_clear(&text);
    buf_text(&text, SUBMIT "<field var='jids'>");
    for (unsigned i = 0; i < 501; i++)
        buf_printf(&text, "<value>a%u@b</value>", i);
    buf_text(&text, "</field></x>");
    assert_false(form_draft_take(&draft, parse(arena_text(arena, buf_span(&text))), &var, &why));
    assert_string_equal(var, "jids");
    buf_clear(&text);
    buf_text(&text, SUBMIT "<field var='text'><value>");
    for (unsigned i = 0; i < 4097; i++)
        buf_char(&text, 'x');
    buf_text(&text, "</value></field></x>");
    assert_false(form_draft_take(&draft, parse(arena_text(arena, buf_span(&text))), &var, &why));
    assert_string_equal(var, "text");
    assert_false(form_draft_take(&draft, parse("<x xmlns='jabber:x:data' type='form'/>"), &var, &why));
    assert_false(form_draft_take(&draft, parse("<x xmlns='other' type='submit'/>"), &var, &why));
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_much, set_up, tear_down),
    };

    xml_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
