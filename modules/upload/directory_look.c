/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: directory_look.c - going through the folders of the directory store, for sweeps and
 * fsck. */
#include "base/codec.h"
#include "base/must.h"
#include "directory.h"
#include "os/file.h"
#include "os/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct look {
    struct disk_job job; /* first */
    struct file_store *store;
    struct file_folder *folder;
    int result;
};

static void add_entry(struct file_folder *folder, size_t *room, const struct file_entry *entry)
{
    if (folder->count == *room) {
        struct file_entry *old = folder->entries;

        *room = *room > 0 ? *room * 2 : 64;
        folder->entries = arena_alloc(folder->arena, *room * sizeof(*old));
        if (folder->count > 0)
            memcpy(folder->entries, old, folder->count * sizeof(*old));
    }
    folder->entries[folder->count++] = *entry;
}

static void look_at(struct file_folder *folder, size_t *room, int fd, const char *name)
{
    struct file_entry entry = { 0 };
    struct stat is;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || fstatat(fd, name, &is, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    if (folder->folder == NULL ? !S_ISDIR(is.st_mode) : !S_ISREG(is.st_mode))
        return;
    entry.name = arena_text(folder->arena, span_of(name));
    entry.size = is.st_size;
    entry.modified = is.st_mtim.tv_sec;
    entry.is_slot = codec_uuid_decode(span_of(name), entry.id);
    add_entry(folder, room, &entry);
}

static int read_folder(struct file_store *store, struct file_folder *folder)
{
    const char *path = folder->folder == NULL
                           ? folder->area
                           : arena_printf(folder->arena, "%s/%s", folder->area, folder->folder);
    int fd = file_open_beneath(store->root_fd, path, O_RDONLY | O_DIRECTORY, 0);
    struct dirent *entry;
    size_t room = 0;
    DIR *dir;

    folder->count = 0;
    if (fd < 0)
        return errno == ENOENT ? 0 : errno;
    dir = fdopendir(fd);
    if (dir == NULL) {
        int error = errno;

        close(fd);
        return error;
    }
    while (errno = 0, (entry = readdir(dir)) != NULL)
        look_at(folder, &room, fd, entry->d_name);
    closedir(dir);
    return 0;
}

static void look_run(struct disk_job *job)
{
    struct look *look = (struct look *)(void *)job;

    look->result = read_folder(look->store, look->folder);
}

static void look_done(struct disk_job *job)
{
    struct look *look = (struct look *)(void *)job;
    struct file_folder *folder = look->folder;
    int result = look->result;

    if (result != 0)
        log_error("the folder %s/%s/%s cannot be read: %s", look->store->path, folder->area,
                  folder->folder != NULL ? folder->folder : "", strerror(result));
    free(look);
    folder->done(folder, result);
}

void file_store_look(struct file_store *store, struct file_folder *folder)
{
    struct look *look = must_alloc(sizeof(*look));

    look->job.run = look_run;
    look->job.done = look_done;
    look->store = store;
    look->folder = folder;
    if (store->queue != NULL) {
        disk_submit(store->queue, &look->job);
        return;
    }
    look_run(&look->job);
    look_done(&look->job);
}

int file_store_remove_entry(struct file_store *store, const char *area, const char *folder, const char *name)
{
    struct buf path = { 0 };
    int result;

    if (strchr(name, '/') != NULL || strchr(folder, '/') != NULL)
        return EINVAL;
    buf_printf(&path, "%s/%s/%s", area, folder, name);
    buf_char(&path, '\0');
    result = unlinkat(store->root_fd, path.at, 0) == 0 || errno == ENOENT ? 0 : errno;
    buf_free(&path);
    return result;
}
