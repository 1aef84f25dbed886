/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: command_session.c - sessions of commands that no process remembers.
 *
 * The session's id is the same for all steps, as clients expect: a nonce, the moment of its birth, and a MAC
 * over these, the asker, the component and the node. Which step a form belongs to, and what was said before,
 * lies in one hidden field of the form: sealed, so that nobody reads a password in a page's source or changes
 * what was checked, and bound to that session. Any worker can open both, as their key is the segment's. */
#include "module/command_inside.h"

#include "base/codec.h"
#include "base/digest.h"
#include "base/random.h"
#include "base/seal.h"
#include "base/text.h"

#include <openssl/crypto.h>

#define MAC_BYTES     16
#define SESSION_BYTES (16 + 8 + MAC_BYTES)
#define STATE_VERSION 1
#define HEAD_BYTES    (1 + 1 + 8 + COMMAND_TOKEN) /* version, step, born, token */

static void add_u64(struct buf *out, uint64_t number)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_char(out, (char)(number >> shift));
}

static uint64_t get_u64(const char *at)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < 8; i++)
        number = number << 8 | (unsigned char)at[i];
    return number;
}

static void add_part(struct buf *out, struct span part)
{
    add_u64(out, part.size);
    buf_add(out, part);
}

static void keyed(const struct command_owner *owner, const char *purpose, struct span more,
                  unsigned char digest_r[SHA256_BYTES])
{
    struct buf text = { 0 };

    add_part(&text, span_of(purpose));
    add_part(&text, owner->bound);
    add_part(&text, owner->component);
    add_part(&text, owner->node);
    add_part(&text, more);
    digest_hmac(span_make((const char *)owner->key, 32), buf_span(&text), digest_r);
    buf_free(&text);
}

/* ---- the id ---- */

void command_session_begin(struct command_session *session, int64_t now)
{
    random_bytes(session->nonce, sizeof(session->nonce));
    session->born = now;
}

static void session_bytes(const struct command_session *session, const struct command_owner *owner,
                          struct buf *out)
{
    unsigned char mac[SHA256_BYTES];

    buf_add(out, span_make((const char *)session->nonce, sizeof(session->nonce)));
    add_u64(out, (uint64_t)session->born);
    keyed(owner, "session of a command", buf_span(out), mac);
    buf_add(out, span_make((const char *)mac, MAC_BYTES));
}

struct span command_session_text(const struct command_session *session, const struct command_owner *owner,
                                 struct arena *arena)
{
    struct buf bytes = { 0 }, hex = { 0 };
    struct span text;

    session_bytes(session, owner, &bytes);
    codec_hex(&hex, buf_span(&bytes));
    text = arena_copy(arena, buf_span(&hex));
    buf_free(&bytes);
    buf_free(&hex);
    return text;
}

