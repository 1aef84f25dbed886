/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: file_store.h - where the bytes of uploads are kept: an interface with asynchronous
 * answers.
 *
 * A file has an id and an area, never a name of a user's (R11). It appears whole or not at all. Answers come
 * on the loop, exactly once, perhaps before the call returns; what is asked belongs to who asks until then.
 */
#ifndef STOA_UPLOAD_FILE_STORE_H
#define STOA_UPLOAD_FILE_STORE_H

#include "base/arena.h"
#include "base/problem.h"
#include "slot.h"

struct file_store;
struct loop;

struct file_place {
    const char *area; /* of its repository; outlives everything */
    unsigned char id[SLOT_ID];
    struct span owner; /* bare JID; needed when is_grouped */
    bool is_grouped;   /* in a folder of the owner's */
    /* No record says that the file is there: its name alone does (dummy repository). Then it gets its name
     * only when its bytes are durable, and never a second time. Otherwise the record counts, and a file under
     * that name is what a crash left before the record was written: it is replaced. */
    bool name_is_truth;
};

/* A folder of the operator's. NULL: *why_r is a sentence. loop NULL: all answers come at once (stoactl). */
struct file_store *directory_store_open(const char *path, struct loop *loop, const char **why_r);
void file_store_close(struct file_store **store); /* waits for what is under way; its done is called */

/* ---- writing ---- */
struct file_upload;

/* Room for size bytes is reserved here: disk_full is known before the first byte. NULL: *problem_r. */
struct file_upload *file_upload_begin(struct file_store *store, const struct file_place *place, int64_t size,
                                      enum problem *problem_r);
/* The next piece. PROBLEM_none, or why not; then only drop. */
enum problem file_upload_add(struct file_upload *upload, struct span piece);
/* After the last piece: durable and under its name, then done(data, PROBLEM_none); or not at all:
 * PROBLEM_disk_full, PROBLEM_slot_filled (name_is_truth), PROBLEM_internal (said in the log). The upload is
 * gone when done is called. */
void file_upload_finish(struct file_upload **upload, void (*done)(void *data, enum problem problem),
                        void *data);
/* At any time before finish: nothing is left. Sets *upload to NULL; no harm when it is. */
void file_upload_drop(struct file_upload **upload);

/* ---- partial files: uploads that go on in a later request ----
 *
 * Where an upload stands is the size of its partial file and nothing else. place: see upload_partial_place.
 * Who opens one holds the claim on the slot until the answer of keep or finish. */
struct file_partial;

/* NULL: *problem_r; PROBLEM_none with it means that there is none, and is_made is false. */
struct file_partial *file_partial_open(struct file_store *store, const struct file_place *place, bool is_made,
                                       enum problem *problem_r);
/* Bytes in it. Before they are told to anyone, keep has made them durable. */
int64_t file_partial_size(const struct file_partial *partial);
/* Room for so many bytes in all. */
enum problem file_partial_reserve(struct file_partial *partial, int64_t size);
/* The next piece, whole or, with a problem, perhaps a part of it: the size tells. */
enum problem file_partial_add(struct file_partial *partial, struct span piece);
/* All that came is durable, then done(data, PROBLEM_none). PROBLEM_internal (said in the log): nobody knows
 * what the disk has, so the partial file was removed. */
void file_partial_keep(struct file_partial **partial, void (*done)(void *data, enum problem problem),
                       void *data);
/* After the last piece: durable, under the name of `whole` as well, and *sha256_r is of all of it, then
 * done(data, PROBLEM_none); the partial file is removed (file_store_remove) by who has recorded the whole
 * one: whatever breaks before, the upload can go on. Else a problem, and there is no new file. */
void file_partial_finish(struct file_partial **partial, const struct file_place *whole,
                         unsigned char sha256_r[SHA256_BYTES], void (*done)(void *data, enum problem problem),
                         void *data);
/* Forgets it; its bytes stay, durable or not. */
void file_partial_close(struct file_partial **partial);

/* ---- reading ---- */
struct file_open {
    struct file_place place;
    /* 1: fd (the asker's), size and modified (unix seconds) are set. 0: no such file. -1: failed, said in the
     * log. */
    void (*done)(struct file_open *open, int found);
    int fd;
    int64_t size, modified;
};

void file_store_open_file(struct file_store *store, struct file_open *open);

/* ---- removing ---- */

/* done may be NULL. 0: gone (also when it was not there); else an errno, said in the log. place is copied. */
void file_store_remove(struct file_store *store, const struct file_place *place,
                       void (*done)(void *data, int result), void *data);

/* ---- looking through ---- */
struct file_entry {
    const char *name; /* in arena */
    int64_t size, modified;
    bool is_slot; /* the name is a slot's: id is set */
    unsigned char id[SLOT_ID];
};

/* All entries of one folder of an area: folder NULL gives the folders themselves (names only). */
struct file_folder {
    const char *area, *folder;
    struct arena *arena;                                  /* the asker's; used on another thread until done */
    void (*done)(struct file_folder *folder, int result); /* 0, or an errno, said in the log */
    struct file_entry *entries; /* in arena; links, devices and the like are left out */
    size_t count;
};

void file_store_look(struct file_store *store, struct file_folder *folder);
/* Removes an entry by the name that file_store_look gave, never one that holds a slash. 0 or errno, at once.
 */
int file_store_remove_entry(struct file_store *store, const char *area, const char *folder, const char *name);
/* Where a file lies, below the store's path; for people. In arena. */
const char *file_place_text(const struct file_place *place, struct arena *arena);

#endif
