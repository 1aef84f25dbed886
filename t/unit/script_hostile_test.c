/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script_hostile_test.c - scripts that mean harm end alone: nothing hangs, grows, or
 * leaks.
 *
 * After each of them the same script answers a good call: a state stays usable, or is built anew. */
#include "script_stage.h"

#include <malloc.h>

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

/* Bytes that the process holds, by whichever allocator it has. */
static size_t heap_bytes(void)
{
    return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes()
                                                   : mallinfo2().uordblks;
}

struct row {
    const char *body, *want; /* want: a piece of the outcome */
};

static void run_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct script_arg good = { .kind = ARG_TEXT, .text = SPAN("good") };
        struct seen seen = { 0 };
        struct buf body = { 0 };
        struct script *script;

        buf_printf(&body, "if a == 'good' then return callback(('fi.ne'):gsub('\\\\.', '')) end\n%s",
                   rows[i].body);
        buf_char(&body, '\0');
        script = load_body("", body.at);
        if (script_run(script, HTTP_GET, NULL, 0, see, &seen))
            turn_until(&seen, 1);
        if (!strstr(seen.text.at, rows[i].want))
            fail_msg("%s\n gave %s\n want %s", rows[i].body, seen.text.at, rows[i].want);
        assert_null(script_run(script, HTTP_GET, &good, 1, see, &seen));
        if (strcmp(seen.text.at, "text fine"))
            fail_msg("after %s\n it says %s", rows[i].body, seen.text.at);
        assert_int_equal(script_calls(script), 0);
        assert_true(script_memory(script) < the_limits.memory_most);
        script_free(&script);
        buf_free(&body);
        buf_free(&seen.text);
    }
}

#define RUN(rows) run_rows(rows, sizeof(rows) / sizeof((rows)[0]))

/* ---- time ---- */
static const struct row endless[] = {
    { "while true do end",
      "failed too long: the script used up its time\nstack traceback:\n\tdemo/Test.lua:" },
    { "::again:: goto again", "failed too long" },
    { "for i = 1, math.huge do end", "failed too long" },
    { "while true do pcall(error) end", "failed too long" },
    { "while true do pcall(function() while true do end end) end", "failed too long" },
    { "local function f() while true do pcall(f) end end f()", "failed too long" },
    { "local function f() while true do xpcall(f, f) end end f()", "failed too long" },
    { "xpcall(function() while true do end end, function() while true do end end)", "failed too long" },
    { "xpcall(error, function() while true do end end)", "failed too long" },
    { "table.sort({ 3, 2, 1 }, function() while true do end end)", "failed too long" },
    { "while true do pcall(table.sort, { 3, 2, 1 }, function() while true do pcall(error) end end) end",
      "failed too long" },
    { "while true do pcall(string.gsub, 'aaa', 'a', function() while true do end end) end",
      "failed too long" },
    { "('a'):rep(100):gsub('a', function() while true do end end)", "failed too long" },
    { "return setmetatable({}, { __index = function() while true do end end }).x", "failed too long" },
    { "tostring(setmetatable({}, { __tostring = function() while true do end end }))", "failed too long" },
    { "log(setmetatable({}, { __tostring = function() while true do end end }))", "failed too long" },
    { "return {} < setmetatable({}, { __lt = function() while true do end end })", "failed too long" },
    { "for _ in pairs(setmetatable({}, { __pairs = function() return function() return 1 end end })) do end",
      "failed too long" },
    { "callback(function() while true do end end)", "failed too long" },
    { "callback('good') while true do end", "text good" },
    { "service:echo(1, function() while true do end end)", "failed too long" },
    { "service:echo(1, function() while true do pcall(error) end end)", "failed too long" },
    { "while true do service:echo(1) end", "failed too long" },
    { "while true do log('again and again') end", "failed too long" },
    { "while true do load('return 1') end", "failed too long" },
    { "while true do json.decode(json.encode({ 1, 2, { a = 1 } })) end", "failed too long" },
    { "while true do xml.parse('<a><b/></a>'):tostring() end", "failed too long" },
    { "local mt = {} local t = setmetatable({}, mt) mt.__close = function() while true do end end\n"
      "do local x <close> = t end",
      "failed too long" },
    { "local mt = {} local t = setmetatable({}, mt) mt.__close = function() while true do end end\n"
      "local x <close> = t error('now')",
      "failed threw" },
    { "local mt = {} local t = setmetatable({}, mt) mt.__close = function() while true do pcall(error) end "
      "end\n"
      "local x <close> = t while true do end",
      "failed too long" },
};

