/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: upload_policy_test.c - who gets which slot, before anything is counted. */
#include "modules/upload/slot_policy.h"

#include "modules/upload/media.h"
#include "upload_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define NOW (1700000000 * USEC_PER_SEC)

static const char text[] = "xmpp { domains = [ 'example.org' ] }\n"
                           "upload {\n"
                           "  logic { max-file-size = 1000 }\n"
                           "  limits { allow-types = [ 'image/*', 'text/plain' ]\n"
                           "           allow-extensions = [ jpg, txt ] }\n"
                           "  purposes { profile { max-file-size = 10 }\n"
                           "             permanent { active = false }\n"
                           "             ephemeral { expiration-time = PT1H } }\n"
                           "}\n";

static const struct {
    const char *filename, *size, *type;
    unsigned purposes;
    const char *purpose, *expire_before;
    enum problem problem; /* none: granted */
    int64_t most, keep;   /* keep: seconds until it expires */
} wishes[] = {
    { "a.jpg", "1000", "image/jpeg", 0, NULL, NULL, PROBLEM_none, 0, 30 * 86400 },
    { "a.JPG", "1", "IMAGE/JPEG; q=1", 0, NULL, NULL, PROBLEM_none, 0, 30 * 86400 },
    { "a.jpg", "1001", "image/jpeg", 0, NULL, NULL, PROBLEM_file_too_large, 1000, 0 },
    { "a.jpg", "99999999999999999999999", "image/jpeg", 0, NULL, NULL, PROBLEM_file_too_large, 1000, 0 },
    { "a.jpg", NULL, "image/jpeg", 0, NULL, NULL, PROBLEM_bad_request, 0, 0 },
    { "a.jpg", "", "image/jpeg", 0, NULL, NULL, PROBLEM_bad_request, 0, 0 },
    { "a.jpg", "0", "image/jpeg", 0, NULL, NULL, PROBLEM_bad_request, 0, 0 },
    { "a.jpg", "-1", "image/jpeg", 0, NULL, NULL, PROBLEM_bad_request, 0, 0 },
    { "a.jpg", "1e3", "image/jpeg", 0, NULL, NULL, PROBLEM_bad_request, 0, 0 },
    { NULL, "1", "image/jpeg", 0, NULL, NULL, PROBLEM_bad_request, 0, 0 },
    { "", "1", "image/jpeg", 0, NULL, NULL, PROBLEM_bad_request, 0, 0 },
    { "a\xff.jpg", "1", "image/jpeg", 0, NULL, NULL, PROBLEM_bad_request, 0, 0 },
    { "a.jpg", "1", "image", 0, NULL, NULL, PROBLEM_bad_request, 0, 0 },
    { "a.jpg", "1", "image/jpeg\r\nX: y", 0, NULL, NULL, PROBLEM_bad_request, 0, 0 },
    { "a.jpg", "1", "application/pdf", 0, NULL, NULL, PROBLEM_type_not_allowed, 0, 0 },
    { "a.jpg", "1", NULL, 0, NULL, NULL, PROBLEM_type_not_allowed, 0, 0 },
    { "a.exe", "1", "text/plain", 0, NULL, NULL, PROBLEM_type_not_allowed, 0, 0 },
    { "jpg", "1", "text/plain", 0, NULL, NULL, PROBLEM_type_not_allowed, 0, 0 },
    { "a.jpg", "10", "image/jpeg", 1, "profile", NULL, PROBLEM_none, 0, 0 },
    { "a.jpg", "11", "image/jpeg", 1, "profile", NULL, PROBLEM_file_too_large, 10, 0 },
    { "a.jpg", "1", "image/jpeg", 1, "message", NULL, PROBLEM_none, 0, 30 * 86400 },
    { "a.jpg", "1", "image/jpeg", 1, "permanent", NULL, PROBLEM_not_implemented, 0, 0 },
    { "a.jpg", "1", "image/jpeg", 1, NULL, NULL, PROBLEM_bad_request, 0, 0 },
    { "a.jpg", "1", "image/jpeg", 2, "message", NULL, PROBLEM_bad_request, 0, 0 },
    { "a.jpg", "1", "image/jpeg", 1, "ephemeral", NULL, PROBLEM_bad_request, 0, 0 },
    { "a.jpg", "1", "image/jpeg", 1, "ephemeral", "tomorrow", PROBLEM_bad_request, 0, 0 },
    { "a.jpg", "1", "image/jpeg", 1, "ephemeral", "2023-11-14T22:13:20Z", PROBLEM_bad_request, 0, 0 },
    { "a.jpg", "1", "image/jpeg", 1, "ephemeral", "2023-11-14T22:13:30Z", PROBLEM_none, 0, 10 },
    { "a.jpg", "1", "image/jpeg", 1, "ephemeral", "2033-11-14T22:13:30Z", PROBLEM_none, 0, 3600 },
};

