/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc and OpenSSL: digest.h - SHA-1 for XEP-0114, SHA-256 for everything of ours. */
#ifndef STOA_BASE_DIGEST_H
#define STOA_BASE_DIGEST_H

#include "base/span.h"

#include <stdint.h>

#define SHA1_BYTES   20
#define SHA256_BYTES 32

void digest_sha1(struct span bytes, unsigned char digest_r[SHA1_BYTES]);
void digest_sha256(struct span bytes, unsigned char digest_r[SHA256_BYTES]);
/* RFC 2104 with SHA-256: nobody without the key can make or foretell it. */
void digest_hmac(struct span key, struct span bytes, unsigned char digest_r[SHA256_BYTES]);

/* In pieces. One object may be used for many digests, one after the other. */
struct digest;
struct digest *digest_new(void); /* SHA-256, begun */
void digest_begin(struct digest *digest);
void digest_add(struct digest *digest, struct span bytes);
void digest_end(struct digest *digest,
                unsigned char digest_r[SHA256_BYTES]); /* digest_begin before the next use */
void digest_free(struct digest **digest);

/* In constant time; both of that size. */
bool digest_equal(const void *a, const void *b, size_t size);

#endif
