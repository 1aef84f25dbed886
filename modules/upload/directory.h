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

enum problem store_problem(int error); /* of an errno */
/* Below the store, AREA/FOLDER; both are made when missing. -1 with errno. */
int store_make_folder(struct file_store *store, const char *folder);
void place_folder(const struct file_place *place, struct buf *out);

#endif
