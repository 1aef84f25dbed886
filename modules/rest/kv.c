/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: kv.c - scripts' own values in LMDB. See kv.h for the rows. */
#include "kv.h"

#include "base/must.h"
#include "base/text.h"

#define ROW_VERSION 1
#define USAGE_ROW   17  /* version, 8 bytes of bytes, 8 of entries */
#define ROOM        511 /* LMDB's longest key */

struct usage {
    uint64_t bytes, items;
};

const char *kv_key_bad(struct span key)
{
    if (key.size == 0)
        return "the key is empty";
    if (key.size > KV_KEY_MOST)
        return "the key is longer than 400 bytes";
    if (memchr(key.at, '\0', key.size) != NULL || !text_is_utf8(key))
        return "the key is not UTF-8, or holds a NUL";
    return NULL;
}

/* FOLDER NUL KEY into room; its span. */
static struct span row_key(char room[ROOM], struct span folder, struct span key)
{
    must(folder.size <= KV_FOLDER_MOST && key.size <= KV_KEY_MOST);
    memcpy(room, folder.at, folder.size);
    room[folder.size] = '\0';
    if (key.size > 0)
        memcpy(room + folder.size + 1, key.at, key.size);
    return span_make(room, folder.size + 1 + key.size);
}

static uint64_t read_number(const char *at)
{
    uint64_t number = 0;

    for (int i = 0; i < 8; i++)
        number = number << 8 | (unsigned char)at[i];
    return number;
}

static void write_number(char *at, uint64_t number)
{
    for (int i = 7; i >= 0; i--, number >>= 8)
        at[i] = (char)(number & 0xff);
}

static bool value_text(struct span row, struct span *text_r)
{
    if (row.size < 1 || row.at[0] != ROW_VERSION)
        return false;
    *text_r = span_from(row, 1);
    return true;
}

/* ---- reading ---- */

int kv_get(struct store *store, unsigned table, const char *folder, struct span key,
           struct json_object **json_r)
{
    static const struct json_limits limits = { KV_VALUE_MOST, 64, 65536 };
    struct store_view *view = store_view(store);
    struct span row, text;
    char room[ROOM];
    const char *why;
    int found;

    if (view == NULL)
        return -1;
    found = store_get(view, table, row_key(room, span_of(folder), key), &row);
    if (found == 1 && (!value_text(row, &text) || json_parse(text, &limits, json_r, &why) != 1))
        found = -1;
    store_view_end(store, view);
    return found;
}

struct json_object *kv_list(struct store *store, unsigned table, const char *folder, struct span prefix,
                            struct span after, unsigned most)
{
    struct store_view *view = store_view(store);
    struct json_object *keys;
    struct store_cursor *cursor = NULL;
    struct span key, value, begin;
    char room[ROOM], first[ROOM];
    size_t skip = strlen(folder) + 1;
    int got;

    if (view == NULL)
        return NULL;
    keys = json_object_new_array();
    begin = row_key(room, span_of(folder), prefix);
    /* Keys behind `after`: the walk begins there, and steps over that one itself. */
    if (span_compare(after, prefix) > 0)
        key = row_key(first, span_of(folder), after);
    else
        key = begin;
    got = store_walk(view, table, key, &cursor, &key, &value);
    for (; got == 1 && span_starts(key, begin); got = store_walk(view, table, begin, &cursor, &key, &value)) {
        struct span name = span_from(key, skip);

        if (json_object_array_length(keys) >= most)
            break;
        if (after.size == 0 || !span_eq(name, after))
            json_object_array_add(keys, json_object_new_string_len(name.at, (int)name.size));
    }
    store_walk_end(&cursor);
    store_view_end(store, view);
    if (got >= 0)
        return keys;
    json_object_put(keys);
    return NULL;
}

/* ---- changing ---- */

static int read_usage(struct store_txn *txn, const struct kv_change *change, struct usage *usage_r)
{
    struct span row;
    int found = store_txn_get(txn, change->table, change->folder, &row);

    *usage_r = (struct usage){ 0 };
    if (found == 1 && row.size == USAGE_ROW && row.at[0] == ROW_VERSION)
        *usage_r = (struct usage){ read_number(row.at + 1), read_number(row.at + 9) };
    return found < 0 ? -1 : 0;
}

static int write_usage(struct store_txn *txn, const struct kv_change *change, const struct usage *usage)
{
    char row[USAGE_ROW] = { ROW_VERSION };

    if (usage->items == 0)
        return store_txn_delete(txn, change->table, change->folder);
    write_number(row + 1, usage->bytes);
    write_number(row + 9, usage->items);
    return store_txn_put(txn, change->table, change->folder, span_make(row, sizeof(row)));
}

/* The old row leaves the account, the new one enters it. */
static void count_change(struct usage *usage, const struct kv_change *change, struct span old, bool was_there)
{
    uint64_t gone = was_there ? change->key.size + old.size : 0;

    usage->bytes -= gone < usage->bytes ? gone : usage->bytes;
    usage->items -= was_there && usage->items > 0;
    if (change->value.at != NULL) {
        usage->bytes += change->key.size + 1 + change->value.size;
        usage->items++;
    }
}

static int apply(struct store_write *write, struct store_txn *txn)
{
    struct kv_change *change = (struct kv_change *)(void *)write;
    struct span key, old, row;
    struct usage usage;
    char room[ROOM];
    struct buf value = { 0 };
    int found, result;

    if (read_usage(txn, change, &usage) < 0)
        return -1;
    key = row_key(room, change->folder, change->key);
    found = store_txn_get(txn, change->table, key, &old);
    if (found < 0)
        return -1;
    change->was_there = found == 1;
    if (change->value.at == NULL && found == 0)
        return 0;
    count_change(&usage, change, old, found == 1);
    if (change->value.at != NULL && (usage.bytes > change->bytes_most || usage.items > change->items_most))
        return KV_FULL;
    if (change->value.at == NULL) {
        result = store_txn_delete(txn, change->table, key);
    } else {
        buf_char(&value, ROW_VERSION);
        buf_add(&value, change->value);
        row = buf_span(&value);
        result = store_txn_put(txn, change->table, key, row);
        buf_free(&value);
    }
    return result < 0 ? -1 : write_usage(txn, change, &usage);
}

void kv_change_prepare(struct kv_change *change)
{
    change->write.apply = apply;
}
