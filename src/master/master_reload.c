/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4: master_reload.c - from one configuration to the next without losing a request.
 *
 * The new one is loaded whole and bound; then its workers are forked beside the old ones (the trial). When
 * all of them are LIVE it is in force: the old workers drain, the keeper is replaced, and the router too if
 * anything below xmpp changed. If one of them dies first, all stays as it was. */
#include "base/clock.h"
#include "base/must.h"
#include "master/inside.h"
#include "os/log.h"
#include "os/proc.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define LEAVE_PATIENCE  (5 * USEC_PER_SEC)
#define ANSWER_PATIENCE USEC_PER_SEC

static void tell_manager_reloading(void)
{
    char text[64];

    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_mono());
    proc_notify(text);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void warn_of_restart(const struct process_settings *old, const struct process_settings *new)
{
    if (!same_text(old->control_socket, new->control_socket))
        log_warn("processes/control-socket changed; that counts after a restart");
    if (!same_text(old->pid_file, new->pid_file))
        log_warn("processes/pid-file changed; that counts after a restart");
}

static void finish(struct master *master, bool good)
{
    proc_notify("READY=1");
    control_reload_done(master, good);
    change_done(master, good);
    if (master->reload_again)
        reload_begin(master);
    else
        change_next(master);
    master_wake(master);
}

void reload_begin(struct master *master)
{
    if (master->phase >= PHASE_DRAINING) {
        buf_clear(&master->report);
        buf_text(&master->report, "error: the daemon is ending\n");
        master->reload_again = false;
        control_reload_done(master, false);
        return;
    }
    /* One after the other, and none before all serve: the file may have changed since it was read. */
    if (master->trial || master->phase == PHASE_STARTING) {
        master->reload_again = true;
        return;
    }
    master->reload_again = false;
    log_notice("reloading %s", master->options->config);
    tell_manager_reloading();
    master->trial = house_load(master);
    if (master->trial == NULL) {
        log_error("the new configuration was refused; the old one stays in force");
        finish(master, false);
        return;
    }
    warn_of_restart(master->house->settings.processes, master->trial->settings.processes);
    if (house_open_log(master->trial) < 0) {
        reload_abort(master, "the log files cannot be opened");
        return;
    }
    master->kinds[PROCESS_worker] = (struct kind_state){ 0 };
    master_wake(master);
}

void reload_abort(struct master *master, const char *why)
{
    struct house *trial = master->trial;

    must(trial != NULL);
    for (unsigned row = ROW_WORKER_0; row < BOARD_ROWS; row++)
        if (master->children[row].pid && master->children[row].conf_generation == trial->generation)
            spawn_tell(master, row, SIGTERM, LEAVE_PATIENCE);
    log_error("the reload is given up: %s; the old configuration stays in force", why);
    buf_printf(&master->report, "error: %s\n", why);
    master->trial = NULL;
    house_free(master, &trial);
    house_open_log(master->house);
    finish(master, false);
}

/* The one that is there; a new one may have come meanwhile. */
static void on_router_leave(struct timer *timer)
{
    struct master *master = OBJECT((char *)timer - offsetof(struct master, router_leave), master);

    if (master->children[ROW_ROUTER].conf_generation != master->house->generation)
        spawn_tell(master, ROW_ROUTER, SIGTERM, LEAVE_PATIENCE);
    master_wake(master);
}

/* The answer to who changed something below xmpp by command goes through the router that must leave for it.
 */
static void let_router_leave(struct master *master)
{
    if (master->request == NULL)
        spawn_tell(master, ROW_ROUTER, SIGTERM, LEAVE_PATIENCE);
    else
        timer_set(master->loop, &master->router_leave, clock_mono() + ANSWER_PATIENCE, on_router_leave);
}

static void take_over(struct master *master)
{
    struct house *old = master->house;
    bool same_xmpp = house_has_the_same_xmpp(old, master->trial);
    struct board *board = &master->segment->board;

    master->house = master->trial;
    master->trial = NULL;
    for (unsigned row = ROW_WORKER_0; row < BOARD_ROWS; row++) {
        struct child *child = &master->children[row];

        if (child->pid && !child->leaving && child->conf_generation != master->house->generation)
            spawn_tell(master, row, SIGQUIT, old->settings.processes->drain_timeout);
    }
    spawn_tell(master, ROW_KEEPER, SIGTERM, LEAVE_PATIENCE);
    if (!same_xmpp)
        let_router_leave(master);
    house_free(master, &old);
    change_in_force(master);
    atomic_store(&board->conf_generation, master->house->generation);
    atomic_store(&board->reloaded, clock_wall());
    log_notice("configuration %u is in force%s", master->house->generation,
               same_xmpp ? "" : "; the streams to the XMPP server are opened again");
}

void reload_look(struct master *master)
{
    if (master->trial == NULL ||
        spawn_serving(master, master->trial->generation, true) < settings_workers(&master->trial->settings))
        return;
    take_over(master);
    finish(master, true);
}
