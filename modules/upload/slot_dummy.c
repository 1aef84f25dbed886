/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: slot_dummy.c - the dummy repository of the guide: it records nothing, so the slot
 * travels in its own URL.
 *
 * {slotId} is base64url of the slot's id, size, moments and type, and of an HMAC over all of that and the
 * file name: nobody can make a slot or change one. Whether it was used is told by the file alone, which
 * therefore gets its name only once (file_place.name_is_truth). What needs records is not there: quotas,
 * lists, deletion, tombstones, single expiry times. Expired files are refused at their moment, as it is
 * signed too, and removed by their age. */
#include "base/codec.h"
#include "base/must.h"
#include "base/random.h"
#include "os/file.h"
#include "slot_repository.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KEY_BYTES    32
#define MAC_BYTES    16
#define SLOT_VERSION 1
#define FIXED        (1 + 1 + SLOT_ID + 4 * 8) /* version, flags, id, size, allocated, put_until, expires */

struct slot_dummy {
    struct slot_repository repository; /* first */
    int64_t expiration;
    unsigned char key[KEY_BYTES];
};

static struct slot_dummy *dummy_of(struct slot_repository *repository)
{
    return (struct slot_dummy *)(void *)repository;
}

/* what: one byte that keeps MACs for different uses apart. */
static void make_mac(const struct slot_dummy *dummy, char what, struct span payload, struct span filename,
                     unsigned char mac_r[MAC_BYTES])
{
    struct buf text = { 0 };
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    buf_char(&text, what);
    for (int i = 0; i < 4; i++)
        buf_char(&text, (char)(unsigned char)(payload.size >> 8 * i));
    buf_add(&text, payload);
    slot_segment(filename, &text); /* as the URL shows it */
    must(HMAC(EVP_sha256(), dummy->key, KEY_BYTES, (const unsigned char *)text.at, text.size, digest,
              &size) != NULL &&
         size >= MAC_BYTES);
    memcpy(mac_r, digest, MAC_BYTES);
    buf_free(&text);
}

static void put_number(struct buf *out, int64_t number)
{
    for (int i = 0; i < 8; i++)
        buf_char(out, (char)(unsigned char)((uint64_t)number >> 8 * i));
}

static int64_t get_number(const char *at)
{
    uint64_t number = 0;

    for (int i = 7; i >= 0; i--)
        number = number << 8 | (unsigned char)at[i];
    return (int64_t)number;
}

/* RFC 4648 5, without padding. */
static void add_base64url(struct buf *out, struct span bytes)
{
    size_t from = out->size;

    codec_base64(out, bytes);
    for (size_t i = from; i < out->size; i++)
        out->at[i] = (char)(out->at[i] == '+' ? '-' : out->at[i] == '/' ? '_' : out->at[i]);
    while (out->size > from && out->at[out->size - 1] == '=')
        out->size--;
}

static bool decode_base64url(struct span text, struct buf *out)
{
    struct buf plain = { 0 };
    bool good = true;

    for (size_t i = 0; good && i < text.size; i++) {
        char c = text.at[i];

        good = c != '+' && c != '/' && c != '=';
        buf_char(&plain, (char)(c == '-' ? '+' : c == '_' ? '/' : c));
    }
    good = good && codec_base64_decode(out, buf_span(&plain));
    buf_free(&plain);
    return good;
}

static void dummy_promise(struct slot_repository *repository, struct slot_promise *promise)
{
    struct slot_dummy *dummy = dummy_of(repository);
    struct slot *slot = &promise->slot;
    struct buf payload = { 0 }, text = { 0 };
    unsigned char mac[MAC_BYTES];

    if (dummy->expiration > 0 && (slot->expires == 0 || slot->expires > slot->allocated + dummy->expiration))
        slot->expires = slot->allocated + dummy->expiration;
    buf_char(&payload, SLOT_VERSION);
    buf_char(&payload, (char)(slot->has_token | (int)slot->purpose << 1));
    buf_add(&payload, span_make((const char *)slot->id, SLOT_ID));
    put_number(&payload, slot->size);
    put_number(&payload, slot->allocated);
    put_number(&payload, slot->put_until);
    put_number(&payload, slot->expires);
    buf_add(&payload, slot->type);
    if (slot->has_token)
        make_mac(dummy, 'T', buf_span(&payload), slot->filename, slot->token);
    make_mac(dummy, 'S', buf_span(&payload), slot->filename, mac);
    buf_add(&payload, span_make((const char *)mac, MAC_BYTES));
    add_base64url(&text, buf_span(&payload));
    promise->slot_id = arena_copy(promise->arena, buf_span(&text));
    promise->retry = 0;
    buf_free(&payload);
    buf_free(&text);
    promise->done(promise, 0);
}

