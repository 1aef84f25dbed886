/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: slot_lmdb.c - slots in LMDB: the embedded repository.
 *
 * find answers at once, from this process's map; changes are operations of the store's group commit. */
#include "base/codec.h"
#include "base/must.h"
#include "slot_repository.h"

#include <stdio.h>
#include <stdlib.h>

struct slot_lmdb {
    struct slot_repository repository; /* first */
    struct store *store;
    bool has_loop;
    struct claim_view view;
    char *name, *area, *partial_area; /* owned */
};

/* One change under way. */
struct change {
    struct store_write write; /* first */
    struct slot_lmdb *lmdb;
    void *question;
};

static struct slot_lmdb *lmdb_of(struct slot_repository *repository)
{
    return (struct slot_lmdb *)(void *)repository;
}

static void submit(struct slot_repository *repository, void *question,
                   int (*apply)(struct store_write *write, struct store_txn *txn),
                   void (*done)(struct store_write *write, int result))
{
    struct slot_lmdb *lmdb = lmdb_of(repository);
    struct change *change = must_alloc(sizeof(*change));

    change->write.apply = apply;
    change->write.done = done;
    change->lmdb = lmdb;
    change->question = question;
    if (lmdb->has_loop)
        store_submit(lmdb->store, &change->write);
    else
        done(&change->write, store_write_now(lmdb->store, &change->write));
}

static void *question_of(struct store_write *write)
{
    return ((struct change *)(void *)write)->question;
}

/* The question, when its change is over. */
static void *take_question(struct store_write *write)
{
    void *question = question_of(write);

    free(write);
    return question;
}

static void lmdb_find(struct slot_repository *repository, struct slot_find *find)
{
    struct slot_lmdb *lmdb = lmdb_of(repository);
    unsigned char id[SLOT_ID];
    struct store_view *view;
    struct span value;
    int found;

    if (!codec_uuid_decode(find->slot_id, id)) {
        find->done(find, 0);
        return;
    }
    view = store_view(lmdb->store);
    if (view == NULL) {
        find->done(find, -1);
        return;
    }
    found = store_get(view, TABLE_SLOT, span_make((const char *)id, SLOT_ID), &value);
    if (found == 1 && !slot_decode(value, &find->slot))
        found = -1;
    if (found == 1) {
        memcpy(find->slot.id, id, SLOT_ID);
        slot_keep(&find->slot, find->arena);
    }
    store_view_end(lmdb->store, view);
    find->done(find, found);
}

static int apply_promise(struct store_write *write, struct store_txn *txn)
{
    struct slot_promise *promise = question_of(write);
    struct slot_lmdb *lmdb = ((struct change *)(void *)write)->lmdb;

    return slot_txn_promise(txn, &promise->slot, &promise->quotas, &lmdb->view, &promise->retry);
}

static void promise_done(struct store_write *write, int result)
{
    struct slot_promise *promise = take_question(write);

    if (result == 0) {
        char text[UUID_TEXT + 1];

        codec_uuid(promise->slot.id, text);
        promise->slot_id = arena_copy(promise->arena, span_of(text));
    }
    promise->done(promise, result);
}

static void lmdb_promise(struct slot_repository *repository, struct slot_promise *promise)
{
    submit(repository, promise, apply_promise, promise_done);
}

static int apply_fill(struct store_write *write, struct store_txn *txn)
{
    struct slot_fill *fill = question_of(write);

    return slot_txn_fill(txn, &fill->slot);
}

static void fill_done(struct store_write *write, int result)
{
    struct slot_fill *fill = take_question(write);

    fill->done(fill, result);
}

static void lmdb_fill(struct slot_repository *repository, struct slot_fill *fill)
{
    submit(repository, fill, apply_fill, fill_done);
}

static int apply_extend(struct store_write *write, struct store_txn *txn)
{
    struct slot_extend *extend = question_of(write);

    return slot_txn_extend(txn, extend->id, extend->until);
}

