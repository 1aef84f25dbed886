/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: directory.h - what the two files of the directory store share. */
#ifndef STOA_UPLOAD_DIRECTORY_H
#define STOA_UPLOAD_DIRECTORY_H

#include "file_store.h"
#include "os/disk.h"

struct file_store {
    char *path; /* owned; for the log */
    int root_fd;
    bool syncs_names;         /* an fsync of a file makes its name durable too */
    struct disk_queue *queue; /* NULL: no loop, all at once */
};

void place_folder(const struct file_place *place, struct buf *out);

#endif
