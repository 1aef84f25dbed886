/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4, ctl/ctl: master_help.h - a daemon with children of the test's own, for master's
 * tests: how it is configured, started, asked and watched. Each test program includes it once. */
#ifndef STOA_T_MASTER_HELP_H
#define STOA_T_MASTER_HELP_H

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

static inline void on_letter(void *data, unsigned row, uint32_t generation, const struct letter *letter)
{
    (void)data;
    (void)row;
    (void)generation;
    (void)letter;
}

static inline void on_peer(void *data, unsigned row, uint32_t generation)
{
    (void)data;
    (void)row;
    (void)generation;
}

static const struct post_calls calls = { .letter = on_letter, .joined = on_peer, .lost = on_peer };

static inline void on_signal(struct watch *watch, uint32_t events)
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

static inline void live(const struct heritage *given)
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

static inline const char *in_folder(const char *name)
{
    static char path[4][128];
    static unsigned next;

    next = (next + 1) % 4;
    snprintf(path[next], sizeof(path[next]), "%s/%s", folder, name);
    return path[next];
}

static inline unsigned free_port(void)
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

static inline void write_conf(unsigned workers, unsigned max_headers, const char *port_lines,
                              const char *more)
{
    struct buf text = { 0 };

    buf_printf(
        &text,
        "httpServer {\n connections {\n%s }\n max-headers = %u\n}\n"
        "processes {\n workers = %u\n user = 'root'\n group = 'root'\n pid-file = 'run/pid'\n"
        " control-socket = 'run/ctl'\n data-dir = 'data'\n drain-timeout = 1s\n stuck-timeout = 3s\n}\n"
        "log {\n directory = 'logs'\n}\n%s",
        port_lines, max_headers, workers, more);
    assert_int_equal(file_replace(in_folder("config.tdsl"), buf_span(&text), 0600), 0);
    buf_free(&text);
}

static inline const char *port_line(unsigned port)
{
    static char line[2][80];
    static unsigned next;

    next = (next + 1) % 2;
    snprintf(line[next], sizeof(line[next]), "  %u {\n   addresses = [ '127.0.0.1' ]\n  }\n", port);
    return line[next];
}

static inline struct conf_schema *make_schema(void)
{
    struct conf_schema *made = conf_schema_new();

    settings_register(made);
    return made;
}

/* ---- the daemon ---- */

static inline _Noreturn void be_daemon(bool foreground)
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

static inline void start(bool foreground)
{
    daemon_pid = fork();
    assert_true(daemon_pid >= 0);
    if (daemon_pid == 0)
        be_daemon(foreground);
}

static inline void pass_time(int64_t since)
{
    assert_true(clock_mono() - since < HANG);
    poll(NULL, 0, 2);
}

#define WAIT_UNTIL(condition)                                                                                \
    for (int64_t since_ = clock_mono(); !(condition);)                                                       \
    pass_time(since_)

static inline void load_view(void)
{
    schema = make_schema();
    conf = conf_load(schema, in_folder("config.tdsl"), NULL, NULL);
    assert_int_equal(conf_errors(conf), 0);
    settings_of(conf, &settings);
}

static inline void drop_view(void)
{
    if (segment)
        munmap((void *)(uintptr_t)segment, sizeof(*segment));
    segment = NULL;
    conf_free(&conf);
    conf_schema_free(&schema);
}

/* The whole answer, up to the end of the connection. */
static inline struct buf ask(const char *word, int *fd_r)
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

static inline void ask_expecting(const char *word, const char *start_of_answer)
{
    struct buf answer = ask(word, NULL);

    assert_memory_equal(answer.at, start_of_answer, strlen(start_of_answer));
    buf_free(&answer);
}

static inline const struct board_row *row_at(unsigned row)
{
    return &segment->board.rows[row];
}

static inline bool is_live(unsigned row)
{
    return atomic_load(&row_at(row)->state) == ROW_LIVE;
}

static inline unsigned live_workers(uint32_t conf_generation)
{
    unsigned count = 0;

    for (unsigned row = ROW_WORKER_0; row < BOARD_ROWS; row++)
        count += is_live(row) && atomic_load(&row_at(row)->conf_generation) == conf_generation;
    return count;
}

static inline unsigned present(void)
{
    unsigned count = 0;

    for (unsigned row = 0; row < BOARD_ROWS; row++)
        count += atomic_load(&row_at(row)->pid) != 0;
    return count;
}

static inline bool all_live(unsigned workers)
{
    return is_live(ROW_ROUTER) && is_live(ROW_KEEPER) &&
           live_workers(atomic_load(&segment->board.conf_generation)) == workers && present() == workers + 2;
}

static inline void start_and_view(unsigned workers)
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

static inline void expect_end(int wanted)
{
    int status;

    assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
    daemon_pid = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), wanted);
    assert_int_equal(access(in_folder("run/pid"), F_OK), -1);
    assert_int_equal(access(in_folder("run/ctl"), F_OK), -1);
}

static inline bool is_bound(unsigned port)
{
    struct sock_address address;
    int fd;

    assert_true(sock_address_numeric(&address, AF_INET, "127.0.0.1", port));
    fd = sock_listen(&address, 1); /* who can bind it finds nobody there */
    if (fd >= 0)
        close(fd);
    return fd < 0;
}

static inline bool log_says(const char *words)
{
    struct buf text = { 0 };
    bool found;

    assert_int_equal(file_read_all(in_folder("logs/stoa.log"), 1 << 20, &text), 0);
    buf_char(&text, '\0');
    found = strstr(text.at, words) != NULL;
    buf_free(&text);
    return found;
}

static inline int set_up(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        ports[i] = free_port();
    unlink(in_folder("logs/stoa.log"));
    return 0;
}

static inline int tear_down(void **state)
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

static inline int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    unsetenv("NOTIFY_SOCKET");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return 0;
}

static inline int remove_folder(void **state)
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

#endif
