/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: recovery_change.c - every change of the tables, each one transaction: issued, claimed
 * and made void, so that of two who come with the same token at the same time one is first. */
#include "recovery_inside.h"

#include "base/buf.h"

struct work {
    struct recovery_change *change;
    struct store_txn *txn;
    struct arena *arena;
};

static struct span digest_span(const unsigned char digest[SHA256_BYTES])
{
    return span_make((const char *)digest, SHA256_BYTES);
}

static struct span key_of(const struct work *work, struct span jid)
{
    unsigned char key[RECOVERY_KEY_BYTES];

    recovery_key(jid, key);
    return arena_copy(work->arena, span_make((const char *)key, sizeof(key)));
}

/* ---- rows ---- */

/* 1: there was one. 0: none of that JID: *row_r is a new one. -1: the store failed. */
static int get_row(const struct work *work, struct span jid, struct recovery_row *row_r)
{
    struct span value;
    int found = store_txn_get(work->txn, work->change->recovery->account_table, key_of(work, jid), &value);

    if (found == 1 && (!recovery_row_decode(value, work->arena, row_r) || !span_eq(row_r->jid, jid)))
        found = 0;
    if (found == 0)
        *row_r = (struct recovery_row){ .jid = jid };
    return found;
}

static int put_row(const struct work *work, const struct recovery_row *row)
{
    struct buf value = { 0 };
    int result;

    recovery_row_encode(row, &value);
    result = store_txn_put(work->txn, work->change->recovery->account_table, key_of(work, row->jid),
                           buf_span(&value));
    buf_free(&value);
    return result;
}

static int put_token(const struct work *work, const unsigned char digest[SHA256_BYTES],
                     const struct recovery_token *token)
{
    struct buf value = { 0 };
    int result;

    recovery_token_encode(token, &value);
    result =
        store_txn_put(work->txn, work->change->recovery->token_table, digest_span(digest), buf_span(&value));
    buf_free(&value);
    return result;
}

static int drop_token(const struct work *work, const unsigned char digest[SHA256_BYTES])
{
    return store_txn_delete(work->txn, work->change->recovery->token_table, digest_span(digest));
}

static int drop_mark(const struct work *work, struct recovery_mark *mark)
{
    int result = mark->is_set ? drop_token(work, mark->digest) : 0;

    *mark = (struct recovery_mark){ 0 };
    return result;
}

static void set_mark(struct recovery_mark *mark, const unsigned char digest[SHA256_BYTES])
{
    mark->is_set = true;
    memcpy(mark->digest, digest, SHA256_BYTES);
}

/* The account is not what it was: all that was promised for it is void. */
static int renew(const struct work *work, struct recovery_row *row)
{
    int result = 0;

    row->version++;
    row->pending = SPAN("");
    for (size_t i = 0; i < TOKEN_KINDS && result == 0; i++)
        result = drop_mark(work, &row->marks[i]);
    return result;
}

/* ---- reservations ---- */

static int put_reserve(const struct work *work, const unsigned char digest[SHA256_BYTES],
                       const struct recovery_token *token)
{
    struct buf value = { 0 };
    int result;

    buf_add(&value, digest_span(digest));
    recovery_token_encode(token, &value);
    result = store_txn_put(work->txn, work->change->recovery->reserve_table, key_of(work, token->jid),
                           buf_span(&value));
    buf_free(&value);
    return result;
}

/* The same person may ask for a new mail; another one has to wait until the reservation is over. */
static int reserve(const struct work *work)
{
    const struct recovery_change *change = work->change;
    struct recovery_token token = { TOKEN_REGISTER, change->jid, change->address, change->until, 0 }, before;
    unsigned char digest[SHA256_BYTES];
    struct span value;
    int result = store_txn_get(work->txn, change->recovery->reserve_table, key_of(work, change->jid), &value);

    if (result == 1 && recovery_reserve_decode(value, work->arena, digest, &before)) {
        if (before.until > change->now && !span_eq(before.address, change->address))
            return RECOVERY_TAKEN;
        result = drop_token(work, digest);
    }
    if (result >= 0)
        result = put_token(work, change->digest, &token);
    if (result >= 0)
        result = put_reserve(work, change->digest, &token);
    return result;
}

/* ---- verbs ---- */

static int issue(const struct work *work)
{
    const struct recovery_change *change = work->change;
    struct recovery_token token = { change->kind, change->jid, change->address, change->until, 0 };
    struct recovery_row row;
    int result;

    if (change->kind == TOKEN_REGISTER)
        return reserve(work);
    result = get_row(work, change->jid, &row);
    if (result >= 0)
        result = drop_mark(work, &row.marks[change->kind]);
    if (result < 0)
        return result;
    if (change->kind == TOKEN_CONFIRM)
        row.pending = change->address;
    token.version = row.version;
    set_mark(&row.marks[change->kind], change->digest);
    result = put_token(work, change->digest, &token);
    return result < 0 ? result : put_row(work, &row);
}

