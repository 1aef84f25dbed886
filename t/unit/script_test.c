/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script_test.c - what module/script.h promises to who loads and calls scripts. */
#include "script_stage.h"

#include <unistd.h>

/* ---- what callback takes ---- */
static const struct {
    const char *body, *want;
} answers[] = {
    { "callback(nil)", "nothing" },
    { "callback()", "nothing" },
    { "callback('hello')", "text hello" },
    { "callback(12)", "text 12" },
    { "callback(Result('image/png', 'bytes'))", "result image/png bytes" },
    { "callback({ user = { jid = 'a@b' } })", "table {\"user\":{\"jid\":\"a@b\"}}" },
    { "callback({})", "table {}" },
    { "callback(json.array{})", "table []" },
    { "callback({ b = 1, a = 2.5, c = { 1, 'two', true, null } })",
      "table {\"a\":2.5,\"b\":1,\"c\":[1,\"two\",true,null]}" },
    { "callback(ordered{ { 'z', 1 }, { 'a', ordered{ { 'y', null }, { 'b', 2 } } } })",
      "table {\"z\":1,\"a\":{\"y\":null,\"b\":2}}" },
    { "local t = ordered{ { 'z', 1 }, { 'y', 2 } }; t.b = 3; t.a = 4; t.z = nil; callback(t)",
      "table {\"y\":2,\"a\":4,\"b\":3}" },
    { "callback(xml.element('message', { to = 'a@b' }, xml.element('body', nil, '<hi> & \\'so\\' on')))",
      "result application/xml <message to='a@b'><body>&lt;hi&gt; &amp; &apos;so&apos; on</body></message>" },
    { "callback(function(request, response) response:sendError(404, 'no such user') end)",
      "response 404 [text/plain; charset=utf-8] no such user" },
    { "callback(function(request, response) response:sendRedirect('https://example.org/') end)",
      "response 302 Location=https://example.org/ [] " },
    { "callback(function(request, response) response:setStatus(201) response:setContentType('a/b')\n"
      "response:setHeader('X-A', 'first') response:setHeader('x-a', 'second') response:write('o', 'k') end)",
      "response 201 x-a=second [a/b] ok" },
    { "callback(function(request, response) response:write(service:echo('waited')) end)",
      "response 200 [] waited" },
    { "callback('first') callback('second')", "text first" },
    { "callback('first') error('later')", "text first" },
    { "callback('first') service:hold()", "text first" },
    { "pcall(callback, { f = print }) callback('caught')", "text caught" },
    { "callback('a' .. tostring(null))", "text anull" },
};

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct script *script = load_body("", answers[i].body);
        struct seen seen = { 0 };

        held_count = 0;
        assert_null(script_run(script, HTTP_GET, NULL, 0, see, &seen));
        assert_int_equal(seen.count, 1);
        if (strcmp(seen.text.at, answers[i].want))
            fail_msg("%s\n gave %s\n want %s", answers[i].body, seen.text.at, answers[i].want);
        assert_int_equal(script_calls(script), 0);
        script_free(&script);
        buf_free(&seen.text);
    }
}

