/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: slot.c - slots as bytes and back. */
#include "slot.h"

#include "base/must.h"

#define ROW_VERSION 1

/* version, state, purpose, flags; six moments and the size; token; digest */
#define FIXED_BYTES (4 + 6 * 8 + SLOT_TOKEN + SHA256_BYTES)

enum { FLAG_TOKEN = 1, FLAG_GROUPED = 2, FLAG_WAS_FILLED = 4, FLAG_PARTIAL = 8, FLAGS_KNOWN = 15 };

const char *slot_purpose_name(enum slot_purpose purpose)
{
    static const char *const names[PURPOSES] = { "message", "profile", "ephemeral", "permanent" };

    must(purpose < PURPOSES);
    return names[purpose];
}

const char *slot_state_name(enum slot_state state)
{
    static const char *const names[] = { "promised", "filled", "lapsed" };

    must(state <= SLOT_LAPSED);
    return names[state];
}

static void put_number(struct buf *out, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        buf_char(out, (char)(unsigned char)(number >> 8 * i));
}

static void put_text(struct buf *out, struct span text)
{
    must(text.size <= UINT16_MAX);
    put_number(out, text.size, 2);
    buf_add(out, text);
}

void slot_encode(const struct slot *slot, struct buf *out)
{
    unsigned flags = (slot->has_token ? FLAG_TOKEN : 0u) | (slot->is_grouped ? FLAG_GROUPED : 0u) |
                     (slot->was_filled ? FLAG_WAS_FILLED : 0u) | (slot->has_partial ? FLAG_PARTIAL : 0u);

    put_number(out, ROW_VERSION, 1);
    put_number(out, slot->state, 1);
    put_number(out, slot->purpose, 1);
    put_number(out, flags, 1);
    put_number(out, (uint64_t)slot->size, 8);
    put_number(out, (uint64_t)slot->allocated, 8);
    put_number(out, (uint64_t)slot->put_until, 8);
    put_number(out, (uint64_t)slot->expires, 8);
    put_number(out, (uint64_t)slot->filled, 8);
    put_number(out, (uint64_t)slot->lapsed, 8);
    buf_add(out, span_make((const char *)slot->token, SLOT_TOKEN));
    buf_add(out, span_make((const char *)slot->sha256, SHA256_BYTES));
    put_text(out, slot->owner);
    put_text(out, slot->domain);
    put_text(out, slot->filename);
    put_text(out, slot->type);
}

static uint64_t take_number(struct span *rest, unsigned bytes)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < bytes; i++)
        number |= (uint64_t)(unsigned char)rest->at[i] << 8 * i;
    *rest = span_from(*rest, bytes);
    return number;
}

/* Moments and sizes are never negative; what is too large for that is not ours. */
static bool take_amount(struct span *rest, int64_t *amount_r)
{
    uint64_t number = take_number(rest, 8);

    *amount_r = (int64_t)number;
    return number <= INT64_MAX;
}

static bool take_text(struct span *rest, size_t most, struct span *text_r)
{
    size_t size;

    if (rest->size < 2)
        return false;
    size = (size_t)take_number(rest, 2);
    if (size > rest->size || size > most)
        return false;
    *text_r = span_head(*rest, size);
    *rest = span_from(*rest, size);
    return true;
}

bool slot_decode(struct span bytes, struct slot *slot_r)
{
    struct slot slot = { 0 };
    unsigned state, purpose, flags;

    if (bytes.size < FIXED_BYTES || take_number(&bytes, 1) != ROW_VERSION)
        return false;
    state = (unsigned)take_number(&bytes, 1);
    purpose = (unsigned)take_number(&bytes, 1);
    flags = (unsigned)take_number(&bytes, 1);
    if (state > SLOT_LAPSED || purpose >= PURPOSES || (flags & ~(unsigned)FLAGS_KNOWN) != 0)
        return false;
    slot.state = (enum slot_state)state;
    slot.purpose = (enum slot_purpose)purpose;
    slot.has_token = (flags & FLAG_TOKEN) != 0;
    slot.is_grouped = (flags & FLAG_GROUPED) != 0;
    slot.was_filled = (flags & FLAG_WAS_FILLED) != 0;
    slot.has_partial = (flags & FLAG_PARTIAL) != 0;
    if (!take_amount(&bytes, &slot.size) || !take_amount(&bytes, &slot.allocated) ||
        !take_amount(&bytes, &slot.put_until) || !take_amount(&bytes, &slot.expires) ||
        !take_amount(&bytes, &slot.filled) || !take_amount(&bytes, &slot.lapsed))
        return false;
    memcpy(slot.token, bytes.at, SLOT_TOKEN);
    bytes = span_from(bytes, SLOT_TOKEN);
    memcpy(slot.sha256, bytes.at, SHA256_BYTES);
    bytes = span_from(bytes, SHA256_BYTES);
    if (!take_text(&bytes, UINT16_MAX, &slot.owner) || !take_text(&bytes, UINT16_MAX, &slot.domain) ||
        !take_text(&bytes, FILENAME_MOST, &slot.filename) || !take_text(&bytes, TYPE_MOST, &slot.type) ||
        bytes.size != 0)
        return false;
    *slot_r = slot;
    return true;
}

void slot_keep(struct slot *slot, struct arena *arena)
{
    slot->owner = arena_copy(arena, slot->owner);
    slot->domain = arena_copy(arena, slot->domain);
    slot->filename = arena_copy(arena, slot->filename);
    slot->type = arena_copy(arena, slot->type);
}

void slot_owner_key(struct span jid, unsigned char key_r[OWNER_KEY])
{
    unsigned char digest[SHA256_BYTES];

    digest_sha256(jid, digest);
    memcpy(key_r, digest, OWNER_KEY);
}

void slot_segment(struct span name, struct buf *out)
{
    bool is_dots = span_is(name, ".") || span_is(name, "..");

    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.at[i];

        buf_char(out, is_dots || c < ' ' || c == 0x7f || c == '/' || c == '\\' ? '_' : (char)c);
    }
}
