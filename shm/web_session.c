/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: web_session.c - see web_session.h; why no lock is needed: shm/README.md. */
#include "shm/web_session.h"

#include "base/digest.h"
#include "base/random.h"
#include "base/seal.h"

#include <openssl/crypto.h>

#define WRITING_MOST 60 /* seconds after which a row that nobody finished is free again */
#define TRIES_MOST   64 /* rows that others took first, before one of theirs is taken */
#define HEAD_BYTES   11 /* of what is sealed: begun, role, size of the JID; then JID, password */

_Static_assert(HEAD_BYTES + WEB_SESSION_JID_MOST + WEB_SESSION_PASSWORD_MOST + SEAL_TAG <= WEB_SESSION_SEALED,
               "what is sealed has room");

/* The secret's two children: a name to be found by, and a key. Neither tells of the other. */
static void derive(const unsigned char secret[WEB_SESSION_SECRET], const char *purpose,
                   unsigned char child_r[SHA256_BYTES])
{
    digest_hmac(span_make((const char *)secret, WEB_SESSION_SECRET), span_of(purpose), child_r);
}

static void name_of(const unsigned char secret[WEB_SESSION_SECRET], uint64_t name_r[2])
{
    unsigned char child[SHA256_BYTES];

    derive(secret, "name", child);
    memcpy(name_r, child, 2 * sizeof(name_r[0]));
    if (name_r[0] == 0)
        name_r[0] = 1;
}

static uint64_t account_of(const struct web_sessions *sessions, struct span jid)
{
    unsigned char digest[SHA256_BYTES];
    uint64_t account;

    digest_hmac(span_make((const char *)sessions->key, sizeof(sessions->key)), jid, digest);
    memcpy(&account, digest, sizeof(account));
    return account;
}

/* ---- the sealed part ---- */

/* The key seals once in its life: the nonce need not vary. The name is part of what must agree. */
static const unsigned char nonce[SEAL_NONCE];

static struct span name_span(const uint64_t name[2])
{
    return span_make((const char *)name, 2 * sizeof(name[0]));
}

static size_t seal(const unsigned char secret[WEB_SESSION_SECRET], const uint64_t name[2], struct span jid,
                   struct span password, bool is_admin, int64_t now,
                   unsigned char sealed_r[WEB_SESSION_WORDS * 8])
{
    unsigned char key[SHA256_BYTES], plain[WEB_SESSION_SEALED];
    uint16_t jid_size = (uint16_t)jid.size;
    size_t size = HEAD_BYTES + jid.size + password.size;

    memcpy(plain, &now, 8);
    plain[8] = is_admin;
    memcpy(plain + 9, &jid_size, 2);
    memcpy(plain + HEAD_BYTES, jid.at, jid.size);
    if (password.size)
        memcpy(plain + HEAD_BYTES + jid.size, password.at, password.size);
    derive(secret, "seal", key);
    seal_close(key, nonce, name_span(name), span_make((const char *)plain, size), sealed_r);
    OPENSSL_cleanse(key, sizeof(key));
    OPENSSL_cleanse(plain, sizeof(plain));
    return size + SEAL_TAG;
}

static bool unseal(const unsigned char secret[WEB_SESSION_SECRET], const uint64_t name[2], struct span sealed,
                   struct web_session *session_r)
{
    unsigned char key[SHA256_BYTES], plain[WEB_SESSION_SEALED];
    uint16_t jid_size = 0;
    size_t size, password;
    bool good;

    derive(secret, "seal", key);
    good = seal_open(key, nonce, name_span(name), sealed, plain);
    OPENSSL_cleanse(key, sizeof(key));
    if (!good)
        return false;
    size = sealed.size - SEAL_TAG;
    memcpy(&session_r->begun, plain, 8);
    session_r->is_admin = plain[8];
    memcpy(&jid_size, plain + 9, 2);
    password = size - HEAD_BYTES - jid_size; /* who has the key is we */
    memcpy(session_r->jid, plain + HEAD_BYTES, jid_size);
    session_r->jid[jid_size] = '\0';
    memcpy(session_r->password, plain + HEAD_BYTES + jid_size, password);
    session_r->password[password] = '\0';
    OPENSSL_cleanse(plain, sizeof(plain));
    return true;
}

