/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: page_template_test.c - templates of pages: what they show, what they refuse, and that no
 * value changes what a page is. */
#include "html_tags.h"
#include "page/template.h"
#include "page/texts.h"

#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define MOST (1u << 20)

static const char values_text[] =
    "{\"name\":\"<b>&'\\\"\",\"path\":\"a/b c?&\",\"evil\":\"javascript:alert(1)\","
    "\"sly\":\" jaVa\\tscript:x\",\"data\":\"data:text/html,x\",\"site\":\"https://example.org/?a=1&b='2'\","
    "\"xmpp\":\"xmpp:a@b?join\",\"other\":\"//evil.example/x.js\",\"base\":\"../\",\"list\":[\"x\",\"y\"],"
    "\"none\":[],\"yes\":true,\"no\":false,\"nil\":null,\"zero\":0,\"half\":0.5,\"empty\":\"\","
    "\"user\":{\"jid\":\"a@b\",\"age\":7,\"deep\":{\"er\":\"d\"}},"
    "\"rows\":[{\"n\":1,\"sub\":[{\"m\":\"p\"},{\"m\":\"q\"}]},{\"n\":2,\"name\":\"own\",\"sub\":[]}],"
    "\"odd\":\"a\\u0001b\\u007fc\\u0085d\\te\\nf\\u2028g\"}";

static struct json_object *values;

static int make_values(void **state)
{
    const char *why;

    (void)state;
    return json_parse(span_of(values_text), &json_limits_body, &values, &why) == 1 ? 0 : -1;
}

static int drop_values(void **state)
{
    (void)state;
    json_object_put(values);
    return 0;
}

static struct template_set *load(const char *text, char *why, size_t why_size)
{
    const struct template_source sources[] = { { "a", span_of(text) },
                                               { "part", SPAN("[{{name}}]") },
                                               { "p.txt", SPAN("{{name}} <{{user.jid}}>{{odd}}\n") },
                                               { NULL, { 0 } } };

    return template_set_new(NULL, sources, why, why_size);
}

