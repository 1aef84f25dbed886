/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0 and os/log, os/disk, os/loop: store_test.c - what the store promises, with real processes.
 */
#include "store/store.h"

#include "base/must.h"
#include "os/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TABLE_A, TABLE_B };
static const char *const tables[] = { "a", "b", NULL };

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/stoa-store-XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    static const char *const names[] = { "data.mdb", "lock.mdb" };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static int tell(int fd)
{
    return write(fd, "!", 1) == 1 ? 0 : -1;
}

static unsigned commits, commit_operations;

static void count_commit(unsigned operations)
{
    commits++;
    commit_operations += operations;
}

static struct store *open_store(struct loop *loop, int64_t map_size)
{
    struct store_options options = {
        .folder = folder, .map_size = map_size, .tables = tables, .loop = loop, .committed = count_commit
    };
    struct store *store;
    const char *why;

    if (store_open(&store, &options, &why) != 0) {
        fprintf(stderr, "%s\n", why);
        abort();
    }
    return store;
}

/* ---- an operation that puts `count` keys of a prefix, then answers `answer` ---- */
struct put {
    struct store_write write;
    char prefix;
    unsigned count, value_size;
    int answer;      /* after the changes */
    int look_answer; /* before them; 0: go on */
    int ready_fd;    /* told when the changes are made, then sleep for ever; 0: do not */
    int result, *open;
    struct loop *loop;
};

static int put_apply(struct store_write *write, struct store_txn *txn)
{
    struct put *put = (struct put *)(void *)write;
    char *value = must_alloc(put->value_size + 1);
    int failed = 0;

    if (put->look_answer != 0) {
        free(value);
        return put->look_answer;
    }
    for (unsigned i = 0; failed == 0 && i < put->count; i++) {
        char key[16];
        int size = snprintf(key, sizeof(key), "%c%06u", put->prefix, i);

        failed =
            store_txn_put(txn, TABLE_A, span_make(key, (size_t)size), span_make(value, put->value_size + 1));
    }
    free(value);
    if (put->ready_fd > 0) {
        if (tell(put->ready_fd) != 0)
            abort();
        for (;;)
            pause();
    }
    return put->answer;
}

static void put_done(struct store_write *write, int result)
{
    struct put *put = (struct put *)(void *)write;

    put->result = result;
    if (--*put->open == 0)
        loop_stop(put->loop);
}

static unsigned count_keys(struct store *store, char prefix)
{
    struct store_view *view = store_view(store);
    struct store_cursor *cursor = NULL;
    struct span key, value;
    unsigned count = 0;

    assert_non_null(view);
    while (store_walk(view, TABLE_A, span_make(&prefix, 1), &cursor, &key, &value) == 1) {
        if (key.at[0] != prefix) {
            store_walk_end(&cursor);
            break;
        }
        count++;
    }
    store_view_end(store, view);
    return count;
}

static int put_now(struct store *store, char prefix, unsigned count, unsigned value_size)
{
    struct put put = {
        .write = { .apply = put_apply }, .prefix = prefix, .count = count, .value_size = value_size
    };

    return store_write_now(store, &put.write);
}

static void keys_are_found_walked_and_deleted(void **state)
{
    struct store *store = open_store(NULL, 1 << 20);
    struct store_view *view;
    struct span value;
    struct store_size size;

    (void)state;
    assert_int_equal(put_now(store, 'k', 10, 3), 0);
    assert_int_equal(put_now(store, 'm', 5, 3), 0);
    view = store_view(store);
    assert_int_equal(store_get(view, TABLE_A, SPAN("k000003"), &value), 1);
    assert_int_equal(value.size, 4);
    assert_int_equal(store_get(view, TABLE_A, SPAN("nothing"), &value), 0);
    assert_int_equal(store_get(view, TABLE_A, SPAN(""), &value), 0);
    assert_int_equal(store_get(view, TABLE_B, SPAN("k000003"), &value), 0);
    assert_ptr_equal(store_view(store), view);
    store_view_end(store, view);
    store_view_end(store, view);
    assert_int_equal(count_keys(store, 'k'), 10);
    assert_int_equal(count_keys(store, 'm'), 5);
    store_size(store, &size);
    assert_int_equal(size.entries, 15);
    store_close(&store);
    assert_null(store);
}

