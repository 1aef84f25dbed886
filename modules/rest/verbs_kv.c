/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: verbs_kv.c - service:kv_get, kv_set, kv_delete, kv_list: a folder's own values. */
#include "base/must.h"
#include "kv.h"
#include "verbs.h"

#include <stdlib.h>

struct keep { /* lives until the store has done, whatever becomes of the script */
    OBJECT_MAGIC
    struct kv_change change;
    struct script_wait *wait; /* NULL: cancelled */
    struct buf key, value;    /* owned */
};

/* false: the verb is over. */
static bool take_key(struct script_wait *wait, struct json_object *args, struct span *key_r)
{
    const char *why = "the key is no text";

    if (verb_text(args, 0, key_r))
        why = kv_key_bad(*key_r);
    if (why != NULL) {
        script_refuse(wait, why);
        return false;
    }
    if (verb_run(wait)->call->rest->store != NULL)
        return true;
    verb_nil(wait, PROBLEM_unavailable, NULL, "the store of values could not be opened");
    return false;
}

void verb_kv_get(struct script_wait *wait, struct json_object *args)
{
    const struct rest_run *run = verb_run(wait);
    struct json_object *json = NULL;
    struct span key;
    int found;

    if (!take_key(wait, args, &key))
        return;
    found = kv_get(run->call->rest->store, REST_TABLE_VALUE, run->script->folder, key, &json);
    if (found == 1)
        script_answer(wait, json);
    else if (found == 0)
        verb_nil(wait, PROBLEM_not_found, NULL, "there is no value of that key");
    else
        verb_nil(wait, PROBLEM_internal, NULL, NULL);
}

void verb_kv_list(struct script_wait *wait, struct json_object *args)
{
    const struct rest_run *run = verb_run(wait);
    struct span prefix = SPAN(""), after = SPAN("");
    struct json_object *keys;

    if (verb_text(args, 0, &prefix) && prefix.size > 0 && kv_key_bad(prefix) != NULL) {
        script_refuse(wait, kv_key_bad(prefix));
        return;
    }
    if (verb_text(args, 1, &after) && after.size > 0 && kv_key_bad(after) != NULL) {
        script_refuse(wait, kv_key_bad(after));
        return;
    }
    if (run->call->rest->store == NULL) {
        verb_nil(wait, PROBLEM_unavailable, NULL, "the store of values could not be opened");
        return;
    }
    keys =
        kv_list(run->call->rest->store, REST_TABLE_VALUE, run->script->folder, prefix, after, KV_LIST_MOST);
    if (keys != NULL)
        script_answer(wait, keys);
    else
        verb_nil(wait, PROBLEM_internal, NULL, NULL);
}

static void on_kept(struct store_write *write, int result)
{
    struct keep *keep = OBJECT((char *)write - offsetof(struct keep, change.write), keep);
    struct script_wait *wait = keep->wait;
    bool was_there = keep->change.was_there, is_set = keep->change.value.at != NULL;

    buf_free(&keep->key);
    buf_free(&keep->value);
    OBJECT_DEAD(keep);
    free(keep);
    if (wait == NULL)
        return;
    if (result == 0)
        script_answer(wait, json_object_new_boolean(is_set || was_there));
    else if (result == KV_FULL)
        verb_nil(wait, PROBLEM_quota_reached, NULL, "the values of this folder use up their share");
    else
        verb_nil(wait, result == STORE_FULL ? PROBLEM_disk_full : PROBLEM_internal, NULL, NULL);
}

static void on_keep_cancelled(struct script_wait *wait, void *data)
{
    struct keep *keep = OBJECT(data, keep);

    (void)wait;
    keep->wait = NULL;
}

/* value_text empty: the key is deleted. */
static void submit(struct script_wait *wait, struct span key, struct buf *value)
{
    const struct rest_run *run = verb_run(wait);
    struct keep *keep = must_alloc(sizeof(*keep));

    OBJECT_BORN(keep, keep);
    keep->wait = wait;
    buf_add(&keep->key, span_of(run->script->folder)); /* the script may be gone before the store is done */
    buf_add(&keep->key, key);
    keep->value = *value;
    keep->change.table = REST_TABLE_VALUE;
    keep->change.folder = span_head(buf_span(&keep->key), keep->key.size - key.size);
    keep->change.key = span_from(buf_span(&keep->key), keep->key.size - key.size);
    keep->change.value = buf_span(&keep->value);
    keep->change.bytes_most = KV_FOLDER_BYTES;
    keep->change.items_most = KV_FOLDER_ITEMS;
    keep->change.write.done = on_kept;
    kv_change_prepare(&keep->change);
    script_wait_on_cancel(wait, on_keep_cancelled, keep);
    store_submit(run->call->rest->store, &keep->change.write);
}

void verb_kv_set(struct script_wait *wait, struct json_object *args)
{
    struct buf value = { 0 };
    struct span key;

    if (!take_key(wait, args, &key))
        return;
    if (verb_arg(args, 1) == NULL) {
        script_refuse(wait, "kv_set needs a value; kv_delete takes one away");
        return;
    }
    json_write(&value, verb_arg(args, 1));
    if (value.size > KV_VALUE_MOST) {
        buf_free(&value);
        script_refuse(wait, "the value is larger than 64 KiB");
        return;
    }
    submit(wait, key, &value);
}

void verb_kv_delete(struct script_wait *wait, struct json_object *args)
{
    struct buf nothing = { 0 };
    struct span key;

    if (take_key(wait, args, &key))
        submit(wait, key, &nothing);
}
