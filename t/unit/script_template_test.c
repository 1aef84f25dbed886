/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script_template_test.c - templates: what they show, what they refuse, what they escape.
 */
#include "script_stage.h"

#include <sys/stat.h>
#include <unistd.h>

static const char values_text[] =
    "{\"name\":\"<b>&'\\\"\",\"path\":\"a/b c?&\",\"evil\":\"javascript:alert(1)\",\"sly\":\" "
    "jaVa\\tscript:x\","
    "\"site\":\"https://example.org/"
    "?a=1&b='2'\",\"list\":[\"x\",\"y\"],\"none\":[],\"yes\":true,\"nil\":null,"
    "\"user\":{\"jid\":\"a@b\",\"age\":7,\"big\":2.5},\"z\":{\"second\":1,\"first\":2},"
    "\"link_prefix\":\"/rest\",\"link_query\":{\"api-key\":\"k&y\"}}";

static struct json_object *values;

static int make_values(void **state)
{
    values = json_tokener_parse(values_text);
    return values ? set_up(state) : -1;
}

static int drop_values(void **state)
{
    json_object_put(values);
    return tear_down(state);
}

static const struct {
    const char *text, *want;
} good[] = {
    { "", "" },
    { "plain { % } }} text", "plain { % } }} text" },
    { "{{ name }}", "&lt;b&gt;&amp;&#39;&quot;" },
    { "<p title=\"{{ name }}\">", "<p title=\"&lt;b&gt;&amp;&#39;&quot;\">" },
    { "<p title='x {{ name }}'>", "<p title='x &lt;b&gt;&amp;&#39;&quot;'>" },
    { "{{ user.jid }} {{ user.age + 1 }} {{ user.big }} {{ yes }} [{{ nothing }}{{ nil }}]",
      "a@b 8 2.5 true []" },
    { "{# a comment {{ with }} #}x", "x" },
    { "{% if yes %}a{% else %}b{% end %}{% if not yes %}a{% elseif user.age > 6 %}c{% else %}b{% end %}",
      "ac" },
    { "{% for v in list %}{{ v }},{% end %}", "x,y," },
    { "{% for i, v in list %}{{ i }}{{ v }},{% end %}", "1x,2y," },
    { "{% for k, v in z %}{{ k }}={{ v }},{% end %}", "second=1,first=2," },
    { "{% for v in none %}never{% end %}{% for v in nil_value %}never{% end %}", "" },
    { "{{ count(list) }}{{ count(none) }}{{ count(user) }}{{ count(nothing) }}{{ count(null) }}", "20300" },
    { "{{ name:upper():sub(1, 2) }} {{ ('x,y'):gsub(',', '-') }}", "&lt;B x-y" },
    { "<a href=\"{{ site }}\">", "<a href=\"https://example.org/?a=1&amp;b=&#39;2&#39;\">" },
    { "<a href=\"{{ evil }}\">", "<a href=\"about:invalid\">" },
    { "<a href='{{ sly }}'>", "<a href='about:invalid'>" },
    { "<a href=\"/u/{{ path }}?q={{ name }}\">", "<a href=\"/u/a%2Fb%20c%3F%26?q=%3Cb%3E%26%27%22\">" },
    { "<a href=\"{{ path }}{{ evil }}\">", "<a href=\"a/b%20c?&amp;javascript%3Aalert%281%29\">" },
    { "<a href=\"{{ link('/user/x y', { b = '2&', a = 1 }) }}\">",
      "<a href=\"/rest/user/x%20y?a=1&amp;b=2%26&amp;api-key=k%26y\">" },
    { "{{ link('/') }}", "/rest/?api-key=k%26y" },
    { "<script src=\"{{ link('/static/x.js') }}\"></script>{{ yes }}",
      "<script src=\"/rest/static/x.js?api-key=k%26y\"></script>true" },
    { "<input name=\"a\"{% if yes %} checked{% end %} value=\"{{ name }}\">",
      "<input name=\"a\" checked value=\"&lt;b&gt;&amp;&#39;&quot;\">" },
    { "<style>a > b { color: red }</style>{{ yes }}<!-- <a -->{{ yes }}<!doctype html>{{ yes }}",
      "<style>a > b { color: red }</style>true<!-- <a -->true<!doctype html>true" },
    { "<p title='{{ yes }}: script: {{ yes }}'>", "<p title='true: script: true'>" },
    { "<p title='{% if yes %}a/b{% end %}'>", "<p title='a/b'>" },
    { "<textarea>{{ name }}</textarea>", "<textarea>&lt;b&gt;&amp;&#39;&quot;</textarea>" },
    { "1 < 2 {{ yes }}", "1 < 2 true" },
    { "{{ tostring(io) }}{{ tostring(os.execute) }}{{ tostring(require) ~= nil }}", "nilniltrue" },
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct script_template *one;
        struct buf out = { 0 };
        char why[1000] = "";

        one = script_template_load(the_engine, "demo/A.html", span_of(good[i].text), why, sizeof(why));
        if (one == NULL)
            fail_msg("%s\n is refused: %s", good[i].text, why);
        for (int round = 0; round < 2; round++) { /* nothing of the first is left for the second */
            buf_clear(&out);
            if (!script_template_render(one, values, &out, why, sizeof(why)))
                fail_msg("%s\n fails: %s", good[i].text, why);
            if (!span_is(buf_span(&out), good[i].want))
                fail_msg("%s\n gave %.*s\n want %s", good[i].text, SPAN_ARG(buf_span(&out)), good[i].want);
        }
        script_template_free(&one);
        assert_null(one);
        buf_free(&out);
    }
}

