/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_http_test.c - requests below /rest through a whole HTTP server: which endpoint, in
 * which order it is asked for key, login, role and content, and what callers read when something is wrong. */
#include "http_driver.h"
#include "rest_env.h"

#include "base/codec.h"
#include "shm/auth_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define KEYS "http { rest { api-keys = [ 'k', 'get:regex=/rest/t/.*' ] } }\n"

static struct driver driver;
static struct env env;
static struct segment *segment;

/* ---- endpoints that show what they were given ---- */

static void show(struct rest_call *call)
{
    struct json_object *map = json_object_new_object(), *seen = json_object_new_object();
    struct json_object *groups = json_object_new_array();

    for (unsigned i = 0; i < call->group_count; i++)
        json_object_array_add(groups, call->groups[i].at ? json_object_new_string_len(
                                                               call->groups[i].at, (int)call->groups[i].size)
                                                         : NULL);
    json_object_object_add(seen, "endpoint", json_object_new_string(call->endpoint->shown));
    json_object_object_add(seen, "groups", groups);
    json_object_object_add(seen, "user",
                           call->login.jid.at
                               ? json_object_new_string_len(call->login.jid.at, (int)call->login.jid.size)
                               : NULL);
    json_object_object_add(seen, "content", json_object_get(call->content));
    json_object_object_add(seen, "body", json_object_new_int((int)call->body.size));
    json_object_object_add(seen, "html", json_object_new_boolean(call->is_html_wished));
    json_object_object_add(map, "seen", seen);
    rest_answer(call, map);
}

static void clash(struct rest_call *call)
{
    reply_field(call->request, "Cache-Control", SPAN("public"));
    rest_problem(call, PROBLEM_conflict, "It is <there>");
}

static void bytes(struct rest_call *call)
{
    if (call->groups[0].at != NULL)
        reply_field(call->request, "Cache-Control", SPAN("private, max-age=300"));
    rest_answer_bytes(call, call->groups[0].at ? "image/png" : NULL, SPAN("bytes"));
}

static void stanza(struct rest_call *call)
{
    struct xml_element *iq = NULL;
    const char *why;

    must(xml_document(call->body, &xml_limits_client, call->request->arena, &iq, &why));
    rest_stanza_error(call, iq);
}

#define KEYLESS .needs_no_key = true

static struct rest_endpoint endpoints[] = {
    { .folder = "t",
      .regex = "/(?:([^@/]+)@){0,1}([^@/]+)",
      .shown = "jid",
      .methods = { { .method = HTTP_GET, .run = show }, { .method = HTTP_POST, .run = show } } },
    { .folder = "t",
      .regex = "/(?:fix|something-that-nobody-asks-for)", /* longer than the one above: it wins */
      .shown = "fix",
      .methods = { { .method = HTTP_GET, .run = show, KEYLESS },
                   { .method = HTTP_POST, .run = show, KEYLESS, .body_most = 100 },
                   { .method = HTTP_PUT, .run = show, KEYLESS, .content = CONTENT_NONE } } },
    { .folder = "hard",
      .regex = "/(a+)+[bc]",
      .shown = "hard",
      .methods = { { .method = HTTP_GET, .run = show } } },
    { .folder = "raw",
      .regex = "/",
      .shown = "raw",
      .methods = { { .method = HTTP_POST, .run = show, KEYLESS, .content = CONTENT_RAW } } },
    { .folder = "user",
      .regex = "/",
      .shown = "user",
      .methods = { { .method = HTTP_GET, .run = show, .role = REST_USER },
                   { .method = HTTP_PUT, .run = show, .role_name = { "boss", 4 } },
                   { .method = HTTP_POST, .run = show, .role = REST_ADMIN } } },
    { .folder = "fail",
      .regex = "/",
      .shown = "fail",
      .methods = { { .method = HTTP_GET, .run = clash, KEYLESS } } },
    { .folder = "bytes",
      .regex = "/(x)?",
      .shown = "bytes",
      .methods = { { .method = HTTP_GET, .run = bytes, KEYLESS } } },
    { .folder = "stanza",
      .regex = "/",
      .shown = "stanza",
      .methods = { { .method = HTTP_POST, .run = stanza, KEYLESS, .content = CONTENT_RAW } } },
    { .folder = "",
      .regex = "/top",
      .shown = "top",
      .methods = { { .method = HTTP_GET, .run = show, KEYLESS } } },
};

