/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 2 3 4 6: keeper_main.c - the keeper: it runs what no request waits for.
 *
 * Each job of each active module has a timer: first after its delay, then every period; a run is a chain of
 * short steps, so that a signal or another job never waits long. A keeper that dies loses nothing: jobs are
 * written so that the next run finds what the last one left. */
#include "keeper/keeper_main.h"

#include "base/clock.h"
#include "base/object.h"
#include "conf/settings.h"
#include "keeper/keeper_steer.h"
#include "keeper/keeper_tracker.h"
#include "module/host.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/proc.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define JOBS_MOST        64
#define ERRANDS_END_MOST (5 * USEC_PER_SEC) /* for errands in hand when the keeper shall go */
#define ERRANDS_LOOK     (20 * USEC_PER_MSEC)

struct job {
    OBJECT_MAGIC
    struct timer timer;
    struct module_host *host;     /* borrowed */
    const struct keeper_job *row; /* borrowed from the module's table */
    int64_t begun;                /* clock_mono of the run's first step; 0: between runs */
};

/* What no module does. */
static const struct errand_row core_errands[] = {
    { .name = "steer", .run = keeper_steer },
    { .name = "track", .run = keeper_tracker },
    { .name = NULL },
};

static const struct modules *installed; /* borrowed; set before the first fork */

static struct keeper {
    const struct heritage *heritage;
    struct loop *loop;
    struct hosts hosts;
    struct job jobs[JOBS_MOST];
    size_t job_count;
    struct desk *desk;
    struct post *post;
    struct watch signals;
    struct turn turn;
    struct timer leave;
    int64_t leave_by; /* clock_mono; 0: nobody told us to go */
} keeper;

void keeper_modules(const struct modules *modules)
{
    installed = modules;
}

static void on_step(struct timer *timer)
{
    struct job *job = OBJECT((char *)timer - offsetof(struct job, timer), job);
    int64_t now = clock_mono(), wait;

    if (job->begun == 0)
        job->begun = now;
    wait = job->row->step(job->host);
    if (wait < 0) {
        int64_t period = job->row->period(job->host);

        log_debug("job %s of module %s took %lld ms", job->row->name, job->host->module->name,
                  (long long)((clock_mono() - job->begun) / USEC_PER_MSEC));
        job->begun = 0;
        if (period <= 0)
            return;
        wait = period;
    }
    timer_set(keeper.loop, timer, clock_mono() + wait, on_step);
}

static void jobs_start(struct module_host *host)
{
    for (const struct keeper_job *row = host->module->jobs; row && row->name; row++) {
        struct job *job;

        if (row->period(host) <= 0)
            continue;
        must(keeper.job_count < JOBS_MOST);
        job = &keeper.jobs[keeper.job_count++];
        OBJECT_BORN(job, job);
        job->host = host;
        job->row = row;
        timer_set(keeper.loop, &job->timer, clock_mono() + (row->delay ? row->delay(host) : 0), on_step);
    }
}

static void modules_up(void)
{
    for (size_t i = 0; i < keeper.hosts.count; i++) {
        struct module_host *host = &keeper.hosts.items[i];

        if (host->module->keeper_up && host->module->keeper_up(host) < 0)
            exit(EXIT_FAILURE); /* said in the log by the module */
        jobs_start(host);
    }
}

static void modules_down(void)
{
    for (size_t i = keeper.hosts.count; i-- > 0;)
        if (keeper.hosts.items[i].module->keeper_down)
            keeper.hosts.items[i].module->keeper_down(&keeper.hosts.items[i]);
}

static bool modules_wait(void)
{
    bool wait = false;

    for (size_t i = 0; i < keeper.hosts.count; i++) {
        const struct stoa_module *module = keeper.hosts.items[i].module;

        if (module->keeper_leaving && module->keeper_leaving(&keeper.hosts.items[i]))
            wait = true;
    }
    return wait;
}

/* Whoever waits for an errand gets its answer: a reload fails nobody. */
static void look_whether_done(struct timer *timer)
{
    bool wait = modules_wait() || desk_errands(keeper.desk) > 0 || !desk_was_let_go(keeper.desk);

    if (!wait || clock_mono() >= keeper.leave_by)
        loop_stop(keeper.loop);
    else
        timer_set(keeper.loop, timer, clock_mono() + ERRANDS_LOOK, look_whether_done);
}

static void leave(void)
{
    if (keeper.leave_by)
        return;
    keeper.leave_by = clock_mono() + ERRANDS_END_MOST;
    desk_leave(keeper.desk);
    look_whether_done(&keeper.leave);
}

static void on_signal(struct watch *watch, uint32_t events)
{
    struct signalfd_siginfo info;

    (void)events;
    while (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGQUIT)
            leave();
        else if (info.ssi_signo == SIGUSR1 && log_reopen() < 0)
            log_error("the log files cannot be opened again: %m; the old ones stay in use");
    }
}

static void on_turn(struct turn *turn)
{
    (void)turn;
    log_flush();
}

_Noreturn void keeper_main(const struct heritage *heritage)
{
    static const int signals[] = { SIGTERM, SIGQUIT, SIGUSR1, SIGHUP, SIGINT, 0 };
    const struct process_settings *processes = heritage->settings->processes;

    keeper.heritage = heritage;
    if (proc_become(processes->user, processes->group) < 0)
        log_fatal("cannot become user %s: %m; set processes/user to one that exists", processes->user);
    proc_harden(heritage->master_pid);
    keeper.loop = loop_new();
    watch_start(keeper.loop, &keeper.signals, proc_signals(signals), EPOLLIN, on_signal);
    hosts_make(&keeper.hosts, installed, heritage, keeper.loop);
    keeper.hosts.core_errands = core_errands;
    keeper.hosts.track = keeper_tracker_line;
    keeper_tracker_start(heritage->segment, heritage->settings->log->directory);
    keeper_steer_start(keeper.loop, heritage->steer_fd);
    keeper.desk = desk_new(&keeper.hosts, keeper.loop);
    modules_up();
    turn_add(keeper.loop, &keeper.turn, on_turn);
    keeper.post = post_new(heritage, keeper.loop, &desk_post_calls, keeper.desk);
    desk_attach(keeper.desk, keeper.post);

    loop_run(keeper.loop);

    for (size_t i = 0; i < keeper.job_count; i++)
        timer_stop(&keeper.jobs[i].timer);
    timer_stop(&keeper.leave);
    turn_remove(&keeper.turn);
    modules_down();
    keeper_steer_stop();
    desk_free(&keeper.desk);
    post_free(&keeper.post);
    log_flush();
    exit(EXIT_SUCCESS);
}
