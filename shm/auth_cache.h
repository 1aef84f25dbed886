/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: auth_cache.h - which passwords were proved a moment ago, for all processes.
 *
 * Holds a keyed MAC of (bare JID, password, role, until), never JID or password; the key is random, made with
 * the segment, and leaves with it. The MAC covers all that a row says, so rows need no lock: one that is half
 * written, or written by two at once, or left so by a process that was killed, matches nothing. What does not
 * fit replaces what would expire first. */
#ifndef STOA_SHM_AUTH_CACHE_H
#define STOA_SHM_AUTH_CACHE_H

#include "base/span.h"

#include <stdatomic.h>
#include <stdint.h>

#define AUTH_SETS    1024
#define AUTH_PER_SET 8
#define AUTH_MAC     16

enum auth_role {
    AUTH_UNPROVED, /* nothing is known */
    AUTH_USER,     /* a good password; whether of an administrator nobody has asked yet */
    AUTH_PLAIN,    /* a good password of no administrator */
    AUTH_ADMIN,
};

/* The set is chosen by the JID, so that all passwords of one account lie together. */
struct auth_row {
    _Atomic uint64_t mac[AUTH_MAC / 8];
    _Atomic uint64_t account; /* keyed hash of the JID, for auth_cache_forget; 0: free */
    _Atomic int64_t until;    /* clock_mono microseconds */
    _Atomic uint32_t role;    /* enum auth_role */
};

struct auth_cache {
    _Alignas(64) struct auth_row rows[AUTH_SETS][AUTH_PER_SET];
    unsigned char key[32]; /* random; fixed before the first fork */
};

/* jid is prepared; compared in constant time. now is clock_mono(). */
enum auth_role auth_cache_find(struct auth_cache *cache, struct span jid, struct span password, int64_t now);
/* Keeps it until then, in place of what was kept of the same pair. */
void auth_cache_keep(struct auth_cache *cache, struct span jid, struct span password, enum auth_role role,
                     int64_t until);
/* Says more of a pair that is kept, for as long as it is; one that is not kept stays so. */
void auth_cache_role(struct auth_cache *cache, struct span jid, struct span password, enum auth_role role,
                     int64_t now);
void auth_cache_forget(struct auth_cache *cache, struct span jid); /* whatever the password */
/* A name for that very pair, which nobody without the key can make or read. */
void auth_cache_mac(const struct auth_cache *cache, struct span jid, struct span password,
                    unsigned char mac_r[AUTH_MAC]);

#endif
