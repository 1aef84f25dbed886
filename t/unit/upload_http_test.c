/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: upload_http_test.c - PUT and GET through a whole HTTP server, a real store and a real
 * folder. */
#include "http_driver.h"
#include "upload_env.h"

#include "base/codec.h"
#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <poll.h>

#define ALICE "alice@example.org"

extern const struct stoa_module stoa_module;

static struct driver driver;
static struct env env;

static void start(const char *text)
{
    driver_init(&driver);
    driver_start(&driver);
    env_open(&env, text, driver.loop);
    env.host.module = &stoa_module;
    env.host.segment = calloc(1, sizeof(*env.host.segment));
    env.host.row = ROW_WORKER_0;
    env.host.generation = 1;
    atomic_store(&env.host.segment->board.rows[ROW_WORKER_0].generation, 1);
    atomic_store(&env.host.segment->board.rows[ROW_WORKER_0].state, ROW_LIVE);
    stoa_module.contexts(&env.host, driver.table);
}

static void end(void)
{
    struct upload *upload = env.upload;

    http_server_free(&driver.server); /* as a worker does: first the clients, then the module */
    upload_close(&upload);
    env.upload = NULL;
    env_close(&env);
    free(env.host.segment);
    driver_end(&driver);
}

/* One turn, and a moment for the disk's threads: an answer of theirs may come at its very begin, so a turn
 * that waits could wait for ever. */
static void turn(int fd)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

    driver_step(&driver, false);
    poll(&poll_fd, 1, 1);
}

/* Writes, then turns the loop until the server has closed: the disk's answers come in between. */
static const char *finish(int fd, struct span bytes)
{
    buf_clear(&driver.in);
    driver.closed = false;
    while (bytes.size > 0) {
        ssize_t sent = send(fd, bytes.at, bytes.size, MSG_NOSIGNAL);

        if (sent > 0)
            bytes = span_from(bytes, (size_t)sent);
        else if (errno != EAGAIN)
            break;
        driver_step(&driver, false);
        driver_read(&driver, fd);
    }
    for (;;) {
        while (driver_read(&driver, fd))
            ;
        if (driver.closed)
            break;
        turn(fd);
    }
    close(fd);
    driver_step(&driver, false);
    buf_char(&driver.in, '\0');
    driver.in.size--;
    return driver.in.at;
}

static const char *talk(struct span bytes)
{
    return finish(driver_connect(&driver, NULL), bytes);
}

static int status_of(const char *reply)
{
    return driver_status(reply);
}

/* ---- slots ---- */

struct given {
    struct slot slot;
    char id[UUID_TEXT + 1];
    bool is_promised;
};

struct asking {
    struct slot_promise promise;
    bool is_answered;
    int result;
};

static void on_promised(struct slot_promise *promise, int result)
{
    struct asking *asking = LIST_OF(promise, struct asking, promise);

    asking->is_answered = true;
    asking->result = result;
}

static struct given give(struct slot slot)
{
    struct slot_repository *repository = slot_pool_at(env.upload->pool, 0);
    struct asking asking = { .promise = { .slot = slot, .arena = env.arena, .done = on_promised } };
    struct given given = { .slot = slot };

    repository->kind->promise(repository, &asking.promise);
    while (!asking.is_answered)
        turn(-1);
    assert_int_equal(asking.result, 0);
    codec_uuid(slot.id, given.id);
    return given;
}

static struct given give_plain(int64_t size)
{
    return give(env_slot(ALICE, size, clock_wall()));
}

static struct span put_head(const struct given *given, const char *fields)
{
    return span_of(arena_printf(
        env.arena, "PUT /upload/" ALICE "/%s/a.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n%s\r\n",
        given->id, fields));
}

static const char *put(const struct given *given, const char *fields, const char *body)
{
    struct span head = put_head(given, fields);

    return talk(span_of(arena_printf(env.arena, "%.*s%s", SPAN_ARG(head), body)));
}

static const char *get_with(const char *method, const struct given *given, const char *fields)
{
    return talk(span_of(arena_printf(env.arena,
                                     "%s /upload/%s/a.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n%s\r\n",
                                     method, given->id, fields)));
}

static const char *get(const struct given *given)
{
    return get_with("GET", given, "");
}

/* ---- tests ---- */

