/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: directory_partial.c - uploads that go on in a later request: PARTIAL-AREA/ab/<slot id>,
 * appended to, and at the end linked to where whole files lie.
 *
 * The size of the file is where the upload stands, so that no record can disagree with it. A size is told to
 * nobody before an fsync: what a client was told survives a power cut. What came after that may survive or
 * not; a file system that moves a file's end only behind data that is on the disk (ext4 with data=ordered,
 * XFS, Btrfs) then shows a shorter file, never one with holes. */
#include "base/codec.h"
#include "base/must.h"
#include "directory.h"
#include "os/file.h"
#include "os/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define PIECE_BYTES (256 << 10) /* read at once for the digest */

struct file_partial {
    struct disk_job job; /* first: keep or finish */
    struct file_store *store;
    char *folder, *whole_folder; /* below the store; owned; whole_folder of finish only */
    char name[UUID_TEXT + 1];
    int fd, folder_fd;
    int64_t size;
    unsigned char sha256[SHA256_BYTES], *sha256_r;
    enum problem problem;
    int error;
    const char *failed; /* what failed; static */
    void (*done)(void *data, enum problem problem);
    void *data;
};

static char *folder_of(const struct file_place *place)
{
    struct buf folder = { 0 };

    place_folder(place, &folder);
    buf_char(&folder, '\0');
    return folder.at;
}

static void partial_free(struct file_partial *partial)
{
    if (partial->fd >= 0)
        close(partial->fd);
    if (partial->folder_fd >= 0)
        close(partial->folder_fd);
    free(partial->folder);
    free(partial->whole_folder);
    free(partial);
}

void file_partial_close(struct file_partial **partial)
{
    if (*partial != NULL)
        partial_free(*partial);
    *partial = NULL;
}

/* ---- opening, adding ---- */

