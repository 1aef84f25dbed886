/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: directory_store.c - files in a folder: AREA/ab/<slot id>, or AREA/<owner>/<slot id>.
 *
 * Order: bytes, name, fsync of the file, and only then (by who called) the record. The fsync comes after the
 * name on purpose: on ext4, XFS, Btrfs and F2FS it makes the name durable with the same flush of the journal
 * as the bytes, while LMDB's own flush does not (it is an fdatasync of another file, which need not write
 * the journal). Other file systems get an fsync of the folder as well. A file that has its name but not yet
 * its bytes harms nobody: it counts only with its record. Where the name is all there is (name_is_truth) the
 * bytes are made durable first.
 *
 * 256 hashed folders, not one per slot: fewer inodes, and ext4 does not crawl after mass deletion. */
#include "base/codec.h"
#include "base/must.h"
#include "directory.h"
#include "os/file.h"
#include "os/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <unistd.h>

#define THREADS 2
#define WRITEBACK_BYTES                                                                                      \
    (8 << 20)          /* written pages are sent to the disk early, so that the last fsync is short */
#define OWNER_MOST 160 /* bytes of an encoded JID that stand as they are; NAME_MAX is 255 */

struct file_upload {
    struct disk_job job; /* first: finish */
    struct disk_job writeback;
    bool is_writing_back, is_over; /* is_over: nobody wants it any more */
    struct file_store *store;
    struct file_place place; /* owner points into folder_name's arena: owned */
    char *folder;            /* below the store, owned */
    char name[UUID_TEXT + 1];
    int fd, folder_fd;
    int64_t written, sent;        /* sent: handed to write-back */
    int64_t sync_from, sync_size; /* of the write-back at work; the thread's while is_writing_back */
    enum problem problem;
    int error;
    const char *failed; /* what failed; static */
    void (*done)(void *data, enum problem problem);
    void *data;
};

static bool syncs_names(int fd)
{
    struct statfs is;

    if (fstatfs(fd, &is) != 0)
        return false;
    switch ((unsigned long)is.f_type) {
    case EXT4_SUPER_MAGIC:
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:
    case TMPFS_MAGIC:
        return true;
    default:
        return false;
    }
}

struct file_store *directory_store_open(const char *path, struct loop *loop, const char **why_r)
{
    static char why[512];
    struct file_store *store;
    int fd = file_open_folder(path);

    if (fd >= 0 && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) != 0) {
        /* A file system turns read-only by itself when its disk fails: a worker that is born after that still
         * serves what is there. Missing rights are a mistake of the configuration. */
        if (errno == EROFS) {
            log_error("the folder of uploads %s (upload/store/path) cannot be written: %s; uploads fail",
                      path, strerror(errno));
        } else {
            int error = errno;

            close(fd);
            fd = -1;
            errno = error;
        }
    }
    if (fd < 0) {
        snprintf(why, sizeof(why), "the folder of uploads %s (upload/store/path) cannot be written: %s", path,
                 strerror(errno));
        *why_r = why;
        return NULL;
    }
    store = must_alloc(sizeof(*store));
    store->path = must_strdup(path);
    store->root_fd = fd;
    store->syncs_names = syncs_names(fd);
    if (loop != NULL)
        store->queue = disk_queue_new(loop, THREADS, NULL, NULL);
    return store;
}

void file_store_close(struct file_store **store)
{
    if (*store == NULL)
        return;
    if ((*store)->queue != NULL)
        disk_queue_free(&(*store)->queue);
    close((*store)->root_fd);
    free((*store)->path);
    free(*store);
    *store = NULL;
}

/* A JID as the name of a folder: percent-encoded, so that it holds no slash and is no dot name; a long one
 * ends in its hash. */
static void add_owner(struct span owner, struct buf *out)
{
    struct buf name = { 0 };
    unsigned char key[OWNER_KEY];

    codec_percent(&name, owner, "@");
    if (name.size > 0 && name.at[0] == '.') {
        buf_text(out, "%2E");
        buf_eat(&name, 1);
    }
    buf_add(out, span_head(buf_span(&name), OWNER_MOST));
    if (name.size > OWNER_MOST) {
        slot_owner_key(owner, key);
        buf_char(out, '~');
        codec_hex(out, span_make((const char *)key, sizeof(key)));
    }
    buf_free(&name);
}

void place_folder(const struct file_place *place, struct buf *out)
{
    buf_text(out, place->area);
    buf_char(out, '/');
    if (place->is_grouped && place->owner.size > 0)
        add_owner(place->owner, out);
    else
        codec_hex(out, span_make((const char *)place->id, 1));
}

static void add_path(const struct file_place *place, struct buf *out)
{
    char name[UUID_TEXT + 1];

    place_folder(place, out);
    buf_char(out, '/');
    codec_uuid(place->id, name);
    buf_text(out, name);
}