/* Three wait while the thread is busy: they become one transaction; one refuses before, one after it changed
 * something; neither leaves a trace, and the others are there. */
static void a_refusal_takes_back_only_itself(void **state)
{
    struct loop *loop = loop_new();
    struct store *store = open_store(loop, 1 << 20);
    struct put puts[5] = { 0 };
    int open = 5;

    (void)state;
    commits = commit_operations = 0;
    for (int i = 0; i < 5; i++)
        puts[i] = (struct put){ .write = { .apply = put_apply, .done = put_done },
                                .prefix = (char)('a' + i),
                                .count = 4,
                                .value_size = 10,
                                .open = &open,
                                .loop = loop };
    puts[1].answer = 7;
    puts[3].look_answer = -8;
    for (int i = 0; i < 5; i++)
        store_submit(store, &puts[i].write);
    loop_run(loop);
    assert_int_equal(puts[0].result, 0);
    assert_int_equal(puts[1].result, 7);
    assert_int_equal(puts[2].result, 0);
    assert_int_equal(puts[3].result, -8);
    assert_int_equal(puts[4].result, 0);
    assert_int_equal(count_keys(store, 'a'), 4);
    assert_int_equal(count_keys(store, 'b'), 0);
    assert_int_equal(count_keys(store, 'c'), 4);
    assert_int_equal(count_keys(store, 'd'), 0);
    assert_int_equal(count_keys(store, 'e'), 4);
    assert_int_equal(commit_operations, 3);
    assert_true(commits >= 1 && commits <= 3);
    store_close(&store);
    loop_free(&loop);
}

static void a_full_map_grows_and_nothing_is_lost(void **state)
{
    struct loop *loop = loop_new();
    struct store *store = open_store(loop, 1 << 20);
    struct put puts[8];
    struct store_size size;
    int open = 8;

    (void)state;
    for (int i = 0; i < 8; i++) {
        puts[i] = (struct put){ .write = { .apply = put_apply, .done = put_done },
                                .prefix = (char)('a' + i),
                                .count = 500,
                                .value_size = 1000,
                                .open = &open,
                                .loop = loop };
        store_submit(store, &puts[i].write);
    }
    loop_run(loop);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(puts[i].result, 0);
        assert_int_equal(count_keys(store, (char)('a' + i)), 500);
    }
    store_size(store, &size);
    assert_true(size.map_bytes > 4u << 20);
    store_close(&store);
    loop_free(&loop);
}

/* ---- other processes ---- */
static pid_t in_child(void (*run)(int ready_fd), int *ready_fd_r)
{
    int ends[2];
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        run(ends[1]);
        _exit(0);
    }
    close(ends[1]);
    *ready_fd_r = ends[0];
    return pid;
}

static void wait_ready(int fd)
{
    char byte;

    assert_int_equal(read(fd, &byte, 1), 1);
}