static void start(const char *text)
{
    char why[200];

    driver_init(&driver);
    driver_start(&driver);
    env_open(&env, text, driver.loop);
    segment = calloc(1, sizeof(*segment));
    env.host.segment = segment;
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
        if (!rest_add_endpoint(env.rest, &endpoints[i], why, sizeof(why)))
            fail_msg("%s: %s", endpoints[i].regex, why);
    stoa_module.contexts(&env.host, driver.table);
}

static void end(void)
{
    http_server_free(&driver.server);
    env_close(&env);
    free(segment);
    driver_end(&driver);
}

static const char *ask(const char *method, const char *path, const char *fields, const char *body)
{
    static char text[4096];
    int size = snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: h\r\n%s", method, path, fields);

    if (body != NULL)
        size += snprintf(text + size, sizeof(text) - (size_t)size, "Content-Length: %zu\r\n", strlen(body));
    snprintf(text + size, sizeof(text) - (size_t)size, "\r\n%s", body ? body : "");
    return driver_talk(&driver, text);
}

static void answers(const char *method, const char *path, const char *fields, const char *body, int status,
                    const char *word)
{
    const char *reply = ask(method, path, fields, body);

    if (driver_status(reply) != status || strstr(driver_body(reply), word) == NULL)
        fail_msg("%s %s %s: not %d with '%s' but\n%s", method, path, fields, status, word, reply);
    assert_int_equal(driver_count(reply, "X-Request-Id: "), 1);
}

/* ---- which endpoint ---- */

static void test_endpoints_are_found_by_folder_and_the_longest_expression(void **state)
{
    (void)state;
    start(KEYS);
    answers("GET", "/rest/t/fix", "", NULL, 200, "<endpoint>fix</endpoint>");
    answers("GET", "/rest/t/a@b.c", "Api-Key: k\r\n", NULL, 200,
            "<groups>\n    <item>a</item>\n    <item>b.c</item>\n  </groups>");
    answers("GET", "/rest/t/a%40b.c", "Api-Key: k\r\n", NULL, 200, "<item>a</item>");
    answers("GET", "/rest/t/b.c", "Api-Key: k\r\n", NULL, 200,
            "<groups>\n    <item />\n    <item>b.c</item>");
    answers("GET", "/rest/t/%c3%a4@b", "Api-Key: k\r\n", NULL, 200, "<item>\xc3\xa4</item>");
    answers("GET", "/rest/top", "", NULL, 200, "<endpoint>top</endpoint>");
    answers("GET", "/rest/t/fix/", "", NULL, 404, "<status>404</status>");
    answers("GET", "/rest/t", "", NULL, 404, "item-not-found");
    answers("GET", "/rest/tt/fix", "", NULL, 404, "");
    answers("GET", "/rest/nowhere/x", "Api-Key: wrong\r\n", NULL, 404, "");
    answers("GET", "/restt/fix", "", NULL, 404, "");
    answers("GET", "/rest/t/a%2fb", "", NULL, 400, "");
    end();
}

static void test_an_expression_that_gives_up_lets_nobody_in(void **state)
{
    (void)state;
    start(KEYS);
    answers("GET", "/rest/hard/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "Api-Key: k\r\n", NULL, 400,
            "cannot be matched");
    end();
}

static void test_methods(void **state)
{
    const char *reply;

    (void)state;
    start(KEYS);
    reply = ask("DELETE", "/rest/t/fix", "", NULL);
    assert_int_equal(driver_status(reply), 405);
    assert_string_equal(driver_field(reply, "Allow"), "GET, HEAD, POST, PUT, OPTIONS");
    reply = ask("PATCH", "/rest/raw/", "", NULL);
    assert_int_equal(driver_status(reply), 405);
    assert_string_equal(driver_field(reply, "Allow"), "POST, OPTIONS");
    reply = ask("BREW", "/rest/raw/", "", NULL);
    assert_int_equal(driver_status(reply), 405);
    reply = ask("HEAD", "/rest/t/fix", "", NULL);
    assert_int_equal(driver_status(reply), 200);
    assert_string_equal(driver_body(reply), "");
    assert_string_not_equal(driver_field(reply, "Content-Length"), "0");
    assert_int_equal(driver_status(ask("HEAD", "/rest/raw/", "", NULL)), 405);
    assert_int_equal(driver_status(ask("HEAD", "/rest/t/b.c", "", NULL)), 403);
    reply = ask("OPTIONS", "/rest/t/fix", "", NULL);
    assert_int_equal(driver_status(reply), 204);
    assert_string_equal(driver_field(reply, "Allow"), "GET, HEAD, POST, PUT, OPTIONS");
    assert_null(driver_field(reply, "Access-Control-Allow-Origin"));
    assert_int_equal(driver_status(ask("OPTIONS", "/rest/x/y", "", NULL)), 404);
    end();
}