static const struct {
    const char *text, *want;
} refused[] = {
    { "\n\n{{ }}", "demo/A.html:3: an expression is missing" },
    { "{{ a", "demo/A.html:1: a tag that begins here and never ends" },
    { "{{ a b }}", "demo/A.html:1: ')' expected near 'b'" },
    { "{{ a -- }}", "demo/A.html:1: " },
    { "{{ a) x( }}", "demo/A.html:1: " },
    { "{{ a; b }}", "demo/A.html:1: " },
    { "{% if a %}", "demo/A.html:1: a block without its end" },
    { "\n{% end %}", "demo/A.html:2: an end without" },
    { "{% else %}", "an else without its if" },
    { "{% for a in b %}{% else %}{% end %}", "an else without its if" },
    { "{% if a %}{% else %}{% else %}{% end %}", "an else without its if" },
    { "{% for a of b %}{% end %}", "write {% for value in list %}" },
    { "{% for __value in b %}{% end %}", "write {% for value in list %}" },
    { "{% while true %}{% end %}", "no such directive" },
    { "{% include ../../x.html %}", "plain name" },
    { "{% include nosuch.html %}", "no such file" },
    { "<p {{ a }}>", "outside of a quoted attribute" },
    { "<p a{{ a }}='x'>", "outside of a quoted attribute" },
    { "<{{ a }}>", "outside of a quoted attribute" },
    { "<p a={{ a }}>", "without quotes" },
    { "<p a=x{{ a }}>", "without quotes" },
    { "<p onclick=\"f({{ a }})\">", "take for code" },
    { "<p STYLE='{{ a }}'>", "take for code" },
    { "<iframe srcdoc='{{ a }}'>", "take for code" },
    { "<script>{{ a }}</script>", "within script or style" },
    { "<ScRiPt>{{ a }}", "within script or style" },
    { "<style>{{ a }}</style>", "within script or style" },
    { "<!-- {{ a }} -->", "within a comment" },
    { "<meta content='{{ a }}'>", "within meta, base" },
    { "<base href='{{ a }}'>", "within meta, base" },
    { "<a href='javascript:f({{ a }})'>", "javascript: or data:" },
    { "<a href='{{ a }}:{{ b }}'>", "made up by a value" },
    { "{% if a %}<p title=\"{% end %}{{ b }}", "must end where it began" },
    { "{% if a %}<script>{% else %}<p>{% end %}", "script or style" },
    { "{% for a in b %}<p title='{% end %}", "must end where it began" },
    { "{% if a %}<b title='{% else %}<i title=\"{% end %}", "end in different places" },
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        char why[1000] = "";

        assert_null(
            script_template_load(the_engine, "demo/A.html", span_of(refused[i].text), why, sizeof(why)));
        if (!strstr(why, refused[i].want))
            fail_msg("%s\n gave %s\n want %s", refused[i].text, why, refused[i].want);
    }
}

