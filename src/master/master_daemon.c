/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4: master_daemon.c - what a daemon owes its surroundings: leaving the terminal, folders,
 * the PID file, the service manager's word and watchdog. */
#include "base/clock.h"
#include "base/must.h"
#include "base/text.h"
#include "master/inside.h"
#include "os/file.h"
#include "os/log.h"
#include "os/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the process that was called waits for a sentence; none at all means that we died ---- */

static _Noreturn void wait_for_word(int fd)
{
    char why[512];
    ssize_t size;

    do
        size = read(fd, why, sizeof(why));
    while (size < 0 && errno == EINTR);
    if (size == 1 && why[0] == '\n')
        _exit(EXIT_SUCCESS);
    if (size > 0)
        fprintf(stderr, "stoad: %.*s", (int)size, why);
    else
        fprintf(stderr, "stoad: ended before it could serve; its log says why\n");
    _exit(EXIT_FAILURE);
}

void daemon_begin(struct master *master)
{
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        log_fatal("cannot make a pipe: %m");
    for (int i = 0; i < 2; i++) { /* the second fork: no session leader, so no terminal ever again */
        pid = fork();
        if (pid < 0)
            log_fatal("cannot fork: %m");
        if (pid > 0 && i == 1)
            _exit(EXIT_SUCCESS);
        if (pid > 0) {
            close(ends[1]);
            wait_for_word(ends[0]);
        }
        if (i == 0)
            setsid();
    }
    close(ends[0]);
    master->starter = ends[1];
    log_identity("master", 0);
}

/* Descriptors 0 to 2 stay in use, or the next socket would be somebody's stderr. */
static void leave_terminal(const struct house *house)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0)
        return;
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    if (house->settings.log->target == LOG_TO_FILES)
        dup2(null, STDERR_FILENO);
    close(null);
}

void daemon_ready(struct master *master, const char *why_not)
{
    char text[256];

    if (why_not == NULL) {
        snprintf(text, sizeof(text), "READY=1\nMAINPID=%d\nSTATUS=%u workers serve", (int)getpid(),
                 settings_workers(&master->house->settings));
        proc_notify(text);
    }
    if (master->starter < 0) {
        if (why_not && master->house->settings.log->target == LOG_TO_FILES)
            fprintf(stderr, "stoad: %s\n", why_not);
        return;
    }
    dprintf(master->starter, "%s\n", why_not ? why_not : "");
    close(master->starter);
    master->starter = -1;
    leave_terminal(master->house);
}

/* ---- folders and files that belong to the children ---- */

static bool is_empty(int fd)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
    const struct dirent *entry;
    bool empty = folder != NULL;

    if (folder == NULL)
        return false;
    while ((entry = readdir(folder)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            empty = false;
    closedir(folder);
    return empty;
}

/* Only what we make, or what is empty and root's, is given away: a folder of others named by mistake is not.
 */
static bool is_ours_to_give(int fd, bool made)
{
    struct stat status;

    return made || (fstat(fd, &status) == 0 && status.st_uid == 0 && is_empty(fd));
}

static int make_folder(const struct house *house, const char *path, const char *directive)
{
    const struct process_settings *processes = house->settings.processes;
    bool made = access(path, F_OK) < 0;
    int fd = file_open_folder(path);
    uid_t uid;
    gid_t gid;

    if (fd < 0) {
        log_error("%s: the folder %s cannot be made: %m", directive, path);
        return -1;
    }
    if (geteuid() == 0 && is_ours_to_give(fd, made) &&
        proc_find_user(processes->user, processes->group, &uid, &gid) == 0 && fchown(fd, uid, gid) < 0)
        log_warn("%s: the folder %s cannot be given to user %s: %m", directive, path, processes->user);
    close(fd);
    return 0;
}

static int make_parent(const struct house *house, const char *path, const char *directive)
{
    char *folder = must_strdup(path);
    char *slash = strrchr(folder, '/');
    int result = 0;

    if (slash && slash != folder) {
        *slash = '\0';
        result = access(folder, F_OK) == 0 ? 0 : make_folder(house, folder, directive);
    }
    free(folder);
    return result;
}

int daemon_folders(struct master *master)
{
    const struct house *house = master->house;
    const struct process_settings *processes = house->settings.processes;
    uid_t uid;
    gid_t gid;

    if (geteuid() == 0 && proc_find_user(processes->user, processes->group, &uid, &gid) < 0) {
        log_error("there is no user or group '%s%s%s': make one, or set processes/user to one that exists",
                  processes->user, processes->group ? ":" : "", processes->group ? processes->group : "");
        return -1;
    }
    if (make_folder(house, processes->data_dir, "processes/data-dir") < 0 ||
        make_parent(house, processes->control_socket, "processes/control-socket") < 0)
        return -1;
    if (processes->pid_file && make_parent(house, processes->pid_file, "processes/pid-file") < 0)
        return -1;
    return house->settings.log->target == LOG_TO_FILES
               ? make_folder(house, house->settings.log->directory, "log/directory")
               : 0;
}

/* So that a child, which is not root any more, can open it again after SIGUSR1. Opened without following a
 * link, and only if it has no second name: the folder is the children's. */
static int own_log(const char *directory, const char *name, uid_t uid, gid_t gid)
{
    struct buf path = { 0 };
    struct stat status;
    int fd, result = -1;

    buf_printf(&path, "%s/%s", directory, name);
    buf_char(&path, '\0');
    fd = open(path.at, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0640);
    buf_free(&path);
    if (fd < 0)
        return -1;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1)
        result = status.st_uid == uid ? 0 : fchown(fd, uid, gid);
    else
        errno = EINVAL;
    close(fd);
    return result;
}

int daemon_own_logs(const struct house *house)
{
    const struct process_settings *processes = house->settings.processes;
    const struct log_settings *log = house->settings.log;
    uid_t uid;
    gid_t gid;

    if (log->target != LOG_TO_FILES || geteuid() != 0)
        return 0;
    if (proc_find_user(processes->user, processes->group, &uid, &gid) < 0)
        return -1;
    if (own_log(log->directory, "stoa.log", uid, gid) < 0)
        return -1;
    return log->access ? own_log(log->directory, "access.log", uid, gid) : 0;
}

int daemon_write_pid(struct master *master)
{
    const char *path = master->house->settings.processes->pid_file;
    char text[16];

    if (path == NULL)
        return 0;
    snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (file_replace(path, span_of(text), 0644) < 0) {
        log_error("processes/pid-file %s cannot be written: %m", path);
        return -1;
    }
    master->pid_path = must_strdup(path);
    return 0;
}

void daemon_remove_files(struct master *master)
{
    if (master->pid_path)
        unlink(master->pid_path);
    free(master->pid_path);
    master->pid_path = NULL;
}

/* ---- the service manager's watchdog, sd_watchdog_enabled(3) ---- */

static void on_watchdog(struct timer *timer)
{
    struct master *master = OBJECT((char *)timer - offsetof(struct master, watchdog), master);

    proc_notify("WATCHDOG=1");
    timer_set(master->loop, timer, clock_mono() + master->watchdog_usec / 2, on_watchdog);
}

void daemon_watchdog(struct master *master)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    uint64_t period, whose;

    if (usec == NULL || !text_to_u64(span_of(usec), &period) || period == 0 || period > INT64_MAX)
        return;
    if (pid && (!text_to_u64(span_of(pid), &whose) || whose != (uint64_t)getpid()))
        return;
    master->watchdog_usec = (int64_t)period;
    on_watchdog(&master->watchdog);
}
