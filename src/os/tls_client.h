/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: tls_client.h - TLS towards a server: who it must be, and what binds a login to the channel.
 *
 * A connection is a struct tls and is used by tls.h's handshake, read, write, shut and free. The name is
 * compared with the certificate's subjectAltName only, by OpenSSL itself. Sessions are never resumed. */
#ifndef STOA_OS_TLS_CLIENT_H
#define STOA_OS_TLS_CLIENT_H

#include "base/span.h"
#include "os/tls.h"

struct tls_client;

#define TLS_BINDING_MOST 64 /* bytes of channel-binding data */

enum tls_binding {
    TLS_BINDING_NONE,
    TLS_BINDING_UNIQUE,   /* tls-unique (RFC 5929 3), of TLS 1.2 with the extended master secret */
    TLS_BINDING_EXPORTER, /* tls-exporter (RFC 9266), of TLS 1.3 */
};

/* ca_file NULL: the system's store. check false: any certificate will do. -1: *why_r says what is wrong. */
int tls_client_new(struct tls_client **client_r, const char *ca_file, bool check, char *why_r,
                   size_t why_size);
void tls_client_free(struct tls_client **client);

/* name: an ASCII (A-label) host name, or an IP address, that the certificate must hold. protocol: for ALPN,
 * or NULL. fd stays the caller's. NULL: out of memory, or no name that a certificate can have. */
struct tls *tls_client_connect(struct tls_client *client, int fd, const char *name, const char *protocol);
/* After a failed handshake: why the certificate was refused, static text; NULL: that was not the reason. */
const char *tls_client_refusal(const struct tls *tls);

/* What this connection can be bound by, and the bytes of it. */
enum tls_binding tls_client_binding(const struct tls *tls, unsigned char bytes_r[TLS_BINDING_MOST],
                                    size_t *size_r);

#endif
