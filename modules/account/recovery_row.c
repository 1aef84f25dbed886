/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: recovery_row.c - rows of the tables as bytes: a version, then JSON. */
#include "recovery.h"

#include "base/codec.h"
#include "base/random.h"
#include "parse/json.h"

#include <openssl/crypto.h>

#define ROW_VERSION 1
#define DIGEST_SIZE ((size_t)SHA256_BYTES)

static const struct json_limits limits = { .size_most = 16384, .depth_most = 3, .items_most = 64 };
static const char *const mark_names[TOKEN_KINDS] = { "reset", "confirm", "register" };

void recovery_key(struct span jid, unsigned char key_r[RECOVERY_KEY_BYTES])
{
    unsigned char digest[SHA256_BYTES];

    digest_sha256(jid, digest);
    memcpy(key_r, digest, RECOVERY_KEY_BYTES);
}

/* ---- tokens as text ---- */

/* base64url without padding (RFC 4648 5). */
void recovery_token_make(char text_r[RECOVERY_TOKEN_TEXT], unsigned char digest_r[SHA256_BYTES])
{
    unsigned char bytes[RECOVERY_TOKEN_BYTES];
    struct buf text = { 0 };

    random_bytes(bytes, sizeof(bytes));
    buf_reserve(&text, 2 * sizeof(bytes)); /* no growth: nothing of it is left behind unwiped */
    codec_base64(&text, span_make((const char *)bytes, sizeof(bytes)));
    for (size_t i = 0; i < RECOVERY_TOKEN_TEXT - 1; i++)
        text_r[i] = text.at[i] == '+' ? '-' : text.at[i] == '/' ? '_' : text.at[i];
    text_r[RECOVERY_TOKEN_TEXT - 1] = '\0';
    digest_sha256(span_make(text_r, RECOVERY_TOKEN_TEXT - 1), digest_r);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    OPENSSL_cleanse(text.at, text.room);
    buf_free(&text);
}

bool recovery_token_digest(struct span text, unsigned char digest_r[SHA256_BYTES])
{
    if (text.size != RECOVERY_TOKEN_TEXT - 1)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.at[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-' &&
            c != '_')
            return false;
    }
    digest_sha256(text, digest_r);
    return true;
}

/* ---- reading ---- */

/* A member that may be absent. */
static bool read_text(struct json_object *json, const char *name, struct arena *arena, struct span *text_r)
{
    struct json_object *member = json_member(json, name);
    struct span text;

    *text_r = SPAN("");
    if (member == NULL)
        return true;
    if (!json_text(member, &text))
        return false;
    *text_r = arena_copy(arena, text);
    return true;
}

static bool read_mark(struct json_object *json, const char *name, struct recovery_mark *mark_r)
{
    struct json_object *member = json_member(json, name);
    struct span hex;

    mark_r->is_set = member != NULL;
    if (member == NULL)
        return true;
    if (!json_text(member, &hex) || hex.size != 2 * DIGEST_SIZE)
        return false;
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        int high = codec_hex_digit(hex.at[2 * i]), low = codec_hex_digit(hex.at[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        mark_r->digest[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static struct json_object *parse(struct span value)
{
    struct json_object *json = NULL;
    const char *why;

    if (value.size < 1 || value.at[0] != ROW_VERSION ||
        json_parse(span_from(value, 1), &limits, &json, &why) != 1)
        return NULL;
    return json;
}

static bool read_row(struct json_object *json, struct arena *arena, struct recovery_row *row_r)
{
    for (size_t i = 0; i < TOKEN_KINDS; i++)
        if (!read_mark(json, mark_names[i], &row_r->marks[i]))
            return false;
    return read_text(json, "jid", arena, &row_r->jid) && row_r->jid.size > 0 &&
           read_text(json, "address", arena, &row_r->address) &&
           read_text(json, "pending", arena, &row_r->pending) &&
           json_whole(json_member(json, "confirmed"), &row_r->confirmed) &&
           json_whole(json_member(json, "version"), &row_r->version);
}

bool recovery_row_decode(struct span value, struct arena *arena, struct recovery_row *row_r)
{
    struct json_object *json = parse(value);
    bool is_good;

    *row_r = (struct recovery_row){ 0 };
    is_good = json != NULL && read_row(json, arena, row_r);
    json_object_put(json);
    return is_good;
}

bool recovery_token_decode(struct span value, struct arena *arena, struct recovery_token *token_r)
{
    struct json_object *json = parse(value);
    int64_t kind = -1;
    bool is_good;

    *token_r = (struct recovery_token){ 0 };
    is_good = json != NULL && json_whole(json_member(json, "kind"), &kind) && kind >= 0 &&
              kind < TOKEN_KINDS && read_text(json, "jid", arena, &token_r->jid) && token_r->jid.size > 0 &&
              read_text(json, "address", arena, &token_r->address) &&
              json_whole(json_member(json, "until"), &token_r->until) &&
              json_whole(json_member(json, "version"), &token_r->version);
    token_r->kind = is_good ? (enum token_kind)kind : TOKEN_RESET;
    json_object_put(json);
    return is_good;
}

/* ---- writing ---- */

static void add_text(struct json_object *json, const char *name, struct span text)
{
    if (text.size > 0)
        json_object_object_add(json, name, json_object_new_string_len(text.at, (int)text.size));
}

static void write_row(struct json_object *json, struct buf *out)
{
    buf_char(out, ROW_VERSION);
    json_write(out, json);
    json_object_put(json);
}

void recovery_row_encode(const struct recovery_row *row, struct buf *out)
{
    struct json_object *json = json_object_new_object();

    add_text(json, "jid", row->jid);
    add_text(json, "address", row->address);
    add_text(json, "pending", row->pending);
    json_object_object_add(json, "confirmed", json_object_new_int64(row->confirmed));
    json_object_object_add(json, "version", json_object_new_int64(row->version));
    for (size_t i = 0; i < TOKEN_KINDS; i++) {
        struct buf hex = { 0 };

        if (!row->marks[i].is_set)
            continue;
        codec_hex(&hex, span_make((const char *)row->marks[i].digest, DIGEST_SIZE));
        add_text(json, mark_names[i], buf_span(&hex));
        buf_free(&hex);
    }
    write_row(json, out);
}

void recovery_token_encode(const struct recovery_token *token, struct buf *out)
{
    struct json_object *json = json_object_new_object();

    json_object_object_add(json, "kind", json_object_new_int64(token->kind));
    add_text(json, "jid", token->jid);
    add_text(json, "address", token->address);
    json_object_object_add(json, "until", json_object_new_int64(token->until));
    json_object_object_add(json, "version", json_object_new_int64(token->version));
    write_row(json, out);
}