/* ---- failures: the kind, and a piece of the reason ---- */
static const struct {
    const char *body, *want;
} failures[] = {
    { "", "failed silent: " },
    { "error('boom')", "failed threw: demo/Test.lua:4: boom\nstack traceback:" },
    { "error({ message = 'an object' })", "failed threw: an object" },
    { "error({})", "failed threw: an error object of type table" },
    { "error(setmetatable({}, { __tostring = function() while true do end end }))",
      "failed threw: an error object of type table" },
    { "error()", "failed threw: an error object of type nil" },
    { "callback({ f = print })",
      "failed threw: demo/Test.lua:4: callback: a value of type function at \"f\"" },
    { "local t = {}; t.t = t; callback(t)", "callback: a table within itself" },
    { "callback({ 1, nil, 3, x = 1 })", "a table with both names and numbers" },
    { "callback({ [1] = 1, [3] = 3 })", "an array with holes" },
    { "callback({ 0 / 0 })", "a number that is not finite" },
    { "callback({ [1.5] = 1 })", "neither a name nor a number" },
    { "callback({ ['a\\0b'] = 1 })", "a name with a zero byte" },
    { "callback(print == 1)", "a boolean cannot be an answer" },
    { "callback(xml.element('a b'))", "an element whose name is not one of XML" },
    { "callback(xml.element('a><b'))", "an element whose name is not one of XML" },
    { "callback(xml.element('a', { [\"x='y' z\"] = 1 }))", "an attribute whose name is not one of XML" },
    { "local e = xml.element('a'); e[1] = e; callback(e)", "an element within itself" },
    { "callback(function(q, r) r:setHeader('X-A', 'a\\r\\nSet-Cookie: b') end)", "control character" },
    { "callback(function(q, r) r:setHeader('Content-Length', '1') end)", "cannot be set" },
    { "callback(function(q, r) r:setHeader('A: b', '1') end)", "cannot be set" },
    { "callback(function(q, r) r:setStatus(99) end)", "a status from 200 to 599" },
    { "callback(function(q, r) r:sendRedirect('/a\\nb') end)", "control character" },
    { "callback(Result('text/html\\r\\nX: y', ''))", "that is no media type" },
    { "service:nothing()", "attempt to call a nil value (method 'nothing')" },
    { "service.add(1)", "with a colon" },
    { "service:refuse()", "failed threw: demo/Test.lua:4: no such thing" },
    { "service:xml('<a>')", "the answer is not XML: " },
    { "table.sort({ 3, 2, 1 }, function(a, b) return service:hold() end)", "cannot wait inside a function" },
};

static void test_failures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        struct script *script = load_body("", failures[i].body);
        struct seen seen = { 0 };

        assert_null(script_run(script, HTTP_GET, NULL, 0, see, &seen));
        assert_int_equal(seen.count, 1);
        if (strncmp(seen.text.at, "failed ", 7) || !strstr(seen.text.at, failures[i].want))
            fail_msg("%s\n gave %s\n want %s", failures[i].body, seen.text.at, failures[i].want);
        assert_int_equal(script_calls(script), 0);
        script_free(&script);
        buf_free(&seen.text);
    }
}

/* ---- loading ---- */
static const struct {
    const char *text, *want;
} bad_files[] = {
    { "return 1", "demo/Test.lua: it does not return a table" },
    { "", "demo/Test.lua: it does not return a table" },
    { "return {}", "regex is missing" },
    { "return { regex = 1 }", "regex is a number, not a string" },
    { "return { regex = '(' }", "regex: missing closing parenthesis" },
    { "return { regex = '/' }", "none of exec_get" },
    { "return { regex = '/', exec_get = 1 }", "exec_get is a number, not a function" },
    { "return { regex = '/', api_key = 'no', exec_get = print }", "api_key is a string, not a boolean" },
    { "return { regex = '/', exec_get = print, description = { print } }",
      "description: a value of type function" },
    { "\n\nlocal = 1", "demo/Test.lua:3: " },
    { "\nerror('at the start')", "demo/Test.lua:2: at the start" },
    { "while true do end", "used up its time" },
    { "local t = {} while true do t[#t + 1] = t end", "used up its memory" },
    { "\033Lua", "attempt to load a binary chunk" },
    { "require('x')", "there is no folder for it" },
};

static void test_bad_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_files) / sizeof(bad_files[0]); i++) {
        char why[1000] = "";

        assert_null(
            script_load(the_engine, "demo/Test.lua", span_of(bad_files[i].text), NULL, why, sizeof(why)));
        if (!strstr(why, bad_files[i].want))
            fail_msg("%s\n gave %s\n want %s", bad_files[i].text, why, bad_files[i].want);
    }
}

/* ---- require ---- */
static const struct {
    const char *head, *want;
} libs[] = {
    { "local one = require 'one' answer = one.text .. tostring(require 'one' == one)", "text from libtrue" },
    { "answer = select(2, pcall(require, 'circle'))", "require: circle needs itself" },
    { "answer = select(2, pcall(require, 'bad'))", "bad.lua:2: " },
    { "answer = select(2, pcall(require, 'none'))", "No such file" },
    { "answer = select(2, pcall(require, '../one'))", "letters, digits" },
    { "answer = select(2, pcall(require, 'one.lua'))", "letters, digits" },
    { "answer = tostring(require 'silent')", "text true" },
};