/* C functions that loop without Lua: no hook comes there. */
static const struct row endless_in_c[] = {
    { "callback(#string.rep('', 1 << 60) .. #string.rep('', 1 << 60, ''))", "text 00" },
    { "table.move({}, 1, 1 << 60, 2)", "reaches beyond the table" },
    { "table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, 1)",
      "has no place here" },
    { "table.remove(setmetatable({}, { __len = function() return 1 << 60 end }), 1)", "has no place here" },
    { "table.sort(setmetatable({}, { __len = function() return 1 << 30 end, __index = tostring,\n"
      "__newindex = rawequal }), rawequal)",
      "has no place here" },
    { "local t = {} for i = 1, 100001 do t[i] = i end table.sort(t)", "failed t" },
    { "table.concat(setmetatable({}, { __index = tostring, __len = function() return 1 << 60 end }))",
      "failed t" },
    { "for _ in ipairs(setmetatable({}, { __index = tostring })) do end", "failed too long" },
    { "('a'):rep(1 << 20):find(('a'):rep(1 << 19) .. 'b', 1, true) callback('linear')", "text linear" },
    { "('a'):rep(30000):find('^(a+)+$x')", "too many steps" },
    { "('a'):rep(1000):match('^' .. ('.*?'):rep(20) .. '[bc]')", "too many steps" },
    { "('a'):rep(2000000):find('[ab]*[cd]')", "failed too long" },
    { "('a'):rep(2000000):find('(?:(?=[ab]*+)a){1,300}[cd]')", "failed too long" },
    { "local s = ('a'):rep(1000000) while true do s:gsub('a', 'b') end", "failed too long" },
    { "for w in ('a'):rep(1000000):gmatch('()') do local n = w end", "failed too long" },
    { "while true do pcall(string.find, ('a'):rep(100000), '[ab]*[cd]') end", "failed too long" },
    { "load('return ' .. ('('):rep(40000))()", "failed threw" },
    { "load(('do '):rep(20000))()", "failed threw" },
    { "load(('x = '):rep(100000))", "more than 64 KiB" },
    { "('x'):find(('('):rep(1500) .. (')'):rep(1500))", "bad pattern" },
    { "('x'):find(('(a{1000}){1000}'):rep(20))", "failed threw" },
    { "('x'):find(('a'):rep(5000))", "more than 4096 bytes" },
    { "('\\xff'):find('(*UTF).')", "bad pattern" },
    { "('x'):find('\\\\C')", "bad pattern" },
    { "select('#', table.unpack({}, 1, 1e7))", "too many results" },
    { "string.byte(('x'):rep(2000000), 1, -1)", "failed t" },
};

static void test_endless(void **state)
{
    (void)state;
    RUN(endless);
    RUN(endless_in_c);
}

/* ---- memory ---- */
static const struct row greedy[] = {
    { "local t = {} while true do t[#t + 1] = { t } end", "failed too large: the script used up its memory" },
    { "local s = 'x' while true do s = s .. s end", "failed too large" },
    { "callback(string.rep('x', 1 << 40))", "larger than the script's memory" },
    { "callback(string.rep('x', 3 << 20) .. string.rep('y', 3 << 20))", "failed too large" },
    { "local t = {} for i = 1, 100 do t[i] = ('x'):rep(1 << 18) end table.concat(t)", "failed too large" },
    { "local s = ('x'):rep(1 << 18) local t = {} for i = 1, 100 do t[i] = s end table.concat(t)",
      "failed too large" },
    { "string.format(('%s'):rep(60), ('x'):rep(1 << 20))", "failed t" },
    { "('x'):rep(1 << 20):gsub('x', ('y'):rep(100))", "failed t" },
    { "string.pack('!16 c1000000000', 'x')", "failed t" },
    { "local function f() return 1 + f() end f()", "failed t" },
    { "local function f(...) return f(1, ...) end f()", "failed t" },
    { "local function f() return pcall(f) end f() callback('back')", "" },
    { "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k + 1] end return "
      "t[1]",
      "failed t" },
    { "local f = tostring for i = 1, 1000 do local g = f f = function(...) return g(...) end end\n"
      "callback(f('deep'))",
      "text deep" },
    { "held = {} while true do held[#held + 1] = ('x'):rep(100) .. #held end", "failed too large" },
    { "held = {} while true do pcall(function() while true do held[#held + 1] = { #held } end end) end",
      "failed t" },
    { "local t = {} for i = 1, 40 do t = { t, t } end json.encode(t)", "too large as JSON" },
    { "local t = {} for i = 1, 40 do t = { t, t } end callback(t)", "too large as JSON" },
    { "local s = ('x'):rep(1 << 19) local t = {} for i = 1, 100 do t[i] = s end callback(t)",
      "too large as JSON" },
    { "local e = xml.element('a') for i = 1, 40 do e = xml.element('a', nil, e, e) end e:tostring()",
      "an element that is too large" },
    { "callback(tostring(json.decode(('['):rep(1 << 19))))", "text nil" },
    { "callback(tostring(json.decode('[' .. ('[],'):rep(1 << 17) .. '[]]')))", "text nil" },
    { "callback(function(q, r) while true do r:write(('x'):rep(100000)) end end)", "failed t" },
    { "callback(function(q, r) for i = 1, 1000 do r:addHeader('x', 'y') end end)", "too many headers" },
    { "for i = 1, 1000 do service:hold(function() end) end", "waits for 32 things" },
    { "for i = 1, 100000 do pcall(string.find, 'x', 'x' .. i) end callback('cached')", "" },
    { "utf8.char(table.unpack((function() local t = {} for i = 1, 200000 do t[i] = 65 end return t end)()))",
      "" },
};

