/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: fsck_tables.c - the four tables of slots against each other, and their rebuilding.
 *
 * The table slot is the truth; the others can be made anew from it. All is read in one view, so a daemon that
 * writes meanwhile is not seen half way. */
#include "base/codec.h"
#include "base/map.h"
#include "base/must.h"
#include "fsck.h"

#include <stdlib.h>

struct tally {
    struct usage usage; /* name in the arena */
    char kind;
    bool was_seen;
};

struct tables {
    struct fsck *fsck;
    struct arena *arena;
    struct store_view *view;
    struct map *counts; /* from usage key to struct tally in arena */
    int64_t faults;
};

static void fault(struct tables *tables, enum fsck_fault what, const char *name, const char *detail)
{
    tables->faults++;
    fsck_found(tables->fsck, what, name, "%s", detail);
}

static void count_one(struct map *counts, struct arena *arena, char kind, struct span name,
                      const struct slot *slot)
{
    char key[USAGE_KEY];
    struct tally *count;

    if (slot->state == SLOT_LAPSED)
        return;
    usage_key(kind, name, key);
    count = map_get(counts, span_make(key, sizeof(key)));
    if (count == NULL) {
        count = arena_make(arena, struct tally);
        count->kind = kind;
        count->usage.name = arena_copy(arena, name);
        map_set(counts, span_make(key, sizeof(key)), count);
    }
    if (slot->state == SLOT_PROMISED) {
        count->usage.promised_bytes += (uint64_t)slot->size;
        count->usage.promised_files++;
    } else {
        count->usage.stored_bytes += (uint64_t)slot->size;
        count->usage.stored_files++;
    }
}

static void count_slot(struct map *counts, struct arena *arena, const struct slot *slot)
{
    count_one(counts, arena, 'u', slot->owner, slot);
    count_one(counts, arena, 'd', slot->domain, slot);
    count_one(counts, arena, 'g', SPAN(""), slot);
}

static void check_owner_row(struct tables *tables, const struct slot *slot, const char *id)
{
    char key[OWNER_ROW];
    struct owner_row row;
    struct span value;

    owner_key(slot, key);
    if (store_get(tables->view, TABLE_OWNER, span_make(key, sizeof(key)), &value) != 1)
        fault(tables, FAULT_OWNER_INDEX, id, "is not in the index of its owner");
    else if (!owner_row_decode(span_make(key, sizeof(key)), value, &row) || row.size != slot->size ||
             row.entry != slot_owner_entry(slot) || row.put_until != slot->put_until)
        fault(tables, FAULT_OWNER_INDEX, id, "is another in the index of its owner");
}

/* A tombstone's moment depends on a setting that may have changed: any is good. */
static void check_due(struct tables *tables, const struct slot *slot, const char *id)
{
    char key[DUE_KEY];
    struct span value;

    if (slot->state == SLOT_LAPSED || !slot_due_key(slot, 0, key))
        return;
    if (store_get(tables->view, TABLE_EXPIRY, span_make(key, sizeof(key)), &value) != 1)
        fault(tables, FAULT_DUE_INDEX, id, "is not in the index of moments");
}

static int check_slots(struct tables *tables)
{
    struct store_cursor *cursor = NULL;
    struct span key, value;
    int result;

    while ((result = store_walk(tables->view, TABLE_SLOT, SPAN(""), &cursor, &key, &value)) == 1) {
        char id[UUID_TEXT + 1] = "?";
        struct slot slot;

        tables->fsck->slots++;
        if (key.size == SLOT_ID)
            codec_uuid((const unsigned char *)key.at, id);
        if (key.size != SLOT_ID || !slot_decode(value, &slot)) {
            fault(tables, FAULT_ROW, id, "has a record that cannot be understood");
            continue;
        }
        memcpy(slot.id, key.at, SLOT_ID);
        check_owner_row(tables, &slot, id);
        check_due(tables, &slot, id);
        count_slot(tables->counts, tables->arena, &slot);
    }
    return result;
}

