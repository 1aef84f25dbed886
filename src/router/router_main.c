/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 1 2 3 4 5(xmpp): router_main.c - the life of the router, from fork to exit.
 *
 * SIGTERM, SIGINT and SIGQUIT end it alike: whoever waits is answered, each stream is closed in the words of
 * RFC 6120 4.4. SIGHUP is master's business: a new configuration comes with a new router. */
#include "router/router_main.h"

#include "os/log.h"
#include "os/proc.h"
#include "router/router.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

static struct life {
    struct loop *loop;
    struct router *router;
    struct watch signals;
    struct turn turn;
} life; /* there is one per process */

static void on_closed(struct router *router)
{
    (void)router;
    loop_stop(life.loop);
}

static void on_signal(struct watch *watch, uint32_t events)
{
    struct signalfd_siginfo info;

    (void)events;
    while (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT || info.ssi_signo == SIGQUIT)
            router_close(life.router, on_closed);
        else if (info.ssi_signo == SIGUSR1 && log_reopen() < 0)
            log_error("the log files cannot be opened again: %m; the old ones stay in use");
    }
}

static void on_turn(struct turn *turn)
{
    (void)turn;
    log_flush();
}

_Noreturn void router_main(const struct heritage *heritage)
{
    static const int signals[] = { SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGHUP, 0 };
    const struct process_settings *setting = heritage->settings->processes;
    int fd;

    proc_title("stoa: router");
    log_identity("router", heritage->row);
    count_attach(&heritage->segment->counts, heritage->row);
    fd = proc_signals(signals);
    if (fd < 0)
        log_fatal("signals cannot be read: %m");
    signal(SIGPIPE, SIG_IGN);
    if (proc_become(setting->user, setting->group) < 0)
        log_fatal("processes/user: cannot become %s: %m", setting->user ? setting->user : "that user");
    proc_harden(heritage->master_pid);
    life.loop = loop_new();
    watch_start(life.loop, &life.signals, fd, EPOLLIN, on_signal);
    turn_add(life.loop, &life.turn, on_turn);
    life.router = router_new(heritage, life.loop);
    loop_run(life.loop);
    router_free(&life.router);
    exit(EXIT_SUCCESS);
}
