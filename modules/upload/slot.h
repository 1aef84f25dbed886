/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: slot.h - one upload slot: what was promised to whom, and what became of it.
 *
 * Who fills a slot just now is no state of it: that is a claim in shared memory (shm/claim.h), which dies
 * with the worker that made it. So whatever breaks a PUT - the client, the worker, the machine - leaves the
 * slot PROMISED and usable, and nobody has to give anything back. */
#ifndef STOA_UPLOAD_SLOT_H
#define STOA_UPLOAD_SLOT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/span.h"

#include <stdint.h>

#define SLOT_ID       16 /* bytes; random, so that knowing one tells nothing of another (R8) */
#define SLOT_TOKEN    16
#define FILENAME_MOST 255 /* bytes, as XEP-0363 and file systems have it */
#define TYPE_MOST     255
#define OWNER_KEY     16 /* first bytes of the SHA-256 of a JID: keys of LMDB end at 511 bytes, JIDs do not */

enum slot_state {
    SLOT_PROMISED, /* granted; no file counts yet, whatever lies in the store; counts against quotas */
    SLOT_FILLED,   /* the file is durable under the slot's id; GET is allowed until expires */
    SLOT_LAPSED,   /* never used, expired or deleted: a tombstone, kept so that GET can say 410 */
};

enum slot_purpose { PURPOSE_MESSAGE, PURPOSE_PROFILE, PURPOSE_EPHEMERAL, PURPOSE_PERMANENT, PURPOSES };

struct slot {
    unsigned char id[SLOT_ID];
    enum slot_state state;
    enum slot_purpose purpose;
    struct span owner;    /* prepared bare JID; empty where the repository does not know it */
    struct span domain;   /* of owner */
    struct span filename; /* as the client named it: 1 to FILENAME_MOST bytes of UTF-8, any characters */
    struct span type;     /* media type as the client named it; empty: none */
    int64_t size;         /* bytes; at least 1 */
    /* Wall clock, microseconds. */
    int64_t allocated;
    int64_t put_until; /* an upload must have begun before */
    int64_t expires;   /* from this moment on there is no file; 0: never */
    int64_t filled;    /* 0 before */
    int64_t lapsed;    /* 0 before */
    bool was_filled;   /* also of a tombstone */
    bool is_grouped;   /* where the file lies: in a folder of its owner's */
    bool has_partial;  /* a resumable upload was begun: a partial file may be there */
    bool has_token;
    unsigned char token[SLOT_TOKEN];
    unsigned char sha256[SHA256_BYTES]; /* of the file; all zero before it is filled */
};

const char *slot_purpose_name(enum slot_purpose purpose); /* "message"; as the element of XEP-0363 */
const char *slot_state_name(enum slot_state state);

/* The row as it is stored: a version byte, fixed little-endian fields, texts with their lengths. */
void slot_encode(const struct slot *slot, struct buf *out);
/* false: not a row of ours. Spans point into bytes. The id is not in the row but its key. */
bool slot_decode(struct span bytes, struct slot *slot_r);
/* Copies the texts, so that the slot outlives what it was decoded from. */
void slot_keep(struct slot *slot, struct arena *arena);

void slot_owner_key(struct span jid, unsigned char key_r[OWNER_KEY]);

/* A name or JID as one segment of a URL path, before percent-encoding: what could be read as something else
 * than a plain segment (slashes, control characters, a lone dot) becomes '_'. */
void slot_segment(struct span name, struct buf *out);

#endif
