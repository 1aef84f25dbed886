/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4, ctl/ctl: master_start_test.c - how master starts, or does not; what it tells its
 * service manager and takes from it; what a killed one leaves to the next. */
#include "master_help.h"

static void test_hopeless_start_fails(void **state)
{
    (void)state;
    write_conf(1, DIES_AT_BIRTH, port_line(ports[0]), "");
    start(true);
    expect_end(1);
    assert_true(log_says("3 times in a row a worker died before it could serve"));
}

static void test_refused_at_start(void **state)
{
    struct sock_address address;
    int fd;

    (void)state;
    write_conf(1, 100, port_line(ports[0]), "nonsense {\n}\n");
    start(true);
    expect_end(1);
    assert_true(sock_address_numeric(&address, AF_INET, "127.0.0.1", ports[0]));
    fd = sock_listen(&address, 1);
    assert_true(fd >= 0);
    write_conf(1, 100, port_line(ports[0]), ""); /* good, but the port is taken */
    start(true);
    expect_end(1);
    close(fd);
}

/* Descriptors of the starter end where the daemon begins. */
static void test_foreign_descriptors_are_closed(void **state)
{
    int ends[2];
    char byte;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    start_and_view(1);
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 0); /* nobody else holds the other end */
    close(ends[0]);
    kill(daemon_pid, SIGTERM);
    expect_end(0);
}

/* Without -f: the process that was called ends when the daemon serves. */
static void test_daemon(void **state)
{
    struct buf text = { 0 };
    int status;

    (void)state;
    write_conf(1, 100, port_line(ports[0]), "");
    load_view();
    start(false);
    assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
    daemon_pid = 0;
    assert_int_equal(status, 0);
    assert_int_equal(file_read_all(in_folder("run/pid"), 16, &text), 0);
    assert_true(is_bound(ports[0]));
    buf_free(&text);
    ask_expecting("stop", "ok\n"); /* comes back when it has ended */
    assert_int_equal(access(in_folder("run/pid"), F_OK), -1);
    drop_view();
    write_conf(1, DIES_AT_BIRTH, port_line(ports[0]), "");
    start(false);
    assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
    daemon_pid = 0;
    assert_int_equal(WEXITSTATUS(status), 1);
    WAIT_UNTIL(access(in_folder("run/pid"), F_OK) < 0);
}

static void test_killed_master_leaves_nobody(void **state)
{
    int32_t pids[4];
    int status;

    (void)state;
    start_and_view(2);
    for (unsigned row = 0; row < 4; row++)
        pids[row] = atomic_load(&row_at(row)->pid);
    kill(daemon_pid, SIGKILL);
    waitpid(daemon_pid, &status, 0);
    daemon_pid = 0;
    for (unsigned row = 0; row < 4; row++) /* we are their next of kin, see make_folder */
        assert_int_equal(waitpid(pids[row], &status, 0), pids[row]);
    drop_view();
    unlink(in_folder("run/pid"));
    start_and_view(1); /* over the socket that the killed one left */
    kill(daemon_pid, SIGTERM);
    expect_end(0);
}

/* ---- the service manager ---- */

static int notify_fd;

static void listen_for_words(void)
{
    struct sock_address address;
    char path[64];

    notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(path, sizeof(path), "@stoa-master-test-%d", (int)getpid());
    assert_true(sock_address_unix(&address, path));
    assert_int_equal(bind(notify_fd, (struct sockaddr *)&address.bytes, address.size), 0);
    setenv("NOTIFY_SOCKET", path, 1);
}

/* The next word that is no watchdog's. */
static void expect_word(const char *wanted)
{
    char text[256] = "";

    do {
        struct pollfd ready = { .fd = notify_fd, .events = POLLIN };
        ssize_t size;

        assert_int_equal(poll(&ready, 1, (int)(HANG / USEC_PER_MSEC)), 1);
        size = recv(notify_fd, text, sizeof(text) - 1, 0);
        assert_true(size >= 0);
        text[size] = '\0';
    } while (strcmp(text, "WATCHDOG=1") == 0 && strcmp(wanted, text) != 0);
    assert_memory_equal(text, wanted, strlen(wanted));
}