static void a_file_goes_in_and_comes_out(void **state)
{
    struct given given;
    const char *reply;

    (void)state;
    start("upload {}\n");
    given = give_plain(5);
    assert_int_equal(status_of(get(&given)), 404);
    assert_int_equal(status_of(put(&given, "Content-Length: 5\r\n", "hello")), 201);
    reply = get(&given);
    assert_int_equal(status_of(reply), 200);
    assert_string_equal(reply + strlen(reply) - 5, "hello");
    assert_non_null(strstr(reply, "\r\nAccess-Control-Allow-Origin: *\r\n"));
    assert_non_null(strstr(
        reply, "\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'; sandbox\r\n"));
    assert_non_null(strstr(reply, "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_non_null(strstr(reply, "\r\nCache-Control: public, max-age=604800, immutable\r\n"));
    assert_non_null(
        strstr(reply, "\r\nETag: \"2cf24dba5fb0a30e26e83b2ac5b9e29e\"\r\n")); /* sha256("hello") */
    assert_non_null(strstr(reply, "\r\nContent-Type: text/plain\r\n"));
    assert_non_null(strstr(reply, "\r\nContent-Disposition: inline;"));
    reply = get_with("GET", &given, "If-None-Match: \"2cf24dba5fb0a30e26e83b2ac5b9e29e\"\r\n");
    assert_int_equal(status_of(reply), 304);
    assert_non_null(strstr(reply, "\r\nContent-Security-Policy: "));
    reply = get_with("GET", &given, "Range: bytes=1-2\r\n");
    assert_int_equal(status_of(reply), 206);
    assert_string_equal(reply + strlen(reply) - 2, "el");
    reply = get_with("HEAD", &given, "");
    assert_int_equal(status_of(reply), 200);
    assert_string_equal(reply + strlen(reply) - 4, "\r\n\r\n");
    assert_non_null(strstr(reply, "\r\nContent-Length: 5\r\n"));
    assert_int_equal(status_of(put(&given, "Content-Length: 5\r\n", "other")), 409);
    reply = get(&given);
    assert_string_equal(reply + strlen(reply) - 5, "hello");
    end();
}

static void a_put_that_does_not_fit_is_refused_and_the_slot_stays_good(void **state)
{
    static const struct {
        const char *fields, *body;
        int status;
    } rows[] = {
        { "", "", 411 },
        { "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", 411 },
        { "Content-Length: 6\r\n", "hello!", 413 },
        { "Content-Length: 4\r\n", "hell", 400 },
        { "Content-Length: 0\r\n", "", 400 },
        { "Content-Length: 5\r\nContent-Range: bytes 0-4/5\r\n", "hello", 400 },
        { "Content-Length: 5\r\nContent-Type: image/png\r\n", "hello", 415 },
        { "Content-Length: 5\r\nContent-Type: nonsense\r\n", "hello", 415 },
        { "Content-Length: 5\r\nContent-Type: TEXT/plain; charset=utf-8\r\n", "hello", 201 },
    };
    struct slot slot = env_slot(ALICE, 5, clock_wall());
    struct given given;

    (void)state;
    start("upload {}\n");
    slot.type = SPAN("text/plain");
    given = give(slot);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *reply = put(&given, rows[i].fields, rows[i].body);

        if (status_of(reply) != rows[i].status)
            fail_msg("row %zu: %s", i, reply);
        assert_non_null(strstr(reply, "\r\nAccess-Control-Allow-Origin: *\r\n"));
        assert_non_null(strstr(reply, "\r\nContent-Security-Policy: "));
        if (rows[i].status != 201)
            assert_int_equal(status_of(get(&given)), 404);
    }
    assert_int_equal(status_of(get(&given)), 200);
    end();
}

static void paths_that_lie_about_the_slot_are_404(void **state)
{
    static const char *const paths[] = {
        "/upload/bob@example.org/%s/a.txt",
        "/upload/" ALICE "/%s/b.txt",
        "/upload/%s/a.txt",
        "/upload/" ALICE "/%s",
        "/upload/" ALICE "/%s/a.txt/x",
    };
    struct given given;

    (void)state;
    start("upload {}\n");
    given = give_plain(5);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct buf bytes = { 0 };

        buf_text(&bytes, "PUT ");
        for (const char *at = paths[i]; *at != '\0'; at++) {
            if (at[0] == '%')
                buf_text(&bytes, given.id), at++;
            else
                buf_char(&bytes, *at);
        }
        buf_text(&bytes, " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
        if (status_of(talk(buf_span(&bytes))) != 404)
            fail_msg("%s", paths[i]);
        buf_free(&bytes);
    }
    assert_int_equal(status_of(talk(SPAN("GET /upload/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"))),
                     404);
    assert_int_equal(status_of(put(&given, "Content-Length: 5\r\n", "hello")), 201);
    end();
}

static void slots_past_their_time_are_gone(void **state)
{
    int64_t now = clock_wall();
    struct slot slot = env_slot(ALICE, 5, now - 1000 * USEC_PER_SEC);
    struct given given;
    const char *reply;

    (void)state;
    start("upload {}\n");
    given = give(slot); /* its five minutes are over */
    assert_int_equal(status_of(put(&given, "Content-Length: 5\r\n", "hello")), 410);
    slot = env_slot(ALICE, 5, now);
    slot.expires = now + 100 * USEC_PER_SEC;
    given = give(slot);
    assert_int_equal(status_of(put(&given, "Content-Length: 5\r\n", "hello")), 201);
    reply = get(&given);
    assert_int_equal(status_of(reply), 200);
    assert_null(strstr(reply, "max-age=604800")); /* no longer than until it expires */
    slot = env_slot(ALICE, 5, now);
    slot.expires = now;
    given = give(slot);
    assert_int_equal(status_of(put(&given, "Content-Length: 5\r\n", "hello")), 201);
    assert_int_equal(status_of(get(&given)), 410); /* though no keeper has come by */
    end();
}

static void a_slot_with_a_token_needs_it(void **state)
{
    struct slot slot = env_slot(ALICE, 5, clock_wall());
    struct buf token = { 0 };
    struct given given;
    char *field;

    (void)state;
    start("upload {}\n");
    slot.has_token = true;
    random_bytes(slot.token, SLOT_TOKEN);
    given = give(slot);
    codec_hex(&token, span_make((const char *)slot.token, SLOT_TOKEN));
    assert_int_equal(status_of(put(&given, "Content-Length: 5\r\n", "hello")), 403);
    field = arena_printf(env.arena, "Content-Length: 5\r\nAuthorization: Bearer %.*s0\r\n",
                         SPAN_ARG(buf_span(&token)));
    assert_int_equal(status_of(put(&given, field, "hello")), 403);
    field = arena_printf(env.arena, "Content-Length: 5\r\nAuthorization: Bearer %.*s\r\n",
                         SPAN_ARG(buf_span(&token)));
    assert_int_equal(status_of(put(&given, field, "hello")), 201);
    buf_free(&token);
    end();
}

/* A body half sent: another PUT is refused meanwhile, and when the client is gone the slot is as before. */
static void a_broken_put_leaves_the_slot_usable(void **state)
{
    struct given given;
    struct span head;
    int fd;

    (void)state;
    start("upload {}\n");
    given = give_plain(5);
    head = put_head(&given, "Content-Length: 5\r\n");
    fd = driver_connect(&driver, NULL);
    assert_true(send(fd, head.at, head.size, MSG_NOSIGNAL) == (ssize_t)head.size);
    assert_int_equal(send(fd, "he", 2, MSG_NOSIGNAL), 2);
    for (int i = 0; i < 4; i++)
        driver_step(&driver, false);
    assert_int_equal(status_of(put(&given, "Content-Length: 5\r\n", "other")), 409);
    assert_int_equal(status_of(get(&given)), 404);
    close(fd);
    for (int i = 0; i < 4; i++)
        driver_step(&driver, false);
    assert_int_equal(status_of(put(&given, "Content-Length: 5\r\n", "hello")), 201);
    assert_int_equal(status_of(get(&given)), 200);
    end();
}

/* The process ends while a body comes, and while the disk works. */
static void a_worker_may_end_at_any_moment(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        struct given given;
        struct span head;
        int fd;

        start("upload {}\n");
        given = give_plain(5);
        head = put_head(&given, "Content-Length: 5\r\n");
        fd = driver_connect(&driver, NULL);
        assert_true(send(fd, head.at, head.size, MSG_NOSIGNAL) == (ssize_t)head.size);
        assert_int_equal(send(fd, "hello", round == 0 ? 2 : 5, MSG_NOSIGNAL), round == 0 ? 2 : 5);
        for (int i = 0; i < round + 1; i++)
            driver_step(&driver, false);
        end();
        close(fd);
    }
}

