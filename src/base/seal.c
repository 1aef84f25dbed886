/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc and OpenSSL: seal.c - see seal.h. */
#include "base/seal.h"

#include "base/must.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

static const unsigned char *bytes_of(struct span span)
{
    return (const unsigned char *)(const void *)span.at;
}

void seal_close(const unsigned char key[SEAL_KEY], const unsigned char nonce[SEAL_NONCE], struct span also,
                struct span plain, unsigned char *sealed_r)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int size = 0, rest = 0;

    must(cipher && plain.size <= INT_MAX && also.size <= INT_MAX);
    must(EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, nonce) == 1);
    if (also.size)
        must(EVP_EncryptUpdate(cipher, NULL, &size, bytes_of(also), (int)also.size) == 1);
    size = 0;
    if (plain.size)
        must(EVP_EncryptUpdate(cipher, sealed_r, &size, bytes_of(plain), (int)plain.size) == 1);
    must(EVP_EncryptFinal_ex(cipher, sealed_r + size, &rest) == 1 && (size_t)(size + rest) == plain.size);
    must(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, SEAL_TAG, sealed_r + plain.size) == 1);
    EVP_CIPHER_CTX_free(cipher);
}

bool seal_open(const unsigned char key[SEAL_KEY], const unsigned char nonce[SEAL_NONCE], struct span also,
               struct span sealed, unsigned char *plain_r)
{
    EVP_CIPHER_CTX *cipher;
    unsigned char tag[SEAL_TAG];
    int size = 0, rest = 0;
    size_t plain;
    bool good;

    if (sealed.size < SEAL_TAG || sealed.size > INT_MAX || also.size > INT_MAX)
        return false;
    plain = sealed.size - SEAL_TAG;
    memcpy(tag, sealed.at + plain, SEAL_TAG);
    cipher = EVP_CIPHER_CTX_new();
    must(cipher != NULL && EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, nonce) == 1);
    if (also.size)
        must(EVP_DecryptUpdate(cipher, NULL, &size, bytes_of(also), (int)also.size) == 1);
    size = 0;
    if (plain)
        must(EVP_DecryptUpdate(cipher, plain_r, &size, bytes_of(sealed), (int)plain) == 1);
    must(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, SEAL_TAG, tag) == 1);
    good = EVP_DecryptFinal_ex(cipher, plain_r + size, &rest) == 1;
    EVP_CIPHER_CTX_free(cipher);
    if (!good)
        OPENSSL_cleanse(plain_r, plain);
    return good;
}
