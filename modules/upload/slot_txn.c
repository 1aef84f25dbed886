/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: slot_txn.c - how a slot changes: each change touches all four tables or none.
 *
 * Each function looks first and changes then, so that a refusal never has anything to take back. */
#include "base/codec.h"
#include "os/log.h"
#include "slot_table.h"

#define DAY (INT64_C(86400) * 1000000)

int slot_txn_get(struct store_txn *txn, const unsigned char id[SLOT_ID], struct slot *slot_r)
{
    struct span value;
    int found = store_txn_get(txn, TABLE_SLOT, span_make((const char *)id, SLOT_ID), &value);

    if (found == 1 && !slot_decode(value, slot_r)) {
        char text[UUID_TEXT + 1];

        codec_uuid(id, text);
        log_error("the record of slot %s cannot be understood; stoactl fsck tells more", text);
        return 0;
    }
    if (found == 1)
        memcpy(slot_r->id, id, SLOT_ID);
    return found;
}

static int put_slot(struct store_txn *txn, const struct slot *slot)
{
    struct buf row = { 0 };
    int result;

    slot_encode(slot, &row);
    result = store_txn_put(txn, TABLE_SLOT, span_make((const char *)slot->id, SLOT_ID), buf_span(&row));
    buf_free(&row);
    return result;
}

static void put_big(char *at, uint64_t number)
{
    for (int i = 7; i >= 0; i--, number >>= 8)
        at[i] = (char)(unsigned char)number;
}

static int put_owner_row(struct store_txn *txn, const struct slot *slot)
{
    char key[OWNER_ROW], value[17];

    owner_key(slot, key);
    put_big(value, (uint64_t)slot->size);
    value[8] = (char)slot_owner_entry(slot);
    put_big(value + 9, (uint64_t)slot->put_until);
    return store_txn_put(txn, TABLE_OWNER, span_make(key, sizeof(key)), span_make(value, sizeof(value)));
}

static int put_due(struct store_txn *txn, const struct slot *slot, int64_t tombstone)
{
    char key[DUE_KEY];

    if (!slot_due_key(slot, tombstone, key))
        return 0;
    return store_txn_put(txn, TABLE_EXPIRY, span_make(key, sizeof(key)), SPAN(""));
}

static int delete_due(struct store_txn *txn, const struct slot *slot)
{
    char key[DUE_KEY];

    if (!slot_due_key(slot, 0, key))
        return 0;
    return store_txn_delete(txn, TABLE_EXPIRY, span_make(key, sizeof(key)));
}

int slot_txn_index(struct store_txn *txn, const struct slot *slot, int64_t tombstone)
{
    return put_owner_row(txn, slot) != 0 || put_due(txn, slot, tombstone) != 0 ? -1 : 0;
}

/* ---- usage ---- */

static int get_usage(struct store_txn *txn, char kind, struct span name, struct usage *usage_r)
{
    char key[USAGE_KEY];
    struct span value;
    int found;

    usage_key(kind, name, key);
    *usage_r = (struct usage){ 0 };
    found = store_txn_get(txn, TABLE_USAGE, span_make(key, sizeof(key)), &value);
    if (found == 1 && !usage_decode(value, usage_r))
        log_error("a counter of used space cannot be understood and begins at 0; stoactl fsck --repair "
                  "counts anew");
    return found < 0 ? -1 : 0;
}

struct usage_change {
    int64_t promised_bytes, promised_files, stored_bytes, stored_files;
};

/* Never below 0: a counter that drifted is fsck's to find, not a reason to fail. */
static uint64_t moved(uint64_t count, int64_t change)
{
    uint64_t less = change < 0 ? (uint64_t)-change : 0;

    if (change >= 0)
        return count + (uint64_t)change;
    return count > less ? count - less : 0;
}

