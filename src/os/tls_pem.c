/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0 and OpenSSL: tls_pem.c - a certificate with chain and key as one text in PEM; see tls.h. */
#include "os/tls_store.h"

#include "base/must.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#define CHAIN_MOST 16
#define NAME_MOST  253

/* Nobody is asked for a pass phrase, least of all at master's terminal. */
int tls_no_password(char *into, int size, int writing, void *asked)
{
    (void)into;
    (void)size;
    (void)writing;
    if (asked)
        *(bool *)asked = true;
    return -1;
}

static BIO *reader_of(struct span pem)
{
    BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.size);

    must(bio != NULL);
    return bio;
}

/* All certificates, in the order of the text. -1: too many. */
static int read_chain(struct span pem, X509 *chain[CHAIN_MOST])
{
    BIO *bio = reader_of(pem);
    X509 *one;
    int count = 0;

    while ((one = PEM_read_bio_X509(bio, NULL, tls_no_password, NULL))) {
        if (count == CHAIN_MOST) {
            X509_free(one);
            count = -1;
            break;
        }
        chain[count++] = one;
    }
    ERR_clear_error();
    BIO_free(bio);
    return count;
}

static EVP_PKEY *read_key(struct span pem, bool *encrypted_r)
{
    BIO *bio = reader_of(pem);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, tls_no_password, encrypted_r);

    ERR_clear_error();
    BIO_free(bio);
    return key;
}

static void free_chain(X509 *chain[CHAIN_MOST], int count)
{
    for (int i = 0; i < count; i++)
        X509_free(chain[i]);
}

static bool is_in_order(X509 *const chain[CHAIN_MOST], int count)
{
    for (int i = 0; i + 1 < count; i++)
        if (X509_check_issued(chain[i + 1], chain[i]) != X509_V_OK)
            return false;
    return true;
}

static const char *judge(struct span pem, X509 *chain[CHAIN_MOST], int *count_r, EVP_PKEY **key_r)
{
    bool encrypted = false;

    if (pem.size > TLS_PEM_MOST || memchr(pem.at ? pem.at : "", '\0', pem.size))
        return "this is not PEM, or it is larger than 128 K";
    *count_r = read_chain(pem, chain);
    if (*count_r < 0) {
        *count_r = CHAIN_MOST;
        return "there are more than 16 certificates in it";
    }
    if (*count_r == 0)
        return "there is no certificate in it: it must begin with -----BEGIN CERTIFICATE-----";
    *key_r = read_key(pem, &encrypted);
    if (*key_r == NULL && encrypted)
        return "the private key is encrypted: take the pass phrase off, as with openssl pkey";
    if (*key_r == NULL)
        return "there is no good private key in it: put it into the same text, behind the certificates";
    if (X509_check_private_key(chain[0], *key_r) != 1)
        return "the private key is not that of the first certificate";
    if (!is_in_order(chain, *count_r))
        return "the certificates are not in order: the domain's own first, then each one's issuer";
    return NULL;
}

int tls_pem_use(SSL_CTX *context, struct span pem, const char **why_r)
{
    X509 *chain[CHAIN_MOST];
    EVP_PKEY *key = NULL;
    int count = 0;
    bool good;

    ERR_clear_error();
    *why_r = judge(pem, chain, &count, &key);
    good = *why_r == NULL && SSL_CTX_use_certificate(context, chain[0]) == 1;
    for (int i = 1; good && i < count; i++)
        good = SSL_CTX_add1_chain_cert(context, chain[i]) == 1;
    good = good && SSL_CTX_use_PrivateKey(context, key) == 1;
    if (!good && *why_r == NULL)
        *why_r = "it is refused by OpenSSL: the key may be too short";
    ERR_clear_error();
    free_chain(chain, count);
    EVP_PKEY_free(key);
    return good ? 0 : -1;
}

static bool covers(X509 *certificate, const char *domain)
{
    char name[NAME_MOST + 1];

    snprintf(name, sizeof(name), "%s%s", domain[0] == '*' ? "any" : "",
             domain[0] == '*' ? domain + 1 : domain);
    return X509_check_host(certificate, name, strlen(name), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
}

bool tls_pem_check(struct span pem, const char *domain, const char **why_r)
{
    X509 *chain[CHAIN_MOST];
    EVP_PKEY *key = NULL;
    int count = 0;

    ERR_clear_error();
    *why_r = judge(pem, chain, &count, &key);
    if (*why_r == NULL && X509_cmp_current_time(X509_get0_notAfter(chain[0])) <= 0)
        *why_r = "the certificate has expired";
    else if (*why_r == NULL && X509_cmp_current_time(X509_get0_notBefore(chain[0])) > 0)
        *why_r = "the certificate is not valid yet";
    else if (*why_r == NULL && !covers(chain[0], domain))
        *why_r = "the certificate does not hold that domain among its alternative names";
    ERR_clear_error();
    free_chain(chain, count);
    EVP_PKEY_free(key);
    return *why_r == NULL;
}

bool tls_domain_file(const char *domain, char file_r[TLS_FILE_SIZE])
{
    size_t size = strlen(domain);
    bool wild = size > 2 && domain[0] == '*' && domain[1] == '.';

    if (size == 0 || size > NAME_MOST || domain[wild ? 2 : 0] == '.' || domain[size - 1] == '.')
        return false;
    for (const char *at = domain + wild; *at; at++)
        if (!((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '-' ||
              (*at == '.' && at[1] != '.')))
            return false;
    snprintf(file_r, TLS_FILE_SIZE, "%s%s.pem", wild ? "_" : "", domain + wild);
    return true;
}
