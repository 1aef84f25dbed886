/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4: master.c - the daemon's life: start, tick, end; see master.h.
 *
 * One rule makes the rest simple: nothing is done at once that the next tick would do anyway. A signal, a
 * death, a word of stoactl change what is wanted; the tick compares it with what is and acts. Ticks come soon
 * while something is unfinished, and seldom when all is well. */
#include "master/master.h"

#include "base/clock.h"
#include "base/must.h"
#include "master/inside.h"
#include "os/bell.h"
#include "os/log.h"
#include "os/proc.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define TICK_SOON     (50 * USEC_PER_MSEC)
#define TICK_LEAST    USEC_PER_SEC
#define TICK_MOST     (5 * USEC_PER_SEC)
#define TICKET_LEAST  (60 * USEC_PER_SEC)
#define STOP_PATIENCE (5 * USEC_PER_SEC)

static void tick(struct master *master);

static void on_wake(struct task *task)
{
    tick(OBJECT((char *)task - offsetof(struct master, wake), master));
}

void master_wake(struct master *master)
{
    task_defer(master->loop, &master->wake, on_wake);
}

/* ---- the end ---- */

static void tell_to_end(struct master *master, unsigned row)
{
    spawn_tell(master, row, SIGTERM, STOP_PATIENCE);
}

void master_stop(struct master *master, int status)
{
    if (master->phase == PHASE_STOPPING)
        return;
    log_notice("stopping");
    proc_notify("STOPPING=1");
    master->phase = PHASE_STOPPING;
    master->status = status;
    change_next(master); /* who waits is told */
    for (unsigned row = 0; row < BOARD_ROWS; row++)
        tell_to_end(master, row);
    master_wake(master);
}

/* The router and the keeper stay while workers need them. */
void master_drain(struct master *master)
{
    if (master->phase >= PHASE_DRAINING)
        return;
    log_notice("draining");
    proc_notify("STOPPING=1");
    master->phase = PHASE_DRAINING;
    change_next(master);
    for (unsigned row = ROW_WORKER_0; row < BOARD_ROWS; row++)
        if (master->children[row].pid && !master->children[row].leaving)
            spawn_tell(master, row, SIGQUIT, master->house->settings.processes->drain_timeout);
    master_wake(master);
}

void master_reopen(struct master *master)
{
    if (daemon_own_logs(master->house) < 0 || log_reopen() < 0)
        log_error("the log files cannot be opened again: %m; the old ones stay in use");
    else
        log_notice("log files opened again");
    spawn_tell_all(master, SIGUSR1);
}

/* ---- the tick ---- */

static void look_at_phase(struct master *master)
{
    switch (master->phase) {
    case PHASE_STARTING:
        if (!spawn_all_live(master))
            return;
        master->phase = PHASE_RUNNING;
        log_notice("serving with %u workers", settings_workers(&master->house->settings));
        daemon_ready(master, NULL);
        break;
    case PHASE_RUNNING:
        if (master->reload_again && master->trial == NULL)
            reload_begin(master);
        change_next(master);
        reload_look(master);
        break;
    case PHASE_DRAINING:
        if (!master->shut &&
            spawn_all_draining(master)) { /* not earlier: one that accepts would see it fail */
            master->shut = true;
            listen_shut(master);
        }
        if (spawn_count(master, PROCESS_worker) == 0)
            master_stop(master, EXIT_SUCCESS);
        break;
    case PHASE_STOPPING:
        if (spawn_count(master, PROCESS_NONE) == 0)
            loop_stop(master->loop);
        break;
    }
}

static bool is_unfinished(const struct master *master)
{
    if (master->phase != PHASE_RUNNING || master->trial || !spawn_all_live(master))
        return true;
    for (unsigned row = 0; row < BOARD_ROWS; row++)
        if (master->children[row].leaving)
            return true;
    return false;
}

static int64_t idle_period(const struct master *master)
{
    int64_t period = master->house->settings.processes->stuck_timeout / 4;

    return period < TICK_LEAST ? TICK_LEAST : period > TICK_MOST ? TICK_MOST : period;
}

static void on_tick(struct timer *timer)
{
    tick(OBJECT((char *)timer - offsetof(struct master, tick), master));
}

static void tick(struct master *master)
{
    int64_t now = clock_mono();

    spawn_reap(master);
    look_at_phase(master);
    spawn_missing(master);
    spawn_hurry(master, now);
    master->last_tick = now;
    log_flush();
    timer_set(master->loop, &master->tick, now + (is_unfinished(master) ? TICK_SOON : idle_period(master)),
              on_tick);
}

static void on_tickets(struct timer *timer)
{
    struct master *master = OBJECT((char *)timer - offsetof(struct master, tickets), master);
    int64_t lifetime = master->house->settings.http_server->tls_ticket_lifetime;

    tickets_rotate(&master->segment->tickets);
    timer_set(master->loop, timer, clock_mono() + (lifetime > TICKET_LEAST ? lifetime : TICKET_LEAST),
              on_tickets);
}