/* With time enough, so that it is memory that ends them, on a slow machine too. */
static void test_greedy(void **state)
{
    struct script_limits limits = the_limits;

    (void)state;
    limits.cpu_most = 500000;
    script_engine_free(&the_engine);
    the_engine = script_engine_new(the_loop, &limits, the_verbs);
    RUN(greedy);
}

/* ---- doors that are not there ---- */
static const struct row doors[] = {
    { "callback(tostring(coroutine) .. tostring(io) .. tostring(debug) .. tostring(package))",
      "text nilnilnilnil" },
    { "callback(tostring(dofile) .. tostring(loadfile) .. tostring(collectgarbage) .. tostring(string.dump))",
      "text nilnilnilnil" },
    { "local n = 0 for k in pairs(os) do n = n + 1 end callback(n .. type(os.time()) .. type(os.clock()))",
      "text 4numbernumber" },
    { "callback(tostring(os.execute) .. tostring(os.exit) .. tostring(os.getenv) .. tostring(os.remove))",
      "text nilnilnilnil" },
    { "require('io')", "only at the start of the file" },
    { "require('../x')", "letters, digits" },
    { "callback(tostring(getmetatable('')))", "text false" },
    { "setmetatable('', {})", "failed threw" },
    { "callback(tostring(getmetatable(service)) .. tostring(getmetatable(null)))", "text falsefalse" },
    { "getmetatable('').__index = nil", "failed threw" },
    { "callback(tostring(getmetatable(xml.element('a'))) .. tostring(getmetatable(json.array{})))",
      "text falsefalse" },
    { "setmetatable(xml.element('a'), {})", "protected metatable" },
    { "service.add = nil", "failed threw" },
    { "setmetatable({}, { __gc = function() end })", "__gc is not available" },
    { "setmetatable({}, { __close = function() end })", "__close is not available" },
    { "setmetatable({}, setmetatable({}, { __index = { __gc = print } })) callback('raw')", "text raw" },
    { "load('\\27Lua')()", "failed threw" },
    { "callback(tostring(load('\\27LuaT')))", "text nil" },
    { "load(function() return 'x' end)", "string expected" },
    { "callback(load('return x', 'chunk', 't', { x = 'own' })())", "text own" },
    { "string.find = nil callback(tostring(('x').find))", "text nil" }, /* its own state only */
    { "local r callback(function(q, response) r = response end) r:setStatus(500)", "response 200" },
    { "callback(('a,b;c'):gsub('[,;]', { [','] = '-' }))", "text a-b;c" },
    { "callback(('héllo'):match('^(.)(.)') .. ('hé'):gsub('.', '%0%0'))", "text hhhéé" },
    { "callback(('\\xff\\xfe'):gsub('.', 'b'))", "text bb" },
    { "callback(('key = value'):gsub('(\\\\w+) = (\\\\w+)', '%2 = %1'))", "text value = key" },
    { "local t = {} for k, v in ('a=1, b=2'):gmatch('(\\\\w+)=(\\\\w+)') do t[k] = v end callback(t)",
      "table {\"a\":\"1\",\"b\":\"2\"}" },
    { "callback(table.concat({ ('x.y'):find('.', 1, true) }, ',') .. tostring(('x'):find('y')))",
      "text 2,2nil" },
    { "local a, b, c = ('abc'):find('(b)') callback(a .. b .. c)", "text 22b" },
    { "callback(('x'):rep(3, ',') .. ('x'):rep(0) .. ('x'):rep(-1))", "text x,x,x" },
};

static void test_doors(void **state)
{
    (void)state;
    RUN(doors);
}

/* ---- others' calls ---- */
/* One call fills the memory while others sleep: they get their answers, or fail cleanly, and the next is
 * fine. */
