/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: os_log_test.c - proves os/log.h: whole lines, no foreign control character, reopening. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/file.h"
#include "os/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/stoa-log-test-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static struct buf read_log(const char *name)
{
    struct buf text = { 0 };

    assert_int_equal(file_read_all(in_folder(name), 1 << 20, &text), 0);
    buf_char(&text, '\0');
    return text;
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    return 0;
}

static int tear_down(void **state)
{
    const char *names[] = { "stoa.log", "access.log", "old.log" };

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        unlink(in_folder(names[i]));
    return rmdir(folder);
}

static void test_missing_folder(void **state)
{
    (void)state;
    assert_int_equal(log_open("/nonexistent/stoa", LOG_LEVEL_INFO, true), -1);
    assert_false(log_access_wanted());
}

static void test_lines(void **state)
{
    struct buf text;
    const char *line;

    (void)state;
    log_identity("worker", 3);
    assert_int_equal(log_open(folder, LOG_LEVEL_NOTICE, true), 0);
    log_warn("a foreign name '%s' came", "x\n2026-01-01 forged\x1b[2J");
    log_info("not loud enough");
    text = read_log("stoa.log");
    line = text.at;
    assert_int_equal(line[10], 'T');
    assert_memory_equal(line + 26, "Z warning worker[", 17);
    assert_non_null(strstr(line, "'x\\x0a2026-01-01 forged\\x1b[2J' came\n"));
    assert_null(strstr(line, "loud"));
    assert_int_equal(strlen(line), text.size - 1);
    assert_ptr_equal(strchr(line, '\n') + 1, line + strlen(line));
    buf_free(&text);
}

static void test_long_sentence_is_cut(void **state)
{
    char *big = malloc(5000);
    struct buf text;

    (void)state;
    memset(big, 'a', 4999);
    big[4999] = '\0';
    log_error("%s", big);
    text = read_log("stoa.log");
    assert_true(text.size < 2400);
    assert_int_equal(text.at[text.size - 2], '\n');
    buf_free(&text);
    free(big);
}

static void test_access_is_buffered_and_reopened(void **state)
{
    struct buf text;

    (void)state;
    assert_true(log_access_wanted());
    log_access(SPAN("one"));
    text = read_log("access.log");
    assert_int_equal(text.size, 1);
    buf_free(&text);
    log_flush();
    assert_int_equal(rename(in_folder("access.log"), "/tmp/stoa-log-test-renamed"), 0);
    log_access(SPAN("two"));
    assert_int_equal(log_reopen(), 0); /* "two" belongs to the old file */
    log_access(SPAN("three"));
    log_flush();
    text = read_log("access.log");
    assert_string_equal(text.at, "three\n");
    buf_free(&text);
    assert_int_equal(file_read_all("/tmp/stoa-log-test-renamed", 100, &text), 0);
    assert_true(span_is(buf_span(&text), "one\ntwo\n"));
    buf_free(&text);
    unlink("/tmp/stoa-log-test-renamed");
}

static void test_child_does_not_repeat_lines(void **state)
{
    struct buf text;
    int status;
    pid_t pid;

    (void)state;
    log_access(SPAN("parent"));
    pid = fork();
    if (pid == 0) {
        log_identity("keeper", 1);
        log_flush();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    log_flush();
    text = read_log("access.log");
    assert_string_equal(text.at, "three\nparent\n");
    buf_free(&text);
}

/* /dev/full answers every write with ENOSPC. */
static void test_full_disk_is_counted(void **state)
{
    int keep_stderr = dup(2), full = open("/dev/full", O_WRONLY);

    (void)state;
    assert_int_equal(log_take_lost(), 0);
    assert_int_equal(log_open(NULL, LOG_LEVEL_INFO, true), 0);
    dup2(full, 2);
    log_access(SPAN("a"));
    log_access(SPAN("b"));
    log_flush();
    log_error("c");
    assert_int_equal(log_take_lost(), 3);
    assert_int_equal(log_take_lost(), 0);
    dup2(keep_stderr, 2);
    close(keep_stderr);
    close(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing_folder),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_long_sentence_is_cut),
        cmocka_unit_test(test_access_is_buffered_and_reopened),
        cmocka_unit_test(test_child_does_not_repeat_lines),
        cmocka_unit_test(test_full_disk_is_counted),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