static void put_lib(const char *folder, const char *name, const char *text)
{
    char path[200];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s.lua", folder, name);
    file = text ? fopen(path, "w") : NULL;
    if (text == NULL) {
        remove(path);
        return;
    }
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    fclose(file);
}

static void test_require(void **state)
{
    static const char *const files[][2] = { { "one", "return { text = 'from lib' }" },
                                            { "circle", "return require 'circle'" },
                                            { "bad", "\nlocal = 1" },
                                            { "silent", "" } };
    char folder[] = "/tmp/stoa-lib-XXXXXX", text[400], why[1000];

    (void)state;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < 4; i++)
        put_lib(folder, files[i][0], files[i][1]);
    for (size_t i = 0; i < sizeof(libs) / sizeof(libs[0]); i++) {
        struct seen seen = { 0 };
        struct script *script;

        snprintf(text, sizeof(text),
                 "%s\nreturn { regex = '/', exec_get = function(service, callback) callback(answer) end }",
                 libs[i].head);
        script = script_load(the_engine, "demo/Test.lua", span_of(text), folder, why, sizeof(why));
        if (script == NULL)
            fail_msg("%s", why);
        assert_null(script_run(script, HTTP_GET, NULL, 0, see, &seen));
        if (!strstr(seen.text.at, libs[i].want))
            fail_msg("%s\n gave %s\n want %s", libs[i].head, seen.text.at, libs[i].want);
        script_free(&script);
        buf_free(&seen.text);
    }
    for (size_t i = 0; i < 4; i++)
        put_lib(folder, files[i][0], NULL);
    assert_int_equal(rmdir(folder), 0);
}

static void test_about(void **state)
{
    struct script *script = load_text(
        "return { regex = '/a/(.*)', required_role = 'admin', is_async = true, decode_content = false,\n"
        "api_key = false, description = { regex = '/a/{x}', GET = { info = 'i' } },\n"
        "exec_put = function() end, exec_delete = function() end }");
    const struct script_about *about = script_about(script);
    struct span text;

    (void)state;
    assert_true(span_is(about->regex, "/a/(.*)") && span_is(about->required_role, "admin"));
    assert_true(about->is_async && !about->decode_content && !about->api_key);
    assert_int_equal(about->methods, 1u << HTTP_PUT | 1u << HTTP_DELETE);
    assert_true(json_text(json_member(json_member(about->description, "GET"), "info"), &text));
    assert_true(span_is(text, "i") && span_is(about->name, "Test"));
    assert_true(script_memory(script) > 0);
    script_free(&script);
    assert_null(script);
    script = load_text("return { regex = '/', exec_get = function() end }");
    about = script_about(script);
    assert_true(about->required_role.size == 0 && !about->is_async && about->decode_content &&
                about->api_key);
    assert_null(about->description);
    script_free(&script);
}

/* ---- arguments ---- */
static void test_arguments(void **state)
{
    static const char *const body =
        "local n = select('#', ...)\n"
        "callback({ n = n, a = a, b = type(b), c = c.list[2], nil_in_map = type(c.none),\n"
        "null_in_list = tostring(c.list[3]), whole = math.type(c.list[1]), back = c,\n"
        "body = select(4, ...).body })";
    struct script *script = load_body("", body);
    struct json_object *json =
        json_tokener_parse("{\"z\":1,\"list\":[1,\"x\",null],\"empty\":[],\"a\":{},\"none\":null}");
    struct json_object *request = json_tokener_parse("{\"method\":\"GET\",\"body\":\"b\"}");
    struct script_arg args[] = {
        { .kind = ARG_TEXT, .text = SPAN("one") },
        { .kind = ARG_NULL },
        { .kind = ARG_JSON, .json = json },
        { .kind = ARG_REQUEST, .json = request },
    };
    struct seen seen = { 0 };

    (void)state;
    assert_null(script_run(script, HTTP_GET, args, 4, see, &seen));
    assert_string_equal(
        seen.text.at,
        "table {\"a\":\"one\",\"b\":\"nil\",\"back\":{\"z\":1,\"list\":[1,\"x\",null],\"empty\":[],"
        "\"a\":{}},\"body\":\"b\",\"c\":\"x\",\"n\":4,\"nil_in_map\":\"nil\",\"null_in_list\":"
        "\"null\",\"whole\":\"integer\"}");
    script_free(&script);
    script = load_body("", "local n = select('#', ...)\n"
                           "callback(function(request, response) response:write(request.method, n) end)");
    args[3].kind = ARG_BESIDE;
    assert_null(script_run(script, HTTP_HEAD, args, 4, see, &seen));
    assert_string_equal(seen.text.at, "response 200 [] GET3");
    assert_null(script_run(script, HTTP_POST, args, 4, see, &seen));
    assert_non_null(strstr(seen.text.at, "no function for this method"));
    script_free(&script);
    json_object_put(json);
    json_object_put(request);
    buf_free(&seen.text);
}