/* ---- rows ---- */

/* A row is somebody's, or free, or somebody writes it: then it is not free for a minute from then on. */
static bool is_free(uint64_t first, int64_t seen, int64_t now)
{
    return first == 0 && (seen == 0 || now - seen > WRITING_MOST || seen > now);
}

/* The first free row, or the one that was unused longest of those that are somebody's. -1: all are being
 * written. *seen_r: its last use as it was seen. */
static int candidate(struct web_sessions *sessions, int64_t now, int64_t *seen_r)
{
    int oldest = -1;

    for (int i = 0; i < WEB_SESSIONS_MOST; i++) {
        uint64_t first = atomic_load(&sessions->first[i]);
        int64_t seen = atomic_load(&sessions->rows[i].seen);

        if (is_free(first, seen, now)) {
            *seen_r = seen;
            return i;
        }
        if (first != 0 && (oldest < 0 || seen < *seen_r)) {
            oldest = i;
            *seen_r = seen;
        }
    }
    return oldest;
}

/* Ours to write: of two who want it one changes its last use first. When all that could be told apart were
 * lost to others, any will do: the seal tells. */
static int take_row(struct web_sessions *sessions, int64_t now)
{
    int64_t seen = 0;
    int row = 0;

    for (unsigned tries = 0; tries < TRIES_MOST; tries++) {
        row = candidate(sessions, now, &seen);
        if (row < 0)
            break;
        if (atomic_compare_exchange_strong(&sessions->rows[row].seen, &seen, now))
            return row;
    }
    return row < 0 ? (int)random_below(WEB_SESSIONS_MOST) : row;
}

bool web_session_begin(struct web_sessions *sessions, struct span jid, struct span password, bool is_admin,
                       int64_t now, unsigned char secret_r[WEB_SESSION_SECRET])
{
    uint64_t words[WEB_SESSION_WORDS] = { 0 }, name[2];
    struct web_session_row *row;
    size_t size;
    int index;

    if (jid.size > WEB_SESSION_JID_MOST || password.size > WEB_SESSION_PASSWORD_MOST)
        return false;
    random_bytes(secret_r, WEB_SESSION_SECRET);
    name_of(secret_r, name);
    size = seal(secret_r, name, jid, password, is_admin, now, (unsigned char *)words);
    index = take_row(sessions, now);
    row = &sessions->rows[index];
    atomic_store(&sessions->first[index], 0); /* whoever had it has it no more */
    for (size_t i = 0; i < WEB_SESSION_WORDS; i++)
        atomic_store_explicit(&row->sealed[i], words[i], memory_order_relaxed);
    atomic_store(&row->sealed_size, (uint32_t)size);
    atomic_store(&row->account, account_of(sessions, jid));
    atomic_store(&row->begun, now);
    atomic_store(&row->proved, now);
    atomic_store(&row->seen, now);
    atomic_store(&row->digest, name[1]);
    atomic_store(&sessions->first[index], name[0]);
    return true;
}

static int find(struct web_sessions *sessions, const uint64_t name[2])
{
    for (int i = 0; i < WEB_SESSIONS_MOST; i++)
        if (atomic_load_explicit(&sessions->first[i], memory_order_relaxed) == name[0] &&
            atomic_load(&sessions->first[i]) == name[0] && atomic_load(&sessions->rows[i].digest) == name[1])
            return i;
    return -1;
}

static bool still_its(struct web_sessions *sessions, const struct web_session *session)
{
    return atomic_load(&sessions->first[session->row]) == session->digest[0] &&
           atomic_load(&sessions->rows[session->row].digest) == session->digest[1];
}

