/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: recovery.h - what Stoa itself keeps of accounts: recovery addresses, the tokens of links
 * that were mailed, and names that are reserved for a registration.
 *
 * A token is 256 random bits that stand in the mail alone; here lies its SHA-256. It is good once, until its
 * time is over, and only while the account is as it was: each change that Stoa makes or hears of (a password
 * that was set, another address) raises the row's version, and a token of another version is void. Of each
 * kind an account has one: a newer one voids the older.
 *
 * Tables: account  first 16 bytes of the SHA-256 of the prepared bare JID -> the row, which says the JID
 *         token    SHA-256 of the token -> whose it is, for what, until when
 *         reserve  as account -> a registration that waits for its mail to be answered */
#ifndef STOA_ACCOUNT_RECOVERY_H
#define STOA_ACCOUNT_RECOVERY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "store/store.h"

#define RECOVERY_TOKEN_BYTES 32
#define RECOVERY_TOKEN_TEXT  44 /* 43 characters of base64url and NUL */

enum token_kind {
    TOKEN_RESET,    /* sets a new password */
    TOKEN_CONFIRM,  /* makes the pending address count */
    TOKEN_REGISTER, /* makes the account whose name is reserved */
    TOKEN_KINDS
};

/* The store and where the three tables are in it. */
struct recovery {
    struct store *store;
    unsigned account_table, token_table, reserve_table;
};

struct recovery_mark { /* the newest token of a kind */
    bool is_set;
    unsigned char digest[SHA256_BYTES];
};

struct recovery_row {
    struct span jid;     /* bare, prepared */
    struct span address; /* empty: none */
    int64_t confirmed;   /* when the address was proved or set by who may; unix seconds; 0: it was not */
    struct span pending; /* waits to be confirmed; empty: none */
    int64_t version;
    struct recovery_mark marks[TOKEN_KINDS]; /* TOKEN_REGISTER is not used */
};

struct recovery_token {
    enum token_kind kind;
    struct span jid;
    struct span address; /* to which it was mailed */
    int64_t until;       /* unix seconds */
    int64_t version;     /* of the account's row when it was made */
};

/* ---- tokens as text ---- */
void recovery_token_make(char text_r[RECOVERY_TOKEN_TEXT], unsigned char digest_r[SHA256_BYTES]);
/* false: it has not even the form of one. */
bool recovery_token_digest(struct span text, unsigned char digest_r[SHA256_BYTES]);

/* ---- looking, on the loop: 1 found, in arena; 0 not; -1 the store failed, said in the log ---- */
int recovery_find(const struct recovery *recovery, struct span jid, struct arena *arena,
                  struct recovery_row *row_r);
/* Whether it would be good now. */
int recovery_look(const struct recovery *recovery, enum token_kind kind,
                  const unsigned char digest[SHA256_BYTES], int64_t now, struct arena *arena,
                  struct recovery_token *token_r);
/* Whether the name is reserved for another one's registration. */
int recovery_reserved(const struct recovery *recovery, struct span jid, int64_t now);

/* ---- changing: fill in, then store_submit(&change->write), or store_write_now; what came of it is in the
 * same struct. Texts that go in must live until done. ---- */
enum recovery_verb {
    RECOVERY_ISSUE,    /* a token for jid, mailed to address; of TOKEN_REGISTER: reserves the name */
    RECOVERY_CLAIM,    /* uses it up: token says what it was. TOKEN_CONFIRM: the address counts now */
    RECOVERY_RESTORE,  /* a claimed TOKEN_RESET or TOKEN_REGISTER that could not be acted on is good again */
    RECOVERY_SET,      /* the address, by who may; empty: none */
    RECOVERY_CHANGED,  /* the password was set: tokens are void */
    RECOVERY_REGISTER, /* the account was made: address is its own, the name is not reserved any more */
};

#define RECOVERY_ABSENT (-1) /* a token that is not good; a row that is not there */
#define RECOVERY_TAKEN  (-2) /* ISSUE of TOKEN_REGISTER: reserved for another address */

struct recovery_change {
    struct store_write write; /* first */
    const struct recovery *recovery;
    enum recovery_verb verb;
    struct span jid, address;
    enum token_kind kind;
    unsigned char digest[SHA256_BYTES];
    int64_t until, now;
    struct arena *arena; /* borrowed: nothing else may use it meanwhile; holds what follows */
    struct recovery_token token;
    struct span former; /* the address that counted before; empty: none */
};

/* Zeroes it and sets what all verbs need; done may be NULL for store_write_now. */
void recovery_change_begin(struct recovery_change *change, const struct recovery *recovery,
                           enum recovery_verb verb, struct arena *arena,
                           void (*done)(struct store_write *write, int result));

/* Drops what is over: at most `most` tokens and reservations; for the keeper. */
struct recovery_sweep {
    struct store_write write;
    const struct recovery *recovery;
    int64_t now;
    unsigned most, dropped;
};
void recovery_sweep_begin(struct recovery_sweep *sweep, const struct recovery *recovery, int64_t now,
                          unsigned most);

/* ---- rows as bytes (recovery_row.c) ---- */
#define RECOVERY_KEY_BYTES 16
void recovery_key(struct span jid, unsigned char key_r[RECOVERY_KEY_BYTES]);
bool recovery_row_decode(struct span value, struct arena *arena, struct recovery_row *row_r);
void recovery_row_encode(const struct recovery_row *row, struct buf *out);
bool recovery_token_decode(struct span value, struct arena *arena, struct recovery_token *token_r);
void recovery_token_encode(const struct recovery_token *token, struct buf *out);

#endif