const char *file_place_text(const struct file_place *place, struct arena *arena)
{
    struct buf path = { 0 };
    const char *text;

    add_path(place, &path);
    text = arena_text(arena, buf_span(&path));
    buf_free(&path);
    return text;
}

/* ---- writing ---- */

enum problem store_problem(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EFBIG ? PROBLEM_disk_full : PROBLEM_internal;
}

int store_make_folder(struct file_store *store, const char *folder)
{
    int fd = file_open_beneath(store->root_fd, folder, O_RDONLY | O_DIRECTORY, 0);
    char area[256];
    const char *slash = strchr(folder, '/');

    if (fd >= 0 || errno != ENOENT)
        return fd;
    must(slash != NULL && (size_t)(slash - folder) < sizeof(area));
    memcpy(area, folder, (size_t)(slash - folder));
    area[slash - folder] = '\0';
    if ((mkdirat(store->root_fd, area, 0750) != 0 && errno != EEXIST) ||
        (mkdirat(store->root_fd, folder, 0750) != 0 && errno != EEXIST))
        return -1;
    return file_open_beneath(store->root_fd, folder, O_RDONLY | O_DIRECTORY, 0);
}

static void upload_free(struct file_upload *upload)
{
    if (upload->fd >= 0)
        close(upload->fd);
    if (upload->folder_fd >= 0)
        close(upload->folder_fd);
    free(upload->folder);
    free(upload);
}

struct file_upload *file_upload_begin(struct file_store *store, const struct file_place *place, int64_t size,
                                      enum problem *problem_r)
{
    struct file_upload *upload = must_alloc(sizeof(*upload));
    struct buf folder = { 0 };

    place_folder(place, &folder);
    buf_char(&folder, '\0');
    upload->folder = folder.at;
    upload->store = store;
    upload->place = *place;
    upload->place.owner = (struct span){ 0 };
    codec_uuid(place->id, upload->name);
    upload->fd = -1;
    upload->folder_fd = store_make_folder(store, upload->folder);
    if (upload->folder_fd >= 0)
        upload->fd = file_open_unnamed(upload->folder_fd);
    if (upload->fd < 0 || file_reserve(upload->fd, size) != 0) {
        *problem_r = store_problem(errno);
        log_error("no file for an upload of %lld bytes in %s/%s: %s", (long long)size, store->path,
                  upload->folder, strerror(errno));
        upload_free(upload);
        return NULL;
    }
    return upload;
}

static void writeback_run(struct disk_job *job)
{
    struct file_upload *upload = LIST_OF(job, struct file_upload, writeback);

    /* Only a hint: the fsync at the end is what counts. */
    (void)sync_file_range(upload->fd, upload->sync_from, upload->sync_size, SYNC_FILE_RANGE_WRITE);
}

static void writeback_done(struct disk_job *job)
{
    struct file_upload *upload = LIST_OF(job, struct file_upload, writeback);

    upload->is_writing_back = false;
    if (upload->is_over)
        upload_free(upload);
}

static void send_early(struct file_upload *upload)
{
    if (upload->is_writing_back || upload->written - upload->sent < WRITEBACK_BYTES ||
        upload->store->queue == NULL)
        return;
    upload->is_writing_back = true;
    upload->sync_from = upload->sent;
    upload->sync_size = upload->written - upload->sent;
    upload->sent = upload->written;
    upload->writeback = (struct disk_job){ .run = writeback_run, .done = writeback_done };
    disk_submit(upload->store->queue, &upload->writeback);
}

enum problem file_upload_add(struct file_upload *upload, struct span piece)
{
    if (file_write_all(upload->fd, piece) != 0) {
        enum problem problem = store_problem(errno);

        log_error("an upload to %s/%s cannot be written: %s", upload->store->path, upload->folder,
                  strerror(errno));
        return problem;
    }
    upload->written += (int64_t)piece.size;
    send_early(upload);
    return PROBLEM_none;
}

static int fail(struct file_upload *upload, const char *doing)
{
    upload->error = errno;
    upload->failed = doing;
    upload->problem = store_problem(errno);
    return -1;
}

/* A folder of a user's may have been removed as empty meanwhile. */
static int publish_in_new_folder(struct file_upload *upload)
{
    int fd = store_make_folder(upload->store, upload->folder);

    if (fd < 0)
        return -1;
    close(upload->folder_fd);
    upload->folder_fd = fd;
    return file_publish(upload->fd, fd, upload->name);
}

static int publish(struct file_upload *upload)
{
    int result = file_publish(upload->fd, upload->folder_fd, upload->name);

    if (result != 0 && errno == ENOENT)
        result = publish_in_new_folder(upload);
    if (result != 0 && errno == EEXIST && !upload->place.name_is_truth) {
        if (unlinkat(upload->folder_fd, upload->name, 0) != 0 && errno != ENOENT)
            return -1;
        result = file_publish(upload->fd, upload->folder_fd, upload->name);
    }
    return result;
}

