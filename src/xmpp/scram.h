/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0: scram.h - the client's half of SCRAM (RFC 5802, RFC 7677), as pure functions over messages.
 *
 * scram_begin -> server's first -> scram_hear_first -> (slow, on a thread: scram_derive) -> scram_finish ->
 * server's last -> scram_verify. Whatever a server says is bounded and refused with a reason; only who passed
 * scram_verify knows that the server, too, knows the password. */
#ifndef STOA_XMPP_SCRAM_H
#define STOA_XMPP_SCRAM_H

#include "base/buf.h"
#include "base/span.h"

#include <stdint.h>

enum scram_hash { SCRAM_SHA_512, SCRAM_SHA_256, SCRAM_SHA_1, SCRAM_HASHES };

#define SCRAM_KEY_MOST     64     /* bytes of the largest hash */
#define SCRAM_ROUNDS_LEAST 1000   /* no server that is in use asks for fewer */
#define SCRAM_ROUNDS_MOST  100000 /* 60 ms of a core; a hostile server could ask for hours */
#define SCRAM_SALT_MOST    256
#define SCRAM_MESSAGE_MOST 4096 /* bytes of one message of the server */
#define SCRAM_NONCE        24   /* our random bytes */

struct scram_salt {
    unsigned char bytes[SCRAM_SALT_MOST];
    size_t size;
    unsigned rounds;
};

/* They are as good as the password at that one server: to be wiped. */
struct scram_keys {
    unsigned char client[SCRAM_KEY_MOST], server[SCRAM_KEY_MOST];
};

struct scram {
    enum scram_hash hash;
    struct buf gs2;      /* header, and the channel's bytes behind it */
    struct buf exchange; /* AuthMessage of RFC 5802 3 as far as it is known */
    struct span nonce;   /* ours; in nonce_text */
    char nonce_text[2 * SCRAM_NONCE];
    struct buf server_nonce; /* ours and theirs */
    unsigned char signature[SCRAM_KEY_MOST];
    bool finished; /* signature is known */
};

/* The channel: a name ("tls-unique") and its bytes; could: the server offers no binding though we have one;
 * all zero: there is none. */
struct scram_channel {
    const char *type;
    struct span bytes;
    bool could;
};

const char *scram_hash_name(enum scram_hash hash); /* "SHA-1" as in a mechanism's name */
size_t scram_hash_size(enum scram_hash hash);

/* Writes the first message. user: prepared. nonce: printable, without comma; empty: random. */
void scram_begin(struct scram *scram, enum scram_hash hash, struct span user,
                 const struct scram_channel *channel, struct span nonce, struct buf *first);
void scram_free(struct scram *scram); /* wipes; leaves all zero */

/* false: refused, *why_r is static text. */
bool scram_hear_first(struct scram *scram, struct span message, struct scram_salt *salt_r,
                      const char **why_r);
/* PBKDF2: milliseconds. Thread-safe. password: prepared. */
void scram_derive(enum scram_hash hash, struct span password, const struct scram_salt *salt,
                  struct scram_keys *keys_r);
/* Writes the last message of ours. */
void scram_finish(struct scram *scram, const struct scram_keys *keys, struct buf *last);
/* false: the server does not know the password, or says that we do not. */
bool scram_verify(const struct scram *scram, struct span message, const char **why_r);

#endif
