/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: slot_table.h - the tables of slots in LMDB, and the few ways in which a slot changes.
 *
 * slot            id                       slot_encode()
 * slot_by_owner   owner key, allocated, id size, owner_entry state, put_until: quotas and listing, no scan
 * slot_by_expiry  due_kind, moment, id     nothing: what is due next, oldest first
 * usage           'u' owner key            promised and stored bytes and files, and the name
 *                 'd' domain key, 'g'
 * Moments in keys are big-endian microseconds. All four change in one transaction, so they agree. */
#ifndef STOA_UPLOAD_SLOT_TABLE_H
#define STOA_UPLOAD_SLOT_TABLE_H

#include "shm/segment.h"
#include "slot.h"
#include "store/store.h"

enum slot_tables { TABLE_SLOT, TABLE_OWNER, TABLE_EXPIRY, TABLE_USAGE };
extern const char *const slot_tables[]; /* for store_open */

/* First byte of a key of slot_by_expiry: what becomes of the slot at that moment. */
enum due_kind {
    DUE_UNUSED = 'p',    /* a promise whose time is over */
    DUE_EXPIRED = 'f',   /* a file */
    DUE_TOMBSTONE = 't', /* a record */
};

#define DUE_KEY   (1 + 8 + SLOT_ID)
#define OWNER_ROW (OWNER_KEY + 8 + SLOT_ID)
#define USAGE_KEY (1 + OWNER_KEY)

/* A promise lapses so long after put_until: an upload that began in its last moment has its claim by then. */
#define UNUSED_SLACK (60 * INT64_C(1000000))

enum owner_entry { ENTRY_PROMISED, ENTRY_FILLED, ENTRY_UNUSED, ENTRY_REMOVED };

struct owner_row {
    int64_t allocated, size, put_until;
    unsigned char id[SLOT_ID];
    enum owner_entry entry;
};

struct usage {
    uint64_t promised_bytes, promised_files, stored_bytes, stored_files;
    struct span name; /* JID, domain, or "" */
};

struct quotas { /* 0: no bound */
    int64_t user, user_day, domain, global, files_per_user;
};

/* Why a transaction refused; above 0, as an apply answers. */
enum slot_refusal {
    REFUSED_ABSENT = 1, /* no such slot */
    REFUSED_STATE,      /* not in the state that the change needs: lapsed, or there already */
    REFUSED_FILLED,     /* the file of this slot counts already */
    REFUSED_USER,       /* quotas, by name */
    REFUSED_USER_DAY,
    REFUSED_DOMAIN,
    REFUSED_GLOBAL,
    REFUSED_FILES,
};

/* Who may be filling slots just now; both NULL: nobody that we know of (stoactl). */
struct claim_view {
    const struct claims *claims;
    const struct board *board;
};

/* ---- in a transaction: 0, -1 (LMDB failed), or a slot_refusal; a refusal has changed nothing ---- */
/* Grants *slot if the quotas allow; *retry_r is the moment at which it may be asked again, or 0: unknown. */
int slot_txn_promise(struct store_txn *txn, const struct slot *slot, const struct quotas *quotas,
                     const struct claim_view *view, int64_t *retry_r);
/* PROMISED to FILLED; filled, sha256 and is_grouped are taken from *filled. */
int slot_txn_fill(struct store_txn *txn, const struct slot *filled);
/* A resumable upload begins: has_partial, and put_until is moved to `until` if that is later. PROMISED only.
 */
int slot_txn_extend(struct store_txn *txn, const unsigned char id[SLOT_ID], int64_t until);
/* PROMISED or FILLED to LAPSED, or forgotten at once when tombstone is 0. *slot is the row as it is, its
 * texts not in txn (slot_keep). */
int slot_txn_lapse(struct store_txn *txn, struct slot *slot, int64_t now, int64_t tombstone);
/* Takes a LAPSED row out of all tables. */
int slot_txn_forget(struct store_txn *txn, const struct slot *slot);
/* Puts the slot into both indices, as it is; for rebuilding. */
int slot_txn_index(struct store_txn *txn, const struct slot *slot, int64_t tombstone);
/* 1 found, 0 not, -1 failed; texts of *slot_r live until the next change in txn. A row that cannot be decoded
 * is told in the log and counts as not found. */
int slot_txn_get(struct store_txn *txn, const unsigned char id[SLOT_ID], struct slot *slot_r);

/* ---- keys and values, for those who read the tables ---- */
void due_key(enum due_kind kind, int64_t moment, const unsigned char id[SLOT_ID], char key_r[DUE_KEY]);
bool due_key_decode(struct span key, enum due_kind *kind_r, int64_t *moment_r, unsigned char id_r[SLOT_ID]);
/* The key under which a slot is due; false: nothing ever becomes due. tombstone counts for LAPSED. */
bool slot_due_key(const struct slot *slot, int64_t tombstone, char key_r[DUE_KEY]);
void owner_key(const struct slot *slot, char key_r[OWNER_ROW]);
bool owner_row_decode(struct span key, struct span value, struct owner_row *row_r);
enum owner_entry slot_owner_entry(const struct slot *slot);
void usage_key(char kind, struct span name, char key_r[USAGE_KEY]);
void usage_encode(const struct usage *usage, struct buf *out);
bool usage_decode(struct span value, struct usage *usage_r); /* name points into value */

#endif
