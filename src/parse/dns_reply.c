/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: dns_reply.c - see dns_reply.h. */
#include "parse/dns_reply.h"

#include <stdio.h>

#define HEADER        12
#define RCODE_NONE    0
#define RCODE_NO_NAME 3
#define CLASS_IN      1

/* What is read, and how far. A read beyond the end makes it bad for good and yields zeros. */
struct cursor {
    struct span reply;
    size_t at;
    bool bad;
};

struct name {
    char text[DNS_NAME_TEXT];
    size_t size;
    bool is_plain; /* only characters that names of hosts and services have */
};

struct resource {
    struct name owner;
    unsigned type, class;
    uint32_t ttl;
    size_t data, size; /* the bytes behind its head */
};

static unsigned take_byte(struct cursor *cursor)
{
    if (cursor->at >= cursor->reply.size) {
        cursor->bad = true;
        return 0;
    }
    return (unsigned char)cursor->reply.at[cursor->at++];
}

static unsigned take_16(struct cursor *cursor)
{
    unsigned high = take_byte(cursor);

    return high << 8 | take_byte(cursor);
}

static uint32_t take_32(struct cursor *cursor)
{
    uint32_t high = take_16(cursor);

    return high << 16 | take_16(cursor);
}

static uint32_t take_ttl(struct cursor *cursor)
{
    uint32_t ttl = take_32(cursor);

    return ttl > INT32_MAX ? 0 : ttl; /* RFC 2181 8 */
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static void add_label(struct cursor *cursor, struct name *name, unsigned size)
{
    if (name->size + size + 2 > sizeof(name->text)) {
        cursor->bad = true;
        return;
    }
    if (name->size > 0)
        name->text[name->size++] = '.';
    for (unsigned i = 0; i < size; i++) {
        char c = (char)take_byte(cursor);

        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        name->is_plain = name->is_plain && is_name_character(c);
        name->text[name->size++] = c;
    }
}

/* A pointer must lead before whatever was read so far of this name: so there is no loop. */
static void take_name(struct cursor *cursor, struct name *name_r)
{
    size_t behind = 0, before = cursor->at;

    name_r->size = 0;
    name_r->is_plain = true;
    while (!cursor->bad) {
        unsigned size = take_byte(cursor);

        if (size == 0)
            break;
        if (size < 64) {
            add_label(cursor, name_r, size);
            continue;
        }
        size_t to = (size & 0x3fu) << 8 | take_byte(cursor);

        if (size < 0xc0 || to >= before)
            cursor->bad = true;
        if (behind == 0)
            behind = cursor->at;
        before = cursor->at = to;
    }
    if (behind != 0)
        cursor->at = behind;
    name_r->text[name_r->size] = '\0';
}

static void take_resource(struct cursor *cursor, struct resource *resource_r)
{
    take_name(cursor, &resource_r->owner);
    resource_r->type = take_16(cursor);
    resource_r->class = take_16(cursor);
    resource_r->ttl = take_ttl(cursor);
    resource_r->size = take_16(cursor);
    resource_r->data = cursor->at;
    if (resource_r->size > cursor->reply.size - cursor->at)
        cursor->bad = true;
    else
        cursor->at += resource_r->size;
}

static bool is_of(const struct resource *resource, struct span name, unsigned type)
{
    return resource->class == CLASS_IN && resource->type == type && resource->owner.is_plain &&
           span_eq(span_make(resource->owner.text, resource->owner.size), name);
}

/* ---- what is in a record ---- */

static bool read_address(struct span data, enum dns_type type, struct dns_record *record)
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

    if (data.size != (type == DNS_A ? 4u : 16u))
        return false;
    if (type == DNS_AAAA) {
        memcpy(record->address.bytes, data.at, 16);
        return true;
    }
    memcpy(record->address.bytes, mapped, sizeof(mapped));
    memcpy(record->address.bytes + sizeof(mapped), data.at, 4);
    return true;
}

static bool read_text(struct arena *arena, struct span data, struct dns_record *record)
{
    char joined[DNS_TEXT_MOST];
    size_t size = 0;

    while (data.size > 0) {
        struct span one = span_from(data, 1);
        size_t length = (unsigned char)data.at[0];

        if (length > one.size || size + length > sizeof(joined))
            return false;
        if (length > 0)
            memcpy(joined + size, one.at, length);
        size += length;
        data = span_from(one, length);
    }
    record->text = arena_copy(arena, span_make(joined, size));
    return true;
}

static bool read_service(struct arena *arena, struct span reply, const struct resource *resource,
                         struct dns_record *record)
{
    struct cursor cursor = { .reply = reply, .at = resource->data };
    struct name target;

    record->priority = take_16(&cursor);
    record->weight = take_16(&cursor);
    record->port = take_16(&cursor);
    take_name(&cursor, &target);
    if (cursor.bad || cursor.at != resource->data + resource->size || !target.is_plain)
        return false;
    record->target = arena_copy(arena, span_make(target.text, target.size));
    return true;
}

static bool read_record(struct arena *arena, struct span reply, const struct resource *resource,
                        enum dns_type type, struct dns_record *record)
{
    struct span data = span_make(reply.at + resource->data, resource->size);

