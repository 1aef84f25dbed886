/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: recovery.c - looking up rows and tokens, and dropping those whose time is over. */
#include "recovery.h"

#include "recovery_inside.h"

static struct span bytes_of(const void *at, size_t size)
{
    return span_make(at, size);
}

int recovery_find(const struct recovery *recovery, struct span jid, struct arena *arena,
                  struct recovery_row *row_r)
{
    unsigned char key[RECOVERY_KEY_BYTES];
    struct store_view *view = store_view(recovery->store);
    struct span value;
    int found;

    *row_r = (struct recovery_row){ 0 };
    if (view == NULL)
        return -1;
    recovery_key(jid, key);
    found = store_get(view, recovery->account_table, bytes_of(key, sizeof(key)), &value);
    if (found == 1 && (!recovery_row_decode(value, arena, row_r) || !span_eq(row_r->jid, jid)))
        found = 0;
    store_view_end(recovery->store, view);
    return found;
}

bool recovery_reserve_decode(struct span value, struct arena *arena, unsigned char digest_r[SHA256_BYTES],
                             struct recovery_token *token_r)
{
    if (value.size <= SHA256_BYTES)
        return false;
    memcpy(digest_r, value.at, SHA256_BYTES);
    return recovery_token_decode(span_from(value, SHA256_BYTES), arena, token_r);
}

/* What else than the token's own row must say that it is good. */
static int stands(struct store_view *view, const struct recovery *recovery,
                  const unsigned char digest[SHA256_BYTES], const struct recovery_token *token,
                  struct arena *arena)
{
    bool is_registration = token->kind == TOKEN_REGISTER;
    unsigned table = is_registration ? recovery->reserve_table : recovery->account_table;
    unsigned char key[RECOVERY_KEY_BYTES];
    struct span value;
    int found;

    recovery_key(token->jid, key);
    found = store_get(view, table, bytes_of(key, sizeof(key)), &value);
    if (found != 1)
        return found;
    return is_registration ? recovery_stands_reserved(value, digest, token, arena)
                           : recovery_stands(value, digest, token, arena);
}

bool recovery_stands_reserved(struct span value, const unsigned char digest[SHA256_BYTES],
                              const struct recovery_token *token, struct arena *arena)
{
    unsigned char newest[SHA256_BYTES];
    struct recovery_token reserved;

    return recovery_reserve_decode(value, arena, newest, &reserved) && span_eq(reserved.jid, token->jid) &&
           digest_equal(newest, digest, SHA256_BYTES);
}

bool recovery_stands(struct span value, const unsigned char digest[SHA256_BYTES],
                     const struct recovery_token *token, struct arena *arena)
{
    struct recovery_row row;

    return recovery_row_decode(value, arena, &row) && span_eq(row.jid, token->jid) &&
           row.version == token->version && row.marks[token->kind].is_set &&
           digest_equal(row.marks[token->kind].digest, digest, SHA256_BYTES);
}

int recovery_look(const struct recovery *recovery, enum token_kind kind,
                  const unsigned char digest[SHA256_BYTES], int64_t now, struct arena *arena,
                  struct recovery_token *token_r)
{
    struct store_view *view = store_view(recovery->store);
    struct span value;
    int found;

    *token_r = (struct recovery_token){ 0 };
    if (view == NULL)
        return -1;
    found = store_get(view, recovery->token_table, bytes_of(digest, SHA256_BYTES), &value);
    if (found == 1 &&
        (!recovery_token_decode(value, arena, token_r) || token_r->kind != kind || token_r->until <= now))
        found = 0;
    if (found == 1)
        found = stands(view, recovery, digest, token_r, arena);
    store_view_end(recovery->store, view);
    return found;
}

int recovery_reserved(const struct recovery *recovery, struct span jid, int64_t now)
{
    struct store_view *view = store_view(recovery->store);
    unsigned char key[RECOVERY_KEY_BYTES], digest[SHA256_BYTES];
    struct recovery_token token;
    struct arena *arena;
    struct span value;
    int found;

    if (view == NULL)
        return -1;
    arena = arena_new();
    recovery_key(jid, key);
    found = store_get(view, recovery->reserve_table, bytes_of(key, sizeof(key)), &value);
    if (found == 1)
        found = recovery_reserve_decode(value, arena, digest, &token) && token.until > now;
    store_view_end(recovery->store, view);
    arena_free(&arena);
    return found;
}

/* ---- what is over ---- */

#define DROP_MOST 256 /* keys that one run remembers */

struct dropping {
    struct span keys[DROP_MOST];
    unsigned count;
};

/* Which rows of a table are over; is_reserve: a digest stands before the token. */
static int find_over(struct recovery_sweep *sweep, struct store_txn *txn, unsigned table, bool is_reserve,
                     struct arena *arena, struct dropping *dropping)
{
    struct store_cursor *cursor = NULL;
    struct span key, value;
    int found;

    dropping->count = 0;
    while ((found = store_txn_walk(txn, table, SPAN(""), &cursor, &key, &value)) == 1) {
        struct recovery_token token;
        struct span text = is_reserve ? span_from(value, SHA256_BYTES) : value;

        if (recovery_token_decode(text, arena, &token) && token.until > sweep->now)
            continue;
        dropping->keys[dropping->count++] = arena_copy(arena, key);
        if (dropping->count == DROP_MOST || sweep->dropped + dropping->count >= sweep->most)
            break;
    }
    store_walk_end(&cursor);
    return found < 0 ? -1 : 0;
}

static int apply_sweep(struct store_write *write, struct store_txn *txn)
{
    struct recovery_sweep *sweep = LIST_OF(write, struct recovery_sweep, write);
    struct arena *arena = arena_new();
    struct dropping *dropping = arena_make(arena, struct dropping);
    int result = 0;

    sweep->dropped = 0;
    for (unsigned i = 0; i < 2 && result == 0; i++) {
        bool is_reserve = i == 1;
        unsigned table = is_reserve ? sweep->recovery->reserve_table : sweep->recovery->token_table;

        if (sweep->dropped >= sweep->most)
            break;
        result = find_over(sweep, txn, table, is_reserve, arena, dropping);
        for (unsigned k = 0; k < dropping->count && result == 0; k++)
            result = store_txn_delete(txn, table, dropping->keys[k]);
        sweep->dropped += dropping->count;
    }
    arena_free(&arena);
    return result < 0 ? STORE_FAILED : 0;
}

void recovery_sweep_begin(struct recovery_sweep *sweep, const struct recovery *recovery, int64_t now,
                          unsigned most)
{
    *sweep = (struct recovery_sweep){
        .write = { .apply = apply_sweep }, .recovery = recovery, .now = now, .most = most
    };
}
