/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_index_test.c - proves modules/rest/index.h with endpoints that no sane person would
 * write: what they say is only text, and what they need is told. */
#include "modules/rest/index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void run(struct rest_call *call)
{
    (void)call;
}

static int some_script;

static struct rest_endpoint endpoints[] = {
    { .folder = "zoo",
      .regex = "/([^/]+)(?:/([^/]+))?",
      .shown = "/rest/zoo/{animal}[/{part}]",
      .methods = { { .method = HTTP_GET, .run = run, .about = "Shows <script>alert(1)</script>" },
                   { .method = HTTP_POST,
                     .run = run,
                     .role = REST_ADMIN,
                     .content = CONTENT_MAP,
                     .about = "Feeds it",
                     .details = "With \"quotes\" & more",
                     .request_json = "{\"feed\":{\"what\":\"it's\",\"value\":[\"a\"]}}",
                     .request_xml = "<feed><what>it's</what></feed>",
                     .answer_json = "{\"list\":[{\"a\":\"x\"},{\"a\":\"y\",\"b\":1}]}" } } },
    { .folder = "ape",
      .regex = "/.*",
      .script = &some_script,
      .methods = { { .method = HTTP_GET,
                     .run = run,
                     .needs_no_key = true,
                     .role = REST_USER,
                     .role_name = SPAN("keeper") } } },
    { .folder = "ape",
      .regex = "/([^/]+)",
      .script = &some_script,
      .methods = { { .method = HTTP_DELETE, .run = run } } },
    { .folder = "zoo",
      .regex = "/([^/]+)/?",
      .shown = "/rest/zoo/{other}",
      .methods = { { .method = HTTP_GET, .run = run, .about = "Hidden by the first" },
                   { .method = HTTP_PUT, .run = run, .about = "Not hidden" } } },
    { .folder = "",
      .regex = "/static/([^/]+)",
      .shown = "/rest/static/{name}",
      .methods = { { .method = HTTP_GET, .run = run, .needs_no_key = true } } },
};

#define ENDPOINTS (sizeof(endpoints) / sizeof(endpoints[0]))

struct stage {
    struct arena *arena;
    struct rest_conf conf;
    struct rest rest;
    struct rest_endpoint *table[ENDPOINTS];
    struct index index;
};

static void set_up(struct stage *stage, const char *context)
{
    *stage = (struct stage){ .arena = arena_new(), .conf = { .context_path = context } };
    for (size_t i = 0; i < ENDPOINTS; i++)
        stage->table[i] = &endpoints[i];
    stage->rest =
        (struct rest){ .conf = &stage->conf, .endpoints = stage->table, .endpoint_count = ENDPOINTS };
    index_read(stage->arena, &stage->rest, &stage->index);
}