static int change_one_usage(struct store_txn *txn, char kind, struct span name,
                            const struct usage_change *change)
{
    struct buf value = { 0 };
    struct usage usage;
    char key[USAGE_KEY];
    int result = get_usage(txn, kind, name, &usage);

    if (result != 0)
        return result;
    usage.promised_bytes = moved(usage.promised_bytes, change->promised_bytes);
    usage.promised_files = moved(usage.promised_files, change->promised_files);
    usage.stored_bytes = moved(usage.stored_bytes, change->stored_bytes);
    usage.stored_files = moved(usage.stored_files, change->stored_files);
    usage.name = name;
    usage_key(kind, name, key);
    if (usage.promised_files == 0 && usage.stored_files == 0 && kind != 'g') {
        return store_txn_delete(txn, TABLE_USAGE, span_make(key, sizeof(key)));
    }
    usage_encode(&usage, &value);
    result = store_txn_put(txn, TABLE_USAGE, span_make(key, sizeof(key)), buf_span(&value));
    buf_free(&value);
    return result;
}

static int change_usage(struct store_txn *txn, const struct slot *slot, const struct usage_change *change)
{
    if (change_one_usage(txn, 'u', slot->owner, change) != 0 ||
        change_one_usage(txn, 'd', slot->domain, change) != 0 ||
        change_one_usage(txn, 'g', SPAN(""), change) != 0)
        return -1;
    return 0;
}

/* ---- promise ---- */

#define STALE_MOST 64 /* promises given back by one request; the keeper takes the rest */

/* What the last day of an owner says: its volume, and promises whose time is over but which the keeper has
 * not yet taken back. */
struct owner_day {
    int64_t bytes;
    int64_t stale_bytes, stale_files;
    unsigned char stale[STALE_MOST][SLOT_ID];
    size_t stale_count;
};

static bool is_stale(const struct owner_row *row, int64_t now, const struct claim_view *view)
{
    return row->entry == ENTRY_PROMISED && row->put_until + UNUSED_SLACK <= now &&
           !(view->claims != NULL && claim_held(view->claims, view->board, row->id));
}

static bool counts_for_day(const struct owner_row *row)
{
    return row->entry != ENTRY_UNUSED;
}

/* Walks an owner's rows since `since`; call says whether to go on. */
static int walk_owner(struct store_txn *txn, struct span owner, int64_t since,
                      bool (*call)(void *data, const struct owner_row *row), void *data)
{
    char from[OWNER_KEY + 8];
    struct store_cursor *cursor = NULL;
    struct span key, value;
    int result;

    slot_owner_key(owner, (unsigned char *)from);
    put_big(from + OWNER_KEY, (uint64_t)since);
    while ((result = store_txn_walk(txn, TABLE_OWNER, span_make(from, sizeof(from)), &cursor, &key,
                                    &value)) == 1) {
        struct owner_row row;

        if (!span_starts(key, span_make(from, OWNER_KEY)))
            break;
        if (owner_row_decode(key, value, &row) && !call(data, &row))
            break;
    }
    store_walk_end(&cursor);
    return result < 0 ? -1 : 0;
}

struct day_walk {
    struct owner_day *day;
    const struct claim_view *view;
    int64_t now;
    /* For the second walk: the moment when bytes leave enough room. */
    int64_t over, moment;
};

static bool count_day(void *data, const struct owner_row *row)
{
    struct day_walk *walk = data;
    struct owner_day *day = walk->day;

    if (is_stale(row, walk->now, walk->view)) {
        if (day->stale_count < STALE_MOST) {
            memcpy(day->stale[day->stale_count++], row->id, SLOT_ID);
            day->stale_bytes += row->size;
            day->stale_files++;
            return true;
        }
    }
    if (counts_for_day(row) && row->allocated > walk->now - DAY)
        day->bytes += row->size;
    return true;
}

/* Oldest first: with each upload that leaves the day, `over` shrinks. */
static bool find_moment(void *data, const struct owner_row *row)
{
    struct day_walk *walk = data;

    if (!counts_for_day(row) || is_stale(row, walk->now, walk->view) || row->allocated <= walk->now - DAY)
        return true;
    walk->over -= row->size;
    walk->moment = row->allocated + DAY;
    return walk->over > 0;
}

