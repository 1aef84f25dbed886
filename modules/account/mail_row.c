/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mail_row.c - see mail_row.h. */
#include "mail_row.h"

#include "account.h"
#include "base/codec.h"

#define ROW_VERSION 1
#define TIMES       6
#define TEXTS       6
#define ROW_FIXED   (1 + 1 + 1 + MAIL_ID + TIMES * 8 + 4)

/* ---- numbers ---- */

static void put_big(char *at, uint64_t number)
{
    for (int i = 7; i >= 0; i--, number >>= 8)
        at[i] = (char)(unsigned char)number;
}

static uint64_t get_big(const char *at)
{
    uint64_t number = 0;

    for (int i = 0; i < 8; i++)
        number = number << 8 | (unsigned char)at[i];
    return number;
}

static void add_small(struct buf *out, uint32_t number)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_char(out, (char)(unsigned char)(number >> shift));
}

static uint32_t get_small(const char *at)
{
    uint32_t number = 0;

    for (int i = 0; i < 4; i++)
        number = number << 8 | (unsigned char)at[i];
    return number;
}

/* ---- a record ---- */

static void row_times(struct mail_row *row, int64_t *times_r[TIMES])
{
    times_r[0] = &row->queued;
    times_r[1] = &row->due;
    times_r[2] = &row->forget;
    times_r[3] = &row->tried;
    times_r[4] = &row->not_after;
    times_r[5] = &row->once_until;
}

static void row_texts(struct mail_row *row, struct span *texts_r[TEXTS])
{
    texts_r[0] = &row->to;
    texts_r[1] = &row->template;
    texts_r[2] = &row->message_id;
    texts_r[3] = &row->on_request;
    texts_r[4] = &row->values;
    texts_r[5] = &row->words;
}

void mail_row_encode(const struct mail_row *row, struct buf *out)
{
    struct mail_row copy = *row;
    int64_t *times[TIMES];
    struct span *texts[TEXTS];
    char number[8];

    row_times(&copy, times);
    row_texts(&copy, texts);
    buf_char(out, ROW_VERSION);
    buf_char(out, (char)row->state);
    buf_char(out, (char)row->has_once);
    buf_add(out, span_make((const char *)row->once, MAIL_ID));
    for (int i = 0; i < TIMES; i++) {
        put_big(number, (uint64_t)*times[i]);
        buf_add(out, span_make(number, sizeof(number)));
    }
    add_small(out, row->attempts);
    for (int i = 0; i < TEXTS; i++) {
        add_small(out, (uint32_t)texts[i]->size);
        buf_add(out, *texts[i]);
    }
}

bool mail_row_decode(struct span value, struct mail_row *row_r)
{
    int64_t *times[TIMES];
    struct span *texts[TEXTS];

    *row_r = (struct mail_row){ 0 };
    if (value.size < ROW_FIXED || value.at[0] != ROW_VERSION || value.at[1] < MAIL_WAITS ||
        value.at[1] > MAIL_FAILED || (value.at[2] & ~1) != 0)
        return false;
    row_times(row_r, times);
    row_texts(row_r, texts);
    row_r->state = (enum mail_state)value.at[1];
    row_r->has_once = value.at[2] == 1;
    memcpy(row_r->once, value.at + 3, MAIL_ID);
    for (int i = 0; i < TIMES; i++)
        *times[i] = (int64_t)get_big(value.at + 3 + MAIL_ID + 8 * i);
    row_r->attempts = get_small(value.at + ROW_FIXED - 4);
    value = span_from(value, ROW_FIXED);
    for (int i = 0; i < TEXTS; i++) {
        uint32_t size;

        if (value.size < 4)
            return false;
        size = get_small(value.at);
        value = span_from(value, 4);
        if (size > value.size)
            return false;
        *texts[i] = span_head(value, size);
        value = span_from(value, size);
    }
    return value.size == 0;
}

const char *mail_state_name(enum mail_state state)
{
    static const char *const names[] = {
        [MAIL_WAITS] = "waits", [MAIL_SENDING] = "sending", [MAIL_SENT] = "sent", [MAIL_FAILED] = "failed"
    };

    return names[state];
}

/* ---- keys ---- */

void mail_due_key(char kind, int64_t moment, const unsigned char id[MAIL_ID], char key_r[MAIL_DUE_KEY])
{
    key_r[0] = kind;
    put_big(key_r + 1, (uint64_t)moment);
    memcpy(key_r + 9, id, MAIL_ID);
}