static void extend_done(struct store_write *write, int result)
{
    struct slot_extend *extend = take_question(write);

    extend->done(extend, result);
}

static void lmdb_extend(struct slot_repository *repository, struct slot_extend *extend)
{
    submit(repository, extend, apply_extend, extend_done);
}

/* ---- sweep ---- */

/* Ids that are due, into sweep->slots. */
static int find_due(struct slot_lmdb *lmdb, struct slot_sweep *sweep, struct store_txn *txn)
{
    char from = (char)sweep->kind;
    struct store_cursor *cursor = NULL;
    struct span key, value;
    int result;

    sweep->count = 0;
    sweep->is_last = true;
    while ((result = store_txn_walk(txn, TABLE_EXPIRY, span_make(&from, 1), &cursor, &key, &value)) == 1) {
        struct slot *slot = &sweep->slots[sweep->count];
        enum due_kind kind;
        int64_t moment;

        *slot = (struct slot){ .state = SLOT_LAPSED };
        if (key.size == 0 || key.at[0] != from)
            break;
        if (!due_key_decode(key, &kind, &moment, slot->id))
            continue;
        if (moment > sweep->now)
            break;
        if (kind == DUE_UNUSED && lmdb->view.claims != NULL &&
            claim_held(lmdb->view.claims, lmdb->view.board, slot->id))
            continue;          /* began in time and may finish, however long it takes */
        slot->lapsed = moment; /* so that the key can be deleted, whatever the row says */
        if (++sweep->count == sweep->most) {
            sweep->is_last = false;
            break;
        }
    }
    store_walk_end(&cursor);
    return result < 0 ? -1 : 0;
}

/* Acts on one id; the row decides, the key in the index only led here. */
static int sweep_one(struct slot_sweep *sweep, struct store_txn *txn, struct slot *slot)
{
    struct slot row;
    char key[DUE_KEY];
    int result = slot_txn_get(txn, slot->id, &row);

    if (result < 0)
        return -1;
    due_key(sweep->kind, slot->lapsed, slot->id, key);
    if (result == 1) {
        slot_keep(&row, sweep->arena);
        *slot = row;
        if (sweep->kind == DUE_TOMBSTONE && row.state == SLOT_LAPSED)
            result = slot_txn_forget(txn, &row);
        else if ((sweep->kind == DUE_EXPIRED && row.state == SLOT_FILLED) ||
                 (sweep->kind == DUE_UNUSED && row.state == SLOT_PROMISED))
            result = slot_txn_lapse(txn, &row, sweep->now, sweep->tombstone);
        else
            result = 0;
    }
    if (result != 0)
        return -1;
    return store_txn_delete(txn, TABLE_EXPIRY, span_make(key, sizeof(key)));
}

static int apply_sweep(struct store_write *write, struct store_txn *txn)
{
    struct slot_sweep *sweep = question_of(write);
    int result;

    arena_reset(sweep->arena);
    result = find_due(((struct change *)(void *)write)->lmdb, sweep, txn);
    for (size_t i = 0; result == 0 && i < sweep->count; i++)
        result = sweep_one(sweep, txn, &sweep->slots[i]);
    return result;
}

static void sweep_done(struct store_write *write, int result)
{
    struct slot_sweep *sweep = take_question(write);

    sweep->done(sweep, result);
}

/* Most runs find nothing: that is seen in a view, without a transaction and its flush. */
static bool is_anything_due(struct slot_lmdb *lmdb, const struct slot_sweep *sweep)
{
    struct store_view *view = store_view(lmdb->store);
    struct store_cursor *cursor = NULL;
    struct span key, value;
    char from = (char)sweep->kind;
    bool is_due = false;

    if (view == NULL)
        return false;
    if (store_walk(view, TABLE_EXPIRY, span_make(&from, 1), &cursor, &key, &value) == 1) {
        unsigned char id[SLOT_ID];
        enum due_kind kind;
        int64_t moment;

        is_due = !due_key_decode(key, &kind, &moment, id) || (kind == sweep->kind && moment <= sweep->now);
    }
    store_walk_end(&cursor);
    store_view_end(lmdb->store, view);
    return is_due;
}