/* ---- keys, logins, roles ---- */

static void test_keys_come_first(void **state)
{
    (void)state;
    start(KEYS);
    answers("GET", "/rest/t/b.c", "", NULL, 403, "This needs an API key");
    answers("GET", "/rest/t/b.c", "Api-Key: x\r\n", NULL, 403, "This API key is not known here");
    answers("GET", "/rest/t/b.c", "Api-Key: k\r\n", NULL, 200, "");
    answers("GET", "/rest/t/b.c?api-key=k", "", NULL, 200, "");
    answers("GET", "/rest/t/b.c?type=x&api%2dkey=%6b", "", NULL, 200, "");
    answers("GET", "/rest/t/b.c?api_key=k", "", NULL, 403, "");
    answers("GET", "/rest/t/b.c?api-key=k", "Api-Key: x\r\n", NULL, 403, ""); /* the field counts */
    answers("GET", "/rest/t/b.c?api-key=x", "Api-Key: k\r\n", NULL, 200, "");
    answers("GET", "/rest/t/b.c?api-key=", "", NULL, 403, "not known");
    answers("GET", "/rest/t/b.c", "Api-Key: get\r\n", NULL, 200, "");
    answers("GET", "/rest/user/", "Api-Key: get\r\n", NULL, 403, "This key does not cover this path");
    answers("GET", "/rest/user/", "", NULL, 403, "API key"); /* before the login is looked at */
    answers("POST", "/rest/t/b.c", "Content-Type: application/json\r\n", "{", 403, ""); /* and the body */
    end();
}

static void basic(char *field_r, size_t size, const char *credentials)
{
    struct buf text = { 0 };

    codec_base64(&text, span_of(credentials));
    snprintf(field_r, size, "Api-Key: k\r\nAuthorization: Basic %.*s\r\n", SPAN_ARG(buf_span(&text)));
    buf_free(&text);
}

static void test_then_logins_then_roles(void **state)
{
    char alice[200], admin[200];
    const char *reply;
    size_t used;

    (void)state;
    start(KEYS);
    reply = ask("GET", "/rest/user/", "Api-Key: k\r\nAccept: application/json\r\n", NULL);
    assert_int_equal(driver_status(reply), 401);
    assert_string_equal(driver_field(reply, "WWW-Authenticate"), "Basic realm=\"stoa\", charset=\"UTF-8\"");
    assert_string_equal(driver_field(reply, "Content-Type"), "application/problem+json");
    answers("GET", "/rest/user/", "Api-Key: k\r\nAuthorization: Basic ####\r\n", NULL, 400, "");
    auth_cache_keep(&segment->auth, SPAN("alice@example.org"), SPAN("a:b"), AUTH_PLAIN, INT64_MAX);
    auth_cache_keep(&segment->auth, SPAN("admin@example.org"), SPAN("x"), AUTH_ADMIN, INT64_MAX);
    basic(alice, sizeof(alice), "Alice@Example.ORG:a:b");
    basic(admin, sizeof(admin), "admin@example.org:x");
    answers("GET", "/rest/user/", alice, NULL, 200, "<user>alice@example.org</user>");
    answers("GET", "/rest/user/", admin, NULL, 200, "<user>admin@example.org</user>");
    answers("POST", "/rest/user/", admin, NULL, 200, "<user>admin@example.org</user>");
    answers("POST", "/rest/user/", alice, NULL, 403, "This needs the role admin");
    answers("PUT", "/rest/user/", "Api-Key: k\r\n", NULL, 401, "");
    answers("PUT", "/rest/user/", admin, NULL, 403, "This needs the role boss");
    used = strlen(alice);
    snprintf(alice + used, sizeof(alice) - used, "Content-Type: application/json\r\n");
    answers("POST", "/rest/user/", alice, "{", 403, "role admin"); /* before the body is read */
    end();
}

