/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0 and os/log, os/disk, os/loop: store.h - LMDB as Stoa uses it: environment, readers, group
 * commit.
 *
 * One environment per process, opened after fork. Reads are made on the loop with one kept read transaction
 * that is renewed for each view and reset at its end, so that no sleeping process pins old pages. Writes run
 * on the store's own thread, which takes all waiting operations into one durable transaction (NOTLS, full
 * sync) and answers on the loop. */
#ifndef STOA_STORE_STORE_H
#define STOA_STORE_STORE_H

#include "base/span.h"
#include "os/disk.h"

#include <lmdb.h>

struct store;

struct store_options {
    const char *folder;        /* made (0750) when missing; a local file system, never NFS */
    int64_t map_size;          /* grows by itself: MAP_FULL doubles it, MAP_RESIZED follows another process */
    const char *const *tables; /* names, NULL-terminated; created when missing; copied */
    struct loop *loop;         /* NULL: no loop (stoactl): only store_write_now */
    /* On the loop, once per transaction before its operations' done: how many it held. NULL: nobody counts.
     */
    void (*committed)(unsigned operations);
};

/* 0, or -1 with *why_r a sentence (static or until the next call). Never the same folder twice in one
 * process: closing either would drop the locks of both. */
int store_open(struct store **store_r, const struct store_options *options, const char **why_r);
void store_close(struct store **store); /* waits for writes under way */

/* ---- reading, on the loop's thread ---- */
struct store_view; /* a read transaction with tables by their index in options.tables */

struct store_view *store_view(struct store *store); /* NULL: the store failed, said in the log */
/* Before returning to the loop, always. A view inside a view is the same one, ended by the last end. */
void store_view_end(struct store *store, struct store_view *view);
/* 1 found, 0 not, -1 failed. *value_r lives until store_view_end. */
int store_get(struct store_view *view, unsigned table, struct span key, struct span *value_r);
/* Walks keys from at least `from` on (empty: from the first). Each call gives one pair (1); 0 at the end, -1
 * failed. Start with *cursor NULL; the cursor is closed by the end of the walk or store_walk_end. */
struct store_cursor;
int store_walk(struct store_view *view, unsigned table, struct span from, struct store_cursor **cursor,
               struct span *key_r, struct span *value_r);
void store_walk_end(struct store_cursor **cursor);

/* ---- writing ---- */
struct store_txn;

struct store_write {
    struct disk_job job; /* first; the store's */
    /* In a transaction on the store's thread: 0 to keep, any other value (below 0: above STORE_FULL's) to
     * take this operation back and answer with it (others in the same transaction are not touched). It is
     * cheapest to look before the first change: then there is nothing to take back. May be run again from the
     * start: everything it changes outside the transaction must be overwritten each time. */
    int (*apply)(struct store_write *write, struct store_txn *txn);
    /* On the loop: result is apply's, or STORE_FAILED (said in the log) or STORE_FULL (no room on the disk).
     * Called after the transaction is durable. */
    void (*done)(struct store_write *write, int result);
    int result;
    /* The store's. */
    struct store *store;
    unsigned group; /* operations in its transaction, told by one of them; else 0 */
};
#define STORE_FAILED (-1000)
#define STORE_FULL   (-1001)

void store_submit(struct store *store, struct store_write *write);
/* The same at once, on this thread and outside any view; done is not called; for stoactl and tests. Returns
 * the result. */
int store_write_now(struct store *store, struct store_write *write);

/* Inside apply: 1/0/-1 as store_get; and put, delete: 0, or -1 (the transaction is then taken back whole and
 * the operation tried again alone, so apply just returns). Values live until the next put or delete. */
int store_txn_get(struct store_txn *txn, unsigned table, struct span key, struct span *value_r);
int store_txn_put(struct store_txn *txn, unsigned table, struct span key, struct span value);
int store_txn_delete(struct store_txn *txn, unsigned table, struct span key); /* absent is 0 too */
/* As store_walk, for looking before changing: the cursor must be ended before any put or delete. */
int store_txn_walk(struct store_txn *txn, unsigned table, struct span from, struct store_cursor **cursor,
                   struct span *key_r, struct span *value_r);

/* Gives pages of dead readers back; cheap; by the keeper, and after a child's death. Returns how many. */
int store_clear_readers(struct store *store);

struct store_size {
    uint64_t map_bytes, used_bytes, entries;
    unsigned readers;
};
void store_size(struct store *store, struct store_size *size_r);

#endif
