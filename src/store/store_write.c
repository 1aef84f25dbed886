/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0 and os/log, os/disk, os/loop: store_write.c - group commit.
 *
 * All operations that wait run in one transaction and become durable with one flush. Three things can spoil
 * it. The map is full: abort, grow, run all again. An LMDB call fails: abort, run each operation alone, so
 * that one bad operation costs nobody else anything. An operation refuses after it has changed something:
 * abort, run the others again without it; nested transactions could take back a part, but cost some
 * microseconds and two mebibytes of address space for each operation, and hardly any refuses that late. */
#include "store/inside.h"

#include "base/must.h"
#include "os/log.h"

#include <errno.h>

#define GROW_TRIES 48 /* doublings from the least map to the end of the address space */

/* Of an operation in a batch; the field `group` holds it meanwhile. */
enum { WAITS, REFUSED };

int store_grow(struct store *store, bool is_full)
{
    MDB_envinfo before, after;
    int code = mdb_env_info(store->env, &before);

    if (code == 0)
        code = mdb_env_set_mapsize(store->env, 0); /* what the last committer had */
    if (code == 0)
        code = mdb_env_info(store->env, &after);
    if (code != 0 || !is_full || after.me_mapsize > before.me_mapsize)
        return code;
    code = mdb_env_set_mapsize(store->env, before.me_mapsize * 2);
    if (code == 0)
        log_notice("the map of the store in %s was full and now has %zu MiB", store->folder,
                   before.me_mapsize * 2 >> 20);
    return code;
}

static int grow_locked(struct store *store, bool is_full)
{
    int code;

    pthread_mutex_lock(&store->map_lock);
    code = store_grow(store, is_full);
    pthread_mutex_unlock(&store->map_lock);
    return code;
}

int store_begin_write(struct store *store, MDB_txn **txn_r)
{
    int code = mdb_txn_begin(store->env, NULL, 0, txn_r);

    for (int tries = 0; code == MDB_MAP_RESIZED && tries < GROW_TRIES; tries++) {
        code = grow_locked(store, false);
        if (code == 0)
            code = mdb_txn_begin(store->env, NULL, 0, txn_r);
    }
    return code;
}

static int result_of(int code)
{
    return code == 0 ? 0 : code == ENOSPC || code == EDQUOT || code == EFBIG ? STORE_FULL : STORE_FAILED;
}

/* Runs one operation. 0: it stays in the transaction or took no part. An LMDB code: the transaction must be
 * aborted; -1: the same, since the operation refused after a change. */
static int apply_one(struct store *store, MDB_txn *mdb, struct store_write *write)
{
    struct store_txn txn = { .store = store, .txn = mdb };
    int result = write->apply(write, &txn);

    if (txn.failed != 0)
        return txn.failed;
    write->result = result;
    if (result == 0)
        return 0;
    write->group = REFUSED;
    return txn.changes > 0 ? -1 : 0;
}

/* One transaction over all that wait, from begin to commit. 0, an LMDB code, or -1: run it again without the
 * one that refused. *kept_r: operations in it. */
static int attempt(struct store *store, struct list *jobs, unsigned *kept_r)
{
    MDB_txn *txn;
    int code = store_begin_write(store, &txn);

    *kept_r = 0;
    if (code != 0)
        return code;
    LIST_EACH (node, jobs) {
        struct store_write *write = (struct store_write *)(void *)LIST_OF(node, struct disk_job, node);

        if (write->group == REFUSED)
            continue;
        code = apply_one(store, txn, write);
        if (code != 0)
            break;
        *kept_r += write->group == WAITS;
    }
    if (code != 0 || *kept_r == 0) {
        mdb_txn_abort(txn);
        return code;
    }
    return mdb_txn_commit(txn);
}

static int attempt_until_room(struct store *store, struct list *jobs, unsigned *kept_r)
{
    int code = attempt(store, jobs, kept_r);

    for (int tries = 0; tries < GROW_TRIES && (code == MDB_MAP_FULL || code == -1);) {
        if (code == MDB_MAP_FULL) {
            tries++;
            code = grow_locked(store, true);
            if (code != 0)
                return code;
        }
        code = attempt(store, jobs, kept_r);
    }
    if (code == MDB_PANIC) /* the environment is unusable until it is opened anew, by our next life */
        log_fatal("the store in %s had a fatal error on its disk; this process ends to open it anew",
                  store->folder);
    return code;
}

static void say_failure(struct store *store, int code)
{
    if (code == -1)
        return;
    if (result_of(code) == STORE_FULL)
        log_error("the disk of the store in %s is full", store->folder);
    else
        log_error("the store in %s cannot be written: %s", store->folder, mdb_strerror(code));
}