static int open_file(struct file_partial *partial, bool is_made)
{
    struct stat is;

    partial->folder_fd =
        is_made ? store_make_folder(partial->store, partial->folder)
                : file_open_beneath(partial->store->root_fd, partial->folder, O_RDONLY | O_DIRECTORY, 0);
    if (partial->folder_fd < 0)
        return -1;
    partial->fd =
        file_open_beneath(partial->folder_fd, partial->name,
                          O_RDWR | O_APPEND | O_NONBLOCK | O_NOCTTY | (is_made ? O_CREAT : 0), 0640);
    if (partial->fd < 0 || fstat(partial->fd, &is) != 0)
        return -1;
    if (!S_ISREG(is.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    partial->size = is.st_size;
    return 0;
}

struct file_partial *file_partial_open(struct file_store *store, const struct file_place *place, bool is_made,
                                       enum problem *problem_r)
{
    struct file_partial *partial = must_alloc(sizeof(*partial));

    partial->store = store;
    partial->folder = folder_of(place);
    codec_uuid(place->id, partial->name);
    partial->fd = partial->folder_fd = -1;
    *problem_r = PROBLEM_none;
    if (open_file(partial, is_made) == 0)
        return partial;
    if (is_made || errno != ENOENT) {
        *problem_r = store_problem(errno);
        log_error("the partial upload %s/%s/%s cannot be opened: %s", store->path, partial->folder,
                  partial->name, strerror(errno));
    }
    file_partial_close(&partial);
    return NULL;
}

int64_t file_partial_size(const struct file_partial *partial)
{
    return partial->size;
}

static enum problem complain(const struct file_partial *partial)
{
    enum problem problem = store_problem(errno);

    log_error("the partial upload %s/%s/%s cannot be written: %s", partial->store->path, partial->folder,
              partial->name, strerror(errno));
    return problem;
}

enum problem file_partial_reserve(struct file_partial *partial, int64_t size)
{
    return file_reserve(partial->fd, size) == 0 ? PROBLEM_none : complain(partial);
}

enum problem file_partial_add(struct file_partial *partial, struct span piece)
{
    struct stat is;

    if (file_write_all(partial->fd, piece) == 0) {
        partial->size += (int64_t)piece.size;
        return PROBLEM_none;
    }
    enum problem problem = complain(partial);

    if (fstat(partial->fd, &is) == 0)
        partial->size = is.st_size;
    return problem;
}

/* ---- on the disk's thread ---- */

static int fail(struct file_partial *partial, const char *doing)
{
    partial->error = errno;
    partial->failed = doing;
    partial->problem = store_problem(errno);
    return -1;
}

static int sync_names(const struct file_partial *partial, int folder_fd)
{
    return partial->store->syncs_names ? 0 : fsync(folder_fd);
}

/* After a failed fsync the kernel takes pages for clean that the disk does not have: the bytes are no use. */
static void give_up(struct file_partial *partial)
{
    unlinkat(partial->folder_fd, partial->name, 0);
}

static void keep_run(struct disk_job *job)
{
    struct file_partial *partial = (struct file_partial *)(void *)job;

    if (fsync(partial->fd) == 0 && sync_names(partial, partial->folder_fd) == 0)
        return;
    fail(partial, "fsync");
    partial->problem = PROBLEM_internal;
    give_up(partial);
}

static int add_digest(struct file_partial *partial)
{
    struct digest *digest = digest_new();
    char *piece = must_alloc(PIECE_BYTES);
    int64_t at = 0;
    ssize_t got;

    while ((got = pread(partial->fd, piece, PIECE_BYTES, at)) > 0 || (got < 0 && errno == EINTR)) {
        if (got < 0)
            continue;
        digest_add(digest, span_make(piece, (size_t)got));
        at += got;
    }
    digest_end(digest, partial->sha256);
    digest_free(&digest);
    free(piece);
    if (got == 0 && at == partial->size)
        return 0;
    if (got == 0)
        errno = EIO; /* another size than we wrote: somebody else's hand is in the folder */
    return fail(partial, "reading it again");
}

/* What stands under that name has no record: an earlier finish of this upload that a crash cut off. */
static int publish(const struct file_partial *partial, int folder_fd)
{
    int result = file_publish(partial->fd, folder_fd, partial->name);

    if (result == 0 || errno != EEXIST)
        return result;
    if (unlinkat(folder_fd, partial->name, 0) != 0 && errno != ENOENT)
        return -1;
    return file_publish(partial->fd, folder_fd, partial->name);
}

/* The folder of a user may be removed as empty between the two steps: once more then. */
static int open_and_publish(struct file_partial *partial)
{
    for (int tries = 0;; tries++) {
        int fd = store_make_folder(partial->store, partial->whole_folder);

        if (fd < 0 || publish(partial, fd) == 0)
            return fd;
        int error = errno;

        close(fd);
        errno = error;
        if (error != ENOENT || tries > 0)
            return -1;
    }
}

static void finish_run(struct disk_job *job)
{
    struct file_partial *partial = (struct file_partial *)(void *)job;
    int fd;

    if (add_digest(partial) != 0)
        return;
    fd = open_and_publish(partial);
    if (fd < 0) {
        fail(partial, "linkat");
        return;
    }
    if (fsync(partial->fd) != 0 || sync_names(partial, fd) != 0) {
        fail(partial, "fsync");
        unlinkat(fd, partial->name, 0);
        give_up(partial);
    }
    close(fd);
}

/* ---- and back ---- */

static void job_done(struct disk_job *job)
{
    struct file_partial *partial = (struct file_partial *)(void *)job;
    void (*done)(void *data, enum problem problem) = partial->done;
    void *data = partial->data;
    enum problem problem = partial->problem;

    if (problem != PROBLEM_none)
        log_error("the partial upload %s/%s/%s cannot be kept: %s: %s", partial->store->path, partial->folder,
                  partial->name, partial->failed, strerror(partial->error));
    else if (partial->sha256_r != NULL)
        memcpy(partial->sha256_r, partial->sha256, SHA256_BYTES);
    partial_free(partial);
    done(data, problem);
}

static void submit(struct file_partial **address, void (*run)(struct disk_job *job),
                   void (*done)(void *data, enum problem problem), void *data)
{
    struct file_partial *partial = *address;

    *address = NULL;
    partial->job.run = run;
    partial->job.done = job_done;
    partial->done = done;
    partial->data = data;
    partial->problem = PROBLEM_none;
    if (partial->store->queue != NULL) {
        disk_submit(partial->store->queue, &partial->job);
        return;
    }
    run(&partial->job);
    job_done(&partial->job);
}

void file_partial_keep(struct file_partial **partial, void (*done)(void *data, enum problem problem),
                       void *data)
{
    submit(partial, keep_run, done, data);
}

void file_partial_finish(struct file_partial **partial, const struct file_place *whole,
                         unsigned char sha256_r[SHA256_BYTES], void (*done)(void *data, enum problem problem),
                         void *data)
{
    (*partial)->whole_folder = folder_of(whole);
    (*partial)->sha256_r = sha256_r;
    submit(partial, finish_run, done, data);
}
