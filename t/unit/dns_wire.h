/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: dns_wire.h - replies of name servers, written byte by byte, for tests. */
#ifndef STOA_T_DNS_WIRE_H
#define STOA_T_DNS_WIRE_H

#include "base/buf.h"
#include "parse/dns_reply.h"

static inline void wire_16(struct buf *out, unsigned value)
{
    buf_char(out, (char)(value >> 8));
    buf_char(out, (char)value);
}

static inline void wire_32(struct buf *out, uint32_t value)
{
    wire_16(out, value >> 16);
    wire_16(out, value & 0xffff);
}

static inline void wire_name(struct buf *out, const char *name)
{
    struct span rest = span_of(name);

    while (rest.size > 0) {
        struct span label = span_cut(&rest, '.');

        buf_char(out, (char)label.size);
        buf_add(out, label);
    }
    buf_char(out, '\0');
}

/* Up to the question; code is the four bits of the answer's kind. */
static inline void wire_begin(struct buf *out, const char *name, unsigned type, unsigned code,
                              unsigned answers, unsigned authorities)
{
    wire_16(out, 4711);
    wire_16(out, 0x8180 | code);
    wire_16(out, 1);
    wire_16(out, answers);
    wire_16(out, authorities);
    wire_16(out, 0);
    wire_name(out, name);
    wire_16(out, type);
    wire_16(out, 1);
}

static inline void wire_record(struct buf *out, const char *name, unsigned type, uint32_t ttl,
                               struct span data)
{
    wire_name(out, name);
    wire_16(out, type);
    wire_16(out, 1);
    wire_32(out, ttl);
    wire_16(out, (unsigned)data.size);
    buf_add(out, data);
}

static inline void wire_service(struct buf *out, const char *name, uint32_t ttl, unsigned priority,
                                unsigned weight, unsigned port, const char *target)
{
    struct buf data = { 0 };

    wire_16(&data, priority);
    wire_16(&data, weight);
    wire_16(&data, port);
    wire_name(&data, target);
    wire_record(out, name, DNS_SRV, ttl, buf_span(&data));
    buf_free(&data);
}

static inline void wire_alias(struct buf *out, const char *name, uint32_t ttl, const char *target)
{
    struct buf data = { 0 };

    wire_name(&data, target);
    wire_record(out, name, DNS_CNAME, ttl, buf_span(&data));
    buf_free(&data);
}

static inline void wire_text(struct buf *out, const char *name, uint32_t ttl, const char *text)
{
    struct buf data = { 0 };

    buf_char(&data, (char)strlen(text));
    buf_text(&data, text);
    wire_record(out, name, DNS_TXT, ttl, buf_span(&data));
    buf_free(&data);
}

static inline void wire_authority(struct buf *out, uint32_t ttl, uint32_t least)
{
    struct buf data = { 0 };

    wire_name(&data, "ns.invalid");
    wire_name(&data, "root.invalid");
    for (unsigned i = 0; i < 4; i++)
        wire_32(&data, i);
    wire_32(&data, least);
    wire_record(out, "invalid", DNS_SOA, ttl, buf_span(&data));
    buf_free(&data);
}

#endif
