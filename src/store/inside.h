/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0 and os/log, os/disk, os/loop: inside.h - what the files of this folder share. */
#ifndef STOA_STORE_INSIDE_H
#define STOA_STORE_INSIDE_H

#include "store/store.h"

#include <pthread.h>

#define STORE_TABLES_MOST 24

/* Two locks, always taken in this order:
 * write_lock  held by whoever has a write transaction of this process open, from begin to commit: LMDB's own
 *             mutex keeps two writers apart too, but a map may be moved only while there is none;
 * map_lock    held while the map must stay where it is: by the loop's thread during a view, by the writer
 *             only for the moment of moving it.
 * So a reader that finds the map too small for what another process wrote lets map_lock go, takes both, and
 * moves it; it may then wait for one commit, which happens once per doubling. */
struct store_view {
    struct store *store;
    MDB_txn *txn;   /* kept, reset between views; NULL before the first */
    unsigned depth; /* loop's thread only */
};

struct store {
    MDB_env *env;
    MDB_dbi tables[STORE_TABLES_MOST];
    unsigned table_count;
    char *folder; /* owned; for the log */
    struct disk_queue *writer;
    struct loop *loop; /* borrowed; NULL: none */
    struct turn turn;
    void (*committed)(unsigned operations);
    pthread_mutex_t write_lock, map_lock;
    struct store_view view;
};

struct store_txn {
    struct store *store;
    MDB_txn *txn;
    unsigned changes; /* puts and deletes of the operation at work */
    int failed;       /* first LMDB error of the operation at work, or 0 */
};

/* Begins, following a map that another process made larger. An LMDB code. write_lock is held; map_lock is
 * not. */
int store_begin_write(struct store *store, MDB_txn **txn_r);
/* Follows another process's larger map, or doubles ours. Both locks are held, no transaction is open. */
int store_grow(struct store *store, bool is_full);

int store_cursor_next(MDB_txn *txn, MDB_dbi dbi, struct span from, struct store_cursor **cursor,
                      struct span *key_r, struct span *value_r);

void store_batch(struct list *jobs, void *data);

#endif