/* ---- content ---- */

static void test_bodies_become_maps(void **state)
{
    (void)state;
    start(KEYS);
    answers("POST", "/rest/t/fix", "Content-Type: application/json\r\n", "{\"a\":{\"b\":1}}", 200,
            "\"content\": {\n            \"a\": {\n                \"b\": 1");
    answers("POST", "/rest/t/fix", "Content-Type: text/xml; charset=\"UTF-8\"\r\n", "<a><b>1</b></a>", 200,
            "<content>\n    <a>\n      <b>1</b>");
    answers("POST", "/rest/t/fix", "Content-Type: Application/Vnd.X+XML\r\n", "<a><b>1</b></a>", 200,
            "<b>1</b>");
    answers("POST", "/rest/t/fix", "", NULL, 200, "<content />");
    answers("POST", "/rest/t/fix", "", "<a><b>1</b></a>", 200, "<content />\n  <body>15</body>");
    answers("POST", "/rest/t/fix", "Content-Type: text/plain\r\n", "{\"a\":1}", 200, "<content />");
    answers("POST", "/rest/t/fix?type=application/json", "Content-Type: application/xml\r\n",
            "<a><b>1</b></a>", 200, "<b>1</b>");
    answers("POST", "/rest/raw/", "Content-Type: application/json; charset=latin1\r\n", "{", 200,
            "\"body\": 1");
    end();
}

static void test_chunked_bodies_count(void **state)
{
    (void)state;
    start(KEYS);
    answers("POST", "/rest/t/fix",
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            "4\r\n{\"a\"\r\n3\r\n:7}\r\n0\r\n",
            NULL, 200, "\"a\": 7");
    answers("POST", "/rest/t/fix",
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            "65\r\n{\"a\":\"0123456789012345678901234567890123456789012345678901234567890"
            "12345678901234567890123456789012\"}\r\n0\r\n",
            NULL, 413, "The body may hold 100 bytes at most");
    end();
}

static void test_bad_bodies_are_refused(void **state)
{
    (void)state;
    start(KEYS);
    answers("POST", "/rest/t/fix", "Content-Type: application/json\r\n", "{\n x}", 400, "line 2, column 2");
    answers("POST", "/rest/t/fix", "Content-Type: application/xml\r\n", "<!DOCTYPE a><a/>", 400, "DTD");
    answers("POST", "/rest/t/fix", "Content-Type: application/json; charset=utf-16\r\n", "{}", 415, "UTF-8");
    answers("POST", "/rest/t/fix", "Content-Type: json\r\n", "{}", 415, "");
    answers("POST", "/rest/t/fix", "Content-Type: application/json\r\nAccept: text/html\r\n",
            "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345"
            "67890",
            413, "100 bytes");
    answers("PUT", "/rest/t/fix", "Content-Type: application/json\r\n", "{}", 400, "takes no body");
    answers("PUT", "/rest/t/fix", "", NULL, 200, "");
    end();
}

/* ---- answers ---- */

static void is_type(const char *path, const char *fields, const char *wanted)
{
    const char *type = driver_field(ask("GET", path, fields, NULL), "Content-Type");

    if (type == NULL || strcmp(type, wanted) != 0)
        fail_msg("GET %s %s: %s, not %s", path, fields, type ? type : "nothing", wanted);
}

