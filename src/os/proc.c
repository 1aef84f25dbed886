/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: proc.c - see proc.h. */
#include "os/proc.h"

#include "base/must.h"
#include "base/span.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

extern char **environ;

#define LISTEN_FDS_START 3 /* sd_listen_fds(3) */

/* The bytes of argv and environment, which is what ps shows; NULL before proc_title_init. */
static char *title_at;
static size_t title_room;

/* The environment lies behind the arguments: it moves away, so that its room can hold the title too. */
void proc_title_init(int argc, char **argv)
{
    char *end = argv[0];
    size_t count = 0;
    char **moved;

    for (int i = 0; i < argc; i++)
        if (argv[i] == end)
            end += strlen(argv[i]) + 1;
    while (environ[count])
        count++;
    moved = must_alloc((count + 1) * sizeof(*moved));
    for (size_t i = 0; i < count; i++) {
        if (environ[i] == end)
            end += strlen(environ[i]) + 1;
        moved[i] = must_strdup(environ[i]);
    }
    environ = moved;
    title_at = argv[0];
    title_room = (size_t)(end - argv[0]);
}

void proc_title(const char *format, ...)
{
    char text[128];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    prctl(PR_SET_NAME, text);
    if (title_at == NULL)
        return;
    memset(title_at, 0, title_room);
    snprintf(title_at, title_room, "%s", text);
}

int proc_signals(const int *signals)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN); /* a gone peer is an error of write(2), never a death */
    signal(SIGXFSZ, SIG_IGN); /* nor a limit on file sizes: EFBIG, answered as a full disk */
    sigemptyset(&set);
    for (; *signals; signals++)
        sigaddset(&set, *signals);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -1;
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

void proc_signals_unblock(void)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        if (number != SIGKILL && number != SIGSTOP)
            signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int find_group(const char *group, gid_t *gid_r)
{
    const struct group *found = getgrnam(group);
    uint64_t number;

    if (found) {
        *gid_r = found->gr_gid;
        return 0;
    }
    if (text_to_u64(span_of(group), &number) && number < UINT_MAX) {
        *gid_r = (gid_t)number;
        return 0;
    }
    errno = ENOENT;
    return -1;
}

int proc_find_user(const char *user, const char *group, uid_t *uid_r, gid_t *gid_r)
{
    const struct passwd *found = getpwnam(user);
    uint64_t number;

    if (!found && text_to_u64(span_of(user), &number) && number < UINT_MAX)
        found = getpwuid((uid_t)number);
    if (found) {
        *uid_r = found->pw_uid;
        *gid_r = found->pw_gid;
    } else if (text_to_u64(span_of(user), &number) && number < UINT_MAX && group) {
        *uid_r = (uid_t)number; /* a number needs no entry, if the group is said */
    } else {
        errno = ENOENT;
        return -1;
    }
    return group ? find_group(group, gid_r) : 0;
}

int proc_become(const char *user, const char *group)
{
    const struct passwd *entry;
    uid_t uid;
    gid_t gid;

    if (geteuid() != 0)
        return 0;
    if (proc_find_user(user, group, &uid, &gid) < 0)
        return -1;
    entry = getpwuid(uid);
    if (entry ? initgroups(entry->pw_name, gid) < 0 : setgroups(1, &gid) < 0)
        return -1;
    if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return -1;
    must(uid == 0 || setuid(0) < 0); /* there is no way back, or all the above was for nothing */
    return 0;
}

void proc_harden(pid_t parent)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#ifndef STOA_DEVELOPER
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0); /* after setuid, which resets it */
    if (getppid() != parent)
        _exit(1); /* it died before the line above */
}

void proc_raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

bool proc_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    size_t size = path ? strlen(path) : 0;
    ssize_t sent;
    int fd;

    if (size < 2 || size >= sizeof(un.sun_path) || (path[0] != '/' && path[0] != '@'))
        return false;
    memcpy(un.sun_path, path, size);
    if (path[0] == '@')
        un.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&un,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size));
    close(fd);
    return sent >= 0;
}

static bool environment_number(const char *name, uint64_t *number_r)
{
    const char *text = getenv(name);

    return text && text_to_u64(span_of(text), number_r);
}

unsigned proc_listen_fds(void)
{
    uint64_t pid, count;
    bool ours = environment_number("LISTEN_PID", &pid) && pid == (uint64_t)getpid() &&
                environment_number("LISTEN_FDS", &count) && count < INT_MAX - LISTEN_FDS_START;

    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    if (!ours)
        return 0;
    for (int fd = LISTEN_FDS_START; fd < LISTEN_FDS_START + (int)count; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    return (unsigned)count;
}
