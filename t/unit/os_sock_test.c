/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: os_sock_test.c - proves os/sock.h and what of os/proc.h needs no second process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/proc.h"
#include "os/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static void expect_text(int family, const char *host, unsigned port, const char *whole, const char *bare)
{
    struct sock_address address;
    char text[SOCK_TEXT];

    assert_true(sock_address_numeric(&address, family, host, port));
    sock_address_text(&address, text, true);
    assert_string_equal(text, whole);
    sock_address_text(&address, text, false);
    assert_string_equal(text, bare);
}

static void test_addresses(void **state)
{
    struct sock_address address;

    (void)state;
    expect_text(AF_UNSPEC, "127.0.0.1", 80, "127.0.0.1:80", "127.0.0.1");
    expect_text(AF_UNSPEC, "::1", 65535, "[::1]:65535", "::1");
    expect_text(AF_INET, "", 1, "0.0.0.0:1", "0.0.0.0");
    expect_text(AF_INET6, "", 1, "[::]:1", "::");
    expect_text(AF_INET6, "fe80::1%7777", 1, "[fe80::1%7777]:1", "fe80::1%7777");
    assert_false(sock_address_numeric(&address, AF_UNSPEC, "localhost", 80));
    assert_false(sock_address_numeric(&address, AF_UNSPEC, "127.1", 80));
    assert_false(sock_address_numeric(&address, AF_INET, "::1", 80));
    assert_false(sock_address_numeric(&address, AF_INET6, "127.0.0.1", 80));
    assert_false(sock_address_numeric(&address, AF_UNSPEC, "127.0.0.1", 65536));
    assert_false(sock_address_numeric(&address, AF_INET6, "fe80::1%", 80));
    assert_false(sock_address_numeric(&address, AF_INET6, "fe80::1%0x1", 80));
}

static void expect_talk(const struct sock_address *bound)
{
    int listener = sock_listen(bound, 5), client, server;
    struct sock_address address = { .size = sizeof(address.bytes) }, peer;
    struct pollfd ready;
    char byte = 0;

    assert_true(listener >= 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address.bytes, &address.size), 0);
    assert_int_equal(sock_accept(listener, &peer), -1);
    assert_int_equal(errno, EAGAIN);
    client = sock_connect(&address);
    assert_true(client >= 0);
    ready = (struct pollfd){ .fd = listener, .events = POLLIN };
    assert_int_equal(poll(&ready, 1, 10000), 1);
    server = sock_accept(listener, &peer);
    assert_true(server >= 0);
    assert_int_equal(sock_error(client), 0);
    assert_true(fcntl(server, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(server, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(write(client, "x", 1), 1);
    ready = (struct pollfd){ .fd = server, .events = POLLIN };
    assert_int_equal(poll(&ready, 1, 10000), 1);
    assert_int_equal(read(server, &byte, 1), 1);
    close(server);
    close(client);
    close(listener);
}

static void test_talk(void **state)
{
    struct sock_address address;
    char path[64];

    (void)state;
    assert_true(sock_address_numeric(&address, AF_INET, "127.0.0.1", 0));
    expect_talk(&address);
    snprintf(path, sizeof(path), "/tmp/stoa-sock-test-%d", (int)getpid());
    assert_true(sock_address_unix(&address, path));
    expect_talk(&address);
    unlink(path);
    snprintf(path, sizeof(path), "@stoa-sock-test-%d", (int)getpid());
    assert_true(sock_address_unix(&address, path));
    expect_talk(&address);
    assert_false(sock_address_unix(&address, ""));
}

static void test_refused(void **state)
{
    struct sock_address address;
    int listener, fd;

    (void)state;
    assert_true(sock_address_numeric(&address, AF_INET, "127.0.0.1", 0));
    listener = sock_listen(&address, 1);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address.bytes, &address.size), 0);
    assert_int_equal(sock_listen(&address, 1), -1);
    assert_int_equal(errno, EADDRINUSE);
    close(listener);
    fd = sock_connect(&address);
    if (fd >= 0) {
        struct pollfd ready = { .fd = fd, .events = POLLOUT };

        assert_int_equal(poll(&ready, 1, 10000), 1);
        assert_int_equal(sock_error(fd), ECONNREFUSED);
        close(fd);
    }
}

static void test_signals(void **state)
{
    const int list[] = { SIGUSR2, 0 };
    int fd = proc_signals(list);
    struct signalfd_siginfo info;

    (void)state;
    assert_true(fd >= 0);
    raise(SIGUSR2);
    assert_int_equal(read(fd, &info, sizeof(info)), sizeof(info));
    assert_int_equal(info.ssi_signo, SIGUSR2);
    close(fd);
    proc_signals_unblock();
}

static void test_notify(void **state)
{
    struct sock_address address;
    char path[64], text[64] = "";
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)state;
    unsetenv("NOTIFY_SOCKET");
    assert_false(proc_notify("READY=1"));
    snprintf(path, sizeof(path), "@stoa-notify-test-%d", (int)getpid());
    assert_true(sock_address_unix(&address, path));
    assert_int_equal(bind(fd, (struct sockaddr *)&address.bytes, address.size), 0);
    setenv("NOTIFY_SOCKET", path, 1);
    assert_true(proc_notify("READY=1\nSTATUS=well"));
    assert_int_equal(recv(fd, text, sizeof(text) - 1, 0), 19);
    assert_string_equal(text, "READY=1\nSTATUS=well");
    unsetenv("NOTIFY_SOCKET");
    close(fd);
}

static void test_listen_fds(void **state)
{
    char pid[16];

    (void)state;
    snprintf(pid, sizeof(pid), "%d", (int)getpid() + 1);
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "2", 1);
    assert_int_equal(proc_listen_fds(), 0); /* they were for another */
    assert_null(getenv("LISTEN_FDS"));
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "2", 1);
    assert_int_equal(proc_listen_fds(), 2);
    assert_int_equal(proc_listen_fds(), 0);
}

/* In a child, as it cannot be undone. */
static void test_become(void **state)
{
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        bool good = geteuid() != 0 || (proc_become("no-such-user-here", NULL) < 0 && errno == ENOENT &&
                                       proc_become("nobody", NULL) == 0 && geteuid() != 0);

        proc_harden(getppid());
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_talk),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_signals),   cmocka_unit_test(test_notify), cmocka_unit_test(test_listen_fds),
        cmocka_unit_test(test_become),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
