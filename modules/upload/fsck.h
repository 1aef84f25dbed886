/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: fsck.h - do records, indices, counters and files agree? */
#ifndef STOA_UPLOAD_FSCK_H
#define STOA_UPLOAD_FSCK_H

#include "upload.h"

enum fsck_fault {
    FAULT_ROW,         /* a record that cannot be understood */
    FAULT_OWNER_INDEX, /* slot_by_owner lacks a slot, says something else, or has one too many */
    FAULT_DUE_INDEX,   /* the same of slot_by_expiry */
    FAULT_USAGE,       /* a counter of used space is wrong */
    FAULT_NO_FILE,     /* a record whose file is missing */
    FAULT_SIZE,        /* a file of another size than its record says */
    FAULT_CONTENT,     /* a file with other bytes (deep only) */
    FAULT_NO_RECORD,   /* a file without a record */
    FAULTS,
};

struct fsck {
    struct upload *upload; /* without a loop */
    bool repair, deep;
    /* Told of each fault; what is a slot id, a JID or a path, for people. */
    void (*tell)(struct fsck *fsck, enum fsck_fault fault, const char *what, const char *detail);
    int64_t slots, files, faults, repaired;
};

const char *fsck_fault_name(enum fsck_fault fault);

/* Safe beside a running daemon: tables are compared within one view, a file that is suspect is looked at
 * again. 0, or -1: the store could not be read. */
int fsck_run(struct fsck *fsck);

/* fsck_tables.c */
int fsck_tables(struct fsck *fsck, struct slot_repository *repository);
void fsck_found(struct fsck *fsck, enum fsck_fault fault, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
