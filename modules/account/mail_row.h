/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mail_row.h - a mail in the queue: its record, and the tables it stands in.
 *
 * mail       id                              the record
 * mail_due   'd' + when + id                 waits for its next attempt, oldest first
 *            'f' + when + id                 sent or failed; then to be forgotten
 *            'n'                             how many wait
 * mail_once  digest of the text of `once`    id and until when it counts */
#ifndef STOA_ACCOUNT_MAIL_ROW_H
#define STOA_ACCOUNT_MAIL_ROW_H

#include "mail.h"

enum mail_state {
    MAIL_WAITS = 1, /* due says when it is tried next */
    MAIL_SENDING,   /* a keeper talks to the server about it; void when nobody living has claimed its id */
    MAIL_SENT,      /* the server said yes; values are gone */
    MAIL_FAILED, /* for good: refused, too old, or without effect by now; only an operator tries it again */
};

/* Microseconds since 1970. */
struct mail_row {
    enum mail_state state;
    bool has_once;
    unsigned char once[MAIL_ID];
    int64_t queued, due, forget, tried, not_after, once_until;
    uint32_t attempts;
    struct span to, template, message_id, on_request;
    struct span values; /* JSON */
    struct span words;  /* what the server or we said last */
};

/* The spans of *row_r point into value. */
bool mail_row_decode(struct span value, struct mail_row *row_r);
void mail_row_encode(const struct mail_row *row, struct buf *out);
const char *mail_state_name(enum mail_state state);

#define MAIL_DUE_KEY (1 + 8 + MAIL_ID)
void mail_due_key(char kind, int64_t moment, const unsigned char id[MAIL_ID], char key_r[MAIL_DUE_KEY]);
bool mail_due_decode(struct span key, char *kind_r, int64_t *moment_r, unsigned char id_r[MAIL_ID]);

#define MAIL_ID_TEXT (2 * MAIL_ID + 1)
void mail_id_text(const unsigned char id[MAIL_ID], char text_r[MAIL_ID_TEXT]);
bool mail_id_parse(struct span text, unsigned char id_r[MAIL_ID]);

/* Inside apply: replaces the record and its place in mail_due. before or after NULL: there was, or will be,
 * none. 0, or -1 as store_txn_put. The spans of after must not point into the transaction. */
int mail_row_change(struct store_txn *txn, const unsigned char id[MAIL_ID], const struct mail_row *before,
                    const struct mail_row *after);
/* Inside apply: how many wait. */
uint64_t mail_waiting(struct store_txn *txn);
uint64_t mail_waiting_seen(struct store_view *view);

#endif