static const struct {
    const char *text, *want;
} good[] = {
    { "", "" },
    { "plain { } }} text", "plain { } }} text" },
    { "{{name}}{{ user.jid }}", "&lt;b&gt;&amp;&#39;&quot;a@b" },
    { "[{{missing}}{{nil}}{{user}}{{list}}{{user.no.such}}{{name.x}}]", "[]" },
    { "{{zero}} {{half}} {{yes}} {{no}} {{user.deep.er}}", "0 0.5 true false d" },
    { "<p title=\"{{name}}\">", "<p title=\"&lt;b&gt;&amp;&#39;&quot;\">" },
    { "<p title='x {{name}}'>", "<p title='x &lt;b&gt;&amp;&#39;&quot;'>" },
    { "<textarea>\n{{name}}</textarea>", "<textarea>\n&lt;b&gt;&amp;&#39;&quot;</textarea>" },
    { "{{#yes}}a{{/yes}}{{#no}}b{{/no}}{{#zero}}c{{/zero}}{{#half}}d{{/half}}{{#empty}}e{{/empty}}"
      "{{#none}}f{{/none}}{{#missing}}g{{/missing}}{{#nil}}h{{/nil}}{{#name}}i{{/name}}",
      "adi" },
    { "{{^yes}}a{{/yes}}{{^no}}b{{/no}}{{^zero}}c{{/zero}}{{^half}}d{{/half}}{{^empty}}e{{/empty}}"
      "{{^none}}f{{/none}}{{^missing}}g{{/missing}}{{^nil}}h{{/nil}}{{^name}}i{{/name}}",
      "bcefgh" },
    { "{{#list}}{{.}},{{/list}}", "x,y," },
    { "{{#user}}{{jid}} {{age}} {{#deep}}{{er}}{{jid}}{{/deep}}{{/user}}", "a@b 7 da@b" },
    { "{{#rows}}{{n}}{{#sub}}{{m}}{{n}}{{/sub}};{{/rows}}", "1p1q1;2;" },
    { "{{#rows}}{{name}},{{/rows}}", "&lt;b&gt;&amp;&#39;&quot;,own," },
    { "{{! a remark {{ with }}x", "x" },
    { "<i>{{>part}}</i>", "<i>[&lt;b&gt;&amp;&#39;&quot;]</i>" },
    { "{{#rows}}{{>part}}{{/rows}}", "[&lt;b&gt;&amp;&#39;&quot;][own]" },
    { "{{=log_out}}", "Log out" },
    { "<b title=\"{{=request_number name}}\">",
      "<b title=\"Request &lt;b&gt;&amp;&#39;&quot;: the log has it under this number.\">" },
    { "a\n  {{#yes}}  \nb\n{{/yes}}\n\t{{! x }}\nc\n{{>part}}\nd\n {{zero}} \n{{#no}}\n{{/no}}",
      "a\nb\nc\n[&lt;b&gt;&amp;&#39;&quot;]d\n 0 \n" },
    /* addresses */
    { "<a href=\"{{site}}\">", "<a href=\"https://example.org/?a=1&amp;b=&#39;2&#39;\">" },
    { "<a href=\"{{xmpp}}\">", "<a href=\"xmpp:a@b?join\">" },
    { "<a href=\"{{evil}}\">", "<a href=\"#\">" },
    { "<a href='{{sly}}'>", "<a href='#'>" },
    { "<form action='{{data}}'><button formaction=\"{{evil}}\">",
      "<form action='#'><button formaction=\"#\">" },
    { "<img src=\"{{data}}\">", "<img src=\"#\">" },
    { "<a href=\"{{base}}u/{{path}}?q={{name}}&amp;r={{user.jid}}\">",
      "<a href=\"../u/a/b%20c%3F%26?q=%3Cb%3E%26%27%22&amp;r=a@b\">" },
    { "<a href=\"{{base}}{{evil}}\">", "<a href=\"../javascript%3Aalert%281%29\">" },
    { "<a href=\"{{missing}}{{evil}}\">", "<a href=\"javascript%3Aalert%281%29\">" },
    { "<a href=\"{{#yes}}{{evil}}{{/yes}}{{^yes}}#{{/yes}}\">", "<a href=\"#\">" },
    { "<a href=\"{{base}}{{#yes}}?a={{name}}{{/yes}}\">", "<a href=\"../?a=%3Cb%3E%26%27%22\">" },
    { "<a HREF=\"{{evil}}\">", "<a HREF=\"#\">" },
    { "<script src=\"{{base}}{{path}}\"></script>", "<script src=\"../a/b%20c%3F%26\"></script>" },
    { "<script src=\"{{site}}\"></script>", "<script src=\"#\"></script>" },
    { "<script src=\"{{other}}\"></script>", "<script src=\"#\"></script>" },
    { "<iframe src=\"{{evil}}\"></iframe>", "<iframe src=\"#\"></iframe>" },
    /* sections within tags */
    { "<input {{#yes}}checked{{/yes}} value=\"{{#no}}a{{/no}}{{^no}}b{{/no}}\">",
      "<input checked value=\"b\">" },
    { "<p{{! no name is cut }} class=\"{{#list}}{{.}} {{/list}}\">", "<p class=\"x y \">" },
    /* what no page can hold */
    { "{{odd}}", "a\xef\xbf\xbd"
                 "b\xef\xbf\xbd"
                 "c\xef\xbf\xbd"
                 "d\te\nf\xe2\x80\xa8g" },
};

static void shows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char why[300] = "";
        struct template_set *set = load(good[i].text, why, sizeof(why));
        struct buf page = { 0 };

        if (set == NULL)
            fail_msg("%s: %s", good[i].text, why);
        assert_true(template_has(set, "a"));
        assert_true(template_render(set, "a", values, MOST, &page));
        buf_char(&page, '\0');
        assert_string_equal(page.at, good[i].want);
        buf_free(&page);
        template_set_free(&set);
        assert_null(set);
    }
}

