/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: keys_table.c - see keys_table.h. */
#include "keys_table.h"

#include "base/codec.h"
#include "base/must.h"
#include "base/random.h"
#include "parse/json.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#define ROW_VERSION 1
#define ROW_MOST    (64 * 1024)
#define LIST_NAMES  6
#define USE_BYTES   8
#define ROOM        (1 + (SHA256_BYTES > KEY_ID_TEXT ? SHA256_BYTES : KEY_ID_TEXT))
#define DIGEST_SIZE ((size_t)SHA256_BYTES)

/* ---- a row ---- */

static const char *const list_names[LIST_NAMES] = {
    "paths", "methods", "hosts", "nodes", "from", "networks"
};

static void scope_lists(struct key_scope *scope, const char *const **lists_r[LIST_NAMES])
{
    lists_r[0] = &scope->paths;
    lists_r[1] = &scope->methods;
    lists_r[2] = &scope->hosts;
    lists_r[3] = &scope->nodes;
    lists_r[4] = &scope->from;
    lists_r[5] = &scope->networks;
}

static bool read_list(struct json_object *list, struct arena *arena, const char *const **texts_r)
{
    const char **texts;
    size_t count;

    if (list == NULL)
        return true;
    if (!json_object_is_type(list, json_type_array))
        return false;
    count = json_object_array_length(list);
    texts = arena_alloc(arena, (count + 1) * sizeof(*texts));
    for (size_t i = 0; i < count; i++) {
        struct span text;

        if (!json_text(json_object_array_get_idx(list, i), &text))
            return false;
        texts[i] = arena_text(arena, text);
    }
    *texts_r = texts;
    return true;
}

