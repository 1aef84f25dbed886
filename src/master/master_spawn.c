/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4: master_spawn.c - births, deaths and rebirths; who is told to leave, and how firmly.
 *
 * A kind that dies early is reborn at once, then after 100 ms, doubling to 10 s; a long life forgives all. A
 * SIGKILL of one that served is not its own doing and never makes the next one wait.
 * Rows are given out FREE only (shm/README.md says who makes them so), but for the router's, which is reborn
 * DEAD: its rings are put in order by the other ends. */
#include "base/clock.h"
#include "base/must.h"
#include "master/inside.h"
#include "os/bell.h"
#include "os/log.h"
#include "os/proc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EARLY          (10 * USEC_PER_SEC) /* who dies younger than this makes the next one wait */
#define WAIT_LEAST     (100 * USEC_PER_MSEC)
#define WAIT_MOST      (10 * USEC_PER_SEC)
#define STUCK_LEAST    (3 * USEC_PER_SEC) /* an idle loop gives a sign once a second */
#define STILLBORN_MOST 3
#define TERM_PATIENCE  (5 * USEC_PER_SEC)

static struct board *board(struct master *master)
{
    return &master->segment->board;
}

/* Every change of a row is followed by this: whoever sleeps looks at the board again. */
static void ring_all(struct master *master)
{
    atomic_fetch_add(&board(master)->changes, 1);
    for (unsigned row = 0; row < BOARD_ROWS; row++)
        if (master->children[row].pid)
            bell_ring(master->bell_fd[row]);
}

static enum row_state state_of(const struct master *master, unsigned row)
{
    return (enum row_state)atomic_load(&master->segment->board.rows[row].state);
}

static bool router_lives(const struct master *master)
{
    return master->children[ROW_ROUTER].pid != 0;
}

/* "worker 3" */
static const char *name_of(enum process_kind kind, unsigned row)
{
    static char text[32];

    if (kind == PROCESS_worker)
        snprintf(text, sizeof(text), "worker %u", row - ROW_WORKER_0);
    else
        snprintf(text, sizeof(text), "%s", board_kind_name(kind));
    return text;
}

/* ---- birth ---- */

/* The visible sequence of every child: nothing of master's stays but what heritage names. */
static _Noreturn void be_child(struct master *master, const struct heritage *heritage, struct house *house)
{
    close(master->signals.fd);
    proc_signals_unblock();
    control_close_in_child(master);
    steer_close_in_child(master);
    listen_close_in_child(master, heritage->kind == PROCESS_worker ? house : NULL);
    if (master->starter >= 0)
        close(master->starter);
    close(master->segment_fd);
    loop_free(&master->loop);
    proc_title("stoa: %s", name_of(heritage->kind, heritage->row));
    log_identity(board_kind_name(heritage->kind), heritage->row);
    count_attach(&heritage->segment->counts, heritage->row);
    histogram_attach(&heritage->segment->durations, heritage->row);
    master->options->children[heritage->kind](heritage);
    abort(); /* a child does not return */
}

static void fill_heritage(struct master *master, struct heritage *heritage, struct house *house)
{
    heritage->segment = master->segment;
    heritage->master_pid = getpid();
    heritage->conf = house->conf;
    heritage->settings = &house->settings;
    heritage->prepared = house->prepared;
    memcpy(heritage->bell_fd, master->bell_fd, sizeof(heritage->bell_fd));
    if (heritage->kind != PROCESS_worker)
        return;
    for (unsigned i = 0; i < house->listener_count; i++) {
        heritage->listeners[i].fd = house->listeners[i].bound->fd;
        heritage->listeners[i].settings = house->listeners[i].settings;
    }
    heritage->listener_count = house->listener_count;
}

bool spawn(struct master *master, enum process_kind kind, unsigned row, struct house *house)
{
    static struct heritage heritage; /* large; the child's copy lives as long as the child */
    struct board_row *at = &board(master)->rows[row];
    struct child *child = &master->children[row];
    pid_t pid;

    must(child->pid == 0);
    heritage = (struct heritage){ .kind = kind, .row = row };
    fill_heritage(master, &heritage, house);
    heritage.steer_fd = kind == PROCESS_keeper ? steer_born(master) : -1;
    log_flush();
    heritage.generation = board_born(board(master), row, kind);
    atomic_store(&at->conf_generation, house->generation);
    atomic_store(&at->born, clock_wall());
    atomic_store(&at->beat, clock_mono());
    pid = fork();
    if (pid == 0)
        be_child(master, &heritage, house);
    if (heritage.steer_fd >= 0)
        close(heritage.steer_fd);
    if (pid < 0) {
        log_error("cannot fork a %s: %m", board_kind_name(kind));
        atomic_store(&at->state, row == ROW_ROUTER ? ROW_DEAD : ROW_FREE);
        master->kinds[kind].not_before = clock_mono() + USEC_PER_SEC;
        return false;
    }
    *child = (struct child){ .pid = pid,
                             .kind = kind,
                             .conf_generation = house->generation,
                             .born = clock_mono(),
                             .patience = INT64_MAX };
    atomic_store(&at->pid, pid);
    ring_all(master);
    log_info("%s is process %d", name_of(kind, row), (int)pid);
    return true;
}