static int make_durable(struct file_upload *upload)
{
    if (upload->place.name_is_truth && fdatasync(upload->fd) != 0)
        return fail(upload, "fdatasync");
    if (publish(upload) != 0) {
        bool is_there = errno == EEXIST;

        fail(upload, "linkat");
        if (is_there && upload->place.name_is_truth)
            upload->problem = PROBLEM_slot_filled;
        return -1;
    }
    if (fsync(upload->fd) != 0 ||
        ((!upload->store->syncs_names || upload->place.name_is_truth) && fsync(upload->folder_fd) != 0)) {
        fail(upload, "fsync");
        unlinkat(upload->folder_fd, upload->name, 0);
        return -1;
    }
    return 0;
}

static void finish_run(struct disk_job *job)
{
    make_durable((struct file_upload *)(void *)job);
}

static void finish_done(struct disk_job *job)
{
    struct file_upload *upload = (struct file_upload *)(void *)job;
    void (*done)(void *data, enum problem problem) = upload->done;
    void *data = upload->data;
    enum problem problem = upload->problem;

    if (problem != PROBLEM_none && problem != PROBLEM_slot_filled)
        log_error("the uploaded file %s/%s/%s cannot be kept: %s: %s", upload->store->path, upload->folder,
                  upload->name, upload->failed, strerror(upload->error));
    upload->is_over = true;
    if (!upload->is_writing_back)
        upload_free(upload);
    done(data, problem);
}

void file_upload_finish(struct file_upload **upload, void (*done)(void *data, enum problem problem),
                        void *data)
{
    struct file_upload *u = *upload;

    *upload = NULL;
    u->done = done;
    u->data = data;
    u->problem = PROBLEM_none;
    u->job.run = finish_run;
    u->job.done = finish_done;
    if (u->store->queue != NULL) {
        disk_submit(u->store->queue, &u->job);
        return;
    }
    finish_run(&u->job);
    finish_done(&u->job);
}

void file_upload_drop(struct file_upload **upload)
{
    struct file_upload *u = *upload;

    *upload = NULL;
    if (u == NULL)
        return;
    u->is_over = true;
    if (!u->is_writing_back)
        upload_free(u);
}

/* ---- reading ---- */

void file_store_open_file(struct file_store *store, struct file_open *open)
{
    struct buf path = { 0 };
    struct stat is;
    int found = 1;

    add_path(&open->place, &path);
    buf_char(&path, '\0');
    open->fd = file_open_beneath(store->root_fd, path.at, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (open->fd < 0)
        found = errno == ENOENT ? 0 : -1;
    else if (fstat(open->fd, &is) != 0 || !S_ISREG(is.st_mode))
        found = -1;
    if (found < 0)
        log_error("%s/%s cannot be opened: %s", store->path, path.at,
                  open->fd >= 0 ? "it is no plain file" : strerror(errno));
    buf_free(&path);
    if (found == 1) {
        open->size = is.st_size;
        open->modified = is.st_mtim.tv_sec;
    } else if (open->fd >= 0) {
        close(open->fd);
        open->fd = -1;
    }
    open->done(open, found);
}

/* ---- removing ---- */

struct removal {
    struct disk_job job; /* first */
    struct file_store *store;
    char *path; /* owned */
    int result;
    void (*done)(void *data, int result);
    void *data;
};

static void remove_run(struct disk_job *job)
{
    struct removal *removal = (struct removal *)(void *)job;

    removal->result = unlinkat(removal->store->root_fd, removal->path, 0) == 0 || errno == ENOENT ? 0 : errno;
}

static void remove_done(struct disk_job *job)
{
    struct removal *removal = (struct removal *)(void *)job;

    if (removal->result != 0)
        log_error("%s/%s cannot be removed: %s", removal->store->path, removal->path,
                  strerror(removal->result));
    if (removal->done != NULL)
        removal->done(removal->data, removal->result);
    free(removal->path);
    free(removal);
}

void file_store_remove(struct file_store *store, const struct file_place *place,
                       void (*done)(void *data, int result), void *data)
{
    struct removal *removal = must_alloc(sizeof(*removal));
    struct buf path = { 0 };

    add_path(place, &path);
    buf_char(&path, '\0');
    removal->job.run = remove_run;
    removal->job.done = remove_done;
    removal->store = store;
    removal->path = path.at;
    removal->done = done;
    removal->data = data;
    if (store->queue != NULL) {
        disk_submit(store->queue, &removal->job);
        return;
    }
    remove_run(&removal->job);
    remove_done(&removal->job);
}