static const struct {
    const char *text, *why;
} bad[] = {
    { "a\n{{name", "a:2: a tag that begins here" },
    { "{{}}", "a:1: a name is missing" },
    { "{{ }}", "a name is missing" },
    { "{{a b}}", "a name is letters" },
    { "{{a..b}}", "a name is letters" },
    { "{{a.b.c.d.e.f.g.h.i}}", "a name is letters" },
    { "{{{name}}}", "nothing is written unescaped" },
    { "{{&name}}", "nothing is written unescaped" },
    { "x\n\n{{#a}}", "a:3: a section begins here" },
    { "{{/a}}", "a section ends here that does not begin" },
    { "{{#a}}{{#b}}{{/a}}{{/b}}", "another section ends" },
    { "{{#a.b}}{{/a.c}}", "another section ends" },
    { "{{>nothing}}", "a:1: there is no such part" },
    { "{{>../x}}", "a part's name" },
    { "{{>p.txt}}", "a part's name" },
    { "<p {{>part}}>", "between tags" },
    { "<p title=\"{{>part}}\">", "between tags" },
    { "{{>a}}", "parts that include each other" },
    { "{{=no_such_text}}", "no such text" },
    { "{{=log_out name}}", "another number of values" },
    { "{{=request_number}}", "another number of values" },
    { "<a href=\"{{=log_out}}\">", "a text is no address" },
    { "<a title={{name}}>", "without quotes" },
    { "<a title=x{{name}}>", "without quotes" },
    { "<{{name}}>", "within a tag" },
    { "<<{{name}}>", "within a tag" },
    { "<a{{name}}>", "within a tag" },
    { "<a {{name}}>", "within a tag" },
    { "<a {{name}}=\"x\">", "within a tag" },
    { "</{{name}}>", "within a tag" },
    { "<p style=\"{{name}}\">", "browsers take for code" },
    { "<p onclick=\"{{name}}\">", "browsers take for code" },
    { "<p ONCLICK=\"{{name}}\">", "browsers take for code" },
    { "<img srcset=\"{{name}}\">", "browsers take for code" },
    { "<iframe srcdoc=\"{{name}}\">", "browsers take for code" },
    { "<meta content=\"{{name}}\">", "within meta" },
    { "<svg><animate to=\"{{name}}\">", "within meta, base, animate" },
    { "<script>{{name}}</script>", "within script or style" },
    { "<style>{{name}}</style>", "within script or style" },
    { "<!-- {{name}} -->", "within a comment" },
    { "<!DOCTYPE {{name}}>", "within a comment or a declaration" },
    { "<a b / =\"{{name}}\">", "an attribute without a name" },
    { "<a href=\"javascript:x({{name}})\">", "javascript:" },
    { "<a href=\"{{name}}:x\">", "scheme is made up by a value" },
    { "<a {{#a}}title=\"{{/a}}x\">", "a section must end where it began" },
    { "{{#a}}<p {{/a}}>", "a section must end where it began" },
    { "<a{{#a}} b{{/a}}>", "a block that begins" },
    { "<a title=\"{{#a}}\"{{/a}}>", "a section must end where it began" },
    { "<p", "it ends within a tag" },
    { "<p title=\"x", "it ends within a tag" },
    { "<!-- x", "it ends within a tag or a comment" },
};

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char why[300] = "";
        struct template_set *set = load(bad[i].text, why, sizeof(why));
        const char *want = bad[i].why;

        if (set != NULL)
            fail_msg("%s: it compiles", bad[i].text);
        if (strncmp(why, "a:", 2) != 0 || strstr(why, want) == NULL)
            fail_msg("%s: %s", bad[i].text, why);
    }
}

/* ---- hostile values ---- */
static const char *const skeletons[] = {
    "<div class=\"{{v}}\">{{v}}<a href=\"{{v}}\" title='{{v}}'>x</a></div>",
    "<form action='{{v}}'><input value=\"{{v}}\" name='a{{v}}b'><textarea>{{v}}</textarea></form>",
    "<title>{{v}}</title><a href=\"x?{{v}}&amp;{{v}}#{{v}}\">{{#v}}{{.}}{{v}}{{/v}}</a>",
    "<option {{#v}}selected{{/v}} value=\"{{v}}\">{{=request_number v}}</option><img src='{{v}}/{{v}}'>",
    "<svg viewBox=\"0 0 1 1\"><path d=\"{{v}}\"/><text x='{{v}}'>{{v}}</text></svg><p>{{v}}",
};

static void render_both(struct template_set *set, struct span value, struct buf *tags, struct buf *page)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "v", json_object_new_string_len(value.at, (int)value.size));
    assert_true(template_render(set, "s", object, 64u << 20, page));
    html_tags(buf_span(page), tags);
    json_object_put(object);
}