static bool read_digest(struct json_object *json, unsigned char digest_r[SHA256_BYTES])
{
    struct span hex;

    if (!json_text(json_member(json, "digest"), &hex) || hex.size != 2 * DIGEST_SIZE)
        return false;
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        int high = codec_hex_digit(hex.at[2 * i]), low = codec_hex_digit(hex.at[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        digest_r[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static bool read_row(struct json_object *json, struct arena *arena, struct key_row *row_r)
{
    const char *const **lists[LIST_NAMES];
    struct span label;

    scope_lists(&row_r->scope, lists);
    for (size_t i = 0; i < LIST_NAMES; i++)
        if (!read_list(json_member(json, list_names[i]), arena, lists[i]))
            return false;
    if (!json_text(json_member(json, "label"), &label) || !read_digest(json, row_r->digest) ||
        !json_whole(json_member(json, "created"), &row_r->created) ||
        !json_whole(json_member(json, "expires"), &row_r->expires))
        return false;
    row_r->label = arena_text(arena, label);
    return true;
}

bool key_row_decode(struct span value, struct arena *arena, struct key_row *row_r)
{
    static const struct json_limits limits = { .size_most = ROW_MOST, .depth_most = 3, .items_most = 4096 };
    struct json_object *json = NULL;
    const char *why;
    bool is_good;

    *row_r = (struct key_row){ 0 };
    if (value.size < 1 || value.at[0] != ROW_VERSION ||
        !json_parse(span_from(value, 1), &limits, &json, &why))
        return false;
    is_good = read_row(json, arena, row_r);
    json_object_put(json);
    return is_good;
}

void key_row_encode(const struct key_row *row, struct buf *out)
{
    struct json_object *json = json_object_new_object();
    struct key_scope scope = row->scope;
    const char *const **lists[LIST_NAMES];
    struct buf hex = { 0 };

    codec_hex(&hex, span_make((const char *)row->digest, DIGEST_SIZE));
    json_object_object_add(json, "label", json_object_new_string(row->label));
    json_object_object_add(json, "digest", json_object_new_string_len(hex.at, (int)hex.size));
    json_object_object_add(json, "created", json_object_new_int64(row->created));
    json_object_object_add(json, "expires", json_object_new_int64(row->expires));
    buf_free(&hex);
    scope_lists(&scope, lists);
    for (size_t i = 0; i < LIST_NAMES; i++) {
        struct json_object *list;

        if (*lists[i] == NULL || **lists[i] == NULL)
            continue;
        list = json_object_new_array();
        for (const char *const *text = *lists[i]; *text != NULL; text++)
            json_object_array_add(list, json_object_new_string(*text));
        json_object_object_add(json, list_names[i], list);
    }
    buf_char(out, ROW_VERSION);
    json_write(out, json);
    json_object_put(json);
}

/* ---- keys of the table ---- */

static struct span row_name(char *room, char kind, struct span id)
{
    must(id.size < ROOM);
    room[0] = kind;
    memcpy(room + 1, id.at, id.size);
    return span_make(room, 1 + id.size);
}

void key_digest(struct span salt, struct span key, unsigned char digest_r[SHA256_BYTES])
{
    struct digest *digest = digest_new();

    digest_add(digest, salt);
    digest_add(digest, key);
    digest_end(digest, digest_r);
    digest_free(&digest);
}

/* base64url without padding (RFC 4648 5), so that it can stand in an address. */
void key_make(char text_r[KEY_TEXT])
{
    unsigned char bytes[KEY_BYTES];
    struct buf text = { 0 };

    random_bytes(bytes, sizeof(bytes));
    codec_base64(&text, span_make((const char *)bytes, sizeof(bytes)));
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] == '+')
            text.at[i] = '-';
        else if (text.at[i] == '/')
            text.at[i] = '_';
        else if (text.at[i] == '=')
            text.size = i;
    }
    snprintf(text_r, KEY_TEXT, KEY_START "%.*s", SPAN_ARG(buf_span(&text)));
    OPENSSL_cleanse(bytes, sizeof(bytes));
    OPENSSL_cleanse(text.at, text.room);
    buf_free(&text);
}

/* ---- looking ---- */

static int find_in(struct store_view *view, unsigned table, struct span shown, struct arena *arena,
                   struct key_row *row_r)
{
    unsigned char digest[SHA256_BYTES];
    struct span salt, id, value;
    char room[ROOM];
    int found = store_get(view, table, SPAN("s"), &salt);

    if (found != 1)
        return found;
    key_digest(salt, shown, digest);
    found = store_get(view, table, row_name(room, 'd', span_make((const char *)digest, DIGEST_SIZE)), &id);
    if (found != 1)
        return found;
    if (id.size != KEY_ID_TEXT - 1)
        return 0;
    id = arena_copy(arena, id);
    found = store_get(view, table, row_name(room, 'k', id), &value);
    if (found != 1)
        return found;
    if (!key_row_decode(value, arena, row_r) || !digest_equal(row_r->digest, digest, DIGEST_SIZE))
        return 0;
    memcpy(row_r->id, id.at, KEY_ID_TEXT);
    return 1;
}

int key_find(struct store *store, unsigned table, struct span shown, struct arena *arena,
             struct key_row *row_r)
{
    struct store_view *view = store_view(store);
    int found;

    if (view == NULL)
        return -1;
    found = find_in(view, table, shown, arena, row_r);
    store_view_end(store, view);
    return found;
}

static int64_t moment_of(struct span value)
{
    uint64_t moment = 0;

    if (value.size != USE_BYTES)
        return 0;
    for (size_t i = 0; i < USE_BYTES; i++)
        moment = moment << 8 | (unsigned char)value.at[i];
    return (int64_t)moment;
}

int64_t key_last_use(struct store_view *view, unsigned table, const char *id)
{
    struct span value;
    char room[ROOM];

    return store_get(view, table, row_name(room, 'u', span_of(id)), &value) == 1 ? moment_of(value) : 0;
}

/* ---- changing ---- */

/* The salt of this store, made with its first key. */
static int get_salt(struct store_txn *txn, unsigned table, char salt_r[KEY_SALT_BYTES])
{
    struct span found;
    int result = store_txn_get(txn, table, SPAN("s"), &found);

    if (result < 0)
        return STORE_FAILED;
    if (result == 1 && found.size == KEY_SALT_BYTES) {
        memcpy(salt_r, found.at, KEY_SALT_BYTES);
        return 0;
    }
    random_bytes(salt_r, KEY_SALT_BYTES);
    return store_txn_put(txn, table, SPAN("s"), span_make(salt_r, KEY_SALT_BYTES)) < 0 ? STORE_FAILED : 0;
}

static int put_row(struct store_txn *txn, unsigned table, const struct key_row *row)
{
    struct span digest = span_make((const char *)row->digest, DIGEST_SIZE);
    struct buf value = { 0 };
    char room[ROOM];
    int result;

    key_row_encode(row, &value);
    result = store_txn_put(txn, table, row_name(room, 'k', span_of(row->id)), buf_span(&value));
    if (result == 0)
        result = store_txn_put(txn, table, row_name(room, 'd', digest), span_of(row->id));
    buf_free(&value);
    return result < 0 ? STORE_FAILED : 0;
}

/* Digest of the key, unless it is there already. */
static int digest_new_key(struct store_txn *txn, unsigned table, struct span key,
                          unsigned char digest_r[SHA256_BYTES])
{
    char salt[KEY_SALT_BYTES], room[ROOM];
    struct span found;
    int result = get_salt(txn, table, salt);

    if (result != 0)
        return result;
    key_digest(span_make(salt, sizeof(salt)), key, digest_r);
    result = store_txn_get(txn, table, row_name(room, 'd', span_make((const char *)digest_r, DIGEST_SIZE)),
                           &found);
    return result == 0 ? 0 : result == 1 ? KEY_KNOWN : STORE_FAILED;
}

static int apply_add(struct store_write *write, struct store_txn *txn)
{
    struct key_add *add = LIST_OF(write, struct key_add, write);
    struct span found;
    char room[ROOM];
    int result;

    if (store_txn_get(txn, add->table, row_name(room, 'k', span_of(add->row.id)), &found) != 0)
        return KEY_ID_TAKEN;
    result = digest_new_key(txn, add->table, add->key, add->row.digest);
    return result == 0 ? put_row(txn, add->table, &add->row) : result;
}

void key_add_begin(struct key_add *add, unsigned table, struct span key, const struct key_row *row)
{
    *add = (struct key_add){ .write = { .apply = apply_add }, .table = table, .key = key, .row = *row };
}

static int apply_revoke(struct store_write *write, struct store_txn *txn)
{
    struct key_revoke *revoke = LIST_OF(write, struct key_revoke, write);
    struct span id = span_of(revoke->id), value;
    struct arena *arena;
    struct key_row row;
    char room[ROOM];
    bool is_good;
    int found;

    if (id.size != KEY_ID_TEXT - 1)
        return KEY_ABSENT;
    found = store_txn_get(txn, revoke->table, row_name(room, 'k', id), &value);
    if (found != 1)
        return found == 0 ? KEY_ABSENT : STORE_FAILED;
    arena = arena_new();
    is_good = key_row_decode(value, arena, &row);
    arena_free(&arena);
    if (store_txn_delete(txn, revoke->table, row_name(room, 'k', id)) < 0 ||
        store_txn_delete(txn, revoke->table, row_name(room, 'u', id)) < 0)
        return STORE_FAILED;
    /* Of a row that nobody can read the digest stays; it leads nowhere. */
    if (is_good &&
        store_txn_delete(txn, revoke->table,
                         row_name(room, 'd', span_make((const char *)row.digest, DIGEST_SIZE))) < 0)
        return STORE_FAILED;
    return 0;
}

void key_revoke_begin(struct key_revoke *revoke, unsigned table, const char *id)
{
    *revoke = (struct key_revoke){ .write = { .apply = apply_revoke }, .table = table, .id = id };
}

/* ---- another key, or other bounds ---- */

static int replace_digest(struct store_txn *txn, const struct key_update *update, struct key_row *row)
{
    unsigned char old[SHA256_BYTES];
    char room[ROOM];
    int result;

    memcpy(old, row->digest, sizeof(old));
    result = digest_new_key(txn, update->table, update->key, row->digest);
    if (result != 0)
        return result;
    result =
        store_txn_delete(txn, update->table, row_name(room, 'd', span_make((const char *)old, DIGEST_SIZE)));
    return result < 0 ? STORE_FAILED : 0;
}

static int apply_update(struct store_write *write, struct store_txn *txn)
{
    struct key_update *update = LIST_OF(write, struct key_update, write);
    struct arena *arena;
    struct key_row row;
    struct span value;
    char room[ROOM];
    int result;

    if (strlen(update->id) != KEY_ID_TEXT - 1)
        return KEY_ABSENT;
    result = store_txn_get(txn, update->table, row_name(room, 'k', span_of(update->id)), &value);
    if (result != 1)
        return result == 0 ? KEY_ABSENT : STORE_FAILED;
    arena = arena_new();
    result = key_row_decode(value, arena, &row) ? 0 : KEY_ABSENT;
    if (result == 0) {
        memcpy(row.id, update->id, KEY_ID_TEXT);
        row.scope.paths = update->paths;
        row.scope.hosts = update->hosts;
        if (update->label)
            row.label = update->label;
        if (update->key.size)
            result = replace_digest(txn, update, &row);
    }
    if (result == 0)
        result = put_row(txn, update->table, &row);
    arena_free(&arena);
    return result;
}

void key_update_begin(struct key_update *update, unsigned table, const char *id)
{
    *update = (struct key_update){ .write = { .apply = apply_update }, .table = table, .id = id };
}

struct key_use {
    struct store_write write;
    unsigned table;
    char id[KEY_ID_TEXT];
    int64_t now;
};

/* Several workers may have seen it used: the latest moment stays. A key that is gone gets no new row. */
static int apply_use(struct store_write *write, struct store_txn *txn)
{
    struct key_use *use = LIST_OF(write, struct key_use, write);
    struct span id = span_of(use->id), value;
    char room[ROOM], moment[USE_BYTES];

    if (store_txn_get(txn, use->table, row_name(room, 'k', id), &value) != 1)
        return KEY_ABSENT;
    if (store_txn_get(txn, use->table, row_name(room, 'u', id), &value) == 1 && moment_of(value) >= use->now)
        return KEY_ID_TAKEN;
    for (size_t i = 0; i < USE_BYTES; i++)
        moment[i] = (char)(use->now >> (8 * (USE_BYTES - 1 - i)));
    return store_txn_put(txn, use->table, row_name(room, 'u', id), span_make(moment, sizeof(moment)));
}

static void on_use_written(struct store_write *write, int result)
{
    (void)result; /* nobody waits for it, and a failing store is said in the log */
    free(LIST_OF(write, struct key_use, write));
}

void key_used(struct store *store, unsigned table, const char *id, int64_t now, bool has_loop)
{
    struct key_use *use = must_alloc(sizeof(*use));

    use->write = (struct store_write){ .apply = apply_use, .done = on_use_written };
    use->table = table;
    use->now = now;
    memcpy(use->id, id, KEY_ID_TEXT);
    if (has_loop) {
        store_submit(store, &use->write);
    } else {
        store_write_now(store, &use->write);
        free(use);
    }
}