static void large_bodies_keep_every_byte(void **state)
{
    const size_t size = 20 << 20; /* more than one write-back */
    char *body = must_alloc(size);
    unsigned char sum[SHA256_BYTES], is[SHA256_BYTES];
    struct buf bytes = { 0 };
    struct given given;
    struct span head;
    const char *reply, *content;

    (void)state;
    start("upload {}\n");
    given = give_plain((int64_t)size);
    random_bytes(body, size);
    digest_sha256(span_make(body, size), sum);
    head = put_head(&given, arena_printf(env.arena, "Content-Length: %zu\r\n", size));
    buf_add(&bytes, head);
    buf_add(&bytes, span_make(body, size));
    assert_int_equal(status_of(talk(buf_span(&bytes))), 201);
    reply = get(&given);
    assert_int_equal(status_of(reply), 200);
    content = strstr(reply, "\r\n\r\n") + 4;
    assert_true(driver.in.size == (size_t)(content - reply) + size);
    digest_sha256(span_make(content, size), is);
    assert_memory_equal(sum, is, sizeof(is));
    buf_free(&bytes);
    free(body);
    end();
}

static void only_safe_types_are_inline(void **state)
{
    static const struct {
        const char *type;
        bool is_inline;
    } rows[] = {
        { "image/png", true },        { "audio/ogg", true },
        { "video/mp4", true },        { "text/html", false },
        { "image/svg+xml", false },   { "application/pdf", false },
        { "application/zip", false }, { "application/xhtml+xml", false },
    };

    (void)state;
    start("upload { download { inline-types = [ 'image/*', 'audio/*', 'video/*', 'text/*', 'application/*' ] "
          "} }\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slot slot = env_slot(ALICE, 1, clock_wall());
        struct given given;
        const char *reply;

        slot.type = span_of(rows[i].type);
        given = give(slot);
        assert_int_equal(status_of(put(&given, "Content-Length: 1\r\n", "x")), 201);
        reply = get(&given);
        assert_non_null(strstr(reply, rows[i].type));
        if (rows[i].is_inline || strcmp(rows[i].type, "application/zip") == 0)
            assert_non_null(strstr(reply, "\r\nContent-Disposition: inline;"));
        else
            assert_non_null(strstr(reply, "\r\nContent-Disposition: attachment;"));
    }
    end();
}

