/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: http_range_test.c - conditional requests and ranges over a file, as a table. */
#include "http_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MODIFIED 1700000000 /* Tue, 14 Nov 2023 22:13:20 GMT */
#define DATE     "Tue, 14 Nov 2023 22:13:20 GMT"
#define EARLIER  "Tue, 14 Nov 2023 22:13:19 GMT"
#define TAG      "\"t\""

static struct driver driver;
static int file_fd = -1;
static int64_t file_size;

static void serve(struct http_request *request)
{
    const struct range_file file = {
        .fd = dup(file_fd), .size = file_size, .etag = SPAN(TAG), .modified = MODIFIED, .type = "text/x"
    };
    int status;

    reply_field(request, "Cache-Control", SPAN("immutable"));
    reply_field(request, "X-Cors", SPAN("*"));
    reply_disposition(request, true, SPAN("n"));
    range_reply(request, &file, &status);
}

static const struct http_route rows[] = {
    { METHOD_BIT(HTTP_GET) | METHOD_BIT(HTTP_HEAD), "/f", ACCESS_OPEN, serve, "" },
    { .path = NULL },
};

static void file_of(const char *text, size_t size)
{
    char name[] = "/tmp/stoa-range-test-XXXXXX";

    if (file_fd >= 0)
        close(file_fd);
    file_fd = mkstemp(name);
    assert_true(file_fd >= 0);
    unlink(name);
    assert_int_equal(write(file_fd, text, size), (ssize_t)size);
    file_size = (int64_t)size;
}

static const struct {
    const char *method, *fields;
    int status;
    const char *range; /* Content-Range; NULL: none */
    const char *body;  /* NULL: any */
} cases[] = {
    { "GET", "", 200, NULL, "0123456789" },
    { "HEAD", "", 200, NULL, "" },
    { "GET", "Range: bytes=0-3\r\n", 206, "bytes 0-3/10", "0123" },
    { "GET", "Range: bytes=7-\r\n", 206, "bytes 7-9/10", "789" },
    { "GET", "Range: bytes=-2\r\n", 206, "bytes 8-9/10", "89" },
    { "GET", "Range: bytes=-20\r\n", 206, "bytes 0-9/10", "0123456789" },
    { "GET", "Range: bytes=5-500\r\n", 206, "bytes 5-9/10", "56789" },
    { "GET", "Range: bytes=10-\r\n", 416, "bytes */10", NULL },
    { "GET", "Range: bytes=-0\r\n", 416, "bytes */10", NULL },
    { "GET", "Range: bytes=3-2\r\n", 200, NULL, "0123456789" },
    { "GET", "Range: lines=0-1\r\n", 200, NULL, "0123456789" },
    { "GET", "Range: bytes=x\r\n", 200, NULL, "0123456789" },
    { "HEAD", "Range: bytes=0-3\r\n", 200, NULL, "" },
    { "GET", "Range: bytes=0-2,1-4\r\n", 206, "bytes 0-4/10", "01234" },
    { "GET", "Range: bytes=0-2,3-4\r\n", 206, "bytes 0-4/10", "01234" },
    { "GET", "Range: bytes=0-0,50-60\r\n", 206, "bytes 0-0/10", "0" },
    /* 13.2.2: the order of conditions */
    { "GET", "If-Match: \"t\"\r\n", 200, NULL, NULL },
    { "GET", "If-Match: *\r\n", 200, NULL, NULL },
    { "GET", "If-Match: \"x\", \"t\"\r\n", 200, NULL, NULL },
    { "GET", "If-Match: \"x\"\r\nIf-Match: \"t\"\r\n", 200, NULL, NULL },
    { "GET", "If-Match: W/\"t\"\r\n", 412, NULL, NULL },
    { "GET", "If-Match: \"x\"\r\n", 412, NULL, NULL },
    { "GET", "If-Unmodified-Since: " DATE "\r\n", 200, NULL, NULL },
    { "GET", "If-Unmodified-Since: " EARLIER "\r\n", 412, NULL, NULL },
    { "GET", "If-Unmodified-Since: nonsense\r\n", 200, NULL, NULL },
    { "GET", "If-Match: \"t\"\r\nIf-Unmodified-Since: " EARLIER "\r\n", 200, NULL, NULL },
    { "GET", "If-None-Match: \"t\"\r\n", 304, NULL, "" },
    { "GET", "If-None-Match: W/\"t\"\r\n", 304, NULL, "" },
    { "GET", "If-None-Match: *\r\n", 304, NULL, "" },
    { "HEAD", "If-None-Match: \"t\"\r\n", 304, NULL, "" },
    { "GET", "If-None-Match: \"x\"\r\n", 200, NULL, NULL },
    { "GET", "If-Modified-Since: " DATE "\r\n", 304, NULL, "" },
    { "GET", "If-Modified-Since: " EARLIER "\r\n", 200, NULL, NULL },
    { "GET", "If-None-Match: \"x\"\r\nIf-Modified-Since: " DATE "\r\n", 200, NULL, NULL },
    { "GET", "If-Match: \"x\"\r\nIf-None-Match: \"t\"\r\n", 412, NULL, NULL },
    { "GET", "If-None-Match: \"t\"\r\nRange: bytes=0-1\r\n", 304, NULL, "" },
    /* 13.1.5 */
    { "GET", "Range: bytes=0-1\r\nIf-Range: \"t\"\r\n", 206, "bytes 0-1/10", "01" },
    { "GET", "Range: bytes=0-1\r\nIf-Range: \"x\"\r\n", 200, NULL, "0123456789" },
    { "GET", "Range: bytes=0-1\r\nIf-Range: W/\"t\"\r\n", 200, NULL, "0123456789" },
    { "GET", "Range: bytes=0-1\r\nIf-Range: " DATE "\r\n", 206, "bytes 0-1/10", "01" },
    { "GET", "Range: bytes=0-1\r\nIf-Range: " EARLIER "\r\n", 200, NULL, "0123456789" },
    { "GET", "Range: bytes=50-\r\nIf-Range: \"x\"\r\n", 200, NULL, "0123456789" },
};