/* payload is authentic. */
static bool fill_slot(const struct slot_dummy *dummy, struct span payload, struct slot_find *find)
{
    struct slot *slot = &find->slot;
    unsigned flags = (unsigned char)payload.at[1];

    if (payload.at[0] != SLOT_VERSION || flags >> 1 >= PURPOSES || payload.size - FIXED > TYPE_MOST)
        return false;
    *slot = (struct slot){ .state = SLOT_PROMISED, .purpose = (enum slot_purpose)(flags >> 1) };
    slot->has_token = (flags & 1) != 0;
    memcpy(slot->id, payload.at + 2, SLOT_ID);
    slot->size = get_number(payload.at + 18);
    slot->allocated = get_number(payload.at + 26);
    slot->put_until = get_number(payload.at + 34);
    slot->expires = get_number(payload.at + 42);
    slot->type = arena_copy(find->arena, span_from(payload, FIXED));
    slot->filename = arena_copy(find->arena, find->filename);
    if (slot->has_token)
        make_mac(dummy, 'T', payload, find->filename, slot->token);
    return true;
}

static void dummy_find(struct slot_repository *repository, struct slot_find *find)
{
    struct slot_dummy *dummy = dummy_of(repository);
    struct buf bytes = { 0 };
    struct span payload, mac;
    unsigned char wanted[MAC_BYTES];
    int found = 0;

    if (find->slot_id.size < 1024 && decode_base64url(find->slot_id, &bytes) &&
        bytes.size >= FIXED + MAC_BYTES) {
        payload = span_head(buf_span(&bytes), bytes.size - MAC_BYTES);
        mac = span_from(buf_span(&bytes), payload.size);
        make_mac(dummy, 'S', payload, find->filename, wanted);
        found = digest_equal(mac.at, wanted, MAC_BYTES) && fill_slot(dummy, payload, find);
    }
    buf_free(&bytes);
    find->done(find, found);
}

static void dummy_fill(struct slot_repository *repository, struct slot_fill *fill)
{
    (void)repository;
    fill->done(fill, 0); /* the file's name is the record */
}

/* Nothing remembers that an upload was begun. */
static void dummy_extend(struct slot_repository *repository, struct slot_extend *extend)
{
    (void)repository;
    extend->done(extend, REFUSED_ABSENT);
}

static void dummy_sweep(struct slot_repository *repository, struct slot_sweep *sweep)
{
    (void)repository;
    sweep->count = 0;
    sweep->is_last = true;
    sweep->done(sweep, 0);
}

static void dummy_remove(struct slot_repository *repository, struct slot_remove *remove)
{
    (void)repository;
    remove->done(remove, REFUSED_ABSENT);
}

static void dummy_close(struct slot_repository *repository)
{
    struct slot_dummy *dummy = dummy_of(repository);

    explicit_bzero(dummy->key, KEY_BYTES);
    free(dummy);
}

static const struct slot_repository_kind dummy_kind = {
    .keeps_records = false,
    .find = dummy_find,
    .promise = dummy_promise,
    .fill = dummy_fill,
    .extend = dummy_extend,
    .sweep = dummy_sweep,
    .remove = dummy_remove,
    .close = dummy_close,
};

static int read_key(const char *path, unsigned char key_r[KEY_BYTES])
{
    struct buf bytes = { 0 };
    int result = file_read_all(path, KEY_BYTES, &bytes);

    if (result == 0 && bytes.size != KEY_BYTES) {
        errno = EINVAL;
        result = -1;
    }
    if (result == 0)
        memcpy(key_r, bytes.at, KEY_BYTES);
    if (bytes.at != NULL)
        explicit_bzero(bytes.at, bytes.size);
    buf_free(&bytes);
    return result;
}

/* All workers come up at once: the first that publishes wins, the others read what it wrote. */
static int make_key(const char *data_dir, const char *name)
{
    unsigned char key[KEY_BYTES];
    int folder = file_open_folder(data_dir), fd = -1, result = -1;

    random_bytes(key, KEY_BYTES);
    if (folder >= 0)
        fd = file_open_unnamed(folder);
    if (fd >= 0 && fchmod(fd, 0600) == 0 &&
        file_write_all(fd, span_make((const char *)key, KEY_BYTES)) == 0 && fsync(fd) == 0)
        result = file_publish(fd, folder, name) == 0 || errno == EEXIST ? 0 : -1;
    explicit_bzero(key, KEY_BYTES);
    if (fd >= 0)
        close(fd);
    if (folder >= 0)
        close(folder);
    return result;
}

struct slot_repository *slot_dummy_open(const char *data_dir, int64_t expiration, const char **why_r)
{
    static char why[512];
    static const char name[] = "upload-dummy.key";
    struct slot_dummy *dummy = must_alloc(sizeof(*dummy));
    char path[4096];
    int result = -1;

    if (snprintf(path, sizeof(path), "%s/%s", data_dir, name) < (int)sizeof(path)) {
        result = read_key(path, dummy->key);
        if (result != 0 && errno == ENOENT && make_key(data_dir, name) == 0)
            result = read_key(path, dummy->key);
    }
    if (result != 0) {
        snprintf(why, sizeof(why), "the key of the dummy repository in %s/%s: %s", data_dir, name,
                 strerror(errno));
        *why_r = why;
        free(dummy);
        return NULL;
    }
    dummy->expiration = expiration;
    dummy->repository = (struct slot_repository){ &dummy_kind, "dummy", "dummy", NULL };
    return &dummy->repository;
}