    if (type == DNS_SRV)
        return read_service(arena, reply, resource, record);
    return type == DNS_TXT ? read_text(arena, data, record) : read_address(data, type, record);
}

/* ---- sections ---- */

struct sections {
    struct span reply;
    size_t answers; /* where they begin */
    unsigned answer_count, authority_count;
};

/* The alias of that name, if the answers have one. */
static bool find_alias(const struct sections *sections, struct span name, struct name *alias_r, uint32_t *ttl)
{
    struct cursor cursor = { .reply = sections->reply, .at = sections->answers };

    for (unsigned i = 0; i < sections->answer_count; i++) {
        struct resource resource;

        take_resource(&cursor, &resource);
        if (!is_of(&resource, name, DNS_CNAME))
            continue;
        cursor.at = resource.data;
        take_name(&cursor, alias_r);
        *ttl = resource.ttl < *ttl ? resource.ttl : *ttl;
        return !cursor.bad && cursor.at == resource.data + resource.size && alias_r->is_plain;
    }
    return false;
}

/* false: some could not be read. */
static bool take_records(struct arena *arena, const struct sections *sections, struct span name,
                         enum dns_type type, struct dns_records *records)
{
    bool is_good = true;
    struct cursor cursor = { .reply = sections->reply, .at = sections->answers };

    for (unsigned i = 0; i < sections->answer_count && records->count < DNS_RECORDS_MOST; i++) {
        struct resource resource;
        struct dns_record *record = &records->items[records->count];

        take_resource(&cursor, &resource);
        if (!is_of(&resource, name, type))
            continue;
        if (!read_record(arena, sections->reply, &resource, type, record)) {
            is_good = false;
            continue;
        }
        records->count++;
        records->ttl = resource.ttl < records->ttl ? resource.ttl : records->ttl;
    }
    return is_good;
}

/* For how long the zone lets its silence be remembered (RFC 2308 5): in the SOA behind the answers. */
static uint32_t negative_ttl(const struct sections *sections)
{
    struct cursor cursor = { .reply = sections->reply, .at = sections->answers };

    for (unsigned i = 0; i < sections->answer_count + sections->authority_count; i++) {
        struct resource resource;
        struct name ignored;
        uint32_t least;

        take_resource(&cursor, &resource);
        if (i < sections->answer_count || resource.type != DNS_SOA || resource.class != CLASS_IN)
            continue;
        cursor.at = resource.data;
        take_name(&cursor, &ignored);
        take_name(&cursor, &ignored);
        for (unsigned skipped = 0; skipped < 4; skipped++) /* serial, refresh, retry, expire */
            (void)take_32(&cursor);
        least = take_ttl(&cursor);
        return cursor.bad ? 0 : least < resource.ttl ? least : resource.ttl;
    }
    return 0;
}

/* Walks over all that the others walk over: after this no record reaches beyond the reply. */
static bool is_whole(const struct sections *sections)
{
    struct cursor cursor = { .reply = sections->reply, .at = sections->answers };
    struct resource ignored;

    for (unsigned i = 0; i < sections->answer_count + sections->authority_count && !cursor.bad; i++)
        take_resource(&cursor, &ignored);
    return !cursor.bad;
}

/* -1: not a reply to that question; else its code. */
static int read_head(struct span reply, struct span name, enum dns_type type, struct sections *sections_r)
{
    struct cursor cursor = { .reply = reply };
    struct name asked;
    unsigned flags, questions;

    (void)take_16(&cursor); /* the id, which the transport has compared */
    flags = take_16(&cursor);
    questions = take_16(&cursor);
    sections_r->answer_count = take_16(&cursor);
    sections_r->authority_count = take_16(&cursor);
    (void)take_16(&cursor);
    if (cursor.bad || (flags & 0x8000u) == 0 || questions != 1)
        return -1;
    take_name(&cursor, &asked);
    if (take_16(&cursor) != type || take_16(&cursor) != CLASS_IN || cursor.bad ||
        !span_eq(span_make(asked.text, asked.size), name))
        return -1;
    sections_r->reply = reply;
    sections_r->answers = cursor.at;
    return (int)(flags & 0xfu);
}

enum dns_verdict dns_reply_read(struct arena *arena, struct span reply, struct span name, enum dns_type type,
                                struct dns_records *records_r)
{
    struct sections sections;
    struct name alias;
    bool is_good;
    int code = read_head(reply, name, type, &sections);

    records_r->count = 0;
    records_r->ttl = UINT32_MAX;
    if (code < 0 || !is_whole(&sections)) {
        records_r->ttl = 0;
        return DNS_BROKEN;
    }
    if (code != RCODE_NONE && code != RCODE_NO_NAME) {
        records_r->ttl = 0;
        return DNS_TROUBLE;
    }
    for (unsigned i = 0; i < DNS_ALIASES_MOST && find_alias(&sections, name, &alias, &records_r->ttl); i++)
        name = arena_copy(arena, span_make(alias.text, alias.size));
    is_good = take_records(arena, &sections, name, type, records_r);
    if (records_r->count > 0)
        return DNS_FOUND;
    records_r->ttl = is_good ? negative_ttl(&sections) : 0;
    return is_good ? DNS_NOTHING : DNS_BROKEN;
}