/* Entries of an index for which there is no such slot. */
static void check_owner_entry(struct tables *tables, struct span key, struct span value)
{
    char id[UUID_TEXT + 1], wanted[OWNER_ROW];
    struct owner_row row;
    struct slot slot;
    struct span slot_value;

    if (!owner_row_decode(key, value, &row)) {
        fault(tables, FAULT_OWNER_INDEX, "?", "an entry of the index of owners cannot be understood");
        return;
    }
    codec_uuid(row.id, id);
    if (store_get(tables->view, TABLE_SLOT, span_make((char *)row.id, SLOT_ID), &slot_value) == 1 &&
        slot_decode(slot_value, &slot)) {
        memcpy(slot.id, row.id, SLOT_ID);
        owner_key(&slot, wanted);
        if (span_eq(key, span_make(wanted, sizeof(wanted))))
            return;
    }
    fault(tables, FAULT_OWNER_INDEX, id, "is in the index of an owner without being his");
}

static void check_due_entry(struct tables *tables, struct span key)
{
    char id[UUID_TEXT + 1], wanted[DUE_KEY];
    unsigned char slot_id[SLOT_ID];
    enum due_kind kind;
    int64_t moment;
    struct slot slot;
    struct span value;

    if (!due_key_decode(key, &kind, &moment, slot_id)) {
        fault(tables, FAULT_DUE_INDEX, "?", "an entry of the index of moments cannot be understood");
        return;
    }
    codec_uuid(slot_id, id);
    if (store_get(tables->view, TABLE_SLOT, span_make((char *)slot_id, SLOT_ID), &value) == 1 &&
        slot_decode(value, &slot)) {
        memcpy(slot.id, slot_id, SLOT_ID);
        if (slot.state == SLOT_LAPSED && kind == DUE_TOMBSTONE)
            return;
        if (slot_due_key(&slot, 0, wanted) && span_eq(key, span_make(wanted, sizeof(wanted))))
            return;
    }
    fault(tables, FAULT_DUE_INDEX, id, "is in the index of moments at a wrong moment");
}

static int check_indices(struct tables *tables)
{
    struct store_cursor *cursor = NULL;
    struct span key, value;
    int result;

    while ((result = store_walk(tables->view, TABLE_OWNER, SPAN(""), &cursor, &key, &value)) == 1)
        check_owner_entry(tables, key, value);
    if (result < 0)
        return -1;
    while ((result = store_walk(tables->view, TABLE_EXPIRY, SPAN(""), &cursor, &key, &value)) == 1)
        check_due_entry(tables, key);
    return result;
}

static bool is_usage(const struct usage *a, const struct usage *b)
{
    return a->promised_bytes == b->promised_bytes && a->promised_files == b->promised_files &&
           a->stored_bytes == b->stored_bytes && a->stored_files == b->stored_files;
}

static int check_usage(struct tables *tables)
{
    static const struct usage nothing;
    struct store_cursor *cursor = NULL;
    struct span key, value;
    void *item;
    size_t at = 0;
    int result;

    while ((result = store_walk(tables->view, TABLE_USAGE, SPAN(""), &cursor, &key, &value)) == 1) {
        struct tally *count = map_get(tables->counts, key);
        struct usage usage = { 0 };
        bool is_read = usage_decode(value, &usage);

        if (count != NULL)
            count->was_seen = true;
        if (!is_read || !is_usage(&usage, count != NULL ? &count->usage : &nothing))
            fault(tables, FAULT_USAGE, usage.name.size > 0 ? arena_text(tables->arena, usage.name) : "all",
                  "has a wrong count of used space");
    }
    while (map_next(tables->counts, &at, &key, &item)) {
        const struct tally *count = item;

        if (!count->was_seen)
            fault(tables, FAULT_USAGE,
                  count->usage.name.size > 0 ? arena_text(tables->arena, count->usage.name) : "all",
                  "has no count of used space");
    }
    return result;
}

/* ---- rebuilding ---- */

struct rebuild {
    struct store_write write; /* first */
    int64_t tombstone;
};