/* true: value is bounded and used + more is above it. */
static bool is_over(int64_t bound, uint64_t used, int64_t less, int64_t more)
{
    uint64_t kept = moved(used, -less);

    return bound > 0 && kept + (uint64_t)more > (uint64_t)bound;
}

static int check_day(struct store_txn *txn, const struct slot *slot, const struct quotas *quotas,
                     struct day_walk *walk, int64_t *retry_r)
{
    if (quotas->user_day <= 0 || walk->day->bytes + slot->size <= quotas->user_day)
        return 0;
    if (slot->size <= quotas->user_day) {
        walk->over = walk->day->bytes + slot->size - quotas->user_day;
        if (walk_owner(txn, slot->owner, walk->now - DAY, find_moment, walk) != 0)
            return -1;
        *retry_r = walk->moment;
    }
    return REFUSED_USER_DAY;
}

static int check_quotas(struct store_txn *txn, const struct slot *slot, const struct quotas *quotas,
                        struct day_walk *walk, int64_t *retry_r)
{
    struct owner_day *day = walk->day;
    struct usage user, domain, global;
    int refusal;

    if (get_usage(txn, 'u', slot->owner, &user) != 0 || get_usage(txn, 'd', slot->domain, &domain) != 0 ||
        get_usage(txn, 'g', SPAN(""), &global) != 0)
        return -1;
    refusal = check_day(txn, slot, quotas, walk, retry_r);
    if (refusal != 0)
        return refusal;
    if (is_over(quotas->user, user.promised_bytes + user.stored_bytes, day->stale_bytes, slot->size))
        return REFUSED_USER;
    if (is_over(quotas->files_per_user, user.promised_files + user.stored_files, day->stale_files, 1))
        return REFUSED_FILES;
    if (is_over(quotas->domain, domain.promised_bytes + domain.stored_bytes, day->stale_bytes, slot->size))
        return REFUSED_DOMAIN;
    if (is_over(quotas->global, global.promised_bytes + global.stored_bytes, day->stale_bytes, slot->size))
        return REFUSED_GLOBAL;
    return 0;
}

static bool has_quota(const struct quotas *quotas)
{
    return quotas->user > 0 || quotas->user_day > 0 || quotas->domain > 0 || quotas->global > 0 ||
           quotas->files_per_user > 0;
}

static int lapse_stale(struct store_txn *txn, const struct owner_day *day, int64_t now)
{
    struct arena *arena = arena_new();
    int result = 0;

    for (size_t i = 0; result == 0 && i < day->stale_count; i++) {
        struct slot stale;
        int found = slot_txn_get(txn, day->stale[i], &stale);

        if (found < 0) {
            result = -1;
        } else if (found == 1 && stale.state == SLOT_PROMISED) {
            slot_keep(&stale, arena);
            result = slot_txn_lapse(txn, &stale, now, DAY);
        }
    }
    arena_free(&arena);
    return result;
}

int slot_txn_promise(struct store_txn *txn, const struct slot *slot, const struct quotas *quotas,
                     const struct claim_view *view, int64_t *retry_r)
{
    struct usage_change change = { .promised_bytes = slot->size, .promised_files = 1 };
    struct owner_day day = { 0 };
    struct day_walk walk = { .day = &day, .view = view, .now = slot->allocated };
    struct slot taken;
    int result = slot_txn_get(txn, slot->id, &taken);

    *retry_r = 0;
    if (result != 0) /* 2^-128: never by chance */
        return result < 0 ? -1 : REFUSED_STATE;
    if (has_quota(quotas)) {
        if (walk_owner(txn, slot->owner, slot->allocated - 2 * DAY, count_day, &walk) != 0)
            return -1;
        result = check_quotas(txn, slot, quotas, &walk, retry_r);
        if (result != 0)
            return result;
        if (lapse_stale(txn, &day, slot->allocated) != 0)
            return -1;
    }
    if (put_slot(txn, slot) != 0 || put_owner_row(txn, slot) != 0 || put_due(txn, slot, 0) != 0 ||
        change_usage(txn, slot, &change) != 0)
        return -1;
    return 0;
}

