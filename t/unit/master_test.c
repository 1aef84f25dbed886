/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4, ctl/ctl: master_test.c - master's behaviour with children of the test's own: births
 * after kills, good and bad reloads, drain, stop, what is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/must.h"
#include "ctl/ctl.h"
#include "master/master.h"
#include "os/file.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/sock.h"
#include "shm/mail.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define HANG (60 * USEC_PER_SEC) /* never reached by what works */

/* What the fake children read in their configuration. */
enum {
    DIES_AT_BIRTH = 77, /* httpServer/max-headers */
    NEVER_DRAINS = 88,
};

static char folder[] = "/tmp/stoa-master-test-XXXXXX";
static unsigned ports[2];
static pid_t daemon_pid;
static const struct segment *segment;
static struct conf_schema *schema;
static struct conf *conf; /* the test's own view of the same file */
static struct settings settings;

/* ---- a child: joins its peers, and knows what signals mean ---- */

static const struct heritage *heritage;
static struct loop *child_loop;

static void on_letter(void *data, unsigned row, uint32_t generation, const struct letter *letter)
{
    (void)data;
    (void)row;
    (void)generation;
    (void)letter;
}

static void on_peer(void *data, unsigned row, uint32_t generation)
{
    (void)data;
    (void)row;
    (void)generation;
}

static const struct post_calls calls = { .letter = on_letter, .joined = on_peer, .lost = on_peer };

static void on_signal(struct watch *watch, uint32_t events)
{
    struct signalfd_siginfo info;

    (void)events;
    while (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGQUIT)
            atomic_store(&heritage->segment->board.rows[heritage->row].state, ROW_DRAINING);
        if (info.ssi_signo == SIGUSR1)
            log_reopen();
        if (info.ssi_signo == SIGTERM ||
            (info.ssi_signo == SIGQUIT && heritage->settings->http_server->max_headers != NEVER_DRAINS))
            loop_stop(child_loop);
    }
}

static void live(const struct heritage *given)
{
    static const int signals[] = { SIGTERM, SIGQUIT, SIGUSR1, 0 };
    struct watch watch = { 0 };
    struct post *post;

    heritage = given;
    proc_harden(heritage->master_pid);
    if (heritage->settings->http_server->max_headers == DIES_AT_BIRTH && heritage->kind == PROCESS_worker)
        _exit(1);
    child_loop = loop_new();
    watch_start(child_loop, &watch, proc_signals(signals), EPOLLIN, on_signal);
    post = post_new(heritage, child_loop, &calls, NULL);
    loop_run(child_loop);
    post_free(&post);
    _exit(0);
}

/* ---- the configuration ---- */

static const char *in_folder(const char *name)
{
    static char path[4][128];
    static unsigned next;

    next = (next + 1) % 4;
    snprintf(path[next], sizeof(path[next]), "%s/%s", folder, name);
    return path[next];
}

static unsigned free_port(void)
{
    struct sock_address address;
    int fd;

    assert_true(sock_address_numeric(&address, AF_INET, "127.0.0.1", 0));
    fd = sock_listen(&address, 1);
    assert_true(fd >= 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address.bytes, &address.size), 0);
    close(fd);
    return ntohs(((const struct sockaddr_in *)(const void *)&address.bytes)->sin_port);
}

static void write_conf(unsigned workers, unsigned max_headers, const char *port_lines, const char *more)
{
    struct buf text = { 0 };

    buf_printf(&text,
               "httpServer {\n connections {\n%s }\n max-headers = %u\n}\n"
               "processes {\n workers = %u\n user = 'root'\n group = 'root'\n pid-file = 'run/pid'\n"
               " control-socket = 'run/ctl'\n data-dir = 'data'\n drain-timeout = 1s\n}\n"
               "log {\n directory = 'logs'\n}\n%s",
               port_lines, max_headers, workers, more);
    assert_int_equal(file_replace(in_folder("config.tdsl"), buf_span(&text), 0600), 0);
    buf_free(&text);
}

static const char *port_line(unsigned port)
{
    static char line[2][80];
    static unsigned next;

    next = (next + 1) % 2;
    snprintf(line[next], sizeof(line[next]), "  %u {\n   addresses = [ '127.0.0.1' ]\n  }\n", port);
    return line[next];
}

static struct conf_schema *make_schema(void)
{
    struct conf_schema *made = conf_schema_new();

    settings_register(made);
    return made;
}

/* ---- the daemon ---- */

static _Noreturn void be_daemon(bool foreground)
{
    char *path = must_strdup(in_folder("config.tdsl"));
    struct master_options options = { .config = path, .foreground = foreground, .schema = make_schema };
    int null = open("/dev/null", O_WRONLY), status;

    dup2(null, 2); /* refusals are read in the log */
    close(null);
    for (int kind = PROCESS_NONE + 1; kind < PROCESS_KINDS; kind++)
        options.children[kind] = live;
    log_identity("master", 0);
    status = master_run(&options);
    free(path);
    _exit(status);
}