/* The pending address counts from now on; a mail for a new password that went to the former one does not. */
static int confirm(const struct work *work, struct recovery_row *row)
{
    struct recovery_change *change = work->change;
    int result;

    change->former = row->address;
    result = renew(work, row);
    row->address = change->token.address;
    row->confirmed = change->now;
    return result < 0 ? result : put_row(work, row);
}

static int claim_registration(const struct work *work)
{
    struct recovery_change *change = work->change;
    struct span value;
    int found =
        store_txn_get(work->txn, change->recovery->reserve_table, key_of(work, change->token.jid), &value);

    if (found < 0)
        return found;
    if (found == 0 || !recovery_stands_reserved(value, change->digest, &change->token, work->arena))
        return RECOVERY_ABSENT;
    return drop_token(work, change->digest); /* the name stays reserved until the account is there */
}

static int claim(const struct work *work)
{
    struct recovery_change *change = work->change;
    struct recovery_row row;
    struct span value;
    int found = store_txn_get(work->txn, change->recovery->token_table, digest_span(change->digest), &value);

    if (found < 0)
        return found;
    if (found == 0 || !recovery_token_decode(value, work->arena, &change->token) ||
        change->token.kind != change->kind || change->token.until <= change->now)
        return RECOVERY_ABSENT;
    if (change->kind == TOKEN_REGISTER)
        return claim_registration(work);
    found = get_row(work, change->token.jid, &row);
    if (found < 0)
        return found;
    if (found == 0 || row.version != change->token.version || !row.marks[change->kind].is_set ||
        !digest_equal(row.marks[change->kind].digest, change->digest, SHA256_BYTES))
        return RECOVERY_ABSENT;
    if (change->kind == TOKEN_CONFIRM)
        return confirm(work, &row);
    found = drop_mark(work, &row.marks[change->kind]);
    return found < 0 ? found : put_row(work, &row);
}

/* Only when nothing newer was issued and nothing changed meanwhile. */
static int restore(const struct work *work)
{
    const struct recovery_change *change = work->change;
    struct recovery_row row;
    struct span value;
    int found;

    if (change->kind == TOKEN_REGISTER) {
        found = store_txn_get(work->txn, change->recovery->reserve_table, key_of(work, change->token.jid),
                              &value);
        if (found == 1 && recovery_stands_reserved(value, change->digest, &change->token, work->arena))
            return put_token(work, change->digest, &change->token);
        return found < 0 ? found : RECOVERY_ABSENT;
    }
    found = get_row(work, change->token.jid, &row);
    if (found < 0)
        return found;
    if (found == 0 || row.version != change->token.version || row.marks[change->kind].is_set)
        return RECOVERY_ABSENT;
    set_mark(&row.marks[change->kind], change->digest);
    found = put_token(work, change->digest, &change->token);
    return found < 0 ? found : put_row(work, &row);
}

static int set(const struct work *work)
{
    struct recovery_change *change = work->change;
    struct recovery_row row;
    int result = get_row(work, change->jid, &row);

    if (result >= 0) {
        change->former = row.address;
        result = renew(work, &row);
    }
    row.address = change->address;
    row.confirmed = change->address.size > 0 ? change->now : 0;
    return result < 0 ? result : put_row(work, &row);
}

static int changed(const struct work *work)
{
    struct recovery_change *change = work->change;
    struct recovery_row row;
    int found = get_row(work, change->jid, &row);

    if (found != 1)
        return found < 0 ? found : RECOVERY_ABSENT;
    change->former = row.address;
    found = renew(work, &row);
    return found < 0 ? found : put_row(work, &row);
}

static int registered(const struct work *work)
{
    const struct recovery_change *change = work->change;
    int result = store_txn_delete(work->txn, change->recovery->reserve_table, key_of(work, change->jid));

    return result < 0 ? result : set(work);
}

static int apply(struct store_write *write, struct store_txn *txn)
{
    static int (*const verbs[])(const struct work *work) = {
        [RECOVERY_ISSUE] = issue, [RECOVERY_CLAIM] = claim,     [RECOVERY_RESTORE] = restore,
        [RECOVERY_SET] = set,     [RECOVERY_CHANGED] = changed, [RECOVERY_REGISTER] = registered,
    };
    struct recovery_change *change = LIST_OF(write, struct recovery_change, write);
    struct work work = { change, txn, change->arena };

    return verbs[change->verb](&work);
}

void recovery_change_begin(struct recovery_change *change, const struct recovery *recovery,
                           enum recovery_verb verb, struct arena *arena,
                           void (*done)(struct store_write *write, int result))
{
    *change = (struct recovery_change){
        .write = { .apply = apply, .done = done }, .recovery = recovery, .verb = verb, .arena = arena
    };
}