static void run_alone(struct store *store, struct store_write *write)
{
    struct list alone, *node = &write->job.node, saved = *node;
    unsigned kept;
    int code;

    list_init(&alone);
    node->prev = node->next = NULL;
    list_append(&alone, node);
    code = attempt_until_room(store, &alone, &kept);
    *node = saved;
    if (code != 0) {
        write->result = result_of(code);
        write->group = REFUSED;
        say_failure(store, code);
    } else if (kept > 0) {
        write->group = 1;
        return;
    }
    write->group = 0;
}

void store_batch(struct list *jobs, void *data)
{
    struct store *store = data;
    bool told = false;
    unsigned kept;
    int code;

    pthread_mutex_lock(&store->write_lock);
    LIST_EACH (node, jobs)
        ((struct store_write *)(void *)LIST_OF(node, struct disk_job, node))->group = WAITS;
    code = attempt_until_room(store, jobs, &kept);
    LIST_EACH (node, jobs) {
        struct store_write *write = (struct store_write *)(void *)LIST_OF(node, struct disk_job, node);
        bool is_in = write->group == WAITS;

        write->group = 0;
        if (!is_in)
            continue;
        if (code == 0 && !told) {
            write->group = kept;
            told = true;
        } else if (code != 0 && result_of(code) == STORE_FULL) {
            write->result = STORE_FULL; /* running each alone would only fail as often */
        } else if (code != 0) {
            run_alone(store, write);
        }
    }
    if (code != 0 && result_of(code) == STORE_FULL)
        say_failure(store, code);
    pthread_mutex_unlock(&store->write_lock);
}

static void on_done(struct disk_job *job)
{
    struct store_write *write = (struct store_write *)(void *)job;

    if (write->group > 0 && write->store->committed != NULL)
        write->store->committed(write->group);
    write->done(write, write->result);
}

void store_submit(struct store *store, struct store_write *write)
{
    must(store->writer != NULL);
    write->store = store;
    write->result = 0;
    write->job.node = (struct list){ 0 };
    write->job.run = NULL;
    write->job.done = on_done;
    disk_submit(store->writer, &write->job);
}

int store_write_now(struct store *store, struct store_write *write)
{
    struct list jobs;

    must(store->view.depth == 0);
    write->store = store;
    write->result = 0;
    write->job.node = (struct list){ 0 };
    list_init(&jobs);
    list_append(&jobs, &write->job.node);
    store_batch(&jobs, store);
    return write->result;
}

/* ---- inside apply ---- */

static int note(struct store_txn *txn, int code)
{
    if (txn->failed == 0)
        txn->failed = code;
    return -1;
}

int store_txn_get(struct store_txn *txn, unsigned table, struct span key, struct span *value_r)
{
    MDB_val k = { key.size, (void *)(uintptr_t)key.at }, v;
    int code;

    must(table < txn->store->table_count);
    code = mdb_get(txn->txn, txn->store->tables[table], &k, &v);
    if (code == MDB_NOTFOUND || code == MDB_BAD_VALSIZE)
        return 0;
    if (code != 0)
        return note(txn, code);
    *value_r = span_make(v.mv_data, v.mv_size);
    return 1;
}

int store_txn_put(struct store_txn *txn, unsigned table, struct span key, struct span value)
{
    MDB_val k = { key.size, (void *)(uintptr_t)key.at }, v = { value.size, (void *)(uintptr_t)value.at };
    int code;

    must(table < txn->store->table_count);
    txn->changes++;
    code = mdb_put(txn->txn, txn->store->tables[table], &k, &v, 0);
    return code == 0 ? 0 : note(txn, code);
}

int store_txn_delete(struct store_txn *txn, unsigned table, struct span key)
{
    MDB_val k = { key.size, (void *)(uintptr_t)key.at };
    int code;

    must(table < txn->store->table_count);
    code = mdb_del(txn->txn, txn->store->tables[table], &k, NULL);
    if (code == MDB_NOTFOUND || code == MDB_BAD_VALSIZE)
        return 0;
    txn->changes++;
    return code == 0 ? 0 : note(txn, code);
}

int store_txn_walk(struct store_txn *txn, unsigned table, struct span from, struct store_cursor **cursor,
                   struct span *key_r, struct span *value_r)
{
    int code;

    must(table < txn->store->table_count);
    code = store_cursor_next(txn->txn, txn->store->tables[table], from, cursor, key_r, value_r);
    if (code == 0)
        return 1;
    return code == MDB_NOTFOUND ? 0 : note(txn, code);
}