static void lmdb_sweep(struct slot_repository *repository, struct slot_sweep *sweep)
{
    must(sweep->most > 0 && sweep->most <= SWEEP_MOST);
    if (is_anything_due(lmdb_of(repository), sweep)) {
        submit(repository, sweep, apply_sweep, sweep_done);
        return;
    }
    sweep->count = 0;
    sweep->is_last = true;
    sweep->done(sweep, 0);
}

/* ---- remove ---- */

static int apply_remove(struct store_write *write, struct store_txn *txn)
{
    struct slot_remove *remove = question_of(write);
    struct slot row;
    int result = slot_txn_get(txn, remove->id, &row);

    if (result != 1)
        return result < 0 ? -1 : REFUSED_ABSENT;
    if (row.state == SLOT_LAPSED)
        return REFUSED_STATE;
    slot_keep(&row, remove->arena);
    remove->slot = row;
    return slot_txn_lapse(txn, &row, remove->now, remove->tombstone);
}

static void remove_done(struct store_write *write, int result)
{
    struct slot_remove *remove = take_question(write);

    remove->done(remove, result);
}

static void lmdb_remove(struct slot_repository *repository, struct slot_remove *remove)
{
    submit(repository, remove, apply_remove, remove_done);
}

/* ---- life ---- */

static void lmdb_close(struct slot_repository *repository)
{
    struct slot_lmdb *lmdb = lmdb_of(repository);

    store_close(&lmdb->store);
    free(lmdb->name);
    free(lmdb->area);
    free(lmdb->partial_area);
    free(lmdb);
}

static const struct slot_repository_kind lmdb_kind = {
    .keeps_records = true,
    .find = lmdb_find,
    .promise = lmdb_promise,
    .fill = lmdb_fill,
    .extend = lmdb_extend,
    .sweep = lmdb_sweep,
    .remove = lmdb_remove,
    .usage = slot_lmdb_usage,
    .list = slot_lmdb_list,
    .close = lmdb_close,
};

struct slot_repository *slot_lmdb_open(const struct slot_lmdb_options *options, const char **why_r)
{
    bool is_default = span_is(span_of(options->name), "default");
    struct store_options store_options = {
        .map_size = options->map_size,
        .tables = slot_tables,
        .loop = options->loop,
        .committed = options->committed,
    };
    struct buf folder = { 0 }, area = { 0 }, partial = { 0 };
    struct slot_lmdb *lmdb;
    struct store *store;
    int result;

    buf_printf(&folder, "%s/upload%s%s", options->data_dir, is_default ? "" : "-",
               is_default ? "" : options->name);
    buf_char(&folder, '\0');
    store_options.folder = folder.at;
    result = store_open(&store, &store_options, why_r);
    buf_free(&folder);
    if (result != 0)
        return NULL;
    buf_printf(&area, "files%s%s", is_default ? "" : "-", is_default ? "" : options->name);
    lmdb = must_alloc(sizeof(*lmdb));
    lmdb->store = store;
    lmdb->has_loop = options->loop != NULL;
    lmdb->view = options->view;
    lmdb->name = must_strdup(options->name);
    buf_char(&area, '\0');
    lmdb->area = must_strdup(area.at);
    buf_free(&area);
    buf_printf(&partial, "partial%s%s", is_default ? "" : "-", is_default ? "" : options->name);
    buf_char(&partial, '\0');
    lmdb->partial_area = must_strdup(partial.at);
    buf_free(&partial);
    lmdb->repository = (struct slot_repository){ &lmdb_kind, lmdb->name, lmdb->area, lmdb->partial_area };
    return &lmdb->repository;
}

struct store *slot_lmdb_store(struct slot_repository *repository)
{
    return repository->kind == &lmdb_kind ? lmdb_of(repository)->store : NULL;
}
