/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: xmpp_command_test.c - ad-hoc commands: answers of both servers, requests, maps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "xmpp/command.h"
#include "xmpp/ns.h"

static const struct xml_element *read_iq(struct arena *arena, const char *inside)
{
    struct buf text = { 0 };
    struct xml_element *root;
    const char *why;

    buf_printf(&text, "<iq xmlns='" NS_CLIENT "' type='result' from='localhost' id='q'>%s</iq>", inside);
    if (xml_document(buf_span(&text), &xml_limits_component, arena, &root, &why) != 1)
        fail_msg("%s: %s", why, text.at);
    buf_free(&text);
    return root;
}

static void check_json(struct json_object *got, const char *want)
{
    assert_string_equal(
        json_object_to_json_string_ext(got, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE), want);
    json_object_put(got);
}

#define COMMAND(attributes, inside) "<command xmlns='" NS_COMMANDS "' " attributes ">" inside "</command>"
#define BITS(a, b)                  ((1u << (a)) | (1u << (b)))

static const struct {
    const char *xml;
    enum command_status status;
    unsigned actions;
    enum command_action usual;
    bool has_failed, has_form;
} good[] = {
    { COMMAND(
          "sessionid='s' status='executing'",
          "<x xmlns='jabber:x:data' type='form'/><actions execute='complete'><next/><complete/></actions>"),
      COMMAND_EXECUTING, BITS(COMMAND_NEXT, COMMAND_COMPLETE), COMMAND_COMPLETE, false, true },
    { COMMAND("sessionid='s' status='executing'", "<actions><prev/><next/></actions>"), COMMAND_EXECUTING,
      BITS(COMMAND_PREV, COMMAND_NEXT), COMMAND_NEXT, false, false },
    { COMMAND("sessionid='s' status='executing'", ""), COMMAND_EXECUTING, 0, COMMAND_COMPLETE, false, false },
    { COMMAND("sessionid='s' status='executing'", "<actions execute='next'><complete/></actions>"),
      COMMAND_EXECUTING, 1u << COMMAND_COMPLETE, COMMAND_COMPLETE, false, false },
    { COMMAND("status='completed'", "<note>done</note>"), COMMAND_COMPLETED, 0, COMMAND_COMPLETE, false,
      false },
    { COMMAND("status='completed'", "<note type='info'>a</note><note type='error'>b</note>"),
      COMMAND_COMPLETED, 0, COMMAND_COMPLETE, true, false },
    { COMMAND("status='completed'", "<x xmlns='jabber:x:data' type='form'/>"), COMMAND_COMPLETED, 0,
      COMMAND_COMPLETE, false, true },
    { COMMAND("status='canceled' sessionid='s'", ""), COMMAND_CANCELED, 0, COMMAND_COMPLETE, false, false },
};

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct arena *arena = arena_new();
        struct command command;

        print_message("# %s\n", good[i].xml);
        assert_true(command_read(read_iq(arena, good[i].xml), &command));
        assert_int_equal(command.status, good[i].status);
        assert_int_equal(command.actions, good[i].actions);
        assert_int_equal(command.usual, good[i].usual);
        assert_int_equal(command.has_failed, good[i].has_failed);
        assert_int_equal(command.form != NULL, good[i].has_form);
        arena_free(&arena);
    }
}

static void test_read_bad(void **state)
{
    static const char *const bad[] = {
        "",
        "<command xmlns='other' status='completed'/>",
        "<other xmlns='" NS_COMMANDS "' status='completed'/>",
        COMMAND("", ""),
        COMMAND("status='done'", ""),
        COMMAND("status='executing'", ""),
        COMMAND("status='executing' sessionid=''", ""),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct arena *arena = arena_new();
        struct command command;

        assert_false(command_read(read_iq(arena, bad[i]), &command));
        arena_free(&arena);
    }
}

static void test_write(void **state)
{
    struct buf out = { 0 };

    (void)state;
    command_write(&out, SPAN("a'b<c"), SPAN(""), COMMAND_EXECUTE, SPAN(""));
    assert_true(span_is(buf_span(&out), "<command xmlns='http://jabber.org/protocol/commands' "
                                        "node='a&apos;b&lt;c' action='execute'></command>"));
    buf_clear(&out);
    command_write(&out, SPAN("n"), SPAN("s'"), COMMAND_COMPLETE, SPAN("<x xmlns='jabber:x:data'/>"));
    assert_true(span_is(buf_span(&out), "<command xmlns='http://jabber.org/protocol/commands' node='n' "
                                        "action='complete' sessionid='s&apos;'>"
                                        "<x xmlns='jabber:x:data'/></command>"));
    buf_free(&out);
}