static void test_the_format_is_the_contracts(void **state)
{
    static const char json[] = "application/json", xml[] = "application/xml";
    const char *reply;

    (void)state;
    start(KEYS);
    is_type("/rest/t/fix", "", xml);
    is_type("/rest/t/fix?type=application/json", "", json);
    is_type("/rest/t/fix?type=text/plain", "", xml);
    is_type("/rest/t/fix", "Content-Type: application/json;charset=utf-8\r\n", json);
    is_type("/rest/t/fix?type=application/json", "Content-Type: application/xml\r\n", xml);
    is_type("/rest/t/fix?type=application/xml", "Content-Type: application/json\r\n", json);
    is_type("/rest/t/fix", "Accept: application/json\r\n", json);
    is_type("/rest/t/fix", "Accept: application/xml;q=0.5, application/json\r\n", json);
    is_type("/rest/t/fix", "Accept: application/problem+json\r\n", json);
    is_type("/rest/t/fix", "Accept: */*\r\n", xml);
    is_type("/rest/t/fix", "Accept: text/html,application/xml;q=0.9,*/*;q=0.8\r\n", xml);
    is_type("/rest/t/fix", "Accept: application/json\r\nContent-Type: application/xml\r\n", xml);
    is_type("/rest/t/fix?type=application/xml", "Accept: application/json\r\n", xml);
    answers("GET", "/rest/t/fix", "Accept: text/html, */*\r\n", NULL, 200, "<html>true</html>");
    answers("GET", "/rest/t/fix", "Accept: */*, text/html\r\n", NULL, 200, "<html>false</html>");
    answers("GET", "/rest/t/fix?type=text/html", "", NULL, 200, "<html>true</html>");
    answers("GET", "/rest/t/fix?type=text/html", "Accept: */*\r\nContent-Type: application/json\r\n", NULL,
            200, "\"html\": true");
    answers("GET", "/rest/t/fix?type=application/json", "Accept: text/html\r\n", NULL, 200,
            "\"html\": false");
    reply = ask("GET", "/rest/t/fix", "", NULL);
    assert_string_equal(driver_field(reply, "Vary"), "Accept, Content-Type");
    assert_string_equal(driver_field(reply, "Cache-Control"), "no-store");
    assert_non_null(strstr(driver_field(reply, "Content-Security-Policy"), "sandbox"));
    reply = ask("GET", "/rest/bytes/x", "", NULL);
    assert_int_equal(driver_count(reply, "Cache-Control"), 1);
    assert_string_equal(driver_field(reply, "Cache-Control"), "private, max-age=300");
    assert_string_equal(driver_field(reply, "Content-Type"), "image/png");
    reply = ask("GET", "/rest/bytes/", "", NULL);
    assert_null(driver_field(reply, "Content-Type"));
    assert_string_equal(driver_field(reply, "Cache-Control"), "no-store");
    end();
}

static void test_problems_are_in_the_callers_format(void **state)
{
    const char *reply;

    (void)state;
    start(KEYS);
    reply = ask("GET", "/rest/fail/", "", NULL);
    assert_int_equal(driver_status(reply), 409);
    assert_string_equal(driver_field(reply, "Content-Type"), "application/problem+xml");
    assert_int_equal(driver_count(reply, "Cache-Control"), 1);
    assert_non_null(strstr(reply,
                           "<problem xmlns=\"urn:ietf:rfc:7807\">\n  <type>about:blank</type>\n"
                           "  <title>Conflict</title>\n  <status>409</status>\n"
                           "  <detail>It is &lt;there&gt;</detail>\n  <condition>conflict</condition>\n"
                           "  <id>"));
    reply = ask("GET", "/rest/fail/?type=application/json", "Accept: text/html\r\n", NULL);
    assert_string_equal(driver_field(reply, "Content-Type"), "application/problem+json");
    assert_non_null(strstr(
        reply, "{\n    \"type\": \"about:blank\",\n    \"title\": \"Conflict\",\n    \"status\": 409,\n"
               "    \"detail\": \"It is <there>\",\n    \"condition\": \"conflict\",\n    \"id\": \""));
    assert_non_null(strstr(reply, driver_field(reply, "X-Request-Id")));
    reply = ask("GET", "/rest/fail/", "Accept: text/html,*/*;q=0.8\r\n", NULL);
    assert_string_equal(driver_field(reply, "Content-Type"), "text/html; charset=utf-8");
    assert_non_null(strstr(reply, "<p>It is &lt;there&gt;</p>"));
    /* curl -d says it sends a form: no program wants a page for that */
    reply =
        ask("GET", "/rest/fail/", "Accept: */*\r\nContent-Type: application/x-www-form-urlencoded\r\n", NULL);
    assert_string_equal(driver_field(reply, "Content-Type"), "application/problem+xml");
    end();
}

static void test_reference_errors_are_bare(void **state)
{
    const char *reply;

    (void)state;
    start("http { rest { reference-errors = true } }\n");
    reply = ask("GET", "/rest/fail/", "", NULL);
    assert_int_equal(driver_status(reply), 404);
    assert_string_equal(driver_body(reply), "");
    assert_int_equal(driver_status(ask("DELETE", "/rest/t/fix", "", NULL)), 404);
    assert_int_equal(driver_status(ask("GET", "/rest/t/b.c", "", NULL)), 403);
    end();
}