static bool read_row(struct web_sessions *sessions, const unsigned char secret[WEB_SESSION_SECRET],
                     struct web_session *session)
{
    struct web_session_row *row = &sessions->rows[session->row];
    uint64_t words[WEB_SESSION_WORDS];
    size_t size = atomic_load(&row->sealed_size);

    if (size < HEAD_BYTES + SEAL_TAG || size > WEB_SESSION_SEALED)
        return false;
    for (size_t i = 0; i < (size + 7) / 8; i++)
        words[i] = atomic_load_explicit(&row->sealed[i], memory_order_relaxed);
    if (!unseal(secret, session->digest, span_make((const char *)words, size), session))
        return false;
    session->proved = atomic_load(&row->proved);
    /* What stands beside the seal might be another's, while two write. */
    return atomic_load(&row->account) == account_of(sessions, span_of(session->jid));
}

static bool is_over(int64_t begun, int64_t seen, int64_t now, int64_t idle, int64_t life)
{
    return now - begun >= life || now - seen >= idle;
}

bool web_session_open(struct web_sessions *sessions, const unsigned char secret[WEB_SESSION_SECRET],
                      int64_t now, int64_t idle, int64_t life, struct web_session *session_r)
{
    struct web_session *session = session_r;
    int64_t seen;
    int row;

    memset(session, 0, sizeof(*session));
    name_of(secret, session->digest);
    row = find(sessions, session->digest);
    if (row < 0)
        return false;
    session->row = (unsigned)row;
    seen = atomic_load(&sessions->rows[row].seen);
    if (!read_row(sessions, secret, session) || !still_its(sessions, session))
        goto no;
    if (is_over(session->begun, seen, now, idle, life)) {
        web_session_end(sessions, session);
        goto no;
    }
    /* Only forward, and only from what was seen: a writer that takes the row now keeps it. */
    if (seen < now)
        atomic_compare_exchange_strong(&sessions->rows[row].seen, &seen, now);
    return true;
no:
    OPENSSL_cleanse(session, sizeof(*session));
    return false;
}

void web_session_proved(struct web_sessions *sessions, const struct web_session *session, int64_t now)
{
    if (still_its(sessions, session))
        atomic_store(&sessions->rows[session->row].proved, now);
}

/* Nobody's from the first word on; free when all of it is gone. */
static bool end_row(struct web_sessions *sessions, unsigned index, uint64_t first)
{
    struct web_session_row *row = &sessions->rows[index];
    int64_t seen = atomic_load(&row->seen);

    if (first == 0 || !atomic_compare_exchange_strong(&sessions->first[index], &first, 0))
        return false;
    for (size_t i = 0; i < WEB_SESSION_WORDS; i++)
        atomic_store_explicit(&row->sealed[i], 0, memory_order_relaxed);
    atomic_compare_exchange_strong(&row->seen, &seen, 0);
    return true;
}

void web_session_end(struct web_sessions *sessions, const struct web_session *session)
{
    if (still_its(sessions, session))
        end_row(sessions, session->row, session->digest[0]);
}

unsigned web_session_end_all(struct web_sessions *sessions, struct span jid, const struct web_session *except)
{
    uint64_t account = account_of(sessions, jid);
    unsigned ended = 0;

    for (unsigned i = 0; i < WEB_SESSIONS_MOST; i++) {
        uint64_t first = atomic_load(&sessions->first[i]);

        if (first == 0 || atomic_load(&sessions->rows[i].account) != account)
            continue;
        if (except && first == except->digest[0] && still_its(sessions, except))
            continue;
        ended += end_row(sessions, i, first);
    }
    return ended;
}

unsigned web_session_count(const struct web_sessions *sessions, int64_t now, int64_t idle, int64_t life)
{
    unsigned count = 0;

    for (unsigned i = 0; i < WEB_SESSIONS_MOST; i++)
        count += atomic_load(&sessions->first[i]) != 0 &&
                 !is_over(atomic_load(&sessions->rows[i].begun), atomic_load(&sessions->rows[i].seen), now,
                          idle, life);
    return count;
}
