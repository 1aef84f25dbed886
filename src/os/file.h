/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: file.h - files below a folder that is open, and files that appear whole or not at all. */
#ifndef STOA_OS_FILE_H
#define STOA_OS_FILE_H

#include "base/buf.h"
#include "base/span.h"

#include <stdint.h>
#include <sys/stat.h>

/* Opens the folder, making it (0750) and missing parents first; -1 with errno. */
int file_open_folder(const char *path);
/* openat2 with RESOLVE_BENEATH | NO_SYMLINKS | NO_MAGICLINKS (R14); falls back to openat with O_NOFOLLOW on a
 * kernel without it. -1 with errno. */
int file_open_beneath(int folder_fd, const char *name, int flags, mode_t mode);
/* A file without a name in that folder (O_TMPFILE; where the file system lacks it, a dot name that is
 * unlinked when published or closed by a later sweep). Mode 0640. -1 with errno. */
int file_open_unnamed(int folder_fd);
/* Gives it its name; never replaces one: EEXIST. -1 with errno. */
int file_publish(int fd, int folder_fd, const char *name);
/* Reserves size bytes so that a full disk is known at once: 0, or -1 with errno (ENOSPC, EDQUOT); a file
 * system that cannot reserve is no error. */
int file_reserve(int fd, int64_t size);
int file_write_all(int fd, struct span bytes); /* retries EINTR and short writes; -1 with errno */
/* The whole of a file, at most limit bytes; -1 with errno (EFBIG). */
int file_read_all(const char *path, size_t limit, struct buf *out);
/* Writes to a dot name beside it, fsync, rename, fsync of the folder: the old or the new, never a part. */
int file_replace(const char *path, struct span bytes, mode_t mode);

/* The same in two steps, so that what cannot be written is known before anything depends on it. */
struct file_staged {
    int folder_fd;   /* -1: nothing is staged */
    char name[40];   /* of the dot file */
    char final[256]; /* what it will be called in that folder */
};
int file_stage(struct file_staged *staged_r, const char *path, struct span bytes, mode_t mode);
int file_commit(struct file_staged *staged);   /* -1 with errno: the old one is still there */
void file_unstage(struct file_staged *staged); /* no harm when nothing is */
/* Takes away what a process that was killed between the two left there. */
void file_sweep_staged(const char *folder);

#endif
