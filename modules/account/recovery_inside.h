/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: recovery_inside.h - what recovery.c and recovery_change.c share. */
#ifndef STOA_ACCOUNT_RECOVERY_INSIDE_H
#define STOA_ACCOUNT_RECOVERY_INSIDE_H

#include "recovery.h"

/* A row of the table reserve: the digest of the newest token, then that token's row. */
bool recovery_reserve_decode(struct span value, struct arena *arena, unsigned char digest_r[SHA256_BYTES],
                             struct recovery_token *token_r);

/* Whether the account's row, or the reservation, still says that the token is good. */
bool recovery_stands(struct span value, const unsigned char digest[SHA256_BYTES],
                     const struct recovery_token *token, struct arena *arena);
bool recovery_stands_reserved(struct span value, const unsigned char digest[SHA256_BYTES],
                              const struct recovery_token *token, struct arena *arena);

#endif
