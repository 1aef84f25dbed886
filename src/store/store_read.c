/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0 and os/log, os/disk, os/loop: store_read.c - views and walks. */
#include "store/inside.h"

#include "base/must.h"
#include "os/log.h"

#include <stdlib.h>

struct store_cursor {
    MDB_cursor *cursor;
    bool begun;
};

static int renew(struct store_view *view)
{
    if (view->txn != NULL)
        return mdb_txn_renew(view->txn);
    return mdb_txn_begin(view->store->env, NULL, MDB_RDONLY, &view->txn);
}

/* Another process made the map larger. map_lock is held before and after, but not all the time. */
static int renew_in_larger_map(struct store *store)
{
    int code;

    pthread_mutex_unlock(&store->map_lock);
    pthread_mutex_lock(&store->write_lock);
    pthread_mutex_lock(&store->map_lock);
    code = store_grow(store, false);
    pthread_mutex_unlock(&store->write_lock);
    return code == 0 ? renew(&store->view) : code;
}

struct store_view *store_view(struct store *store)
{
    int code;

    if (store->view.depth > 0) {
        store->view.depth++;
        return &store->view;
    }
    pthread_mutex_lock(&store->map_lock);
    code = renew(&store->view);
    for (int tries = 0; code == MDB_MAP_RESIZED && tries < 8; tries++)
        code = renew_in_larger_map(store);
    if (code != 0) {
        pthread_mutex_unlock(&store->map_lock);
        log_error("the store in %s cannot be read: %s", store->folder, mdb_strerror(code));
        return NULL;
    }
    store->view.depth = 1;
    return &store->view;
}

void store_view_end(struct store *store, struct store_view *view)
{
    must(view == &store->view && view->depth > 0);
    if (--view->depth > 0)
        return;
    mdb_txn_reset(view->txn);
    pthread_mutex_unlock(&store->map_lock);
}

static struct span span_of_val(const MDB_val *val)
{
    return span_make(val->mv_data, val->mv_size);
}

int store_get(struct store_view *view, unsigned table, struct span key, struct span *value_r)
{
    struct store *store = view->store;
    MDB_val k = { key.size, (void *)(uintptr_t)key.at }, v;
    int code;

    must(table < store->table_count && view->depth > 0);
    code = mdb_get(view->txn, store->tables[table], &k, &v);
    if (code == MDB_NOTFOUND || code == MDB_BAD_VALSIZE) /* no key of that length can be there */
        return 0;
    if (code != 0) {
        log_error("the store in %s cannot be read: %s", store->folder, mdb_strerror(code));
        return -1;
    }
    *value_r = span_of_val(&v);
    return 1;
}

/* An LMDB code; *cursor is NULL again unless it is 0. */
int store_cursor_next(MDB_txn *txn, MDB_dbi dbi, struct span from, struct store_cursor **cursor,
                      struct span *key_r, struct span *value_r)
{
    MDB_val k = { from.size, (void *)(uintptr_t)from.at }, v;
    int code = 0;

    if (*cursor == NULL) {
        *cursor = must_alloc(sizeof(**cursor));
        code = mdb_cursor_open(txn, dbi, &(*cursor)->cursor);
    }
    if (code == 0) {
        MDB_cursor_op op = (*cursor)->begun ? MDB_NEXT : from.size > 0 ? MDB_SET_RANGE : MDB_FIRST;

        (*cursor)->begun = true;
        code = mdb_cursor_get((*cursor)->cursor, &k, &v, op);
    }
    if (code != 0) {
        store_walk_end(cursor);
        return code;
    }
    *key_r = span_of_val(&k);
    *value_r = span_of_val(&v);
    return 0;
}

int store_walk(struct store_view *view, unsigned table, struct span from, struct store_cursor **cursor,
               struct span *key_r, struct span *value_r)
{
    struct store *store = view->store;
    int code;

    must(table < store->table_count && view->depth > 0);
    code = store_cursor_next(view->txn, store->tables[table], from, cursor, key_r, value_r);
    if (code == 0)
        return 1;
    if (code == MDB_NOTFOUND)
        return 0;
    log_error("the store in %s cannot be read: %s", store->folder, mdb_strerror(code));
    return -1;
}

void store_walk_end(struct store_cursor **cursor)
{
    if (*cursor == NULL)
        return;
    if ((*cursor)->cursor != NULL)
        mdb_cursor_close((*cursor)->cursor);
    free(*cursor);
    *cursor = NULL;
}