static void test_neighbours(void **state)
{
    struct script *script =
        load_body("kept = {}", "if a == 'leak' then while true do kept[#kept + 1] = { #kept } end end\n"
                               "if a == 'burst' then local t = {} while true do t = { t } end end\n"
                               "if a == 'sleep' then return callback(service:hold()) end\n"
                               "callback('fine')");
    struct script_arg sleep = { .kind = ARG_TEXT, .text = SPAN("sleep") },
                      leak = { .kind = ARG_TEXT, .text = SPAN("leak") },
                      burst = { .kind = ARG_TEXT, .text = SPAN("burst") };
    struct seen sleeper = { 0 }, seen = { 0 };

    (void)state;
    assert_non_null(script_run(script, HTTP_GET, &sleep, 1, see, &sleeper));
    assert_null(script_run(script, HTTP_GET, &burst, 1, see, &seen));
    assert_non_null(strstr(seen.text.at, "failed too large"));
    script_answer_bytes(held[0], SPAN("woken"));
    turn_until(&sleeper, 1);
    assert_string_equal(sleeper.text.at, "text woken"); /* a burst is no harm to others */
    assert_non_null(script_run(script, HTTP_GET, &sleep, 1, see, &sleeper));
    assert_null(script_run(script, HTTP_GET, &leak, 1, see, &seen));
    assert_non_null(strstr(seen.text.at, "failed too large"));
    assert_int_equal(sleeper.count, 2); /* the state was full for good: built anew */
    assert_string_equal(sleeper.text.at, "failed too large: another call of the script used up its memory");
    assert_int_equal(cancelled, 1);
    assert_null(script_run(script, HTTP_GET, NULL, 0, see, &seen));
    assert_string_equal(seen.text.at, "text fine");
    assert_true(script_memory(script) < the_limits.memory_most / 4);
    script_free(&script);
    buf_free(&seen.text);
    buf_free(&sleeper.text);
}

/* ---- ten thousand of them ---- */
static const char *const crowd[] = {
    "error('boom')",
    "error({})",
    "callback({ f = print })",
    "callback(string.rep('x', 1 << 40))",
    "('a'):rep(3000):find('^(a+)+$x')",
    "service:hold()",
    "service:hold(function() end) error('x')",
    "service:echo(1, function() error('x') end)",
    "callback(xml.element('a><'))",
    "callback(function(q, r) r:write('x') r:setHeader('a', '\\n') end)",
    "service:xml('<a>')",
    "local function f() return 1 + f() end f()",
    "json.decode('[1,2,{\"a\":[') callback(json.decode('{\"b\":[1,2],\"a\":1}'))",
    "('x'):find('x' .. tostring(b))",
    "local mt = {} local t = setmetatable({}, mt) mt.__close = error local x <close> = t error('x')",
};

#define CROWD (sizeof(crowd) / sizeof(crowd[0]))

static void run_crowd(struct script *script, struct json_object *number, unsigned count)
{
    struct script_arg args[] = { { .kind = ARG_JSON }, { .kind = ARG_JSON, .json = number } };

    for (unsigned i = 0; i < count; i++) {
        struct seen seen = { 0 };
        struct script_call *call;

        json_object_set_int64(number, i);
        args[0].json = json_object_new_int64(i % CROWD + 1);
        held_count = 0;
        call = script_run(script, HTTP_GET, args, 2, see, &seen);
        turn_once();
        if (seen.count == 0)
            script_cancel(call);
        assert_true(seen.count <= 1);
        json_object_put(args[0].json);
        buf_free(&seen.text);
    }
    assert_int_equal(script_calls(script), 0);
}

static void test_crowd(void **state)
{
    struct json_object *number = json_object_new_int64(0);
    struct buf body = { 0 };
    struct script *script;
    size_t script_before, heap_before;

    (void)state;
    for (size_t i = 0; i < CROWD; i++)
        buf_printf(&body, "%s a == %zu then %s\n", i ? "elseif" : "if", i + 1, crowd[i]);
    buf_text(&body, "end");
    buf_char(&body, '\0');
    script = load_body("", body.at);
    buf_free(&body);
    run_crowd(script, number, 1000); /* caches and threads are there now */
    script_before = script_memory(script);
    heap_before = heap_bytes();
    run_crowd(script, number, 10000);
    /* Garbage may wait for its collection, so: of the order of what was there, not 10 times as much. */
    assert_true(script_memory(script) < script_before * 2 + (256 << 10));
    assert_true(heap_bytes() < heap_before * 2 + (256 << 10));
    script_free(&script);
    json_object_put(number);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_endless, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_greedy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_doors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_neighbours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_crowd, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