/* ---- who is missing ---- */

unsigned spawn_count(const struct master *master, enum process_kind kind)
{
    unsigned count = 0;

    for (unsigned row = 0; row < BOARD_ROWS; row++)
        count +=
            master->children[row].pid != 0 && (kind == PROCESS_NONE || master->children[row].kind == kind);
    return count;
}

bool spawn_all_draining(const struct master *master)
{
    for (unsigned row = ROW_WORKER_0; row < BOARD_ROWS; row++)
        if (master->children[row].pid && state_of(master, row) != ROW_DRAINING)
            return false;
    return true;
}

unsigned spawn_serving(const struct master *master, uint32_t conf_generation, bool live_only)
{
    unsigned count = 0;

    for (unsigned row = ROW_WORKER_0; row < BOARD_ROWS; row++) {
        const struct child *child = &master->children[row];

        count += child->pid != 0 && !child->leaving && child->conf_generation == conf_generation &&
                 (!live_only || state_of(master, row) == ROW_LIVE);
    }
    return count;
}

bool spawn_all_live(const struct master *master)
{
    return master->children[ROW_ROUTER].pid && state_of(master, ROW_ROUTER) == ROW_LIVE &&
           master->children[ROW_KEEPER].pid && state_of(master, ROW_KEEPER) == ROW_LIVE &&
           spawn_serving(master, master->house->generation, true) >=
               settings_workers(&master->house->settings);
}

static bool may_be_born(const struct master *master, enum process_kind kind)
{
    return clock_mono() >= master->kinds[kind].not_before;
}

static void spawn_workers(struct master *master, struct house *house)
{
    unsigned missing = settings_workers(&house->settings),
             have = spawn_serving(master, house->generation, false);

    for (unsigned row = ROW_WORKER_0; row < BOARD_ROWS && have < missing; row++) {
        if (master->children[row].pid != 0 || state_of(master, row) != ROW_FREE)
            continue;
        if (!may_be_born(master, PROCESS_worker) || !spawn(master, PROCESS_worker, row, house))
            return;
        have++;
    }
}

void spawn_missing(struct master *master)
{
    if (master->phase == PHASE_DRAINING || master->phase == PHASE_STOPPING)
        return;
    if (master->children[ROW_ROUTER].pid == 0 && may_be_born(master, PROCESS_router))
        spawn(master, PROCESS_router, ROW_ROUTER, master->house);
    if (master->children[ROW_KEEPER].pid == 0 && state_of(master, ROW_KEEPER) == ROW_FREE &&
        may_be_born(master, PROCESS_keeper))
        spawn(master, PROCESS_keeper, ROW_KEEPER, master->house);
    spawn_workers(master, master->house);
    if (master->trial)
        spawn_workers(master, master->trial);
}

/* ---- death ---- */

