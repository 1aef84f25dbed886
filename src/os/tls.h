/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: tls.h - TLS 1.2 and 1.3 for accepted sockets: certificates by name, tickets shared by all
 * workers, kTLS.
 *
 * A store is made as root, before privileges are dropped, and inherited by fork; connections are made and
 * used in one process. Nothing here blocks. Private keys never leave the store. */
#ifndef STOA_OS_TLS_H
#define STOA_OS_TLS_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tls_store; /* certificates and what is agreed with them */

/* A certificate that lies in memory, instead of in a file or before there is one. */
struct tls_held {
    const char *file; /* whose place it takes: "example.org.pem" */
    const char *pem;  /* chain and key */
    size_t size;
};

struct tls_options {
    const char *certs_dir;           /* of <domain>.pem: chain and key; _.example.com.pem for *.example.com */
    const char *default_certificate; /* a file in certs_dir; NULL: default.pem, else the first by name */
    const char *min_version;         /* "1.2" or "1.3"; NULL: 1.2 */
    const char *ciphers;             /* of TLS 1.2; NULL: ours */
    int64_t ticket_lifetime;         /* microseconds; 0: 1 h */
    const struct tls_held *held;     /* win over files of the same name */
    size_t held_count;
    bool ktls; /* offer the kernel to encrypt; without its module nothing changes */
};

/* -1: *why_r says which file or setting is wrong, and how. The options' strings need not live on. */
int tls_store_new(struct tls_store **store_r, const struct tls_options *options, char *why_r,
                  size_t why_size);
void tls_store_free(struct tls_store **store);
bool tls_store_has(const struct tls_store *store,
                   const char *domain); /* an own certificate, not the default */
/* Whether both names (lower case) are answered with the same certificate. */
bool tls_store_same(const struct tls_store *store, const char *a, const char *b);

/* ---- certificates as text ---- */
#define TLS_PEM_MOST  (128 * 1024)
#define TLS_FILE_SIZE 264

/* Whether pem holds the certificate of that domain ("*.example.org": of all directly below it), its chain in
 * order and its key, unencrypted, and is good today. false: *why_r is a sentence, static. */
bool tls_pem_check(struct span pem, const char *domain, const char **why_r);
/* The name of a domain's file in certs_dir. false: it is no domain name in lower case. */
bool tls_domain_file(const char *domain, char file_r[TLS_FILE_SIZE]);

/* Where the keys of session tickets come from; without one, sessions do not outlive their worker. */
struct tls_ticket_keys {
    unsigned char name[16], cipher[32], mac[32];
};
struct tls_tickets {
    void (*newest)(void *data, struct tls_ticket_keys *keys_r);
    /* *newest_r: the ticket need not be renewed. false: no key of that name. */
    bool (*find)(void *data, const unsigned char name[16], struct tls_ticket_keys *keys_r, bool *newest_r);
    void *data;
};
void tls_store_tickets(struct tls_store *store, const struct tls_tickets *tickets); /* copied */

/* ---- one connection ---- */
struct tls;

/* domain: its certificate whatever the client names; NULL: by SNI, then the default. fd stays the caller's.
 * NULL: out of memory. */
struct tls *tls_new(struct tls_store *store, int fd, const char *domain);
void tls_free(struct tls **tls);

/* 1: done. 0: wait for the socket, see tls_wants_write. -1: failed, *why_r is static text. */
int tls_handshake(struct tls *tls, const char **why_r);
void tls_offer_http2(struct tls *tls);       /* before the handshake: h2 is preferred to http/1.1 */
bool tls_chose_http2(const struct tls *tls); /* after it */
bool tls_met_http(void);                     /* right after a failed handshake: the client spoke plain HTTP */
bool tls_resumed(const struct tls *tls);
const char *tls_server_name(const struct tls *tls); /* SNI as sent; NULL: none */
const char *tls_version(const struct tls *tls);     /* "TLSv1.3" */

/* As recv and send: > 0; 0: the client ended the stream; -1 with errno, EAGAIN: see tls_wants_write. A write
 * that was told EAGAIN must be tried again with the same bytes in front and no fewer of them. */
ssize_t tls_read(struct tls *tls, void *into, size_t size);
ssize_t tls_write(struct tls *tls, const void *bytes, size_t size);
bool tls_wants_write(const struct tls *tls); /* the last EAGAIN waits for room to write */
bool tls_pending(const struct tls *tls);     /* decrypted bytes wait: epoll will not tell */

bool tls_sends_files(const struct tls *tls); /* the kernel encrypts */
ssize_t tls_sendfile(struct tls *tls, int fd, int64_t offset, size_t size);
void tls_shut(struct tls *tls); /* says that nothing more follows; never waits */

#endif