static void start(bool foreground)
{
    daemon_pid = fork();
    assert_true(daemon_pid >= 0);
    if (daemon_pid == 0)
        be_daemon(foreground);
}

static void pass_time(int64_t since)
{
    assert_true(clock_mono() - since < HANG);
    poll(NULL, 0, 2);
}

#define WAIT_UNTIL(condition)                                                                                \
    for (int64_t since_ = clock_mono(); !(condition);)                                                       \
    pass_time(since_)

static void load_view(void)
{
    schema = make_schema();
    conf = conf_load(schema, in_folder("config.tdsl"), NULL, NULL);
    assert_int_equal(conf_errors(conf), 0);
    settings_of(conf, &settings);
}

static void drop_view(void)
{
    if (segment)
        munmap((void *)(uintptr_t)segment, sizeof(*segment));
    segment = NULL;
    conf_free(&conf);
    conf_schema_free(&schema);
}

/* The whole answer, up to the end of the connection. */
static struct buf ask(const char *word, int *fd_r)
{
    struct buf answer = { 0 };
    char first[512];
    ssize_t size;
    int fd = ctl_ask(settings.processes->control_socket, word, first, sizeof(first), fd_r);

    assert_true(fd >= 0);
    buf_text(&answer, first);
    while ((size = read(fd, first, sizeof(first))) > 0)
        buf_add(&answer, span_make(first, (size_t)size));
    close(fd);
    buf_char(&answer, '\0');
    return answer;
}

static void ask_expecting(const char *word, const char *start_of_answer)
{
    struct buf answer = ask(word, NULL);

    assert_memory_equal(answer.at, start_of_answer, strlen(start_of_answer));
    buf_free(&answer);
}

static const struct board_row *row_at(unsigned row)
{
    return &segment->board.rows[row];
}

static bool is_live(unsigned row)
{
    return atomic_load(&row_at(row)->state) == ROW_LIVE;
}

static unsigned live_workers(uint32_t conf_generation)
{
    unsigned count = 0;

    for (unsigned row = ROW_WORKER_0; row < BOARD_ROWS; row++)
        count += is_live(row) && atomic_load(&row_at(row)->conf_generation) == conf_generation;
    return count;
}

static unsigned present(void)
{
    unsigned count = 0;

    for (unsigned row = 0; row < BOARD_ROWS; row++)
        count += atomic_load(&row_at(row)->pid) != 0;
    return count;
}

static bool all_live(unsigned workers)
{
    return is_live(ROW_ROUTER) && is_live(ROW_KEEPER) &&
           live_workers(atomic_load(&segment->board.conf_generation)) == workers && present() == workers + 2;
}

static void start_and_view(unsigned workers)
{
    int memory = -1;
    struct buf answer;

    write_conf(workers, 100, port_line(ports[0]), "");
    load_view();
    start(true);
    WAIT_UNTIL(access(in_folder("run/pid"), F_OK) == 0);
    answer = ask("segment", &memory);
    assert_string_equal(answer.at, "ok\n");
    buf_free(&answer);
    assert_true(memory >= 0);
    segment = segment_view(memory);
    assert_non_null(segment);
    close(memory);
    WAIT_UNTIL(all_live(workers));
}

static void expect_end(int wanted)
{
    int status;

    assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
    daemon_pid = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), wanted);
    assert_int_equal(access(in_folder("run/pid"), F_OK), -1);
    assert_int_equal(access(in_folder("run/ctl"), F_OK), -1);
}

static bool is_bound(unsigned port)
{
    struct sock_address address;
    int fd;

    assert_true(sock_address_numeric(&address, AF_INET, "127.0.0.1", port));
    fd = sock_listen(&address, 1); /* who can bind it finds nobody there */
    if (fd >= 0)
        close(fd);
    return fd < 0;
}

static bool log_says(const char *words)
{
    struct buf text = { 0 };
    bool found;

    assert_int_equal(file_read_all(in_folder("logs/stoa.log"), 1 << 20, &text), 0);
    buf_char(&text, '\0');
    found = strstr(text.at, words) != NULL;
    buf_free(&text);
    return found;
}

static int set_up(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        ports[i] = free_port();
    unlink(in_folder("logs/stoa.log"));
    return 0;
}

static int tear_down(void **state)
{
    int status;

    (void)state;
    if (daemon_pid > 0) { /* a test failed */
        kill(daemon_pid, SIGKILL);
        waitpid(daemon_pid, &status, 0);
        daemon_pid = 0;
    }
    unlink(in_folder("run/pid"));
    drop_view();
    return 0;
}

/* ---- tests ---- */

