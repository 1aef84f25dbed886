/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0 and os/log, os/disk, os/loop: store.c - opening and closing an environment; its size. */
#include "store/inside.h"

#include "base/must.h"
#include "os/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define READERS_MOST 256 /* BOARD_ROWS processes with one reader each, stoactl's, and room to grow */
#define FILE_MODE    0640
#define FOLDER_MODE  0750
#define MAP_LEAST    (INT64_C(1) << 20)
#define WHY_SIZE     512

static char why[WHY_SIZE];

static int refuse(const char **why_r, const char *doing, const char *folder, const char *reason)
{
    snprintf(why, sizeof(why), "%s %s: %s", doing, folder, reason);
    *why_r = why;
    return -1;
}

/* The folder and its missing parents. */
static int make_folder(const char *path)
{
    char *copy = must_strdup(path);
    int result = 0;

    for (char *at = copy + 1; result == 0 && *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(copy, FOLDER_MODE) != 0 && errno != EEXIST)
            result = -1;
        *at = '/';
    }
    if (result == 0 && mkdir(copy, FOLDER_MODE) != 0 && errno != EEXIST)
        result = -1;
    free(copy);
    return result;
}

/* root (stoactl) must not leave files behind that the daemon's user cannot open. By name: opening LMDB's
 * files a second time would drop its locks when they are closed. */
static void give_to_owner_of_folder(const char *folder)
{
    static const char *const names[] = { "data.mdb", "lock.mdb" };
    struct stat is;

    if (geteuid() != 0 || stat(folder, &is) != 0 || is.st_uid == 0)
        return;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[4096];

        if (snprintf(path, sizeof(path), "%s/%s", folder, names[i]) < (int)sizeof(path) &&
            lchown(path, is.st_uid, is.st_gid) != 0)
            log_warn("%s cannot be given to the owner of its folder: %s", path, strerror(errno));
    }
}

/* Opens all tables in txn; an LMDB code. */
static int open_tables(struct store *store, MDB_txn *txn, const char *const *names, unsigned flags)
{
    int code = 0;

    for (store->table_count = 0; code == 0 && names[store->table_count] != NULL; store->table_count++) {
        must(store->table_count < STORE_TABLES_MOST);
        code = mdb_dbi_open(txn, names[store->table_count], flags, &store->tables[store->table_count]);
        if (code != 0)
            break;
    }
    return code;
}

/* Most processes find all tables there: they look first and spare the others a write transaction. */
static int find_or_make_tables(struct store *store, const char *const *names)
{
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);

    if (code == MDB_MAP_RESIZED && (code = mdb_env_set_mapsize(store->env, 0)) == 0)
        code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    if (code != 0)
        return code;
    code = open_tables(store, txn, names, 0);
    if (code == 0)
        return mdb_txn_commit(txn); /* an abort would close the handles again */
    mdb_txn_abort(txn);
    if (code != MDB_NOTFOUND)
        return code;
    code = store_begin_write(store, &txn);
    if (code != 0)
        return code;
    code = open_tables(store, txn, names, MDB_CREATE);
    if (code == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

static int open_environment(struct store *store, const struct store_options *options)
{
    MDB_envinfo info;
    size_t size = (size_t)(options->map_size > MAP_LEAST ? options->map_size : MAP_LEAST);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int code = mdb_env_create(&store->env);

    if (code == 0)
        code = mdb_env_set_maxreaders(store->env, READERS_MOST);
    if (code == 0)
        code = mdb_env_set_maxdbs(store->env, STORE_TABLES_MOST);
    if (code == 0)
        code = mdb_env_set_mapsize(store->env, (size + page - 1) / page * page);
    if (code == 0)
        code = mdb_env_open(store->env, options->folder, MDB_NOTLS, FILE_MODE);
    if (code == 0)
        code = mdb_env_info(store->env, &info);
    if (code == 0 && info.me_mapsize < size) /* an environment that was made smaller keeps its size */
        code = mdb_env_set_mapsize(store->env, (size + page - 1) / page * page);
    return code;
}

/* A view that is still open here would pin old pages for as long as this process sleeps. */
static void before_sleep(struct turn *turn)
{
    struct store *store = LIST_OF(turn, struct store, turn);

    must(store->view.depth == 0);
}

int store_open(struct store **store_r, const struct store_options *options, const char **why_r)
{
    struct store *store;
    int code;

    *store_r = NULL;
    if (make_folder(options->folder) != 0)
        return refuse(why_r, "cannot make the folder", options->folder, strerror(errno));
    store = must_alloc(sizeof(*store));
    store->folder = must_strdup(options->folder);
    store->loop = options->loop;
    store->committed = options->committed;
    store->view.store = store;
    pthread_mutex_init(&store->write_lock, NULL);
    pthread_mutex_init(&store->map_lock, NULL);
    code = open_environment(store, options);
    if (code == 0) {
        give_to_owner_of_folder(options->folder);
        code = find_or_make_tables(store, options->tables);
    }
    if (code != 0) {
        refuse(why_r, "cannot open the store in", options->folder, mdb_strerror(code));
        store_close(&store);
        return -1;
    }
    if (options->loop != NULL) {
        store->writer = disk_queue_new(options->loop, 1, store_batch, store);
        turn_add(options->loop, &store->turn, before_sleep);
    }
    *store_r = store;
    return 0;
}

void store_close(struct store **store)
{
    struct store *s = *store;

    if (s == NULL)
        return;
    if (s->writer != NULL) {
        disk_queue_free(&s->writer);
        turn_remove(&s->turn);
    }
    must(s->view.depth == 0);
    if (s->view.txn != NULL)
        mdb_txn_abort(s->view.txn);
    if (s->env != NULL)
        mdb_env_close(s->env);
    pthread_mutex_destroy(&s->write_lock);
    pthread_mutex_destroy(&s->map_lock);
    free(s->folder);
    free(s);
    *store = NULL;
}

int store_clear_readers(struct store *store)
{
    int dead = 0;

    pthread_mutex_lock(&store->map_lock);
    if (mdb_reader_check(store->env, &dead) != 0)
        dead = 0;
    pthread_mutex_unlock(&store->map_lock);
    return dead;
}

void store_size(struct store *store, struct store_size *size_r)
{
    struct store_view *view = store_view(store);
    MDB_envinfo info;
    MDB_stat stat;

    *size_r = (struct store_size){ 0 };
    if (view == NULL)
        return;
    if (mdb_env_info(store->env, &info) == 0 && mdb_env_stat(store->env, &stat) == 0) {
        size_r->map_bytes = info.me_mapsize;
        size_r->used_bytes = (uint64_t)(info.me_last_pgno + 1) * stat.ms_psize;
        size_r->readers = info.me_numreaders;
    }
    for (unsigned i = 0; i < store->table_count; i++)
        if (mdb_stat(view->txn, store->tables[i], &stat) == 0)
            size_r->entries += stat.ms_entries;
    store_view_end(store, view);
}
