/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: auth_cache.c - see auth_cache.h. */
#include "shm/auth_cache.h"

#include "base/digest.h"
#include "shm/hash.h"

#define BLOCK 64 /* bytes of a block of SHA-256 (RFC 2104) */

static struct digest *digest; /* of this process; made at first use */

static void add_padded_key(const struct auth_cache *cache, unsigned char pad)
{
    unsigned char block[BLOCK];

    memset(block, pad, sizeof(block));
    for (size_t i = 0; i < sizeof(cache->key); i++)
        block[i] ^= cache->key[i];
    digest_begin(digest);
    digest_add(digest, span_make((const char *)block, sizeof(block)));
}

/* HMAC-SHA256 over lengths and texts, so that no two pairs read alike; cut to 128 bits. */
static void mac_of(const struct auth_cache *cache, struct span jid, struct span password, enum auth_role role,
                   int64_t until, uint64_t mac_r[AUTH_MAC / 8])
{
    const uint64_t facts[4] = { jid.size, password.size, (uint64_t)role, (uint64_t)until };
    unsigned char inner[SHA256_BYTES], outer[SHA256_BYTES];

    if (digest == NULL)
        digest = digest_new();
    add_padded_key(cache, 0x36);
    digest_add(digest, span_make((const char *)facts, sizeof(facts)));
    digest_add(digest, jid);
    digest_add(digest, password);
    digest_end(digest, inner);
    add_padded_key(cache, 0x5c);
    digest_add(digest, span_make((const char *)inner, sizeof(inner)));
    digest_end(digest, outer);
    memcpy(mac_r, outer, AUTH_MAC);
}

/* No row has that role or that moment: a name never proves anything. */
void auth_cache_mac(const struct auth_cache *cache, struct span jid, struct span password,
                    unsigned char mac_r[AUTH_MAC])
{
    uint64_t mac[AUTH_MAC / 8];

    mac_of(cache, jid, password, AUTH_UNPROVED, -1, mac);
    memcpy(mac_r, mac, AUTH_MAC);
}

static uint64_t account_of(const struct auth_cache *cache, struct span jid)
{
    uint64_t seed, hash;

    memcpy(&seed, cache->key, sizeof(seed));
    hash = hash_name(seed, jid);
    return hash ? hash : 1;
}

static struct auth_row *set_of(struct auth_cache *cache, uint64_t account)
{
    return cache->rows[account % AUTH_SETS];
}

static bool row_matches(const struct auth_cache *cache, struct auth_row *row, struct span jid,
                        struct span password)
{
    uint64_t wanted[AUTH_MAC / 8], held[AUTH_MAC / 8];

    mac_of(cache, jid, password, (enum auth_role)atomic_load(&row->role), atomic_load(&row->until), wanted);
    for (size_t i = 0; i < AUTH_MAC / 8; i++)
        held[i] = atomic_load(&row->mac[i]);
    return digest_equal(wanted, held, sizeof(held));
}

static struct auth_row *find(struct auth_cache *cache, struct span jid, struct span password)
{
    uint64_t account = account_of(cache, jid);
    struct auth_row *set = set_of(cache, account);

    for (size_t i = 0; i < AUTH_PER_SET; i++)
        if (atomic_load(&set[i].account) == account && row_matches(cache, &set[i], jid, password))
            return &set[i];
    return NULL;
}

enum auth_role auth_cache_find(struct auth_cache *cache, struct span jid, struct span password, int64_t now)
{
    struct auth_row *row = find(cache, jid, password);
    enum auth_role role;
    int64_t until;

    if (row == NULL)
        return AUTH_UNPROVED;
    role = (enum auth_role)atomic_load(&row->role);
    until = atomic_load(&row->until);
    /* What was read after the match may be another writer's: it counts only if it still matches. */
    return until > now && role <= AUTH_ADMIN && row_matches(cache, row, jid, password) ? role : AUTH_UNPROVED;
}

static void write_row(struct auth_cache *cache, struct auth_row *row, struct span jid, struct span password,
                      enum auth_role role, int64_t until)
{
    uint64_t mac[AUTH_MAC / 8];

    mac_of(cache, jid, password, role, until, mac);
    atomic_store(&row->account, account_of(cache, jid));
    atomic_store(&row->role, (uint32_t)role);
    atomic_store(&row->until, until);
    for (size_t i = 0; i < AUTH_MAC / 8; i++)
        atomic_store(&row->mac[i], mac[i]);
}

void auth_cache_keep(struct auth_cache *cache, struct span jid, struct span password, enum auth_role role,
                     int64_t until)
{
    struct auth_row *set = set_of(cache, account_of(cache, jid)), *row = find(cache, jid, password);

    if (row == NULL) {
        row = &set[0];
        for (size_t i = 0; i < AUTH_PER_SET; i++) {
            if (atomic_load(&set[i].account) == 0) {
                row = &set[i];
                break;
            }
            if (atomic_load(&set[i].until) < atomic_load(&row->until))
                row = &set[i];
        }
    }
    write_row(cache, row, jid, password, role, until);
}

void auth_cache_role(struct auth_cache *cache, struct span jid, struct span password, enum auth_role role,
                     int64_t now)
{
    struct auth_row *row = find(cache, jid, password);
    int64_t until;

    if (row == NULL)
        return;
    until = atomic_load(&row->until);
    if (until > now && row_matches(cache, row, jid, password))
        write_row(cache, row, jid, password, role, until);
}

void auth_cache_forget(struct auth_cache *cache, struct span jid)
{
    uint64_t account = account_of(cache, jid);
    struct auth_row *set = set_of(cache, account);

    for (size_t i = 0; i < AUTH_PER_SET; i++) {
        if (atomic_load(&set[i].account) != account)
            continue;
        for (size_t word = 0; word < AUTH_MAC / 8; word++)
            atomic_store(&set[i].mac[word], 0);
        atomic_store(&set[i].account, 0);
    }
}
