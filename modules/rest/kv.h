/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: kv.h - what scripts keep: small values under keys, in LMDB, apart for each folder.
 *
 * Rows of the table "value":   FOLDER NUL KEY -> version byte, JSON text
 *                              FOLDER         -> version byte, bytes and entries of that folder
 * The second is counted in the transaction that changes the first: no folder grows beyond its share. */
#ifndef STOA_REST_KV_H
#define STOA_REST_KV_H

#include "base/arena.h"
#include "parse/json.h"
#include "store/store.h"

#define KV_FOLDER_MOST  100                  /* bytes of a folder's name */
#define KV_KEY_MOST     400                  /* bytes of a key; both and a NUL fit into LMDB's 511 */
#define KV_VALUE_MOST   (64 * 1024)          /* bytes of a value as JSON */
#define KV_FOLDER_BYTES (UINT64_C(64) << 20) /* keys and values of one folder */
#define KV_FOLDER_ITEMS UINT64_C(200000)
#define KV_LIST_MOST    1000 /* keys of one list */

/* NULL: good, else a sentence. */
const char *kv_key_bad(struct span key);

/* 1: *json_r, to be put (NULL: JSON's null). 0: none. -1: the store failed. */
int kv_get(struct store *store, unsigned table, const char *folder, struct span key,
           struct json_object **json_r);
/* Keys that begin with prefix, behind after (empty: from the first), in order of bytes, at most most of them:
 * an array to be put. NULL: the store failed. */
struct json_object *kv_list(struct store *store, unsigned table, const char *folder, struct span prefix,
                            struct span after, unsigned most);

#define KV_FULL 1 /* the folder's share is used up: nothing was changed */

struct kv_change {
    struct store_write write; /* first */
    unsigned table;
    struct span folder, key; /* borrowed until done */
    struct span value;       /* JSON text; at NULL: the key is deleted */
    uint64_t bytes_most, items_most;
    bool was_there; /* said when done */
};

/* For store_submit: fills apply; done and all the rest is the caller's. */
void kv_change_prepare(struct kv_change *change);

#endif
