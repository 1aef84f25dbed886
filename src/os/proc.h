/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: proc.h - what a process does to itself, and to its service manager. */
#ifndef STOA_OS_PROC_H
#define STOA_OS_PROC_H

#include <stdbool.h>
#include <sys/types.h>

/* Once, in main, before the first title, which then overwrites the bytes that argv points at: whoever still
 * needs those copies them before. The environment is moved and stays good. */
void proc_title_init(int argc, char **argv);
void proc_title(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Signals of that list (0 ends it) are blocked and come by the descriptor instead: read struct
 * signalfd_siginfo. SIGPIPE and SIGXFSZ are ignored from then on. */
int proc_signals(const int *signals);
/* In a child before exec or its own proc_signals: all as at birth, nothing blocked, nothing ignored. */
void proc_signals_unblock(void);

/* user may be a name or a number; group NULL: the user's. Drops groups, gid, uid; -1 with errno. No-op and 0
 * when not root. */
int proc_become(const char *user, const char *group);
/* The numbers that proc_become would take; -1 with errno (ENOENT: no such user or group). */
int proc_find_user(const char *user, const char *group, uid_t *uid_r, gid_t *gid_r);
/* Sets no_new_privs, no core with secrets (PR_SET_DUMPABLE 0 outside developer builds), PR_SET_PDEATHSIG
 * SIGTERM; ends itself when the parent has died meanwhile. */
void proc_harden(pid_t parent);
void proc_raise_descriptors(void); /* soft limit to hard limit */

/* systemd's protocol, no library: false when NOTIFY_SOCKET is not set. state as in sd_notify(3). */
bool proc_notify(const char *state);
/* Descriptors passed by LISTEN_FDS for this pid: count, first is 3; the environment is cleared. */
unsigned proc_listen_fds(void);

#endif
