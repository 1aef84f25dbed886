/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc and OpenSSL: seal.h - bytes that only who has the key can read, and nobody can change
 * (AES-256-GCM).
 *
 * A nonce must never serve twice under one key: keys here are made for one sealing each, or nonces are random
 * and sealings few. */
#ifndef STOA_BASE_SEAL_H
#define STOA_BASE_SEAL_H

#include "base/span.h"

#define SEAL_KEY   32
#define SEAL_NONCE 12
#define SEAL_TAG   16 /* bytes that a sealed text is longer than what is in it */

/* plain.size + SEAL_TAG bytes into sealed_r. also: what is not in it but must be the same when it is opened.
 */
void seal_close(const unsigned char key[SEAL_KEY], const unsigned char nonce[SEAL_NONCE], struct span also,
                struct span plain, unsigned char *sealed_r);
/* sealed.size - SEAL_TAG bytes into plain_r. false: another key, nonce or also, or a changed byte; then
 * plain_r is wiped. */
bool seal_open(const unsigned char key[SEAL_KEY], const unsigned char nonce[SEAL_NONCE], struct span also,
               struct span sealed, unsigned char *plain_r);

#endif