static bool runs_code(struct span page)
{
    static const char *const starts[] = { "href=\"javascript:", "href='javascript:", "action='javascript:",
                                          "src='javascript:",   "href=\"data:",      "action='data:",
                                          "src='data:",         "href=\"vbscript:" };

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        if (memmem(page.at, page.size, starts[i], strlen(starts[i])))
            return true;
    return false;
}

static void no_value_changes_the_page(void **state)
{
    static char large[1 << 20];
    static const char pattern[] = "'\"><script>--></textarea></title>&#x3c;javascript:";
    const struct span hostile[] = { SPAN("\"><script>alert(1)</script>"),
                                    SPAN("'><img src=x onerror=alert(1)>"),
                                    SPAN("</script></textarea></title></style>-->"),
                                    SPAN("javascript:alert(1)"),
                                    SPAN("JavaScript&colon;alert(1)"),
                                    SPAN("\x01javascript:alert(1)"),
                                    SPAN("java\nscript:alert(1)"),
                                    SPAN("data:text/html;base64,PHNjcmlwdD4="),
                                    SPAN("vbscript:x"),
                                    SPAN("\xe2\x80\xa8\xe2\x80\xa9"),
                                    SPAN("a\0b<c\0>"),
                                    SPAN("\xff\xfe<\xc0\xbc>\xe2\x80"),
                                    SPAN("{{v}}{{>part}}"),
                                    SPAN("` onclick=x `"),
                                    SPAN("/><!--"),
                                    SPAN("<![CDATA[<b>]]>"),
                                    span_make(large, sizeof(large)) };

    (void)state;
    for (size_t i = 0; i < sizeof(large); i++)
        large[i] = pattern[i % (sizeof(pattern) - 1)];
    for (size_t i = 0; i < sizeof(skeletons) / sizeof(skeletons[0]); i++) {
        const struct template_source sources[] = { { "s", span_of(skeletons[i]) }, { NULL, { 0 } } };
        char why[300] = "";
        struct template_set *set = template_set_new(NULL, sources, why, sizeof(why));
        struct buf want = { 0 }, harmless = { 0 };

        if (set == NULL)
            fail_msg("%s: %s", skeletons[i], why);
        render_both(set, SPAN("x"), &want, &harmless);
        for (size_t h = 0; h < sizeof(hostile) / sizeof(hostile[0]); h++) {
            struct buf tags = { 0 }, page = { 0 };

            render_both(set, hostile[h], &tags, &page);
            if (!span_eq(buf_span(&tags), buf_span(&want)))
                fail_msg("%s with value %zu: %.*s", skeletons[i], h, SPAN_ARG(buf_span(&tags)));
            assert_false(runs_code(buf_span(&page)));
            assert_null(memchr(page.at, '\0', page.size));
            assert_null(memchr(page.at, '\x01', page.size));
            buf_free(&tags);
            buf_free(&page);
        }
        buf_free(&want);
        buf_free(&harmless);
        template_set_free(&set);
    }
}

/* ---- sets, parts, limits ---- */
static struct template_set *set_of(const struct template_set *base, const char *name, const char *text,
                                   const char *name2, const char *text2, char *why, size_t why_size)
{
    const struct template_source sources[] = { { name, span_of(text) },
                                               { name2, span_of(text2) },
                                               { NULL, { 0 } } };

    return template_set_new(base, sources, why, why_size);
}

static void sets_and_parts(void **state)
{
    char why[300] = "";
    struct template_set *base = set_of(NULL, "part", "B{{>tail}}", "tail", "T", why, sizeof(why)), *set;
    struct buf page = { 0 };

    (void)state;
    assert_non_null(base);
    set = set_of(base, "tail", "own", "a", "{{>part}}{{>tail}}", why, sizeof(why));
    assert_non_null(set);
    assert_true(template_render(set, "a", values, MOST, &page));
    assert_true(span_is(buf_span(&page), "BTown"));
    assert_true(template_has(set, "part") && !template_has(base, "a") && !template_has(set, "none"));
    assert_false(template_render(set, "none", values, MOST, &page));
    template_set_free(&set);
    assert_null(set_of(base, "a", "{{>b}}", "b", "\n{{>a}}", why, sizeof(why)));
    assert_non_null(strstr(why, "parts that include each other"));
    assert_null(set_of(base, "a", "", "a", "", why, sizeof(why)));
    assert_string_equal(why, "a: there are two of that name");
    template_set_free(&base);
    buf_free(&page);
}

