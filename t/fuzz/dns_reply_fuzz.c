/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: dns_reply_fuzz.c - whatever a name server sends: what is taken of it is bounded and clean.
 *
 * The first byte chooses the type that was asked for, and whether a head that fits the question is put before
 * the rest, so that the records are reached at once. */
#include "../unit/dns_wire.h"
#include "base/must.h"
#include "parse/dns_name.h"

#include <stdlib.h>

#define NAME "x.example.org"

static bool is_plain(struct span name)
{
    for (size_t i = 0; i < name.size; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.", name.at[i]) == NULL || name.at[i] == '\0')
            return false;
    return name.size < DNS_NAME_TEXT;
}

static void check(const struct dns_records *records, enum dns_verdict verdict, enum dns_type type)
{
    must(records->count <= DNS_RECORDS_MOST && (records->count > 0) == (verdict == DNS_FOUND));
    must(records->ttl <= INT32_MAX);
    for (unsigned i = 0; i < records->count; i++) {
        must(type != DNS_SRV || is_plain(records->items[i].target));
        must(type != DNS_SRV || records->items[i].port <= 65535);
        must(type != DNS_TXT || records->items[i].text.size <= DNS_TEXT_MOST);
    }
}

static void name(struct arena *arena, struct span text)
{
    struct span domain, ascii, again_domain, again;

    if (!dns_name_prepare(arena, text, &domain, &ascii))
        return;
    must(dns_name_is_good(ascii) && is_plain(ascii) && ascii.size <= 253);
    must(dns_name_prepare(arena, ascii, &again_domain, &again) && span_eq(ascii, again));
    (void)dns_name_is_private(ascii);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_TXT, DNS_SRV };
    struct arena *arena = arena_new();
    struct dns_records records;
    struct buf reply = { 0 };
    enum dns_type type;

    if (size > 0 && size < 70000) {
        struct span rest = { (const char *)data + 1, size - 1 };
        char *exact;

        type = types[data[0] & 3];
        if (data[0] & 4)
            wire_begin(&reply, NAME, type, data[0] & 8 ? 3 : 0, data[0] >> 4, 1);
        buf_add(&reply, rest);
        exact = malloc(reply.size + (reply.size == 0)); /* no room behind it: a read beyond is seen */
        memcpy(exact, reply.at ? reply.at : "", reply.size);
        check(&records, dns_reply_read(arena, span_make(exact, reply.size), SPAN(NAME), type, &records),
              type);
        free(exact);
        name(arena, rest);
    }
    buf_free(&reply);
    arena_free(&arena);
    return 0;
}