static void test_stanza_errors_pass_on_condition_and_text_alone(void **state)
{
    static const struct {
        const char *error;
        int status;
        const char *word;
    } rows[] = {
        { "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>", 404,
          "<condition>item-not-found<" },
        { "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>", 404, "service-unavailable" },
        { "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>", 403, "forbidden" },
        { "<not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>", 403, "not-authorized" },
        { "<bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
          "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>no &lt;such</text>",
          400, "<detail>no &lt;such</detail>" },
        { "<remote-server-timeout xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>", 504, "" },
        { "<resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>", 503, "" },
        { "<internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>", 502, "" },
        { "<own xmlns='urn:x'/>", 502, "undefined-condition" },
        { "", 502, "undefined-condition" },
    };

    (void)state;
    start(KEYS);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char iq[600];

        snprintf(iq, sizeof(iq),
                 "<iq type='error'><command xmlns='c'><secret>hunter2</secret></command><error "
                 "type='cancel'>%s</error></iq>",
                 rows[i].error);
        answers("POST", "/rest/stanza/", "", iq, rows[i].status, rows[i].word);
        assert_null(strstr(driver.in.at, "hunter2"));
    }
    end();
}

/* ---- scripts of other sites ---- */

static void test_cors(void **state)
{
    const char *reply;

    (void)state;
    start("http { rest { cors-origins = [ 'https://app.example.org' ] } }\n");
    reply = ask("GET", "/rest/fail/", "Origin: https://app.example.org\r\n", NULL);
    assert_string_equal(driver_field(reply, "Access-Control-Allow-Origin"), "https://app.example.org");
    assert_non_null(strstr(reply, "Vary: Origin\r\n"));
    reply = ask("GET", "/rest/fail/", "Origin: https://evil.example.org\r\n", NULL);
    assert_null(driver_field(reply, "Access-Control-Allow-Origin"));
    assert_non_null(strstr(reply, "Vary: Origin\r\n"));
    reply = ask("OPTIONS", "/rest/t/fix",
                "Origin: https://app.example.org\r\nAccess-Control-Request-Method: POST\r\n", NULL);
    assert_int_equal(driver_status(reply), 204);
    assert_string_equal(driver_field(reply, "Access-Control-Allow-Methods"), "GET, HEAD, POST, PUT, OPTIONS");
    assert_non_null(strstr(driver_field(reply, "Access-Control-Allow-Headers"), "Api-Key"));
    assert_null(driver_field(reply, "Access-Control-Allow-Credentials"));
    answers("OPTIONS", "/rest/t/fix", "Origin: https://x\r\nAccess-Control-Request-Method: POST\r\n", NULL,
            403, "cors-origins");
    end();
    start("http { rest { cors-origins = '*' } }\n");
    reply = ask("GET", "/rest/fail/", "Origin: https://any.example.org\r\n", NULL);
    assert_string_equal(driver_field(reply, "Access-Control-Allow-Origin"), "*");
    end();
}

static void test_removed_endpoints_are_gone(void **state)
{
    (void)state;
    start(KEYS);
    rest_remove_endpoint(env.rest, &endpoints[1]);
    answers("GET", "/rest/t/fix", "", NULL, 403, "API key"); /* now it is a JID */
    end();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endpoints_are_found_by_folder_and_the_longest_expression),
        cmocka_unit_test(test_an_expression_that_gives_up_lets_nobody_in),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_keys_come_first),
        cmocka_unit_test(test_then_logins_then_roles),
        cmocka_unit_test(test_bodies_become_maps),
        cmocka_unit_test(test_chunked_bodies_count),
        cmocka_unit_test(test_bad_bodies_are_refused),
        cmocka_unit_test(test_the_format_is_the_contracts),
        cmocka_unit_test(test_problems_are_in_the_callers_format),
        cmocka_unit_test(test_reference_errors_are_bare),
        cmocka_unit_test(test_stanza_errors_pass_on_condition_and_text_alone),
        cmocka_unit_test(test_cors),
        cmocka_unit_test(test_removed_endpoints_are_gone),
    };

    xml_start();
    return cmocka_run_group_tests_name("rest_http", tests, NULL, NULL);
}