static void test_killed_children_are_reborn(void **state)
{
    static const unsigned victims[] = { ROW_ROUTER, ROW_KEEPER, ROW_WORKER_0, ROW_WORKER_0 + 1, ROW_ROUTER };

    (void)state;
    start_and_view(2);
    assert_int_equal(atomic_load(&segment->board.master_pid), daemon_pid);
    assert_true(is_bound(ports[0]));
    for (unsigned i = 0; i < 5; i++) {
        unsigned row = victims[i];
        int32_t pid = atomic_load(&row_at(row)->pid);
        uint32_t generation = atomic_load(&row_at(row)->generation);

        if (pid == 0) /* its successor took another row */
            continue;
        assert_int_equal(kill(pid, SIGKILL), 0);
        WAIT_UNTIL(!board_lives(&segment->board, row, generation));
        WAIT_UNTIL(all_live(2));
    }
    assert_true(log_says("was ended by signal 9"));
    kill(daemon_pid, SIGTERM);
    expect_end(0);
    assert_false(is_bound(ports[0]));
}

static void test_good_reload(void **state)
{
    char both[200];

    (void)state;
    start_and_view(2);
    snprintf(both, sizeof(both), "%s%s", port_line(ports[0]), port_line(ports[1]));
    write_conf(3, 90, both, "");
    ask_expecting("reload", "ok\n");
    assert_int_equal(atomic_load(&segment->board.conf_generation), 2);
    WAIT_UNTIL(all_live(3));
    assert_true(is_bound(ports[0]) && is_bound(ports[1]));
    assert_int_equal(atomic_load(&row_at(ROW_ROUTER)->generation), 1); /* nothing below xmpp changed */
    assert_int_equal(atomic_load(&row_at(ROW_KEEPER)->conf_generation), 2);
    write_conf(1, 90, port_line(ports[1]), "xmpp {\n port = 15999\n}\n");
    kill(daemon_pid, SIGHUP);
    WAIT_UNTIL(atomic_load(&segment->board.conf_generation) == 3 && all_live(1));
    assert_int_equal(atomic_load(&row_at(ROW_ROUTER)->generation), 2);
    WAIT_UNTIL(!is_bound(ports[0]));
    assert_true(is_bound(ports[1]));
    ask_expecting("stop", "ok\n");
    expect_end(0);
}

static void test_bad_reloads_change_nothing(void **state)
{
    struct buf answer;

    (void)state;
    start_and_view(2);
    write_conf(2, 100, port_line(ports[0]), "nonsense {\n}\n");
    answer = ask("reload", NULL);
    assert_memory_equal(answer.at, "error: ", 7);
    assert_non_null(strstr(answer.at, "config.tdsl:"));
    buf_free(&answer);
    write_conf(2, DIES_AT_BIRTH, port_line(ports[0]), "");
    answer = ask("reload", NULL);
    assert_non_null(strstr(answer.at, "error: a worker of the new configuration died"));
    buf_free(&answer);
    WAIT_UNTIL(all_live(2));
    assert_int_equal(atomic_load(&segment->board.conf_generation), 1);
    write_conf(2, 100, port_line(ports[1]), ""); /* and a good one still works */
    ask_expecting("reload", "ok\n");
    WAIT_UNTIL(all_live(2));
    kill(daemon_pid, SIGINT);
    expect_end(0);
}

static void test_drain(void **state)
{
    (void)state;
    start_and_view(2);
    ask_expecting("drain", "ok\n");
    expect_end(0);
    assert_false(log_says("cut"));
}

static void test_drain_has_an_end(void **state)
{
    (void)state;
    start_and_view(1);
    write_conf(2, NEVER_DRAINS, port_line(ports[0]), "");
    ask_expecting("reload", "ok\n");
    WAIT_UNTIL(all_live(2));
    kill(daemon_pid, SIGQUIT);
    expect_end(0);
    assert_true(log_says("still has requests open after the drain timeout"));
}

static void test_reopen(void **state)
{
    (void)state;
    start_and_view(1);
    assert_int_equal(rename(in_folder("logs/stoa.log"), in_folder("logs/old.log")), 0);
    ask_expecting("reopen", "ok\n");
    WAIT_UNTIL(access(in_folder("logs/stoa.log"), F_OK) == 0);
    assert_true(log_says("opened again"));
    ask_expecting("status", "ok\npid ");
    ask_expecting("dance", "error: ");
    kill(daemon_pid, SIGTERM);
    expect_end(0);
}

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

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    unsetenv("NOTIFY_SOCKET");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return 0;
}

static int remove_folder(void **state)
{
    static const char *const files[] = { "config.tdsl",  "logs/stoa.log", "logs/access.log",
                                         "logs/old.log", "run/ctl",       "run/pid" };

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        unlink(in_folder(files[i]));
    rmdir(in_folder("logs"));
    rmdir(in_folder("run"));
    rmdir(in_folder("data"));
    return rmdir(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_killed_children_are_reborn),
        TEST(test_good_reload),
        TEST(test_bad_reloads_change_nothing),
        TEST(test_drain),
        TEST(test_drain_has_an_end),
        TEST(test_reopen),
        TEST(test_hopeless_start_fails),
        TEST(test_refused_at_start),
        TEST(test_daemon),
        TEST(test_killed_master_leaves_nobody),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