static void kill_and_reap(pid_t pid)
{
    int status;

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void child_fills(int ready_fd)
{
    struct store *store = open_store(NULL, 1 << 20);

    if (put_now(store, 'z', 4000, 1000) != 0)
        _exit(1);
    store_close(&store);
    if (tell(ready_fd) != 0)
        _exit(1);
}

static void a_map_that_another_process_grew_is_followed(void **state)
{
    struct store *store;
    int fd, status;
    pid_t pid = in_child(child_fills, &fd);

    (void)state;
    store = open_store(NULL, 1 << 20); /* perhaps before, perhaps after the other's growth */
    wait_ready(fd);
    assert_int_equal(count_keys(store, 'z'), 4000);
    assert_int_equal(put_now(store, 'y', 4000, 1000), 0);
    assert_int_equal(count_keys(store, 'z'), 4000);
    assert_int_equal(count_keys(store, 'y'), 4000);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(fd);
    store_close(&store);
}

static void child_sleeps_in_transaction(int ready_fd)
{
    struct store *store = open_store(NULL, 1 << 20);
    struct put put = {
        .write = { .apply = put_apply }, .prefix = 'w', .count = 10, .value_size = 10, .ready_fd = ready_fd
    };

    store_write_now(store, &put.write);
}

static void a_writer_killed_in_a_transaction_leaves_nothing_and_blocks_nobody(void **state)
{
    struct store *store;
    int fd;
    pid_t pid = in_child(child_sleeps_in_transaction, &fd);

    (void)state;
    wait_ready(fd);
    store = open_store(NULL, 1 << 20);
    kill_and_reap(pid);
    assert_int_equal(put_now(store, 'v', 3, 10), 0);
    assert_int_equal(count_keys(store, 'w'), 0);
    assert_int_equal(count_keys(store, 'v'), 3);
    close(fd);
    store_close(&store);
}

static void child_sleeps_in_view(int ready_fd)
{
    struct store *store = open_store(NULL, 1 << 20);

    if (store_view(store) == NULL || tell(ready_fd) != 0)
        _exit(1);
    for (;;)
        pause();
}

static void a_killed_reader_is_cleared(void **state)
{
    struct store *store;
    int fd;
    pid_t pid;

    (void)state;
    store = open_store(NULL, 1 << 20);
    assert_int_equal(put_now(store, 'r', 3, 10), 0);
    store_close(&store); /* an environment never crosses a fork */
    pid = in_child(child_sleeps_in_view, &fd);
    wait_ready(fd);
    store = open_store(NULL, 1 << 20);
    assert_int_equal(store_clear_readers(store), 0);
    kill_and_reap(pid);
    assert_int_equal(store_clear_readers(store), 1);
    assert_int_equal(store_clear_readers(store), 0);
    close(fd);
    store_close(&store);
}

/* Writers are killed again and again in the middle of their work: each operation is there whole or not at
 * all. */
static void child_writes_for_ever(int ready_fd)
{
    struct store *store = open_store(NULL, 1 << 20);

    for (unsigned i = 0;; i++) {
        struct put put = { .write = { .apply = put_apply },
                           .prefix = (char)('A' + i % 20),
                           .count = 50,
                           .value_size = i % 700 };

        if (store_write_now(store, &put.write) != 0)
            _exit(1);
        if (i == 5 && tell(ready_fd) != 0)
            _exit(1);
    }
}

static void operations_are_whole_whenever_a_writer_dies(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        struct store *store;
        int fd;
        pid_t pid = in_child(child_writes_for_ever, &fd);

        wait_ready(fd);
        kill_and_reap(pid);
        close(fd);
        store = open_store(NULL, 1 << 20);
        for (char prefix = 'A'; prefix < 'A' + 20; prefix++) {
            unsigned count = count_keys(store, prefix);

            assert_true(count == 0 || count == 50);
        }
        store_close(&store);
    }
}

static void a_folder_that_cannot_be_made_is_told_in_a_sentence(void **state)
{
    struct store_options options = { .folder = "/proc/no/such", .map_size = 1 << 20, .tables = tables };
    struct store *store;
    const char *why = NULL;

    (void)state;
    assert_int_equal(store_open(&store, &options, &why), -1);
    assert_null(store);
    assert_non_null(strstr(why, "/proc/no/such"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_are_found_walked_and_deleted),
        TEST(a_refusal_takes_back_only_itself),
        TEST(a_full_map_grows_and_nothing_is_lost),
        TEST(a_map_that_another_process_grew_is_followed),
        TEST(a_writer_killed_in_a_transaction_leaves_nothing_and_blocks_nobody),
        TEST(a_killed_reader_is_cleared),
        TEST(operations_are_whole_whenever_a_writer_dies),
        TEST(a_folder_that_cannot_be_made_is_told_in_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
