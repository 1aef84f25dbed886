/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4: master_signal.c - what each signal asks of master; they come as bytes of a signalfd.
 */
#include "master/inside.h"
#include "os/log.h"
#include "os/proc.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void stop_well(struct master *master)
{
    master_stop(master, EXIT_SUCCESS);
}

static void refuse(struct master *master)
{
    (void)master;
    log_warn("SIGUSR2 is not used; restart the daemon to run a new program");
}

static const struct {
    int number;
    void (*call)(struct master *master);
} signals[] = {
    { SIGCHLD, spawn_reap }, { SIGHUP, reload_begin },  { SIGUSR1, master_reopen }, { SIGTERM, stop_well },
    { SIGINT, stop_well },   { SIGQUIT, master_drain }, { SIGUSR2, refuse },
};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static void on_signal(struct watch *watch, uint32_t events)
{
    struct master *master = OBJECT((char *)watch - offsetof(struct master, signals), master);
    struct signalfd_siginfo info;

    (void)events;
    while (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        for (size_t i = 0; i < SIGNALS; i++)
            if (signals[i].number == (int)info.ssi_signo)
                signals[i].call(master);
    master_wake(master);
}

int signals_watch(struct master *master)
{
    int numbers[SIGNALS + 1] = { 0 };
    int fd;

    for (size_t i = 0; i < SIGNALS; i++)
        numbers[i] = signals[i].number;
    fd = proc_signals(numbers);
    if (fd < 0)
        return -1;
    watch_start(master->loop, &master->signals, fd, EPOLLIN, on_signal);
    return 0;
}