static const char *ask(const char *method, const char *fields)
{
    char text[4096];

    snprintf(text, sizeof(text), "%s /f HTTP/1.1\r\nHost: h\r\n%s\r\n", method, fields);
    return driver_talk(&driver, text);
}

static void conditions_and_ranges(void **state)
{
    (void)state;
    file_of("0123456789", 10);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *reply = ask(cases[i].method, cases[i].fields);
        const char *range = driver_field(reply, "Content-Range");

        if (driver_status(reply) != cases[i].status)
            fail_msg("row %zu: %s", i, reply);
        if (cases[i].range)
            assert_string_equal(range, cases[i].range);
        else
            assert_null(range);
        if (cases[i].body)
            assert_string_equal(driver_body(reply), cases[i].body);
        assert_string_equal(driver_field(reply, "X-Cors"), "*");
        assert_string_equal(driver_field(reply, "X-Content-Type-Options"), "nosniff");
        if (cases[i].status < 400) {
            assert_string_equal(driver_field(reply, "ETag"), TAG);
            assert_string_equal(driver_field(reply, "Cache-Control"), "immutable");
        } else {
            assert_null(driver_field(reply, "ETag"));
            assert_string_equal(driver_field(reply, "Cache-Control"), "no-store");
        }
        assert_int_equal(driver_field(reply, "Content-Length") != NULL, cases[i].status != 304);
        assert_int_equal(driver_field(reply, "Last-Modified") != NULL, cases[i].status / 100 == 2);
    }
}

static void several_ranges_are_parts(void **state)
{
    const char *reply, *boundary, *at;
    char mark[64];

    (void)state;
    file_of("0123456789", 10);
    reply = ask("GET", "Range: bytes=8-,0-1\r\n");
    assert_int_equal(driver_status(reply), 206);
    boundary = strstr(driver_field(reply, "Content-Type"), "boundary=");
    assert_non_null(boundary);
    snprintf(mark, sizeof(mark), "--%s", boundary + 9);
    at = driver_body(reply);
    assert_int_equal(strtoul(driver_field(reply, "Content-Length"), NULL, 10), strlen(at));
    assert_int_equal(driver_count(at, mark), 3);
    assert_int_equal(strncmp(at, mark, strlen(mark)), 0);
    at = strstr(at, "Content-Range: bytes 8-9/10\r\n\r\n89\r\n");
    assert_non_null(at);
    at = strstr(at, "Content-Range: bytes 0-1/10\r\n\r\n01\r\n");
    assert_non_null(at);
    assert_non_null(strstr(at, "--\r\n"));
}

static void empty_files_have_no_ranges(void **state)
{
    (void)state;
    file_of("", 0);
    assert_int_equal(driver_status(ask("GET", "")), 200);
    assert_string_equal(driver_field(ask("GET", ""), "Content-Length"), "0");
    assert_int_equal(driver_status(ask("GET", "Range: bytes=0-\r\n")), 200);
}

/* Sizes around those at which the way of sending changes. */
static void files_of_all_sizes_arrive_whole(void **state)
{
    static const size_t sizes[] = { 1, 4096, 4097, 16384, 65535, 65536, 65537, 1048576, 3000001 };
    char *bytes = malloc(3000001);

    (void)state;
    for (size_t i = 0; i < 3000001; i++)
        bytes[i] = (char)('a' + i * 7 % 23 + i / 65536 % 3);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const char *reply;

        file_of(bytes, sizes[i]);
        reply = ask("GET", "");
        assert_int_equal(strtoul(driver_field(reply, "Content-Length"), NULL, 10), sizes[i]);
        assert_int_equal(driver.in.at + driver.in.size - driver_body(reply), sizes[i]);
        assert_memory_equal(driver_body(reply), bytes, sizes[i]);
    }
    file_of(bytes, 200000);
    {
        const char *reply = ask("GET", "Range: bytes=0-69999,80000-80009,100000-199999\r\n");
        const char *body = driver_body(reply);

        assert_int_equal(strtoul(driver_field(reply, "Content-Length"), NULL, 10),
                         driver.in.at + driver.in.size - body);
        assert_non_null(memmem(body, 71000, bytes, 70000));
        assert_non_null(memmem(body + 69000, 120000, bytes + 100000, 100000));
    }
    free(bytes);
}

/* A file that lost bytes after its size was told: the connection ends early, nobody takes it for whole. */
static void a_file_that_shrank_ends_the_connection(void **state)
{
    const char *reply;

    (void)state;
    file_of("0123456789", 10);
    file_size = 20;
    reply = ask("GET", "");
    assert_string_equal(driver_field(reply, "Content-Length"), "20");
    assert_true(driver.closed);
    file_size = 200000;
    ask("GET", "");
    assert_true(driver.closed);
}

static int up(void **state)
{
    static const struct http_context context = { .path = "/", .routes = rows, .name = "test" };

    (void)state;
    driver_init(&driver);
    router_table_add(driver.table, &context);
    driver_start(&driver);
    return 0;
}

static int down(void **state)
{
    (void)state;
    driver_end(&driver);
    close(file_fd);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_and_ranges),
        cmocka_unit_test(several_ranges_are_parts),
        cmocka_unit_test(empty_files_have_no_ranges),
        cmocka_unit_test(files_of_all_sizes_arrive_whole),
        cmocka_unit_test(a_file_that_shrank_ends_the_connection),
    };

    return cmocka_run_group_tests(tests, up, down);
}
