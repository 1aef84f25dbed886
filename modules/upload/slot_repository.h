/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: slot_repository.h - where slots are recorded: an interface with asynchronous answers.
 *
 * Every question carries its own done, which is called exactly once, on the loop: before the call returns
 * where the answer is at hand, else later. The question belongs to who asks and may not die before that. So a
 * repository may be a file next door or a database in another house, and its users need not know. */
#ifndef STOA_UPLOAD_SLOT_REPOSITORY_H
#define STOA_UPLOAD_SLOT_REPOSITORY_H

#include "base/arena.h"
#include "slot.h"
#include "slot_table.h"

struct slot_repository;

/* Results: 0, a slot_refusal, STORE_FAILED or STORE_FULL (said in the log). */

struct slot_find {
    struct span slot_id, filename; /* as they stand in the URL */
    struct arena *arena;           /* for the slot's texts */
    /* found: 1, 0, or -1 (the repository failed). */
    void (*done)(struct slot_find *find, int found);
    struct slot slot;
};

struct slot_promise {
    struct slot slot; /* to be recorded, with an id of its own; texts stay the asker's */
    struct quotas quotas;
    struct arena *arena;
    void (*done)(struct slot_promise *promise, int result);
    struct span slot_id; /* for the URL; in arena */
    int64_t retry;       /* with a refusal by quota: the moment from which on it may be granted; 0: unknown */
};

struct slot_fill {
    struct slot slot; /* with filled, sha256 and is_grouped set */
    void (*done)(struct slot_fill *fill, int result);
};

struct slot_extend {
    unsigned char id[SLOT_ID];
    int64_t until; /* see slot_txn_extend */
    void (*done)(struct slot_extend *extend, int result);
};

#define SWEEP_MOST 50 /* slots a transaction: others wait for it */

/* What is due at `now`: unused promises and expired files lapse, old tombstones go. */
struct slot_sweep {
    enum due_kind kind;
    int64_t now, tombstone;
    size_t most; /* at most SWEEP_MOST */
    void (*done)(struct slot_sweep *sweep, int result);
    struct slot slots[SWEEP_MOST]; /* that were changed; texts in arena */
    size_t count;
    bool is_last;        /* nothing else is due */
    struct arena *arena; /* the sweep's, reset at its start */
};

struct slot_remove {
    unsigned char id[SLOT_ID];
    int64_t now, tombstone;
    void (*done)(struct slot_remove *remove, int result);
    struct slot slot; /* as it was; texts in arena */
    struct arena *arena;
};

/* What an owner or a domain uses: its name is not set. */
struct slot_usage {
    bool is_domain;
    struct span name; /* prepared bare JID, or domain */
    void (*done)(struct slot_usage *usage, int result);
    struct usage usage;
};

#define LIST_MOST 500 /* slots of one page */

/* Files that may be fetched now: those of an owner, oldest first, or of a domain, in the order of their ids.
 * A page may be short though there is more: no answer looks at the whole of a large store. */
struct slot_list {
    struct span owner, domain; /* one of both; the other is empty */
    bool has_after;
    unsigned char after[SLOT_ID]; /* the page begins behind that one */
    size_t most;                  /* at most LIST_MOST */
    int64_t now;
    struct arena *arena;
    /* REFUSED_ABSENT: there is no slot `after` of that owner. */
    void (*done)(struct slot_list *list, int result);
    struct slot *slots; /* in arena, with room for `most` */
    size_t count;
    bool is_last;
    unsigned char next[SLOT_ID]; /* unless is_last: where the next page begins (`after`) */
};

struct slot_repository_kind {
    bool keeps_records; /* else only find, promise and fill do anything */
    void (*find)(struct slot_repository *repository, struct slot_find *find);
    void (*promise)(struct slot_repository *repository, struct slot_promise *promise);
    void (*fill)(struct slot_repository *repository, struct slot_fill *fill);
    void (*extend)(struct slot_repository *repository, struct slot_extend *extend);
    void (*sweep)(struct slot_repository *repository, struct slot_sweep *sweep);
    void (*remove)(struct slot_repository *repository, struct slot_remove *remove);
    void (*usage)(struct slot_repository *repository, struct slot_usage *usage);
    void (*list)(struct slot_repository *repository, struct slot_list *list);
    /* Waits for what is under way. */
    void (*close)(struct slot_repository *repository);
};

struct slot_repository {
    const struct slot_repository_kind *kind;
    const char *name;         /* data source */
    const char *area;         /* folder of its files in the store: no two repositories share one */
    const char *partial_area; /* of uploads that go on later; NULL: it cannot keep such */
};

struct loop;

struct slot_lmdb_options {
    const char *data_dir; /* the environment is data_dir/upload, or data_dir/upload-NAME */
    const char *name;     /* data source */
    int64_t map_size;
    struct loop *loop; /* NULL: answers at once (stoactl) */
    struct claim_view view;
    void (*committed)(unsigned operations); /* see store.h */
};

/* NULL: *why_r is a sentence. */
struct slot_repository *slot_lmdb_open(const struct slot_lmdb_options *options, const char **why_r);
/* The store of an LMDB repository, for those who read all of it (fsck, lists); NULL for another kind. */
struct store *slot_lmdb_store(struct slot_repository *repository);

/* slot_lmdb_list.c */
void slot_lmdb_usage(struct slot_repository *repository, struct slot_usage *usage);
void slot_lmdb_list(struct slot_repository *repository, struct slot_list *list);

/* Keeps its key in data_dir/upload-dummy.key. expiration: of all its slots; 0: none. */
struct slot_repository *slot_dummy_open(const char *data_dir, int64_t expiration, const char **why_r);

#endif