static int empty_table(struct store_txn *txn, unsigned table, struct arena *arena)
{
    struct store_cursor *cursor = NULL;
    struct span key, value;
    struct keys {
        struct keys *next;
        struct span key;
    } *keys = NULL;
    int result;

    while ((result = store_txn_walk(txn, table, SPAN(""), &cursor, &key, &value)) == 1) {
        struct keys *one = arena_make(arena, struct keys);

        one->key = arena_copy(arena, key);
        one->next = keys;
        keys = one;
    }
    for (; result == 0 && keys != NULL; keys = keys->next)
        result = store_txn_delete(txn, table, keys->key);
    return result;
}

struct kept_slot {
    struct kept_slot *next;
    struct slot slot;
};

/* All slots, in arena; those whose records cannot be understood are deleted, as nothing can be done for them:
 * their files then have no record. */
static int keep_slots(struct store_txn *txn, struct arena *arena, struct kept_slot **slots_r)
{
    struct store_cursor *cursor = NULL;
    struct span key, value, bad[64];
    size_t bad_count = 0;
    int result;

    while ((result = store_txn_walk(txn, TABLE_SLOT, SPAN(""), &cursor, &key, &value)) == 1) {
        struct kept_slot *one = arena_make(arena, struct kept_slot);

        if (key.size == SLOT_ID && slot_decode(value, &one->slot)) {
            memcpy(one->slot.id, key.at, SLOT_ID);
            slot_keep(&one->slot, arena);
            one->next = *slots_r;
            *slots_r = one;
        } else if (bad_count < sizeof(bad) / sizeof(bad[0])) {
            bad[bad_count++] = arena_copy(arena, key);
        }
    }
    for (size_t i = 0; result == 0 && i < bad_count; i++)
        result = store_txn_delete(txn, TABLE_SLOT, bad[i]);
    return result;
}

static int put_counts(struct store_txn *txn, const struct map *counts)
{
    struct span key;
    void *item;
    size_t at = 0;
    int result = 0;

    while (result == 0 && map_next(counts, &at, &key, &item)) {
        struct buf value = { 0 };

        usage_encode(&((const struct tally *)item)->usage, &value);
        result = store_txn_put(txn, TABLE_USAGE, key, buf_span(&value));
        buf_free(&value);
    }
    return result;
}

static int apply_rebuild(struct store_write *write, struct store_txn *txn)
{
    const struct rebuild *rebuild = (struct rebuild *)(void *)write;
    struct arena *arena = arena_new();
    struct map *counts = map_new();
    struct kept_slot *slots = NULL;
    int result = keep_slots(txn, arena, &slots);

    for (unsigned table = TABLE_OWNER; result == 0 && table <= TABLE_USAGE; table++)
        result = empty_table(txn, table, arena);
    for (struct kept_slot *one = slots; result == 0 && one != NULL; one = one->next) {
        result = slot_txn_index(txn, &one->slot, rebuild->tombstone);
        count_slot(counts, arena, &one->slot);
    }
    if (result == 0)
        result = put_counts(txn, counts);
    map_free(&counts);
    arena_free(&arena);
    return result;
}

int fsck_tables(struct fsck *fsck, struct slot_repository *repository)
{
    struct store *store = slot_lmdb_store(repository);
    struct tables tables = { .fsck = fsck, .view = store_view(store) };
    int result = -1;

    if (tables.view == NULL)
        return -1;
    tables.arena = arena_new();
    tables.counts = map_new();
    if (check_slots(&tables) == 0 && check_indices(&tables) == 0 && check_usage(&tables) == 0)
        result = 0;
    store_view_end(store, tables.view);
    map_free(&tables.counts);
    arena_free(&tables.arena);
    if (result == 0 && fsck->repair && tables.faults > 0) {
        struct rebuild rebuild = { .write = { .apply = apply_rebuild },
                                   .tombstone = fsck->upload->conf->expiration->tombstone };

        if (store_write_now(store, &rebuild.write) == 0)
            fsck->repaired += tables.faults;
    }
    return result;
}
