/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: upload_uri_test.c - templates of URLs: what is refused, and names there and back. */
#include "modules/upload/uri_template.h"

#include "base/codec.h"
#include "modules/upload/slot.h"
#include "parse/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ID "0123abcd-0123-4567-89ab-0123456789ab"

static void templates_that_cannot_work_are_refused(void **state)
{
    static const struct {
        const char *text, *context;
        bool good;
    } rows[] = {
        { "{proto}://{serverName}:{port}/upload/{slotId}/{filename}", "/upload", true },
        { "{proto}://{serverName}:{port}/upload/{userJid}/{slotId}/{filename}", "/upload", true },
        { "{proto}://{serverName}:{port}/upload/{domain}/{slotId}/{filename}", "/upload", true },
        { "{proto}://upload.example.com:{port}/upload/{domain}/{slotId}/{filename}", "/upload", true },
        { "https://{domain}/upload/{slotId}/{filename}", "/upload", true },
        { "https://a/{slotId}/{filename}", "/", true },
        { "https://a/f/{slotId}-{filename}", "/f", true },
        { "https://a/upload/{slotId}", "/upload", false },
        { "https://a/upload/{filename}", "/upload", false },
        { "https://a/upload/{slotId}{filename}", "/upload", false },
        { "https://a/other/{slotId}/{filename}", "/upload", false },
        { "https://a/uploads/{slotId}/{filename}", "/upload", false },
        { "https://{slotId}/upload/{filename}", "/upload", false },
        { "https://a/upload/{slotId}/{slotId}/{filename}", "/upload", false },
        { "https://a/upload/{slotid}/{filename}", "/upload", false },
        { "https://a/upload/{slotId/{filename}", "/upload", false },
        { "https://a/upload/slotId}/{filename}", "/upload", false },
        { "https://a/upload//{slotId}/{filename}", "/upload", false },
        { "https://a/upload/{slotId}/{filename}?x=1", "/upload", false },
        { "/upload/{slotId}/{filename}", "/upload", false },
        { "https://a", "/", false },
        { "", "/", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct uri_template template;
        const char *why = uri_template_parse(&template, rows[i].text, rows[i].context);

        if ((why == NULL) != rows[i].good)
            fail_msg("%s: %s", rows[i].text, why != NULL ? why : "taken");
    }
}

/* URL, decoded as a request would be, and matched. */
static void there_and_back(const struct uri_template *template, struct span user, struct span id,
                           struct span filename)
{
    struct uri_values values = { .proto = "https",
                                 .server_name = "h",
                                 .port = 443,
                                 .user_jid = user,
                                 .domain = SPAN("d.example"),
                                 .slot_id = id,
                                 .filename = filename };
    struct buf url = { 0 }, path = { 0 }, wanted = { 0 };
    enum problem problem = PROBLEM_none;
    struct uri_match match;
    struct span rest;

    uri_template_format(template, &values, &url);
    rest = span_from(buf_span(&url), strlen("https://"));
    span_cut(&rest, '/');
    rest = span_make(rest.at - 1, rest.size + 1);
    for (size_t i = 0; i < rest.size; i++)
        assert_true(rest.at[i] > ' ' && rest.at[i] < 0x7f && strchr("\"<>\\^`{|}?#", rest.at[i]) == NULL);
    assert_true(uri_path_decode(rest, &path, &problem));
    assert_true(uri_template_match(template, buf_span(&path), &match));
    assert_true(span_eq(match.slot_id, id));
    slot_segment(filename, &wanted);
    assert_true(span_eq(match.filename, buf_span(&wanted)));
    if (match.user_jid.at != NULL) {
        buf_clear(&wanted);
        slot_segment(user, &wanted);
        assert_true(span_eq(match.user_jid, buf_span(&wanted)));
    }
    buf_free(&url);
    buf_free(&path);
    buf_free(&wanted);
}

static void hostile_names_come_back(void **state)
{
    static const char *const templates[] = {
        "{proto}://{serverName}:{port}/upload/{userJid}/{slotId}/{filename}",
        "{proto}://{serverName}:{port}/upload/{slotId}/{filename}",
        "{proto}://{serverName}:{port}/upload/{domain}/{userJid}/{slotId}-{filename}",
        "{proto}://{serverName}:{port}/upload/{filename}.d/{slotId}",
    };
    static const struct span names[] = {
        SPAN("a.txt"),
        SPAN("a b+c&d=e;f?g#h%20i"),
        SPAN("../../etc/passwd"),
        SPAN(".."),
        SPAN("\"quotes\" 'and' <tags>"),
        SPAN("line\r\nbreak\tand\x01 control"),
        SPAN("back\\slash"),
        SPAN("\xd8\xb9\xd8\xb1\xd8\xa8\xd9\x8a.pdf"),
        SPAN("\xe4\xbd\xa0\xe5\xa5\xbd.png"),
        SPAN("\xf0\x9f\x98\x80.gif"),
        SPAN("{slotId}"),
        SPAN("a-b.d-c.d"),
        SPAN("nul\0byte"),
    };
    static const struct span users[] = {
        SPAN("alice@example.org"),
        SPAN("d'artagnan\\20x@[::1]"),
        SPAN("a%2fb@example.org"),
    };
    static const struct span ids[] = { SPAN(ID), SPAN("AQIDBA-_x") };

    (void)state;
    for (size_t t = 0; t < sizeof(templates) / sizeof(templates[0]); t++) {
        struct uri_template template;

        assert_null(uri_template_parse(&template, templates[t], "/upload"));
        for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
            for (size_t u = 0; u < sizeof(users) / sizeof(users[0]); u++)
                there_and_back(&template, users[u], ids[t == 2 ? 0 : (n + u) % 2], names[n]);
    }
}

static void other_paths_do_not_match(void **state)
{
    static const char *const paths[] = {
        "/upload",
        "/upload/",
        "/upload/" ID,
        "/upload/" ID "/",
        "/upload//a",
        "/upload/" ID "/a/b",
        "/uploads/" ID "/a",
        "/x/upload/" ID "/a",
        "",
        "/",
    };
    struct uri_template template;
    struct uri_match match;

    (void)state;
    assert_null(
        uri_template_parse(&template, "{proto}://{serverName}:{port}/upload/{slotId}/{filename}", "/upload"));
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_false(uri_template_match(&template, span_of(paths[i]), &match));
    assert_true(uri_template_match(&template, SPAN("/upload/" ID "/a"), &match));
    assert_null(match.user_jid.at);
    assert_null(match.domain.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_that_cannot_work_are_refused),
        cmocka_unit_test(hostile_names_come_back),
        cmocka_unit_test(other_paths_do_not_match),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
