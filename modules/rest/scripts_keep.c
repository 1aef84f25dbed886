/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: scripts_keep.c - the last good text of each script, kept in the store, so that a reload
 * with a broken one leaves the old in force although the workers are new. */
#include "scripts.h"

#include "base/digest.h"
#include "base/must.h"
#include "os/log.h"

#include <stdlib.h>

#define ROW_VERSION 1
#define HEAD        (1 + SHA256_BYTES) /* before the text */

struct keep {
    struct store_write write; /* first */
    struct span key, row;     /* row.at NULL: forgotten */
};

static int apply(struct store_write *write, struct store_txn *txn)
{
    struct keep *keep = (struct keep *)(void *)write;

    if (keep->row.at == NULL)
        return store_txn_delete(txn, REST_TABLE_SCRIPT, keep->key);
    return store_txn_put(txn, REST_TABLE_SCRIPT, keep->key, keep->row);
}

static void change(struct rest *rest, const char *key, struct span row)
{
    struct keep keep = { .write = { .apply = apply }, .key = span_of(key), .row = row };

    if (store_write_now(rest->store, &keep.write) != 0)
        log_warn("the text of the script %s could not be kept: after a broken change it would not run", key);
}

bool rest_script_kept(struct rest *rest, const char *key, struct buf *text)
{
    struct store_view *view = rest->store != NULL ? store_view(rest->store) : NULL;
    struct span row;
    bool is_good = false;

    if (view == NULL)
        return false;
    if (store_get(view, REST_TABLE_SCRIPT, span_of(key), &row) == 1 && row.size > HEAD &&
        row.at[0] == ROW_VERSION) {
        unsigned char digest[SHA256_BYTES];

        digest_sha256(span_from(row, HEAD), digest);
        is_good = memcmp(digest, row.at + 1, SHA256_BYTES) == 0;
        if (is_good)
            buf_add(text, span_from(row, HEAD));
    }
    store_view_end(rest->store, view);
    return is_good;
}

void rest_script_keep(struct rest *rest, const char *key, struct span text)
{
    unsigned char digest[SHA256_BYTES];
    struct store_view *view;
    struct buf row = { 0 };
    struct span old;
    bool is_kept;

    if (rest->store == NULL || text.size == 0)
        return;
    digest_sha256(text, digest);
    view = store_view(rest->store);
    if (view == NULL)
        return;
    is_kept = store_get(view, REST_TABLE_SCRIPT, span_of(key), &old) == 1 && old.size == HEAD + text.size &&
              old.at[0] == ROW_VERSION && memcmp(old.at + 1, digest, SHA256_BYTES) == 0;
    store_view_end(rest->store, view);
    if (is_kept)
        return;
    buf_char(&row, ROW_VERSION);
    buf_add(&row, span_make((const char *)digest, SHA256_BYTES));
    buf_add(&row, text);
    change(rest, key, buf_span(&row));
    buf_free(&row);
}

static bool is_among(const struct rest_finds *finds, struct span key)
{
    for (size_t i = 0; i < finds->count; i++) {
        struct span rest = key, folder = span_cut(&rest, '/');

        if (span_is(folder, finds->items[i].folder) && span_is(rest, finds->items[i].name))
            return true;
    }
    return false;
}

/* One key that has no file, to be freed; NULL: none. */
static char *find_orphan(struct rest *rest, const struct rest_finds *finds)
{
    struct store_view *view = store_view(rest->store);
    struct store_cursor *cursor = NULL;
    struct span key, value;
    char *orphan = NULL;

    if (view == NULL)
        return NULL;
    while (orphan == NULL && store_walk(view, REST_TABLE_SCRIPT, SPAN(""), &cursor, &key, &value) == 1)
        if (!is_among(finds, key)) {
            orphan = must_alloc(key.size + 1);
            memcpy(orphan, key.at, key.size);
        }
    store_walk_end(&cursor);
    store_view_end(rest->store, view);
    return orphan;
}

void rest_scripts_forget(struct rest *rest, const struct rest_finds *finds)
{
    char *orphan;

    /* Each is forgotten before the next is looked for; the count bounds a store that cannot write. */
    for (int i = 0; rest->store != NULL && i < 1000 && (orphan = find_orphan(rest, finds)) != NULL; i++) {
        change(rest, orphan, (struct span){ 0 });
        free(orphan);
    }
}