static bool chain_compiles(unsigned count, char *why, size_t why_size)
{
    struct template_source sources[64] = { 0 };
    char names[64][8], texts[64][16];
    struct template_set *set;

    for (unsigned i = 0; i < count; i++) {
        snprintf(names[i], sizeof(names[i]), "p%u", i);
        snprintf(texts[i], sizeof(texts[i]), i + 1 < count ? "{{>p%u}}" : "end", i + 1);
        sources[i] = (struct template_source){ names[i], span_of(texts[i]) };
    }
    set = template_set_new(NULL, sources, why, why_size);
    if (set == NULL)
        return false;
    template_set_free(&set);
    return true;
}

static void limits(void **state)
{
    char why[300] = "", *text = calloc(1, 300 * 1024 + 1);
    struct template_set *set;
    struct buf page = { 0 };

    (void)state;
    assert_true(chain_compiles(16, why, sizeof(why)));
    assert_false(chain_compiles(17, why, sizeof(why)));
    assert_non_null(strstr(why, "too many parts"));
    memset(text, 'x', 300 * 1024);
    assert_null(load(text, why, sizeof(why)));
    assert_string_equal(why, "a:1: more than 256 KiB");
    text[0] = '\0';
    for (unsigned i = 0; i < 33; i++)
        strncat(text, "{{#a}}", 7);
    assert_null(load(text, why, sizeof(why)));
    assert_non_null(strstr(why, "too many sections"));
    free(text);

    /* what does not fit leaves nothing behind */
    set = load("0123456789{{name}}", why, sizeof(why));
    buf_text(&page, "before");
    assert_false(template_render(set, "a", values, 20, &page));
    assert_false(template_render(set, "a", values, 5, &page));
    assert_true(span_is(buf_span(&page), "before"));
    template_set_free(&set);

    /* lists within lists end */
    set = load("{{#l}}{{#l}}{{#l}}{{#l}}{{#l}}{{#l}}{{#l}}{{zero}}{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}",
               why, sizeof(why));
    assert_non_null(set);
    struct json_object *object = json_object_new_object(), *list = json_object_new_array();
    for (int i = 0; i < 100; i++)
        json_object_array_add(list, json_object_new_int(i));
    json_object_object_add(object, "l", list);
    assert_false(template_render(set, "a", object, 1u << 30, &page));
    json_object_put(object);
    template_set_free(&set);
    buf_free(&page);
}

static void plain_text(void **state)
{
    char why[300] = "";
    struct template_set *set = load("<p>{{name}}</p>", why, sizeof(why));
    struct buf page = { 0 };

    (void)state;
    assert_true(template_render_text(set, "a", values, MOST, &page));
    assert_true(span_is(buf_span(&page), "<p><b>&'\"</p>"));
    buf_clear(&page);
    assert_true(template_render_text(set, "p.txt", values, MOST, &page));
    assert_true(span_is(buf_span(&page), "<b>&'\" <a@b>abcde\nf\xe2\x80\xa8g\n"));
    assert_false(template_render(set, "p.txt", values, MOST, &page));
    template_set_free(&set);
    buf_free(&page);
}

static void every_text(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TEXT_COUNT; i++)
        assert_true(page_text((enum page_text)i)[0] != '\0');
    assert_string_equal(TEXT(log_out), "Log out");
    assert_string_equal(page_text_find("log_out"), "Log out");
    assert_null(page_text_find("log_ou"));
    assert_null(page_text_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shows, make_values, drop_values),
        cmocka_unit_test(refuses),
        cmocka_unit_test(no_value_changes_the_page),
        cmocka_unit_test_setup_teardown(sets_and_parts, make_values, drop_values),
        cmocka_unit_test_setup_teardown(limits, make_values, drop_values),
        cmocka_unit_test_setup_teardown(plain_text, make_values, drop_values),
        cmocka_unit_test(every_text),
    };

    return cmocka_run_group_tests_name("page_template", tests, NULL, NULL);
}