static bool unhex(struct span text, char *bytes_r, size_t size)
{
    if (text.size != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = codec_hex_digit(text.at[2 * i]), low = codec_hex_digit(text.at[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        bytes_r[i] = (char)(high << 4 | low);
    }
    return true;
}

bool command_session_read(struct span text, const struct command_owner *owner,
                          struct command_session *session_r)
{
    struct buf wanted = { 0 };
    char bytes[SESSION_BYTES];
    bool is_good;

    if (!unhex(text, bytes, sizeof(bytes)))
        return false;
    memcpy(session_r->nonce, bytes, sizeof(session_r->nonce));
    session_r->born = (int64_t)get_u64(bytes + sizeof(session_r->nonce));
    session_bytes(session_r, owner, &wanted);
    is_good = digest_equal(wanted.at, bytes, sizeof(bytes));
    buf_free(&wanted);
    return is_good;
}

/* ---- what lies in the form ---- */

/* version, step, born, token; then for each step its count of fields; for each field its name, its count of
 * values, the values. */
static void write_state(const struct command_state *state, const struct command_earlier *earlier,
                        struct buf *out)
{
    size_t at = 0;

    buf_char(out, STATE_VERSION);
    buf_char(out, (char)state->step);
    add_u64(out, (uint64_t)state->born);
    buf_add(out, span_make((const char *)state->token, COMMAND_TOKEN));
    for (unsigned step = 0; step < state->step; step++) {
        add_u64(out, earlier->counts[step]);
        for (unsigned i = 0; i < earlier->counts[step]; i++) {
            const struct form_field *field = &earlier->draft->fields[at++];

            add_part(out, span_of(field->var));
            add_u64(out, field->value_count);
            for (size_t k = 0; k < field->value_count; k++)
                add_part(out, field->values[k]);
        }
    }
}

static void state_key(const struct command_owner *owner, struct span sessionid,
                      unsigned char key_r[SHA256_BYTES])
{
    keyed(owner, "state of a command", sessionid, key_r);
}

struct span command_state_seal(const struct command_state *state, const struct command_earlier *earlier,
                               struct span sessionid, const struct command_owner *owner, struct arena *arena)
{
    unsigned char key[SHA256_BYTES];
    struct buf plain = { 0 }, sealed = { 0 }, text = { 0 };
    struct span out = { NULL, 0 };
    char *at;

    write_state(state, earlier, &plain);
    if (plain.size <= COMMAND_SEALED_MOST) {
        at = buf_reserve(&sealed, SEAL_NONCE + plain.size + SEAL_TAG);
        random_bytes(at, SEAL_NONCE);
        state_key(owner, sessionid, key);
        seal_close(key, (const unsigned char *)at, SPAN(""), buf_span(&plain),
                   (unsigned char *)at + SEAL_NONCE);
        sealed.size = SEAL_NONCE + plain.size + SEAL_TAG;
        codec_base64(&text, buf_span(&sealed));
        out = arena_copy(arena, buf_span(&text));
        OPENSSL_cleanse(key, sizeof(key));
    }
    if (plain.at)
        OPENSSL_cleanse(plain.at, plain.room);
    buf_free(&plain);
    buf_free(&sealed);
    buf_free(&text);
    return out;
}

/* What was sealed here is in order; it is read with bounds all the same. */
static bool take_u64(struct span *rest, uint64_t most, uint64_t *number_r)
{
    if (rest->size < 8)
        return false;
    *number_r = get_u64(rest->at);
    *rest = span_from(*rest, 8);
    return *number_r <= most;
}

static bool take_part(struct span *rest, struct span *part_r)
{
    uint64_t size;

    if (!take_u64(rest, rest->size, &size) || size > rest->size)
        return false;
    *part_r = span_head(*rest, (size_t)size);
    *rest = span_from(*rest, (size_t)size);
    return true;
}

static bool take_field(struct span *rest, struct form_draft *draft)
{
    struct form_field field = { .type = FORM_HIDDEN };
    struct span var, *values;
    uint64_t count;

    if (!take_part(rest, &var) || !take_u64(rest, rest->size / 8 + 1, &count))
        return false;
    field.var = arena_text(draft->arena, var);
    field.values = values = arena_alloc(draft->arena, (size_t)(count + 1) * sizeof(*values));
    for (field.value_count = 0; field.value_count < count; field.value_count++) {
        if (!take_part(rest, &values[field.value_count]))
            return false;
        values[field.value_count] = arena_copy(draft->arena, values[field.value_count]);
    }
    form_draft_add(draft, &field);
    return true;
}

static bool read_state(struct span plain, struct command_state *state_r, struct command_earlier *earlier)
{
    uint64_t count;

    if (plain.size < HEAD_BYTES || plain.at[0] != STATE_VERSION ||
        (unsigned char)plain.at[1] >= COMMAND_STEPS_MOST)
        return false;
    state_r->step = (unsigned char)plain.at[1];
    state_r->born = (int64_t)get_u64(plain.at + 2);
    memcpy(state_r->token, plain.at + 10, COMMAND_TOKEN);
    plain = span_from(plain, HEAD_BYTES);
    for (unsigned step = 0; step < state_r->step; step++) {
        if (!take_u64(&plain, COMMAND_FIELDS_MOST, &count))
            return false;
        earlier->counts[step] = (unsigned)count;
        for (unsigned i = 0; i < count; i++)
            if (!take_field(&plain, earlier->draft))
                return false;
    }
    return plain.size == 0;
}

bool command_state_open(struct span text, struct span sessionid, const struct command_owner *owner,
                        struct command_state *state_r, struct command_earlier *earlier)
{
    unsigned char key[SHA256_BYTES];
    struct buf sealed = { 0 }, plain = { 0 };
    bool is_good = false;

    if (text.size > 2 * COMMAND_SEALED_MOST)
        return false;
    if (codec_base64_decode(&sealed, text) && sealed.size >= SEAL_NONCE + SEAL_TAG + HEAD_BYTES) {
        buf_reserve(&plain, sealed.size);
        state_key(owner, sessionid, key);
        is_good = seal_open(key, (const unsigned char *)sealed.at, SPAN(""),
                            span_from(buf_span(&sealed), SEAL_NONCE), (unsigned char *)plain.at);
        plain.size = sealed.size - SEAL_NONCE - SEAL_TAG;
        OPENSSL_cleanse(key, sizeof(key));
    }
    is_good = is_good && read_state(buf_span(&plain), state_r, earlier);
    if (plain.at)
        OPENSSL_cleanse(plain.at, plain.room);
    buf_free(&plain);
    buf_free(&sealed);
    return is_good;
}