/* ---- verbs ---- */
static const struct {
    const char *body, *want;
} verb_rows[] = {
    { "callback(service:add(1, 2, 3))", "text 6" },
    { "callback(service:echo({ a = { 1, 2 } }))", "table {\"a\":[1,2]}" },
    { "callback(service:bytes('a\\0b'):len())", "text 3" },
    { "callback(service:take(xml.element('a', { xmlns = 'urn:x', q = '<' })))",
      "text <a xmlns='urn:x' q='&lt;'/>" },
    { "local e = service:xml(xml.element('a', { xmlns = 'urn:x' }, xml.element('b', nil, 'text')))\n"
      "callback(e.name .. e.xmlns .. e:child('b').xmlns .. e:child('b', 'urn:x'):text() .. #e:children())",
      "text aurn:xurn:xtext1" },
    { "local ok, why = pcall(service.refuse, service) callback(why)", "text no such thing" },
    { "local ok, why = pcall(function() service:refuse() end) callback(why)",
      "text demo/Test.lua:4: no such thing" },
    { "service:echo('later', function(answer) callback('by function ' .. answer) end)",
      "text by function later" },
    { "local f = { } setmetatable(f, { __index = function(t, k) return service:echo(k) end }) "
      "callback(f.name)",
      "text name" },
    { "for i = 1, 100 do service:echo(i) end callback(service:echo('end'))", "text end" },
};

static void test_verbs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(verb_rows) / sizeof(verb_rows[0]); i++) {
        struct script *script = load_body("", verb_rows[i].body);
        struct seen seen = { 0 };

        script_run(script, HTTP_GET, NULL, 0, see, &seen);
        turn_until(&seen, 1);
        if (strcmp(seen.text.at, verb_rows[i].want))
            fail_msg("%s\n gave %s\n want %s", verb_rows[i].body, seen.text.at, verb_rows[i].want);
        script_free(&script);
        buf_free(&seen.text);
    }
}

/* Several calls sleep in one script; each wakes with its own answer, in any order. */
static void test_waits(void **state)
{
    struct script *script = load_body("", "local mine = a\n"
                                          "local answer = service:hold()\n"
                                          "callback(mine .. ' got ' .. answer .. service:hold())");
    struct seen seen[3] = { 0 };
    struct script_arg arg = { .kind = ARG_TEXT };
    char text[2] = "a";

    (void)state;
    for (int i = 0; i < 3; i++) {
        text[0] = (char)('a' + i);
        arg.text = span_of(text);
        assert_non_null(script_run(script, HTTP_GET, &arg, 1, see, &seen[i]));
    }
    assert_int_equal(script_calls(script), 3);
    assert_int_equal(held_count, 3);
    for (int i = 2; i >= 0; i--) {
        script_answer(held[i], json_object_new_int(i));
        assert_int_equal(seen[i].count, 0); /* never from within */
        turn_once();
    }
    assert_int_equal(held_count, 6);
    for (int i = 3; i < 6; i++)
        script_answer_bytes(held[i], SPAN("!"));
    for (int i = 0; i < 3; i++)
        turn_until(&seen[i], 1);
    assert_string_equal(seen[0].text.at, "text a got 0!");
    assert_string_equal(seen[1].text.at, "text b got 1!");
    assert_string_equal(seen[2].text.at, "text c got 2!");
    assert_int_equal(cancelled, 0);
    script_free(&script);
    for (int i = 0; i < 3; i++)
        buf_free(&seen[i].text);
}

