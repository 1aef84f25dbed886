/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: file.c - see file.h. */
#include "os/file.h"

#include "base/must.h"
#include "base/random.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define DOT_NAME                                                                                             \
    ".stoa-new-" /* what a file is called that is not published yet, where O_TMPFILE is not known */

#define STAGED_OLD 60 /* seconds: nobody is writing it any more */

static int make_parents(char *path)
{
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(path, 0750) < 0 && errno != EEXIST)
            return -1;
        *at = '/';
    }
    return mkdir(path, 0750) < 0 && errno != EEXIST ? -1 : 0;
}

int file_open_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *copy;
    int result;

    if (fd >= 0 || errno != ENOENT || *path == '\0')
        return fd;
    copy = must_strdup(path);
    result = make_parents(copy);
    free(copy);
    return result < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int file_open_beneath(int folder_fd, const char *name, int flags, mode_t mode)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = flags & O_CREAT ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    int fd = (int)syscall(SYS_openat2, folder_fd, name, &how, sizeof(how));

    if (fd >= 0 || errno != ENOSYS)
        return fd;
    /* Without openat2 only the last part is kept from being a link, so no other part may be there. */
    if (strchr(name, '/') || strcmp(name, "..") == 0) {
        errno = EXDEV;
        return -1;
    }
    return openat(folder_fd, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
}

/* A name that nobody else makes: prefix and 16 random hex digits. */
static void make_dot_name(char *name_r, size_t size)
{
    uint64_t random;

    random_bytes(&random, sizeof(random));
    snprintf(name_r, size, "%s%016llx", DOT_NAME, (unsigned long long)random);
}

int file_open_unnamed(int folder_fd)
{
    char name[40];
    int fd = openat(folder_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0640);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    make_dot_name(name, sizeof(name));
    return openat(folder_fd, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0640);
}

/* Takes the dot name away, where one was needed. */
static void drop_dot_name(const char *proc_path, int folder_fd)
{
    char path[PATH_MAX];
    ssize_t size = readlink(proc_path, path, sizeof(path) - 1);
    const char *base;

    if (size <= 0)
        return;
    path[size] = '\0';
    base = strrchr(path, '/');
    if (base && strncmp(base + 1, DOT_NAME, sizeof(DOT_NAME) - 1) == 0)
        unlinkat(folder_fd, base + 1, 0);
}

int file_publish(int fd, int folder_fd, const char *name)
{
    char path[40];
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -1;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, path, folder_fd, name, AT_SYMLINK_FOLLOW) < 0) {
        if (errno != ENOENT) /* which is: no /proc here; then newer kernels know another way */
            return -1;
        if (linkat(fd, "", folder_fd, name, AT_EMPTY_PATH) < 0)
            return -1;
    }
    if (status.st_nlink > 0)
        drop_dot_name(path, folder_fd);
    return 0;
}

int file_reserve(int fd, int64_t size)
{
    int result;

    if (size <= 0)
        return 0;
    do
        result = fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size);
    while (result < 0 && errno == EINTR);
    return result < 0 && (errno == EOPNOTSUPP || errno == ENOSYS) ? 0 : result;
}

int file_write_all(int fd, struct span bytes)
{
    while (bytes.size) {
        ssize_t size = write(fd, bytes.at, bytes.size);

        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return -1;
        bytes = span_from(bytes, (size_t)size);
    }
    return 0;
}

static int read_all(int fd, size_t limit, struct buf *out)
{
    size_t start = out->size;

    for (;;) {
        char *room = buf_reserve(out, 4096);
        ssize_t size = read(fd, room, 4096);

        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            return (int)size;
        out->size += (size_t)size;
        if (out->size - start > limit) {
            errno = EFBIG;
            return -1;
        }
    }
}

int file_read_all(const char *path, size_t limit, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    size_t start = out->size;
    int result, why;

    if (fd < 0)
        return -1;
    result = read_all(fd, limit, out);
    why = errno;
    close(fd);
    if (result < 0)
        out->size = start;
    errno = why;
    return result;
}

static int write_durably(int folder_fd, const char *name, struct span bytes, mode_t mode)
{
    int fd = openat(folder_fd, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, mode);
    int result, why;

    if (fd < 0)
        return -1;
    result = file_write_all(fd, bytes);
    if (result == 0)
        result = fchmod(fd, mode);
    if (result == 0)
        result = fsync(fd);
    why = errno;
    close(fd);
    errno = why;
    return result;
}

/* The folder of path, open; *base_r is what follows. */
static int open_parent(const char *path, const char **base_r)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? must_strdup(".") : slash == path ? must_strdup("/") : must_strdup(path);
    int fd;

    *base_r = slash ? slash + 1 : path;
    if (slash && slash != path)
        folder[slash - path] = '\0';
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    return fd;
}

int file_stage(struct file_staged *staged_r, const char *path, struct span bytes, mode_t mode)
{
    const char *base;
    int why;

    staged_r->folder_fd = open_parent(path, &base);
    if (staged_r->folder_fd < 0)
        return -1;
    make_dot_name(staged_r->name, sizeof(staged_r->name));
    if ((size_t)snprintf(staged_r->final, sizeof(staged_r->final), "%s", base) < sizeof(staged_r->final) &&
        write_durably(staged_r->folder_fd, staged_r->name, bytes, mode) == 0)
        return 0;
    why = strlen(base) < sizeof(staged_r->final) ? errno : ENAMETOOLONG;
    file_unstage(staged_r);
    errno = why;
    return -1;
}

int file_commit(struct file_staged *staged)
{
    int fd = staged->folder_fd, why;

    if (renameat(fd, staged->name, fd, staged->final) < 0) {
        why = errno;
        file_unstage(staged);
        errno = why;
        return -1;
    }
    fsync(fd);
    close(fd);
    staged->folder_fd = -1;
    return 0;
}

void file_unstage(struct file_staged *staged)
{
    if (staged->folder_fd < 0)
        return;
    unlinkat(staged->folder_fd, staged->name, 0);
    close(staged->folder_fd);
    staged->folder_fd = -1;
}

void file_sweep_staged(const char *folder)
{
    DIR *all = opendir(folder);
    const struct dirent *entry;
    struct stat status;

    while (all && (entry = readdir(all)))
        if (strncmp(entry->d_name, DOT_NAME, sizeof(DOT_NAME) - 1) == 0 &&
            fstatat(dirfd(all), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode) && status.st_mtime < time(NULL) - STAGED_OLD)
            unlinkat(dirfd(all), entry->d_name, 0);
    if (all)
        closedir(all);
}

int file_replace(const char *path, struct span bytes, mode_t mode)
{
    struct file_staged staged;

    return file_stage(&staged, path, bytes, mode) < 0 ? -1 : file_commit(&staged);
}