static void scripts_of_other_sites_are_told_what_they_may(void **state)
{
    struct given given;
    const char *reply;

    (void)state;
    start("upload {}\n");
    given = give_plain(1);
    reply = get_with("OPTIONS", &given,
                     "Origin: https://web.example\r\nAccess-Control-Request-Method: PUT\r\n"
                     "Access-Control-Request-Headers: authorization,content-type\r\n");
    assert_int_equal(status_of(reply), 204);
    assert_non_null(strstr(reply, "\r\nAccess-Control-Allow-Origin: *\r\n"));
    assert_non_null(
        strstr(reply, "\r\nAccess-Control-Allow-Methods: GET, HEAD, PUT, OPTIONS, PATCH, DELETE\r\n"));
    assert_non_null(strstr(reply, "\r\nAccess-Control-Allow-Headers: Authorization, Content-Type"));
    assert_non_null(strstr(reply, "\r\nAccess-Control-Max-Age: 86400\r\n"));
    assert_null(strstr(reply, "Allow-Credentials"));
    reply = get_with("DELETE", &given, "");
    assert_int_equal(status_of(reply), 405);
    assert_non_null(strstr(reply, "\r\nAllow: GET, HEAD, PUT, OPTIONS\r\n"));
    assert_non_null(strstr(reply, "\r\nAccess-Control-Allow-Origin: *\r\n"));
    end();
}

static void the_dummy_serves_what_it_never_recorded(void **state)
{
    struct slot slot = env_slot(ALICE, 5, clock_wall());
    struct asking asking = { .promise = { .done = on_promised } };
    struct slot_repository *repository;
    const char *reply;
    char *id;

    (void)state;
    start("upload { repositoryPool { default { dummy = true } } }\n");
    repository = slot_pool_at(env.upload->pool, 0);
    asking.promise.slot = slot;
    asking.promise.arena = env.arena;
    repository->kind->promise(repository, &asking.promise);
    id = arena_text(env.arena, asking.promise.slot_id);
    reply = talk(span_of(arena_printf(
        env.arena, "GET /upload/%s/a.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", id)));
    assert_int_equal(status_of(reply), 404);
    for (int i = 0; i < 2; i++) {
        reply = talk(
            span_of(arena_printf(env.arena,
                                 "PUT /upload/" ALICE "/%s/a.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                                 "Content-Length: 5\r\n\r\n%s",
                                 id, i == 0 ? "hello" : "other")));
        assert_int_equal(status_of(reply), i == 0 ? 201 : 409);
    }
    reply = talk(span_of(arena_printf(
        env.arena, "GET /upload/%s/a.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", id)));
    assert_int_equal(status_of(reply), 200);
    assert_string_equal(reply + strlen(reply) - 5, "hello");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_goes_in_and_comes_out),
        cmocka_unit_test(a_put_that_does_not_fit_is_refused_and_the_slot_stays_good),
        cmocka_unit_test(paths_that_lie_about_the_slot_are_404),
        cmocka_unit_test(slots_past_their_time_are_gone),
        cmocka_unit_test(a_slot_with_a_token_needs_it),
        cmocka_unit_test(a_broken_put_leaves_the_slot_usable),
        cmocka_unit_test(a_worker_may_end_at_any_moment),
        cmocka_unit_test(large_bodies_keep_every_byte),
        cmocka_unit_test(only_safe_types_are_inline),
        cmocka_unit_test(scripts_of_other_sites_are_told_what_they_may),
        cmocka_unit_test(the_dummy_serves_what_it_never_recorded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
