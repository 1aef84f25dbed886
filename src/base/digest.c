/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc and OpenSSL: digest.c - see digest.h. Fetched once: EVP_sha256() looks itself up each
 * time. */
#include "base/digest.h"

#include "base/must.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

struct digest {
    EVP_MD_CTX *ctx; /* owned */
};

static const EVP_MD *fetched(const char *name, EVP_MD **kept)
{
    if (*kept == NULL)
        *kept = EVP_MD_fetch(NULL, name, NULL);
    must(*kept != NULL);
    return *kept;
}

static const EVP_MD *sha256(void)
{
    static EVP_MD *kept;

    return fetched("SHA256", &kept);
}

void digest_sha1(struct span bytes, unsigned char digest_r[SHA1_BYTES])
{
    static EVP_MD *kept;

    must(EVP_Digest(bytes.at, bytes.size, digest_r, NULL, fetched("SHA1", &kept), NULL) == 1);
}

void digest_sha256(struct span bytes, unsigned char digest_r[SHA256_BYTES])
{
    must(EVP_Digest(bytes.at, bytes.size, digest_r, NULL, sha256(), NULL) == 1);
}

void digest_hmac(struct span key, struct span bytes, unsigned char digest_r[SHA256_BYTES])
{
    unsigned size = SHA256_BYTES;

    must(HMAC(sha256(), key.at, (int)key.size, (const unsigned char *)(const void *)bytes.at, bytes.size,
              digest_r, &size) != NULL);
}

struct digest *digest_new(void)
{
    struct digest *digest = must_alloc(sizeof(*digest));

    digest->ctx = EVP_MD_CTX_new();
    must(digest->ctx != NULL);
    digest_begin(digest);
    return digest;
}

void digest_begin(struct digest *digest)
{
    must(EVP_DigestInit_ex2(digest->ctx, sha256(), NULL) == 1);
}

void digest_add(struct digest *digest, struct span bytes)
{
    must(EVP_DigestUpdate(digest->ctx, bytes.at, bytes.size) == 1);
}

void digest_end(struct digest *digest, unsigned char digest_r[SHA256_BYTES])
{
    must(EVP_DigestFinal_ex(digest->ctx, digest_r, NULL) == 1);
}

void digest_free(struct digest **digest)
{
    if (*digest == NULL)
        return;
    EVP_MD_CTX_free((*digest)->ctx);
    free(*digest);
    *digest = NULL;
}

bool digest_equal(const void *a, const void *b, size_t size)
{
    return CRYPTO_memcmp(a, b, size) == 0;
}