static void wishes_are_judged(void **state)
{
    struct env env;

    (void)state;
    env_open(&env, text, NULL);
    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        struct slot_wish wish = { .owner = SPAN("alice@example.org"),
                                  .domain = SPAN("example.org"),
                                  .filename = span_of(wishes[i].filename),
                                  .size = span_of(wishes[i].size),
                                  .type = span_of(wishes[i].type),
                                  .purposes = wishes[i].purposes,
                                  .purpose = wishes[i].purpose,
                                  .expire_before = span_of(wishes[i].expire_before) };
        struct slot_refused refused = { 0 };
        struct slot slot;
        bool granted = policy_grants(env.upload->conf, &wish, NOW, env.arena, &slot, &refused);

        if (granted != (wishes[i].problem == PROBLEM_none) || refused.problem != wishes[i].problem ||
            refused.most != wishes[i].most)
            fail_msg("wish %zu: %d", i, refused.problem);
        if (!granted) {
            assert_non_null(refused.detail);
            continue;
        }
        assert_true(slot.expires == (wishes[i].keep > 0 ? NOW + wishes[i].keep * USEC_PER_SEC : 0));
        assert_true(slot.put_until == NOW + 300 * USEC_PER_SEC);
    }
    env_close(&env);
}

static void names_of_255_bytes_pass_and_of_256_do_not(void **state)
{
    char name[257];
    struct slot_wish wish = { .owner = SPAN("a@b"), .domain = SPAN("b"), .size = SPAN("1") };
    struct slot_refused refused = { 0 };
    struct slot slot;
    struct env env;

    (void)state;
    env_open(&env, "upload {}\n", NULL);
    memset(name, 'x', sizeof(name));
    wish.filename = span_make(name, 255);
    assert_true(policy_grants(env.upload->conf, &wish, NOW, env.arena, &slot, &refused));
    wish.filename = span_make(name, 256);
    assert_false(policy_grants(env.upload->conf, &wish, NOW, env.arena, &slot, &refused));
    env_close(&env);
}

static void local_means_our_domains(void **state)
{
    struct env env;

    (void)state;
    env_open(&env, text, NULL);
    assert_true(policy_is_local(&env.settings, SPAN("example.org"), SPAN("upload.other.org")));
    assert_false(policy_is_local(&env.settings, SPAN("other.org"), SPAN("upload.other.org")));
    env_close(&env);
    env_open(&env, "upload {}\n", NULL);
    assert_true(policy_is_local(&env.settings, SPAN("other.org"), SPAN("upload.other.org")));
    assert_false(policy_is_local(&env.settings, SPAN("example.org"), SPAN("upload.other.org")));
    assert_false(policy_is_local(&env.settings, SPAN(""), SPAN("upload")));
    env_close(&env);
}

static void buckets_tell_how_long_to_wait(void **state)
{
    struct buckets *buckets = calloc(1, sizeof(*buckets));
    struct env env;
    int64_t wait;

    (void)state;
    env_open(&env, "upload { limits { burst = 3\n rate-period = PT30S } }\n", NULL);
    for (int i = 0; i < 3; i++)
        assert_true(policy_wait(env.upload->conf, buckets, SPAN("a@b"), 1000 * USEC_PER_SEC) == 0);
    wait = policy_wait(env.upload->conf, buckets, SPAN("a@b"), 1000 * USEC_PER_SEC);
    assert_true(wait > 9 * USEC_PER_SEC && wait < 11 * USEC_PER_SEC);
    assert_true(policy_wait(env.upload->conf, buckets, SPAN("c@b"), 1000 * USEC_PER_SEC) == 0);
    assert_true(policy_wait(env.upload->conf, buckets, SPAN("a@b"), 1011 * USEC_PER_SEC) == 0);
    env_close(&env);
    free(buckets);
}