/* A refusal reaches a sleeping call as an error, a function as nil and why. */
static void test_refused_later(void **state)
{
    struct script *script =
        load_body("", "if a == 'f' then\n"
                      "service:hold(function(...) callback(select('#', ...) .. tostring((...))\n"
                      ".. select(2, ...)) end)\n"
                      "else callback(select(2, pcall(service.hold, service))) end");
    struct script_arg arg = { .kind = ARG_TEXT, .text = SPAN("f") };
    struct seen seen = { 0 };

    (void)state;
    assert_non_null(script_run(script, HTTP_GET, &arg, 1, see, &seen));
    script_refuse(held[0], "gone");
    turn_until(&seen, 1);
    assert_string_equal(seen.text.at, "text 2nilgone");
    assert_non_null(script_run(script, HTTP_GET, NULL, 0, see, &seen));
    script_refuse(held[1], "gone");
    turn_until(&seen, 2);
    assert_non_null(strstr(seen.text.at, "gone"));
    script_free(&script);
    buf_free(&seen.text);
}

static void test_cancelled(void **state)
{
    struct script *script =
        load_body("", "service:hold(function() end) service:stanza(function() end) service:hold()");
    struct seen seen = { 0 }, other = { 0 };
    struct script_call *call = script_run(script, HTTP_GET, NULL, 0, see, &seen);

    (void)state;
    assert_non_null(call);
    assert_int_equal(held_count, 3);
    script_answer(held[1], NULL); /* its answer is on its way, nobody will want it */
    script_cancel(call);
    assert_int_equal(cancelled, 2);
    assert_int_equal(script_calls(script), 0);
    turn_once();
    assert_int_equal(seen.count, 0);
    assert_non_null(script_run(script, HTTP_GET, NULL, 0, see, &other));
    script_free(&script); /* what is at work fails */
    assert_string_equal(other.text.at, "failed gone: the script was unloaded");
    assert_int_equal(cancelled, 5);
    buf_free(&other.text);
}

/* After its answer a call waits for nothing any more; a callback kept for later finds no call. */
static void test_late_callbacks(void **state)
{
    struct script *script = load_body("kept = {}", "kept[#kept + 1] = callback\n"
                                                   "if a == 'all' then for i, f in ipairs(kept) do\n"
                                                   "local ok, why = pcall(f, 'answer ' .. i)\n"
                                                   "if not ok then text = why end end\n"
                                                   "else service:hold() end");
    struct script_arg arg = { .kind = ARG_TEXT, .text = SPAN("all") };
    struct seen first = { 0 }, second = { 0 };
    struct script_call *call = script_run(script, HTTP_GET, NULL, 0, see, &first);

    (void)state;
    assert_null(script_run(script, HTTP_GET, &arg, 1, see, &second));
    assert_string_equal(second.text.at, "text answer 2");
    assert_int_equal(first.count, 0); /* only a call itself can answer for it */
    script_cancel(call);
    assert_null(script_run(script, HTTP_GET, &arg, 1, see, &second));
    assert_string_equal(second.text.at, "text answer 3");
    script_free(&script);
    buf_free(&first.text);
    buf_free(&second.text);
}

static void test_busy(void **state)
{
    struct script *script = load_body("", "service:hold()");
    struct seen seen = { 0 }, last = { 0 };

    (void)state;
    for (unsigned i = 0; i < the_limits.calls_most; i++)
        assert_non_null(script_run(script, HTTP_GET, NULL, 0, see, &seen));
    assert_null(script_run(script, HTTP_GET, NULL, 0, see, &last));
    assert_non_null(strstr(last.text.at, "failed busy: "));
    script_free(&script);
    assert_int_equal(seen.count, the_limits.calls_most);
    buf_free(&seen.text);
    buf_free(&last.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_require, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_about, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_arguments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_verbs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cancelled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_late_callbacks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_busy, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
