/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0 and OpenSSL: tls_store.h - what tls.c needs of tls_store.c. */
#ifndef STOA_OS_TLS_STORE_H
#define STOA_OS_TLS_STORE_H

#include "base/map.h"
#include "os/tls.h"

#include <openssl/ssl.h>

struct tls_store {
    SSL_CTX **contexts; /* owned; one per file, ordered by file name */
    size_t count;
    struct map *names;          /* lower-case name or "*.parent" -> SSL_CTX * */
    SSL_CTX *initial;           /* one of contexts: without SNI, or with an unknown name */
    struct tls_tickets tickets; /* newest NULL: none */
};

/* By exact name, then by the wildcard of its parent. NULL: none but the default. */
SSL_CTX *tls_store_find(const struct tls_store *store, const char *name);
/* What is agreed on each connection, whatever its certificate (tls.c). */
int tls_context_rules(SSL_CTX *context, struct tls_store *store, const struct tls_options *options,
                      char *why_r, size_t why_size);

/* Certificate, chain and key of a context from a text. -1: *why_r says what is wrong with it, static. */
int tls_pem_use(SSL_CTX *context, struct span pem, const char **why_r);
/* A callback that never has a pass phrase; asked, if given, is a bool that is set. */
int tls_no_password(char *into, int size, int writing, void *asked);

/* OpenSSL's contract: making: 1 good, 0 no ticket, -1 error; opening: 2 good but renew, 1 good, 0 unknown. */
int tls_on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                  int making);

#endif