static void active_types_are_never_inline(void **state)
{
    static const char *const active[] = { "text/html",       "TEXT/HTML; charset=utf-8",
                                          "image/svg+xml",   "application/xhtml+xml",
                                          "application/xml", "text/xml",
                                          "application/pdf", "application/atom+xml",
                                          "nonsense",        "" };
    static const char *const passive[] = { "image/png", "video/mp4", "audio/ogg", "text/plain" };

    (void)state;
    for (size_t i = 0; i < sizeof(active) / sizeof(active[0]); i++)
        assert_true(media_is_active(span_of(active[i])));
    for (size_t i = 0; i < sizeof(passive) / sizeof(passive[0]); i++)
        assert_false(media_is_active(span_of(passive[i])));
    assert_string_equal(media_by_name(SPAN("a.b.WEBP")), "image/webp");
    assert_string_equal(media_by_name(SPAN("webp")), "application/octet-stream");
    assert_string_equal(media_by_name(SPAN("a.")), "application/octet-stream");
}

/* ---- the configuration ---- */

static size_t errors_of(const char *config)
{
    struct env env = { .folder = "/tmp" };
    size_t errors;

    env_load(&env, config);
    errors = conf_errors(env.conf);
    conf_free(&env.conf);
    conf_schema_free(&env.schema);
    return errors;
}

static void the_guides_examples_are_good(void **state)
{
    (void)state;
    assert_int_equal(errors_of("upload() {}\n"), 0);
    assert_int_equal(errors_of("upload() {\n"
                               "    logic {\n"
                               "        local-only = false\n"
                               "        max-file-size = 10485760\n"
                               "        upload-uri-format = "
                               "'{proto}://{serverName}:{port}/upload/{userJid}/{slotId}/{filename}'\n"
                               "        download-uri-format = "
                               "'{proto}://{serverName}:{port}/upload/{domain}/{slotId}/{filename}'\n"
                               "    }\n"
                               "    expiration {\n        period = P6H\n    }\n"
                               "    repositoryPool {\n        'example.com' () {\n"
                               "            data-source = \"file_upload\"\n        }\n    }\n"
                               "    store {\n        group-by-user = true\n    }\n"
                               "}\n"),
                     0);
    assert_int_equal(errors_of("upload() {\n"
                               "    logic {\n"
                               "        upload-uri-format = "
                               "'{proto}://upload.example.com:{port}/upload/{userJid}/{slotId}/{filename}'\n"
                               "        download-uri-format = "
                               "'{proto}://upload.example.com:{port}/upload/{domain}/{slotId}/{filename}'\n"
                               "    }\n\n    store {\n        path = '/mnt/shared/upload'\n    }\n}\n"),
                     0);
}

static void settings_that_cannot_work_are_errors(void **state)
{
    static const char *const wrong[] = {
        "upload { logic { upload-uri-format = '{proto}://{serverName}/upload/{slotId}' } }\n",
        "upload { logic { download-uri-format = '{proto}://{serverName}/files/{slotId}/{filename}' } }\n",
        "upload { httpModule { context-path = '/up' } }\n",
        "upload { httpModule { context-path = 'upload' } }\n",
        "upload { logic { server-name = 'http://x' } }\n",
        "upload { logic { max-file-size = 0 } }\n",
        "upload { limits { allow-types = [ 'image' ] } }\n",
        "upload { repositoryPool { 'a.org' { data-source = '../x' } } }\n",
        "upload { logic { max-filesize = 1 } }\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (errors_of(wrong[i]) == 0)
            fail_msg("taken: %s", wrong[i]);
}

static void urls_follow_the_servers_ports(void **state)
{
    static const struct {
        const char *config, *proto;
        unsigned port;
    } rows[] = {
        { "upload {}\n", "http", 8080 },
        { "httpServer { connections { 9000 {} } }\nupload {}\n", "http", 9000 },
        { "httpServer { connections { 9000 {}\n 9443 { socket = ssl } } }\nupload {}\n", "https", 9443 },
        { "httpServer { ports = 9050 }\nupload {}\n", "http", 9050 },
        { "upload { logic { port = 443\n protocol = https } }\n", "https", 443 },
        { "upload { logic { port = 443 } }\n", "http", 8080 },
        { "upload { logic { protocol = https } }\n", "http", 8080 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct env env;

        env_open(&env, rows[i].config, NULL);
        assert_string_equal(env.upload->address.proto, rows[i].proto);
        assert_int_equal(env.upload->address.port, rows[i].port);
        env_close(&env);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wishes_are_judged),
        cmocka_unit_test(names_of_255_bytes_pass_and_of_256_do_not),
        cmocka_unit_test(local_means_our_domains),
        cmocka_unit_test(buckets_tell_how_long_to_wait),
        cmocka_unit_test(active_types_are_never_inline),
        cmocka_unit_test(the_guides_examples_are_good),
        cmocka_unit_test(settings_that_cannot_work_are_errors),
        cmocka_unit_test(urls_follow_the_servers_ports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
