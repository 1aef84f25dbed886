/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0: sock.h - sockets: made, bound, accepted, connected, named. All non-blocking, close-on-exec.
 */
#ifndef STOA_OS_SOCK_H
#define STOA_OS_SOCK_H

#include "base/span.h"

#include <sys/socket.h>

struct sock_address {
    struct sockaddr_storage bytes;
    socklen_t size;
};

#define SOCK_TEXT 80 /* "[address%scope]:65535" or "unix", with NUL */

/* Numeric address; empty host: the wildcard of family. false: not one. */
bool sock_address_numeric(struct sock_address *address_r, int family, const char *host, unsigned port);
/* path up to 107 bytes; '@' first: abstract. */
bool sock_address_unix(struct sock_address *address_r, const char *path);
void sock_address_text(const struct sock_address *address, char text_r[SOCK_TEXT], bool with_port);

/* Listening stream socket (SO_REUSEADDR, IPV6_V6ONLY for IPv6, TCP_DEFER_ACCEPT off); -1 with errno. */
int sock_listen(const struct sock_address *address, int backlog);
int sock_accept(int listen_fd, struct sock_address *peer_r); /* TCP_NODELAY set; -1 with errno */
/* Begins to connect; -1 with errno (EINPROGRESS is success and returns the descriptor). */
int sock_connect(const struct sock_address *address);
int sock_error(int fd); /* SO_ERROR: 0 when connected */

#endif