static void on_history(struct timer *timer)
{
    struct master *master = OBJECT((char *)timer - offsetof(struct master, history), master);
    int64_t now = clock_mono();

    history_take(master->segment, now, clock_wall());
    timer_set(master->loop, timer, now + HISTORY_FINE_USEC, on_history);
}

/* ---- the start ---- */

static int make_segment(struct master *master)
{
    master->segment = segment_create(&master->segment_fd);
    if (master->segment == NULL) {
        log_error("cannot make the shared memory: %m");
        return -1;
    }
    for (unsigned row = 0; row < BOARD_ROWS; row++) {
        master->bell_fd[row] = bell_new();
        if (master->bell_fd[row] < 0) {
            log_error("cannot make an eventfd: %m");
            return -1;
        }
    }
    atomic_store(&master->segment->board.master_pid, getpid());
    atomic_store(&master->segment->board.started, clock_wall());
    atomic_store(&master->segment->board.conf_generation, master->house->generation);
    return 0;
}

/* Everything that can be wrong with the machine or the configuration is found here, before the terminal is
 * left; control_listen also finds a daemon that runs already. */
static int prepare(struct master *master)
{
    listen_adopt(master);
    master->house = house_load(master);
    if (master->house == NULL)
        return -1;
    listen_drop_unused(master);
    return daemon_folders(master);
}

static int settle(struct master *master)
{
    master->loop = loop_new();
    if (control_listen(master) < 0 || house_open_log(master->house) < 0 || daemon_write_pid(master) < 0)
        return -1;
    if (signals_watch(master) < 0) {
        log_error("cannot make a signalfd: %m");
        return -1;
    }
    if (make_segment(master) < 0)
        return -1;
    proc_raise_descriptors();
    proc_title("stoa: master");
    complaints_attach(&master->segment->complaints);
    on_tickets(&master->tickets);
    on_history(&master->history);
    daemon_watchdog(master);
    return 0;
}

static char *copy_text(const char *text)
{
    return text ? must_strdup(text) : NULL;
}

/* They point into the command line, which the first title overwrites; a reload needs them again. */
static struct master_options *copy_options(const struct master_options *options)
{
    struct master_options *copy = must_alloc(sizeof(*copy));
    const char **overrides;
    size_t count = 0;

    *copy = *options;
    copy->config = copy_text(options->config);
    copy->data_root = copy_text(options->data_root);
    while (options->overrides && options->overrides[count])
        count++;
    overrides = must_alloc((count + 1) * sizeof(*overrides));
    for (size_t i = 0; i < count; i++)
        overrides[i] = copy_text(options->overrides[i]);
    copy->overrides = overrides;
    return copy;
}

static void free_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

static void free_options(const struct master_options *options)
{
    for (size_t i = 0; options->overrides[i]; i++)
        free_text(options->overrides[i]);
    free((void *)(uintptr_t)options->overrides);
    free_text(options->config);
    free_text(options->data_root);
    free((void *)(uintptr_t)options);
}

static void clean_up(struct master *master)
{
    if (master->loop) {
        int fd = master->signals.fd;

        daemon_remove_files(master);
        control_stop(master);
        if (master->signals.loop) {
            watch_stop(&master->signals);
            close(fd);
        }
    }
    steer_end(master);
    change_free(master);
    for (unsigned row = 0; row < BOARD_ROWS; row++)
        if (master->bell_fd[row] > 0)
            close(master->bell_fd[row]);
    complaints_attach(NULL);
    if (master->segment) {
        munmap(master->segment, sizeof(*master->segment));
        close(master->segment_fd);
    }
    house_free(master, &master->trial);
    house_free(master, &master->house);
    conf_schema_free(&master->schema);
    buf_free(&master->report);
    loop_free(&master->loop);
    if (master->starter >= 0)
        close(master->starter);
    free_options(master->options);
    OBJECT_DEAD(master);
    free(master);
}

/* Or a socket could become somebody's standard error. */
static void fill_standard_descriptors(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int master_run(const struct master_options *options)
{
    struct master *master = must_alloc(sizeof(*master));
    int status = EXIT_FAILURE;

    fill_standard_descriptors();
    OBJECT_BORN(master, master);
    list_init(&master->requests);
    master->change.file.folder_fd = master->change.certificate_file.folder_fd = -1;
    master->options = copy_options(options);
    master->starter = -1;
    master->schema = options->schema();
    if (prepare(master) < 0) {
        clean_up(master);
        return status;
    }
    if (!options->foreground)
        daemon_begin(master);
    if (settle(master) == 0) {
        log_notice("stoad %s starts with %s", STOA_VERSION, master->options->config);
        master->last_tick = clock_mono();
        master_wake(master);
        loop_run(master->loop);
        status = master->status;
        log_notice("ended");
        log_flush();
    } else {
        daemon_ready(master, "could not start; the reason stands above or in the log");
    }
    clean_up(master);
    return status;
}