static void tell_death(const struct child *child, unsigned row, int status, bool expected)
{
    const char *name = name_of(child->kind, row);
    int pid = (int)child->pid;

    if (expected && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        log_info("%s (process %d) has ended", name, pid);
    else if (WIFSIGNALED(status))
        log_error("%s (process %d) was ended by signal %d, %s%s", name, pid, WTERMSIG(status),
                  strsignal(WTERMSIG(status)), WCOREDUMP(status) ? ", and left a core" : "");
    else
        log_error("%s (process %d) ended with status %d", name, pid, WEXITSTATUS(status));
}

static void delay_next(struct kind_state *kind, int64_t age)
{
    int64_t now = clock_mono();

    if (age >= EARLY)
        kind->wait = 0;
    kind->not_before = now + kind->wait;
    kind->wait = kind->wait ? kind->wait * 2 : WAIT_LEAST;
    if (kind->wait > WAIT_MOST)
        kind->wait = WAIT_MOST;
}

static void judge_death(struct master *master, const struct child *child, bool was_live)
{
    struct kind_state *kind = &master->kinds[child->kind];
    char why[160];

    delay_next(kind, clock_mono() - child->born);
    kind->stillborn = was_live ? 0 : kind->stillborn + 1;
    if (master->trial && child->conf_generation == master->trial->generation && !was_live)
        reload_abort(master,
                     "a worker of the new configuration died before it could serve; its log says why");
    if (kind->stillborn != STILLBORN_MOST)
        return;
    snprintf(why, sizeof(why), "%u times in a row a %s died before it could serve; the log says why",
             STILLBORN_MOST, board_kind_name(child->kind));
    log_error("%s", why);
    if (master->phase == PHASE_STARTING) {
        daemon_ready(master, why);
        master_stop(master, EXIT_FAILURE);
    }
}

static void bury(struct master *master, unsigned row, int status)
{
    struct child child = master->children[row];
    struct board_row *at = &board(master)->rows[row];
    enum row_state state = state_of(master, row);
    bool expected = child.leaving || master->phase >= PHASE_DRAINING || state == ROW_DRAINING;
    /* Who served and was struck down from outside says nothing about the next one: that need not wait. */
    bool struck = state == ROW_LIVE && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;

    master->children[row] = (struct child){ 0 };
    if (row == ROW_KEEPER)
        steer_end(master);
    tell_death(&child, row, status, expected);
    atomic_store(&at->pid, 0);
    atomic_store(&at->connections, 0);
    atomic_store(&at->busy, 0);
    atomic_store(&at->state, ROW_DEAD);
    if (!router_lives(master))
        post_clean_dead_rows(master->segment);
    ring_all(master);
    if (!expected && !struck)
        judge_death(master, &child, state == ROW_LIVE);
    else
        master->kinds[child.kind].not_before = 0;
}

void spawn_reap(struct master *master)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (unsigned row = 0; row < BOARD_ROWS; row++)
            if (master->children[row].pid == pid)
                bury(master, row, status);
}

/* ---- leaving ---- */

void spawn_tell(struct master *master, unsigned row, int signal, int64_t patience)
{
    struct child *child = &master->children[row];

    if (child->pid == 0)
        return;
    child->leaving = true;
    child->told = signal;
    child->patience = clock_mono() + patience;
    kill(child->pid, signal);
}

void spawn_tell_all(struct master *master, int signal)
{
    for (unsigned row = 0; row < BOARD_ROWS; row++)
        if (master->children[row].pid)
            kill(master->children[row].pid, signal);
}

/* From QUIT to TERM, from TERM to KILL. */
static void be_firmer(struct master *master, unsigned row, int64_t now)
{
    struct child *child = &master->children[row];

    if (now < child->patience)
        return;
    if (child->told == SIGQUIT) {
        log_warn("%s (process %d) still has requests open after the drain timeout; they are cut",
                 name_of(child->kind, row), (int)child->pid);
        spawn_tell(master, row, SIGTERM, TERM_PATIENCE);
        return;
    }
    log_error("%s (process %d) does not end; it is killed", name_of(child->kind, row), (int)child->pid);
    spawn_tell(master, row, SIGKILL, TERM_PATIENCE);
}

static void kill_stuck(struct master *master, unsigned row, int64_t now, int64_t timeout)
{
    struct child *child = &master->children[row];
    int64_t beat = atomic_load(&board(master)->rows[row].beat);

    if (now - beat < timeout)
        return;
    log_error("%s (process %d) has not turned its loop for %lld s; it is killed", name_of(child->kind, row),
              (int)child->pid, (long long)((now - beat) / USEC_PER_SEC));
    kill(child->pid, SIGKILL);
    atomic_store(&board(master)->rows[row].beat, now); /* said once */
}

/* If master itself was stopped for a while, its children most likely were too: their beats are old for no
 * fault of theirs, and they get another period. */
void spawn_hurry(struct master *master, int64_t now)
{
    int64_t wanted = master->house->settings.processes->stuck_timeout;
    int64_t timeout = wanted > STUCK_LEAST ? wanted : STUCK_LEAST;
    bool overslept = now - master->last_tick > timeout / 2;

    for (unsigned row = 0; row < BOARD_ROWS; row++) {
        struct board_row *at = &board(master)->rows[row];

        if (master->children[row].pid == 0)
            continue;
        if (overslept)
            atomic_store(&at->beat, now);
        be_firmer(master, row, now);
        kill_stuck(master, row, now, timeout);
    }
}
