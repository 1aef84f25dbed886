/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: slot_table.c - keys and values of the tables of slots. */
#include "slot_table.h"

#include "base/must.h"

const char *const slot_tables[] = { "slot", "slot_by_owner", "slot_by_expiry", "usage", NULL };

#define OWNER_VALUE   (8 + 1 + 8)
#define USAGE_FIXED   (1 + 4 * 8)
#define USAGE_VERSION 1

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

void due_key(enum due_kind kind, int64_t moment, const unsigned char id[SLOT_ID], char key_r[DUE_KEY])
{
    key_r[0] = (char)kind;
    put_big(key_r + 1, (uint64_t)moment);
    memcpy(key_r + 9, id, SLOT_ID);
}

bool due_key_decode(struct span key, enum due_kind *kind_r, int64_t *moment_r, unsigned char id_r[SLOT_ID])
{
    if (key.size != DUE_KEY)
        return false;
    *kind_r = (enum due_kind)key.at[0];
    *moment_r = (int64_t)get_big(key.at + 1);
    memcpy(id_r, key.at + 9, SLOT_ID);
    return *kind_r == DUE_UNUSED || *kind_r == DUE_EXPIRED || *kind_r == DUE_TOMBSTONE;
}

bool slot_due_key(const struct slot *slot, int64_t tombstone, char key_r[DUE_KEY])
{
    switch (slot->state) {
    case SLOT_PROMISED:
        due_key(DUE_UNUSED, slot->put_until + UNUSED_SLACK, slot->id, key_r);
        return true;
    case SLOT_FILLED:
        due_key(DUE_EXPIRED, slot->expires, slot->id, key_r);
        return slot->expires != 0;
    case SLOT_LAPSED:
        due_key(DUE_TOMBSTONE, slot->lapsed + tombstone, slot->id, key_r);
        return true;
    }
    return false;
}

void owner_key(const struct slot *slot, char key_r[OWNER_ROW])
{
    slot_owner_key(slot->owner, (unsigned char *)key_r);
    put_big(key_r + OWNER_KEY, (uint64_t)slot->allocated);
    memcpy(key_r + OWNER_KEY + 8, slot->id, SLOT_ID);
}

bool owner_row_decode(struct span key, struct span value, struct owner_row *row_r)
{
    unsigned entry;

    if (key.size != OWNER_ROW || value.size != OWNER_VALUE)
        return false;
    entry = (unsigned char)value.at[8];
    if (entry > ENTRY_REMOVED)
        return false;
    row_r->allocated = (int64_t)get_big(key.at + OWNER_KEY);
    memcpy(row_r->id, key.at + OWNER_KEY + 8, SLOT_ID);
    row_r->size = (int64_t)get_big(value.at);
    row_r->entry = (enum owner_entry)entry;
    row_r->put_until = (int64_t)get_big(value.at + 9);
    return true;
}

enum owner_entry slot_owner_entry(const struct slot *slot)
{
    if (slot->state == SLOT_PROMISED)
        return ENTRY_PROMISED;
    if (slot->state == SLOT_FILLED)
        return ENTRY_FILLED;
    return slot->was_filled ? ENTRY_REMOVED : ENTRY_UNUSED;
}

void usage_key(char kind, struct span name, char key_r[USAGE_KEY])
{
    memset(key_r, 0, USAGE_KEY);
    key_r[0] = kind;
    if (kind != 'g')
        slot_owner_key(name, (unsigned char *)key_r + 1);
}

void usage_encode(const struct usage *usage, struct buf *out)
{
    char fixed[USAGE_FIXED] = { USAGE_VERSION };

    put_big(fixed + 1, usage->promised_bytes);
    put_big(fixed + 9, usage->promised_files);
    put_big(fixed + 17, usage->stored_bytes);
    put_big(fixed + 25, usage->stored_files);
    buf_add(out, span_make(fixed, sizeof(fixed)));
    buf_add(out, usage->name);
}

bool usage_decode(struct span value, struct usage *usage_r)
{
    if (value.size < USAGE_FIXED || value.at[0] != USAGE_VERSION)
        return false;
    usage_r->promised_bytes = get_big(value.at + 1);
    usage_r->promised_files = get_big(value.at + 9);
    usage_r->stored_bytes = get_big(value.at + 17);
    usage_r->stored_files = get_big(value.at + 25);
    usage_r->name = span_from(value, USAGE_FIXED);
    return true;
}