bool mail_due_decode(struct span key, char *kind_r, int64_t *moment_r, unsigned char id_r[MAIL_ID])
{
    if (key.size != MAIL_DUE_KEY)
        return false;
    *kind_r = key.at[0];
    *moment_r = (int64_t)get_big(key.at + 1);
    memcpy(id_r, key.at + 9, MAIL_ID);
    return true;
}

void mail_id_text(const unsigned char id[MAIL_ID], char text_r[MAIL_ID_TEXT])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < MAIL_ID; i++) {
        text_r[2 * i] = digits[id[i] >> 4];
        text_r[2 * i + 1] = digits[id[i] & 15];
    }
    text_r[MAIL_ID_TEXT - 1] = '\0';
}

bool mail_id_parse(struct span text, unsigned char id_r[MAIL_ID])
{
    if (text.size != MAIL_ID_TEXT - 1)
        return false;
    for (size_t i = 0; i < MAIL_ID; i++) {
        int high = codec_hex_digit(text.at[2 * i]), low = codec_hex_digit(text.at[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        id_r[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

/* ---- changes ---- */

static bool is_waiting(const struct mail_row *row)
{
    return row != NULL && (row->state == MAIL_WAITS || row->state == MAIL_SENDING);
}

static struct span due_key_of(const struct mail_row *row, const unsigned char id[MAIL_ID],
                              char room[MAIL_DUE_KEY])
{
    if (is_waiting(row))
        mail_due_key('d', row->due, id, room);
    else
        mail_due_key('f', row->forget, id, room);
    return span_make(room, MAIL_DUE_KEY);
}

static uint64_t number_of(int found, struct span value)
{
    return found == 1 && value.size == 8 ? get_big(value.at) : 0;
}

uint64_t mail_waiting(struct store_txn *txn)
{
    struct span value = { NULL, 0 };
    int found = store_txn_get(txn, ACCOUNT_TABLE_MAIL_DUE, SPAN("n"), &value);

    return number_of(found, value);
}

uint64_t mail_waiting_seen(struct store_view *view)
{
    struct span value = { NULL, 0 };
    int found = store_get(view, ACCOUNT_TABLE_MAIL_DUE, SPAN("n"), &value);

    return number_of(found, value);
}

static int count_change(struct store_txn *txn, bool was, bool is)
{
    uint64_t count = mail_waiting(txn);
    char number[8];

    if (was == is)
        return 0;
    put_big(number, is ? count + 1 : count > 0 ? count - 1 : 0);
    return store_txn_put(txn, ACCOUNT_TABLE_MAIL_DUE, SPAN("n"), span_make(number, sizeof(number)));
}

/* The row of mail_once dies with the mail that made it, unless another has taken its place. */
static int forget_once(struct store_txn *txn, const unsigned char id[MAIL_ID], const struct mail_row *row)
{
    struct span key = span_make((const char *)row->once, MAIL_ID), value;

    if (!row->has_once || store_txn_get(txn, ACCOUNT_TABLE_MAIL_ONCE, key, &value) != 1 ||
        value.size < MAIL_ID || memcmp(value.at, id, MAIL_ID) != 0)
        return 0;
    return store_txn_delete(txn, ACCOUNT_TABLE_MAIL_ONCE, key);
}

int mail_row_change(struct store_txn *txn, const unsigned char id[MAIL_ID], const struct mail_row *before,
                    const struct mail_row *after)
{
    struct span key = span_make((const char *)id, MAIL_ID);
    struct buf row = { 0 };
    char room[MAIL_DUE_KEY];
    int result = 0;

    if (before != NULL)
        result = store_txn_delete(txn, ACCOUNT_TABLE_MAIL_DUE, due_key_of(before, id, room));
    if (result == 0)
        result = count_change(txn, is_waiting(before), is_waiting(after));
    if (result == 0 && after == NULL) {
        result = forget_once(txn, id, before);
        return result == 0 ? store_txn_delete(txn, ACCOUNT_TABLE_MAIL, key) : result;
    }
    if (result == 0)
        result = store_txn_put(txn, ACCOUNT_TABLE_MAIL_DUE, due_key_of(after, id, room), SPAN(""));
    if (result == 0) {
        mail_row_encode(after, &row);
        result = store_txn_put(txn, ACCOUNT_TABLE_MAIL, key, buf_span(&row));
        buf_free(&row);
    }
    return result;
}