static const struct {
    const char *text, *want;
} failing[] = {
    { "\n\n{{ user }}", "demo/A.html:3: a table cannot be shown" },
    { "a\n{% if yes %}\n{{ nothing.x }}{% end %}", "demo/A.html:3: attempt to index a nil value" },
    { "{{ (function() while true do end end)() }}", "used up its time" },
    { "{{ ('x'):rep(1 << 40) }}", "larger than the script's memory" },
    { "{% for i, v in ('x'):rep(10) %}{% end %}", "table expected" },
    { "<script src='{{ evil }}'></script>", "only link() may make it" },
    { "<iframe src='{{ site }}'></iframe>", "only link() may make it" },
    { "{{ link('//evil.example') }}", "a path that begins with one /" },
    { "{{ link('https://evil.example') }}", "a path that begins with one /" },
    { "{{ (function() local t = {} for i = 1, 4096 do t[i] = ('x'):rep(1024) end return table.concat(t) "
      "end)() }}",
      "" },
    { "{{ ('('):rep(1 << 20) }}", "the page is too large" },
};

static void test_failing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(failing) / sizeof(failing[0]); i++) {
        struct script_template *one;
        struct buf out = { 0 };
        char why[1000] = "";

        one = script_template_load(the_engine, "demo/A.html", span_of(failing[i].text), why, sizeof(why));
        if (one == NULL)
            fail_msg("%s\n is refused: %s", failing[i].text, why);
        for (int round = 0; round < 2; round++) {
            why[0] = '\0';
            if (script_template_render(one, values, &out, why, sizeof(why)) || !strstr(why, failing[i].want))
                fail_msg("%s\n gave %s\n want %s", failing[i].text, why, failing[i].want);
        }
        script_template_free(&one);
        buf_free(&out);
    }
}

/* ---- include ---- */
static char folder[64];

static void put_file(const char *name, const char *text)
{
    char path[200];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    fclose(file);
}

static void test_include(void **state)
{
    static const char *const names[] = { "header.html", "loop.html", "bad.html", "sub/footer.html", "sub" };
    struct script_template *one;
    struct buf out = { 0 };
    char why[1000] = "", path[200];

    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/stoa-template-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/sub", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    put_file("header.html", "<h1 title=\"{{ user.jid }}");
    put_file("sub/footer.html", "{{ name }}</h1>");
    put_file("loop.html", "{% include loop.html %}");
    put_file("bad.html", "\n{{ user }}");
    snprintf(path, sizeof(path), "%s/sub/A.html", folder);
    one = script_template_load(the_engine, path,
                               SPAN("{% include header.html %} {{ yes }}\">{% include footer.html %}"), why,
                               sizeof(why));
    if (one == NULL)
        fail_msg("%s", why);
    assert_true(script_template_render(one, values, &out, why, sizeof(why)));
    assert_true(span_is(buf_span(&out), "<h1 title=\"a@b true\">&lt;b&gt;&amp;&#39;&quot;</h1>"));
    script_template_free(&one);
    assert_null(script_template_load(the_engine, path, SPAN("{% include loop.html %}"), why, sizeof(why)));
    assert_non_null(strstr(why, "loop.html:1: files that include each other"));
    one = script_template_load(the_engine, path, SPAN("x\n{% include bad.html %}"), why, sizeof(why));
    assert_non_null(one);
    assert_false(script_template_render(one, values, &out, why, sizeof(why)));
    assert_non_null(strstr(why, "bad.html:2: a table cannot be shown"));
    script_template_free(&one);
    buf_free(&out);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        remove(path);
    }
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_good, make_values, drop_values),
        cmocka_unit_test_setup_teardown(test_refused, make_values, drop_values),
        cmocka_unit_test_setup_teardown(test_failing, make_values, drop_values),
        cmocka_unit_test_setup_teardown(test_include, make_values, drop_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