static void test_words_to_the_service_manager(void **state)
{
    char ready[64];

    (void)state;
    listen_for_words();
    setenv("WATCHDOG_USEC", "1000000", 1);
    unsetenv("WATCHDOG_PID");
    start_and_view(1);
    expect_word("WATCHDOG=1");
    snprintf(ready, sizeof(ready), "READY=1\nMAINPID=%d\n", (int)daemon_pid);
    expect_word(ready);
    expect_word("WATCHDOG=1");
    kill(daemon_pid, SIGHUP);
    expect_word("RELOADING=1\nMONOTONIC_USEC=");
    expect_word("READY=1");
    kill(daemon_pid, SIGTERM);
    expect_word("STOPPING=1");
    expect_end(0);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    close(notify_fd);
}

/* ---- sockets ---- */

/* As a service manager does it: the socket is descriptor 3 of the process that LISTEN_PID names. */
static void start_with_socket(int fd)
{
    daemon_pid = fork();
    assert_true(daemon_pid >= 0);
    if (daemon_pid == 0) {
        char pid[16];

        snprintf(pid, sizeof(pid), "%d", (int)getpid());
        setenv("LISTEN_PID", pid, 1);
        setenv("LISTEN_FDS", "1", 1);
        if (fd != 3)
            dup2(fd, 3);
        be_daemon(true);
    }
}

static void test_passed_socket_is_used(void **state)
{
    struct sock_address address;
    int fd;

    (void)state;
    assert_true(sock_address_numeric(&address, AF_INET, "127.0.0.1", ports[0]));
    fd = sock_listen(&address, 5);
    assert_true(fd >= 0);
    write_conf(1, 100, port_line(ports[0]), "");
    load_view();
    start_with_socket(fd);
    WAIT_UNTIL(access(in_folder("run/pid"), F_OK) == 0); /* though the port is taken: by that socket */
    ask_expecting("stop", "ok\n");
    expect_end(0);
    close(fd);
}

static void write_unix_conf(const char *mode)
{
    char lines[256];

    snprintf(lines, sizeof(lines), "  local {\n   path = '%s'\n   mode = %s\n  }\n", in_folder("run/http"),
             mode);
    write_conf(1, 100, lines, "");
}

static void test_unix_socket(void **state)
{
    struct sock_address address;
    struct stat status;
    int stale;

    (void)state;
    assert_true(sock_address_unix(&address, in_folder("run/http")));
    close(file_open_folder(in_folder("run")));
    stale = sock_listen(&address, 1);
    assert_true(stale >= 0);
    write_unix_conf("660");
    load_view();
    start(true);
    expect_end(1); /* somebody answers there */
    close(stale);
    start(true); /* nobody does any more */
    WAIT_UNTIL(access(in_folder("run/pid"), F_OK) == 0);
    assert_int_equal(stat(in_folder("run/http"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0660);
    write_unix_conf("600");
    ask_expecting("reload", "ok\n");
    assert_int_equal(stat(in_folder("run/http"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    ask_expecting("stop", "ok\n");
    expect_end(0);
    assert_int_equal(access(in_folder("run/http"), F_OK), -1);
}

static void test_second_daemon_is_refused(void **state)
{
    pid_t first;

    (void)state;
    start_and_view(1);
    first = daemon_pid;
    write_conf(1, 100, port_line(ports[1]), "");
    daemon_pid = fork();
    if (daemon_pid == 0)
        be_daemon(true);
    {
        int status;

        assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
        assert_int_equal(WEXITSTATUS(status), 1);
    }
    daemon_pid = first;
    ask_expecting("status", "ok\n"); /* and has taken nothing from the first */
    assert_int_equal(access(in_folder("run/pid"), F_OK), 0);
    kill(daemon_pid, SIGTERM);
    expect_end(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hopeless_start_fails),           TEST(test_refused_at_start),
        TEST(test_foreign_descriptors_are_closed), TEST(test_daemon),
        TEST(test_killed_master_leaves_nobody),    TEST(test_words_to_the_service_manager),
        TEST(test_passed_socket_is_used),          TEST(test_unix_socket),
        TEST(test_second_daemon_is_refused),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