static void test_actions(void **state)
{
    enum command_action action;

    (void)state;
    for (unsigned i = 0; i < COMMAND_ACTIONS; i++) {
        assert_true(command_action_read(span_of(command_action_name((enum command_action)i)), &action));
        assert_int_equal(action, i);
    }
    assert_false(command_action_read(SPAN("Execute"), &action));
    assert_false(command_action_read(SPAN(""), &action));
}

static void test_map(void **state)
{
    struct arena *arena = arena_new();
    struct command command;

    (void)state;
    assert_true(command_read(
        read_iq(arena, COMMAND("status='completed' sessionid='s'",
                               "<note type='info'>It&apos;s &lt;done&gt;</note><note>second</note>"
                               "<x xmlns='jabber:x:data' type='result'><title>T</title>"
                               "<instructions>I</instructions><reported label='L'/>"
                               "<field var='v'><value>1</value></field>"
                               "<query xmlns='jabber:iq:roster'/></x>")),
        &command));
    check_json(command_map(&command, SPAN("a@b"), SPAN("n"), arena),
               "{\"jid\":\"a@b\",\"node\":\"n\",\"fields\":[{\"var\":\"v\",\"value\":\"1\"}],\"title\":\"T\","
               "\"instructions\":\"I\",\"note\":{\"value\":\"It's <done>\",\"type\":\"info\"},"
               "\"reported\":[{\"label\":\"L\",\"items\":[]}],\"roster\":[]}");
    assert_true(command_read(read_iq(arena, COMMAND("status='completed'", "<note>plain</note>")), &command));
    check_json(command_map(&command, SPAN("b"), SPAN("n"), arena),
               "{\"jid\":\"b\",\"node\":\"n\",\"fields\":[],\"note\":{\"value\":\"plain\"}}");
    arena_free(&arena);
}

static void test_state(void **state)
{
    struct arena *arena = arena_new();
    struct json_object *map = json_object_new_object();
    struct command command;

    (void)state;
    assert_true(command_read(
        read_iq(arena, COMMAND("status='executing' sessionid='s'", "<x xmlns='jabber:x:data' type='form'/>"
                                                                   "<actions><prev/><next/></actions>")),
        &command));
    command_add_state(map, &command, SPAN("signed"));
    check_json(map, "{\"sessionid\":\"signed\",\"status\":\"executing\",\"actions\":[\"prev\",\"next\"],"
                    "\"form_type\":\"form\"}");
    assert_true(command_read(read_iq(arena, COMMAND("status='executing' sessionid='s'", "")), &command));
    map = json_object_new_object();
    command_add_state(map, &command, SPAN("signed"));
    check_json(map, "{\"sessionid\":\"signed\",\"status\":\"executing\",\"actions\":[\"complete\"]}");
    assert_true(command_read(read_iq(arena, COMMAND("status='canceled'", "")), &command));
    map = json_object_new_object();
    command_add_state(map, &command, SPAN(""));
    check_json(map, "{\"status\":\"canceled\"}");
    arena_free(&arena);
}

static void test_list(void **state)
{
    struct arena *arena = arena_new();

    (void)state;
    check_json(command_list(read_iq(arena, "<query xmlns='" NS_DISCO_ITEMS "' node='" NS_COMMANDS "'>"
                                           "<item jid='a' node='n' name='N &amp; M' group='g'/>"
                                           "<item jid='a' node='running nodes/x@y/DB'/></query>")),
               "[{\"jid\":\"a\",\"node\":\"n\",\"name\":\"N & M\"},"
               "{\"jid\":\"a\",\"node\":\"running nodes/x@y/DB\",\"name\":null}]");
    check_json(command_list(read_iq(arena, "")), "[]");
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),    cmocka_unit_test(test_read_bad), cmocka_unit_test(test_write),
        cmocka_unit_test(test_actions), cmocka_unit_test(test_map),      cmocka_unit_test(test_state),
        cmocka_unit_test(test_list),
    };

    xml_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
