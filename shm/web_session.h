/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: web_session.h - sessions of people in browsers, for all workers.
 *
 * A row is found by the digest of the cookie's 256 random bits, never by an account. What it says - JID,
 * password, role, when it began - is sealed (AES-256-GCM) under a key derived from those bits, which the
 * segment does not hold: neither a dump of the segment nor a reader of it (stoactl) can use or read a
 * session. The seal also is the lock: a row half written, or written by two at once, or by one that was
 * killed, opens for nobody and is free again after a minute. What changes later (last use, proved) stands
 * beside it in atomic words (shm/README.md). */
#ifndef STOA_SHM_WEB_SESSION_H
#define STOA_SHM_WEB_SESSION_H

#include "base/span.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define WEB_SESSIONS_MOST         1024
#define WEB_SESSION_SECRET        32   /* bytes, in the cookie as base64url */
#define WEB_SESSION_JID_MOST      1023 /* longer JIDs cannot log in by browser */
#define WEB_SESSION_PASSWORD_MOST 1023
#define WEB_SESSION_SEALED        (16 + WEB_SESSION_JID_MOST + WEB_SESSION_PASSWORD_MOST + 16)
#define WEB_SESSION_WORDS         ((WEB_SESSION_SEALED + 7) / 8)

struct web_session_row {
    _Alignas(64) _Atomic uint64_t digest; /* second half of the secret's */
    _Atomic uint64_t account;             /* keyed hash of the JID: for ending all of one account */
    _Atomic int64_t begun;                /* clock_wall, unix seconds */
    _Atomic int64_t seen;                 /* last use; who wants the row changes this one first */
    _Atomic int64_t proved;               /* when the password was typed last */
    _Atomic uint32_t sealed_size;
    _Atomic uint64_t sealed[WEB_SESSION_WORDS];
};

struct web_sessions {
    _Atomic uint64_t first[WEB_SESSIONS_MOST]; /* first half of the digest of that row; 0: nobody's */
    struct web_session_row rows[WEB_SESSIONS_MOST];
    unsigned char key[32]; /* of account hashes and form tokens; random, fixed before the first fork */
};

struct web_session { /* one that was opened; wipe password after use (OPENSSL_cleanse) */
    unsigned row;
    uint64_t digest[2];
    char jid[WEB_SESSION_JID_MOST + 1];
    char password[WEB_SESSION_PASSWORD_MOST + 1];
    int64_t begun, proved;
    bool is_admin;
};

/* A new one; when all are taken the one that was unused longest goes. secret_r is for the cookie. false: JID
 * or password too long. */
bool web_session_begin(struct web_sessions *sessions, struct span jid, struct span password, bool is_admin,
                       int64_t now, unsigned char secret_r[WEB_SESSION_SECRET]);
/* idle, life: seconds. Also notes the use. */
bool web_session_open(struct web_sessions *sessions, const unsigned char secret[WEB_SESSION_SECRET],
                      int64_t now, int64_t idle, int64_t life, struct web_session *session_r);
void web_session_proved(struct web_sessions *sessions, const struct web_session *session, int64_t now);
void web_session_end(struct web_sessions *sessions, const struct web_session *session);
/* All of that account but the one of except (NULL: none). Returns how many. */
unsigned web_session_end_all(struct web_sessions *sessions, struct span jid,
                             const struct web_session *except);
unsigned web_session_count(const struct web_sessions *sessions, int64_t now, int64_t idle, int64_t life);

#endif
