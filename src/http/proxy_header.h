/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: proxy_header.h - the PROXY protocol's header, versions 1 and 2, as a load balancer sends
 * it before everything else. Pure. */
#ifndef STOA_HTTP_PROXY_HEADER_H
#define STOA_HTTP_PROXY_HEADER_H

#include "base/span.h"
#include "parse/ip.h"
#include "parse/verdict.h"

#define PROXY_HEADER_MOST 2048 /* v2 with TLVs; real ones stay far below */

struct proxy_header {
    size_t size;     /* bytes of the header; what follows is the client's */
    bool has_source; /* false: LOCAL, UNKNOWN or a unix address: the peer speaks for itself */
    struct ip_address source;
};

/* PARSE_MORE: every byte in belongs to the header, so all may be taken off the socket. */
enum verdict proxy_header_parse(struct span in, struct proxy_header *header_r);

#endif
