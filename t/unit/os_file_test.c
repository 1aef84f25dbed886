/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: os_file_test.c - proves os/file.h: beneath means beneath, and files appear whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char root[] = "/tmp/stoa-file-test-XXXXXX";
static int folder = -1;

static const char *in_root(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", root, name);
    return path;
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(root));
    folder = file_open_folder(in_root("a/b"));
    return folder < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    const char *names[] = { "a/b/file", "a/b/link", "a/b/other", "a/b/whole", "a/b/dot" };

    (void)state;
    close(folder);
    for (unsigned i = 0; i < 5; i++)
        unlink(in_root(names[i]));
    return rmdir(in_root("a/b")) || rmdir(in_root("a")) || rmdir(root); /* fails if a dot file was left */
}

static void test_folder_is_made(void **state)
{
    struct stat status;
    int again = file_open_folder(in_root("a/b"));

    (void)state;
    assert_true(again >= 0);
    close(again);
    assert_int_equal(fstat(folder, &status), 0);
    assert_int_equal(status.st_mode & 0027, 0); /* 0750, less what umask takes */
    assert_int_equal(file_open_folder("/dev/null/x"), -1);
}

static void test_publish(void **state)
{
    int fd = file_open_unnamed(folder);
    struct buf text = { 0 };

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(file_reserve(fd, 1 << 16), 0);
    assert_int_equal(file_write_all(fd, SPAN("hello")), 0);
    assert_int_equal(access(in_root("a/b/file"), F_OK), -1);
    assert_int_equal(file_publish(fd, folder, "file"), 0);
    close(fd);
    assert_int_equal(file_read_all(in_root("a/b/file"), 5, &text), 0);
    assert_true(span_is(buf_span(&text), "hello")); /* reserved room is not size */
    assert_int_equal(file_read_all(in_root("a/b/file"), 4, &text), -1);
    assert_int_equal(errno, EFBIG);
    assert_int_equal(text.size, 5);
    buf_free(&text);
}

static void test_publish_replaces_nothing(void **state)
{
    int fd = file_open_unnamed(folder);

    (void)state;
    assert_int_equal(file_publish(fd, folder, "file"), -1);
    assert_int_equal(errno, EEXIST);
    close(fd);
}

/* What file_open_unnamed makes where O_TMPFILE is not known. */
static void test_publish_of_a_dot_name(void **state)
{
    int fd = openat(folder, ".stoa-new-0123456789abcdef", O_CREAT | O_EXCL | O_RDWR, 0640);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(file_publish(fd, folder, "dot"), 0);
    close(fd);
    assert_int_equal(access(in_root("a/b/.stoa-new-0123456789abcdef"), F_OK), -1);
    assert_int_equal(access(in_root("a/b/dot"), F_OK), 0);
}

static void test_beneath(void **state)
{
    int fd = file_open_beneath(folder, "file", O_RDONLY, 0);
    const char *bad[] = { "../b/file", "/etc/passwd", "link", ".." };

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(symlinkat("file", folder, "link"), 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(file_open_beneath(folder, bad[i], O_RDONLY, 0), -1);
    fd = file_open_beneath(folder, "other", O_CREAT | O_EXCL | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void test_replace(void **state)
{
    struct buf text = { 0 };
    struct stat status;

    (void)state;
    assert_int_equal(file_replace(in_root("a/b/whole"), SPAN("old"), 0600), 0);
    assert_int_equal(file_replace(in_root("a/b/whole"), SPAN("new text"), 0644), 0);
    assert_int_equal(file_read_all(in_root("a/b/whole"), 100, &text), 0);
    assert_true(span_is(buf_span(&text), "new text"));
    assert_int_equal(stat(in_root("a/b/whole"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0644);
    assert_int_equal(file_replace("/nonexistent/x", SPAN("x"), 0644), -1);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder_is_made),
        cmocka_unit_test(test_publish),
        cmocka_unit_test(test_publish_replaces_nothing),
        cmocka_unit_test(test_publish_of_a_dot_name),
        cmocka_unit_test(test_beneath),
        cmocka_unit_test(test_replace),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