/* ---- the other changes ---- */

int slot_txn_fill(struct store_txn *txn, const struct slot *filled)
{
    struct usage_change change;
    struct arena *arena;
    struct slot slot;
    int result = slot_txn_get(txn, filled->id, &slot);

    if (result != 1)
        return result < 0 ? -1 : REFUSED_ABSENT;
    if (slot.state != SLOT_PROMISED)
        return slot.state == SLOT_FILLED ? REFUSED_FILLED : REFUSED_STATE;
    change = (struct usage_change){ -slot.size, -1, slot.size, 1 };
    arena = arena_new();
    slot_keep(&slot, arena); /* what a change does to the pages under it is LMDB's */
    result = delete_due(txn, &slot);
    slot.state = SLOT_FILLED;
    slot.was_filled = true;
    slot.filled = filled->filled;
    slot.is_grouped = filled->is_grouped;
    memcpy(slot.sha256, filled->sha256, SHA256_BYTES);
    if (result == 0 && (put_slot(txn, &slot) != 0 || put_owner_row(txn, &slot) != 0 ||
                        put_due(txn, &slot, 0) != 0 || change_usage(txn, &slot, &change) != 0))
        result = -1;
    arena_free(&arena);
    return result;
}

int slot_txn_extend(struct store_txn *txn, const unsigned char id[SLOT_ID], int64_t until)
{
    struct arena *arena;
    struct slot slot;
    int result = slot_txn_get(txn, id, &slot);

    if (result != 1)
        return result < 0 ? -1 : REFUSED_ABSENT;
    if (slot.state != SLOT_PROMISED)
        return slot.state == SLOT_FILLED ? REFUSED_FILLED : REFUSED_STATE;
    arena = arena_new();
    slot_keep(&slot, arena);
    result = delete_due(txn, &slot);
    slot.has_partial = true;
    if (slot.put_until < until)
        slot.put_until = until;
    if (result == 0 &&
        (put_slot(txn, &slot) != 0 || put_owner_row(txn, &slot) != 0 || put_due(txn, &slot, 0) != 0))
        result = -1;
    arena_free(&arena);
    return result;
}

int slot_txn_forget(struct store_txn *txn, const struct slot *slot)
{
    char key[OWNER_ROW];

    owner_key(slot, key);
    if (store_txn_delete(txn, TABLE_OWNER, span_make(key, sizeof(key))) != 0)
        return -1;
    return store_txn_delete(txn, TABLE_SLOT, span_make((const char *)slot->id, SLOT_ID));
}

int slot_txn_lapse(struct store_txn *txn, struct slot *slot, int64_t now, int64_t tombstone)
{
    bool is_file = slot->state == SLOT_FILLED;
    struct usage_change change = { .promised_bytes = is_file ? 0 : -slot->size,
                                   .promised_files = is_file ? 0 : -1,
                                   .stored_bytes = is_file ? -slot->size : 0,
                                   .stored_files = is_file ? -1 : 0 };
    int result;

    if (slot->state == SLOT_LAPSED)
        return REFUSED_STATE;
    result = delete_due(txn, slot);
    slot->state = SLOT_LAPSED;
    slot->lapsed = now;
    if (result == 0)
        result = change_usage(txn, slot, &change);
    if (result == 0 && tombstone == 0)
        result = slot_txn_forget(txn, slot);
    else if (result == 0 && (put_slot(txn, slot) != 0 || put_owner_row(txn, slot) != 0 ||
                             put_due(txn, slot, tombstone) != 0))
        result = -1;
    return result;
}
