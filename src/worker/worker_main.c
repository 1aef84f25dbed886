/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 2 3 4 5(http) 5(page) 6: worker_main.c - the life of one worker, from fork to exit.
 *
 * SIGTERM ends it after the present turn; SIGQUIT lets it finish what it has: no new connections, no new IQs,
 * then it exits by itself. Whatever state a second request could need is elsewhere, so nothing is handed
 * over. */
#include "worker/worker_main.h"

#include "base/clock.h"
#include "base/object.h"
#include "conf/settings.h"
#include "http/server.h"
#include "module/host.h"
#include "module/login.h"
#include "module/track.h"
#include "module/web.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/proc.h"
#include "page/page.h"
#include "worker/worker_routes.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define LOG_EACH_USEC   (100 * USEC_PER_MSEC) /* a busy worker writes its access lines at most so often */
#define DRAIN_LOOK_USEC (50 * USEC_PER_MSEC)  /* how often a draining worker asks whether it may go */

static const struct modules *installed; /* borrowed; set before the first fork */

struct worker {
    OBJECT_MAGIC
    const struct heritage *heritage;
    struct loop *loop;
    struct hosts hosts;
    struct router_table *contexts;
    struct http_server *server;
    struct desk *desk;
    struct post *post;
    struct watch signals;
    struct turn turn;
    struct timer drain;
    struct timer log;
    int64_t logged;  /* loop_now of the last write of access lines */
    bool log_is_due; /* the timer runs */
    bool http_drained;
};

static struct worker worker; /* there is one per process */

void worker_modules(const struct modules *modules)
{
    installed = modules;
}

static struct board_row *own_row(void)
{
    return &worker.heritage->segment->board.rows[worker.heritage->row];
}

/* ---- leaving ---- */

/* The router has let us go, so no IQ is on its way to us; answers that still lie in the ring are read by it
 * after our death, those that did not fit into it are waited for. */
static void look_whether_drained(struct timer *timer)
{
    if (worker.http_drained && desk_open(worker.desk) == 0 && post_idle(worker.post))
        loop_stop(worker.loop);
    else
        timer_set(worker.loop, timer, clock_mono() + DRAIN_LOOK_USEC, look_whether_drained);
}

static void on_http_drained(void *data)
{
    (void)data;
    worker.http_drained = true;
    timer_set(worker.loop, &worker.drain, clock_mono(), look_whether_drained);
}

static void begin_to_drain(void)
{
    if (atomic_load(&own_row()->state) == ROW_DRAINING)
        return;
    atomic_store(&own_row()->state, ROW_DRAINING);
    desk_leave(worker.desk);
    http_server_drain(worker.server, on_http_drained, NULL);
}

static void on_signal(struct watch *watch, uint32_t events)
{
    struct signalfd_siginfo info;

    (void)events;
    while (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGTERM)
            loop_stop(worker.loop);
        else if (info.ssi_signo == SIGQUIT)
            begin_to_drain();
        else if (info.ssi_signo == SIGUSR1 && log_reopen() < 0)
            log_error("the log files cannot be opened again: %m; the old ones stay in use");
    }
}

/* ---- each turn ---- */

static void write_log(void)
{
    timer_stop(&worker.log);
    worker.log_is_due = false;
    worker.logged = loop_now(worker.loop);
    log_flush();
}

static void on_log_timer(struct timer *timer)
{
    (void)timer;
    write_log();
}

/* The first line after a silence at once, so that tail -f is live; a system call for each request is too
 * much.
 */
static void look_after_log(void)
{
    if (!log_waiting() || worker.log_is_due)
        return;
    if (loop_now(worker.loop) - worker.logged >= LOG_EACH_USEC) {
        write_log();
        return;
    }
    worker.log_is_due = true;
    timer_set(worker.loop, &worker.log, worker.logged + LOG_EACH_USEC, on_log_timer);
}

static void on_turn(struct turn *turn)
{
    (void)turn;
    atomic_store_explicit(&own_row()->connections, http_server_connections(worker.server),
                          memory_order_relaxed);
    atomic_store_explicit(&own_row()->busy, desk_open(worker.desk), memory_order_relaxed);
    look_after_log();
}

/* ---- who is tracked ---- */

/* The path alone: a query may hold secrets. */
static void on_over(void *data, const struct http_request *request, int status, int64_t usec)
{
    struct module_host *host = data;
    struct buf line = { 0 };

    if (!trackers_any(&host->segment->trackers) || request->user.size == 0)
        return;
    buf_printf(&line, "http %.*s %.*s%.*s status=%d ms=%lld id=%s", SPAN_ARG(request->method_text),
               SPAN_ARG(request->host), SPAN_ARG(request->path), status, (long long)(usec / USEC_PER_MSEC),
               request->id);
    track_say(host, request->user, buf_span(&line));
    buf_free(&line);
}

/* ---- coming up and going down ---- */

static void modules_up(void)
{
    for (size_t i = 0; i < worker.hosts.count; i++) {
        struct module_host *host = &worker.hosts.items[i];

        if (host->module->worker_up && host->module->worker_up(host) < 0)
            exit(EXIT_FAILURE); /* said in the log by the module */
        if (host->module->contexts)
            host->module->contexts(host, worker.contexts);
    }
}

static void modules_down(void)
{
    for (size_t i = worker.hosts.count; i-- > 0;) {
        struct module_host *host = &worker.hosts.items[i];

        if (host->module->worker_down)
            host->module->worker_down(host);
    }
}

_Noreturn void worker_main(const struct heritage *heritage)
{
    static const int signals[] = { SIGTERM, SIGQUIT, SIGUSR1, SIGHUP, SIGINT, 0 };
    const struct process_settings *processes = heritage->settings->processes;

    OBJECT_BORN(&worker, worker);
    worker.heritage = heritage;
    if (proc_become(processes->user, processes->group) < 0)
        log_fatal("cannot become user %s: %m; set processes/user to one that exists", processes->user);
    proc_harden(heritage->master_pid);
    worker.loop = loop_new();
    watch_start(worker.loop, &worker.signals, proc_signals(signals), EPOLLIN, on_signal);
    hosts_make(&worker.hosts, installed, heritage, worker.loop);
    worker.contexts = router_table_new();
    page_contexts(worker.contexts);
    web_contexts(&worker.hosts.core, worker.contexts);
    web_chrome(&worker.hosts.core, worker.contexts);
    worker.desk = desk_new(&worker.hosts, worker.loop);
    modules_up();
    worker_routes(&heritage->segment->routes, worker.contexts);
    if (http_server_new(&worker.server, heritage, worker.loop, worker.contexts, heritage->prepared) < 0)
        exit(EXIT_FAILURE);
    http_server_guard(worker.server, login_guard, &worker.hosts.core);
    http_server_watch(worker.server, on_over, &worker.hosts.core);
    turn_add(worker.loop, &worker.turn, on_turn);
    worker.post = post_new(heritage, worker.loop, &desk_post_calls, worker.desk);
    desk_attach(worker.desk, worker.post);

    loop_run(worker.loop);

    timer_stop(&worker.drain);
    timer_stop(&worker.log);
    turn_remove(&worker.turn);
    http_server_free(&worker.server);
    modules_down();
    desk_free(&worker.desk);
    post_free(&worker.post);
    router_table_free(&worker.contexts);
    log_flush();
    exit(EXIT_SUCCESS);
}
