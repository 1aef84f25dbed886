/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: keys_table.h - keys as rows of LMDB, for keys.c and the commands of stoactl.
 *
 * A key is 256 random bits that nobody can guess, so one salted SHA-256 of it is all that is kept. Rows of
 * the one table, by the first byte of their key: 's'           16 random bytes: the salt of all digests of
 * this store 'd' + digest  the id of the key that has it 'k' + id      version byte, then the facts as JSON
 *     'u' + id      when it was used last: 8 bytes, most significant first; unix seconds */
#ifndef STOA_REST_KEYS_TABLE_H
#define STOA_REST_KEYS_TABLE_H

#include "base/digest.h"
#include "keys.h"

#define KEY_START      "stoa_"
#define KEY_BYTES      32
#define KEY_TEXT       64 /* room for the start, 43 characters and NUL */
#define KEY_ID_TEXT    13 /* 12 hex digits and NUL */
#define KEY_SALT_BYTES 16
#define KEY_LABEL_MOST 200

struct key_row {
    char id[KEY_ID_TEXT];
    const char *label;
    struct key_scope scope;
    int64_t created, expires; /* unix seconds; expires 0: never */
    unsigned char digest[SHA256_BYTES];
};

/* Texts are in arena. false: no row of ours. */
bool key_row_decode(struct span value, struct arena *arena, struct key_row *row_r);
void key_row_encode(const struct key_row *row, struct buf *out);

void key_digest(struct span salt, struct span key, unsigned char digest_r[SHA256_BYTES]);
/* A fresh key as text. */
void key_make(char text_r[KEY_TEXT]);

/* 1: *row_r, in arena. 0: there is none. -1: the store failed, said in the log. */
int key_find(struct store *store, unsigned table, struct span shown, struct arena *arena,
             struct key_row *row_r);
/* Unix seconds; 0: never, as far as is known. */
int64_t key_last_use(struct store_view *view, unsigned table, const char *id);

#define KEY_ID_TAKEN (-1)
#define KEY_KNOWN    (-2) /* that very key is there already */
struct key_add {          /* store_write_now(&add.write): 0, KEY_ID_TAKEN, KEY_KNOWN, or the store's */
    struct store_write write;
    unsigned table;
    struct span key; /* as text */
    struct key_row row;
};
void key_add_begin(struct key_add *add, unsigned table, struct span key, const struct key_row *row);

#define KEY_ABSENT (-1)
struct key_revoke { /* the same: 0, KEY_ABSENT, or the store's */
    struct store_write write;
    unsigned table;
    const char *id;
};
void key_revoke_begin(struct key_revoke *revoke, unsigned table, const char *id);

struct key_update { /* the same: 0, KEY_ABSENT, KEY_KNOWN, or the store's */
    struct store_write write;
    unsigned table;
    const char *id;
    struct span key;                         /* the new one; empty: it stays */
    const char *label;                       /* NULL: it stays */
    const char *const *paths, *const *hosts; /* in place of those that were; all other bounds stay */
};
void key_update_begin(struct key_update *update, unsigned table, const char *id);

/* Writes the moment of use, behind the scenes. */
void key_used(struct store *store, unsigned table, const char *id, int64_t now, bool has_loop);

#endif