static void what_is_shown_is_sorted_and_in_its_context(void **state)
{
    static const char *const wanted[] = { "/api/ape/.*", "/api/ape/{part1}", "/api/zoo/{animal}[/{part}]",
                                          "/api/zoo/{other}" };
    struct stage stage;

    (void)state;
    set_up(&stage, "/api");
    assert_int_equal(stage.index.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(span_is(stage.index.entries[i].path, wanted[i]));
    assert_false(stage.index.entries[0].is_readable);
    assert_true(stage.index.entries[1].is_readable);
    arena_free(&stage.arena);
    set_up(&stage, "/");
    assert_true(span_is(stage.index.entries[2].path, "/zoo/{animal}[/{part}]"));
    arena_free(&stage.arena);
}

static void each_method_has_an_anchor_of_its_own(void **state)
{
    struct rest_endpoint same[] = { endpoints[0], endpoints[0] };
    struct stage stage;

    (void)state;
    set_up(&stage, "/rest");
    same[0].shown = "/rest/zoo/{animal}/{part}";
    same[1].shown = "/rest/zoo/{animal}@{part}";
    stage.table[0] = &same[0];
    stage.table[1] = &same[1];
    stage.rest.endpoint_count = 2;
    index_read(stage.arena, &stage.rest, &stage.index);
    assert_string_equal(stage.index.entries[0].methods[0].anchor, "get-rest-zoo-animal-part");
    assert_string_equal(stage.index.entries[0].methods[1].anchor, "post-rest-zoo-animal-part");
    assert_string_equal(stage.index.entries[1].methods[0].anchor, "get-rest-zoo-animal-part-2");
    arena_free(&stage.arena);
}

static bool has(const struct buf *page, const char *text)
{
    return memmem(page->at, page->size, text, strlen(text)) != NULL;
}

static void a_page_holds_foreign_text_as_text(void **state)
{
    struct index_links links = { .base = SPAN("a\"b/"),
                                 .origin = SPAN("http://x\"><i>"),
                                 .style = "index-1.css",
                                 .script = "index-2.js" };
    struct buf page = { 0 };
    struct stage stage;

    (void)state;
    set_up(&stage, "/rest");
    stage.index.failed = (const char *[]){ "x/<b>.lua" };
    stage.index.failed_count = 1;
    index_page(&page, &stage.index, &links);
    assert_false(has(&page, "<script>alert"));
    assert_true(has(&page, "Shows &lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_true(has(&page, "With &quot;quotes&quot; &amp; more"));
    assert_false(has(&page, "<i>"));
    assert_false(has(&page, "a\"b"));
    assert_false(has(&page, "<b>.lua"));
    assert_true(has(&page, "x/&lt;b&gt;.lua"));
    /* a quote in a body stays one word of the shell: it'\''s */
    assert_true(has(&page, "it&#39;\\&#39;&#39;s") || has(&page, "it&apos;\\&apos;&apos;s"));
    buf_free(&page);
    arena_free(&stage.arena);
}

static struct json_object *at(struct json_object *json, const char *const *names)
{
    for (; *names && json; names++)
        json = json_member(json, *names);
    return json;
}

#define AT(json, ...) at(json, (const char *const[]){ __VA_ARGS__, NULL })

static void assert_json(struct json_object *json, const char *wanted)
{
    struct buf text = { 0 };

    json_write(&text, json);
    buf_char(&text, '\0');
    assert_string_equal(text.at, wanted);
    buf_free(&text);
}

static void openapi_has_each_path_once(void **state)
{
    struct json_object *document, *paths;
    struct stage stage;

    (void)state;
    set_up(&stage, "/rest");
    document = index_openapi(stage.arena, &stage.index);
    paths = json_member(document, "paths");
    assert_int_equal(json_object_object_length(paths), 3);
    assert_json(AT(paths, "/rest/zoo/{animal}", "get", "operationId"), "\"getZooAnimal\"");
    assert_json(AT(paths, "/rest/zoo/{animal}", "put", "summary"), "\"Not hidden\"");
    assert_non_null(AT(paths, "/rest/zoo/{animal}/{part}", "get"));
    assert_non_null(AT(paths, "/rest/ape/{part1}", "delete"));
    assert_null(json_member(paths, "/rest/zoo/{other}"));
    json_object_put(document);
    arena_free(&stage.arena);
}

static void openapi_tells_what_is_needed(void **state)
{
    struct json_object *document, *paths;
    struct stage stage;

    (void)state;
    set_up(&stage, "/rest");
    document = index_openapi(stage.arena, &stage.index);
    paths = json_member(document, "paths");
    assert_json(AT(paths, "/rest/zoo/{animal}", "get", "security"), "[{\"ApiKey\":[]}]");
    assert_json(AT(paths, "/rest/zoo/{animal}", "post", "security"),
                "[{\"ApiKey\":[],\"Login\":[\"admin\"]}]");
    json_object_put(document);
    arena_free(&stage.arena);

    set_up(&stage, "/rest");
    stage.index.is_open = true;
    document = index_openapi(stage.arena, &stage.index);
    paths = json_member(document, "paths");
    assert_json(AT(paths, "/rest/zoo/{animal}", "get", "security"), "[]");
    assert_json(AT(paths, "/rest/zoo/{animal}", "post", "security"), "[{\"Login\":[\"admin\"]}]");
    json_object_put(document);
    arena_free(&stage.arena);
}

static void schemas_are_those_of_the_examples(void **state)
{
    struct json_object *document, *post;
    struct stage stage;

    (void)state;
    set_up(&stage, "/rest");
    document = index_openapi(stage.arena, &stage.index);
    post = AT(json_member(document, "paths"), "/rest/zoo/{animal}", "post");
    assert_json(
        AT(post, "requestBody", "content", "application/json", "schema"),
        "{\"type\":\"object\",\"properties\":{\"feed\":{\"type\":\"object\",\"properties\":{\"what\":{"
        "\"type\":\"string\"},\"value\":{\"$ref\":\"#/components/schemas/Value\"}}}}}");
    assert_json(
        AT(post, "responses", "200", "content", "application/json", "schema", "properties", "list", "items"),
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]},\"b\":{\"type\":"
        "\"integer\"}}}");
    assert_json(AT(post, "requestBody", "content", "application/xml", "example"),
                "\"\\u003cfeed\\u003e\\u003cwhat\\u003eit's\\u003c/what\\u003e\\u003c/feed\\u003e\"");
    json_object_put(document);
    arena_free(&stage.arena);
}

static void the_list_is_whole(void **state)
{
    struct json_object *list, *first;
    struct stage stage;

    (void)state;
    set_up(&stage, "/rest");
    list = index_list(&stage.index);
    assert_int_equal(json_object_array_length(AT(list, "rest", "endpoints")), 4);
    first = json_object_array_get_idx(AT(list, "rest", "endpoints"), 0);
    assert_json(
        first,
        "{\"folder\":\"ape\",\"path\":\"/rest/ape/.*\",\"regex\":\"/.*\",\"script\":true,\"methods\":[{"
        "\"method\":\"GET\",\"info\":\"\",\"key\":false,\"role\":\"keeper\"}]}");
    json_object_put(list);
    arena_free(&stage.arena);
}

static void files_have_names_by_their_bytes(void **state)
{
    struct index_file one = { "index", "css", "text/css", (const unsigned char *)"a", 1 }, other = one;
    char names[3][64];

    (void)state;
    other.at = (const unsigned char *)"b";
    index_file_name(&one, names[0], sizeof(names[0]));
    index_file_name(&one, names[1], sizeof(names[1]));
    index_file_name(&other, names[2], sizeof(names[2]));
    assert_string_equal(names[0], "index-ca978112ca1bbdca.css");
    assert_string_equal(names[0], names[1]);
    assert_string_not_equal(names[0], names[2]);
    for (const struct index_file *file = index_files; file->name; file++)
        assert_true(file->size > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_shown_is_sorted_and_in_its_context),
        cmocka_unit_test(each_method_has_an_anchor_of_its_own),
        cmocka_unit_test(a_page_holds_foreign_text_as_text),
        cmocka_unit_test(openapi_has_each_path_once),
        cmocka_unit_test(openapi_tells_what_is_needed),
        cmocka_unit_test(schemas_are_those_of_the_examples),
        cmocka_unit_test(the_list_is_whole),
        cmocka_unit_test(files_have_names_by_their_bytes),
    };

    return cmocka_run_group_tests_name("rest_index", tests, NULL, NULL);
}
