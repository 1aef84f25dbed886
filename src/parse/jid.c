/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0 and libidn: jid.c - see jid.h.
 *
 * ASCII takes a table, one look a byte; only other text costs a run of stringprep, which is a hundred times
 * slower. Not here: A-labels for DNS and TLS. */
#include "parse/jid.h"

#include "base/text.h"
#include "parse/ip.h"

#include <stringprep.h>

#define LABEL_MOST 63 /* bytes of an ASCII label (RFC 1035 2.3.4) */

enum { LOCAL = 1, DOMAIN = 2, RESOURCE = 4 };

/* The parts in which an ASCII byte may stand: 7 everywhere, 5 not in a domain, 4 in a resource only (RFC 6122
 * A.5), 0 nowhere. */
static const unsigned char parts[128] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* controls */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* controls */
    4, 5, 4, 5, 5, 5, 4, 4, 5, 5, 5, 5, 5, 7, 7, 4, /*  !"#$%&'()*+,-./ */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 4, 5, 4, 5, 4, 5, /* 0123456789:;<=>? */
    4, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* @ABCDEFGHIJKLMNO */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 5, 5, 5, 5, 7, /* PQRSTUVWXYZ[\]^_ */
    5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* `abcdefghijklmno */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 5, 5, 5, 5, 0, /* pqrstuvwxyz{|}~ */
};

/* Copies ASCII text with its letters made small (not in a resource). 1: done; 0: not all ASCII; -1: refused.
 */
static int prepare_ascii(struct span text, unsigned part, char *into)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.at[i];

        if (c >= 0x80)
            return 0;
        if (!(parts[c] & part))
            return -1;
        into[i] = (char)(part != RESOURCE && c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    return 1;
}

static bool run_profile(char *text, size_t room, unsigned part)
{
    const Stringprep_profile *profile = part == LOCAL    ? stringprep_xmpp_nodeprep
                                        : part == DOMAIN ? stringprep_nameprep
                                                         : stringprep_xmpp_resourceprep;

    return stringprep(text, room, 0, profile) == STRINGPREP_OK;
}

/* What preparation leaves must hold as ASCII too: NFKC makes '/' and '@' of their wide forms. Ideographic
 * full stops in a domain would be dots to one reader and letters to the next. */
static bool still_good(const char *text, unsigned part)
{
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at < 0x80 && !(parts[(unsigned char)*at] & part))
            return false;
    return part != DOMAIN || strstr(text, "\xe3\x80\x82") == NULL;
}

/* The slow way. A second run must change nothing: else two who compare could disagree. */
static bool prepare_unicode(struct span text, unsigned part, char *into, size_t room)
{
    char again[4 * JID_PART_MOST];

    if (text.size >= room || span_find(text, '\0') >= 0 || !text_is_utf8(text))
        return false;
    memcpy(into, text.at, text.size);
    into[text.size] = '\0';
    if (!run_profile(into, room, part) || !still_good(into, part) || strlen(into) > JID_PART_MOST)
        return false;
    memcpy(again, into, strlen(into) + 1);
    return run_profile(again, sizeof(again), part) && strcmp(again, into) == 0;
}

static bool prepare(struct arena *arena, struct span text, unsigned part, struct span *part_r)
{
    char prepared[4 * JID_PART_MOST]; /* room to shrink into 1,023 bytes by normalisation */
    int ascii;

    if (text.size == 0 || text.size >= sizeof(prepared))
        return false;
    ascii = prepare_ascii(text, part, prepared);
    if (ascii < 0 || (ascii == 0 && !prepare_unicode(text, part, prepared, sizeof(prepared))))
        return false;
    text = span_make(prepared, ascii ? text.size : strlen(prepared));
    if (text.size == 0 || text.size > JID_PART_MOST)
        return false;
    *part_r = arena_copy(arena, text);
    return true;
}

static bool is_ascii(struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.at[i] >= 0x80)
            return false;
    return true;
}

/* No label is empty, none begins or ends with a hyphen, ASCII ones are at most 63 bytes. */
static bool labels_good(struct span domain)
{
    while (domain.at) {
        ssize_t dot = span_find(domain, '.');
        struct span label = dot < 0 ? domain : span_head(domain, (size_t)dot);

        if (label.size == 0 || label.at[0] == '-' || label.at[label.size - 1] == '-' ||
            (label.size > LABEL_MOST && is_ascii(label)))
            return false;
        domain = dot < 0 ? span_make(NULL, 0) : span_from(domain, (size_t)dot + 1);
    }
    return true;
}

static bool prepare_literal(struct arena *arena, struct span text, struct span *domain_r)
{
    struct ip_address address;
    char line[IP_TEXT];

    if (!ip_address_parse(text, &address))
        return false;
    if (ip_address_is4(&address)) /* [::ffff:192.0.2.1]: one address, one text */
        return false;
    ip_address_text(&address, line);
    *domain_r = span_of(arena_printf(arena, "[%s]", line));
    return true;
}

bool jid_prepare_local(struct arena *arena, struct span text, struct span *local_r)
{
    return prepare(arena, text, LOCAL, local_r);
}

bool jid_prepare_domain(struct arena *arena, struct span text, struct span *domain_r)
{
    if (text.size && text.at[0] == '[')
        return prepare_literal(arena, text, domain_r);
    if (text.size > 1 && text.at[text.size - 1] == '.')
        text.size--;
    return prepare(arena, text, DOMAIN, domain_r) && labels_good(*domain_r);
}

bool jid_parse(struct arena *arena, struct span text, struct jid *jid_r)
{
    ssize_t slash = span_find(text, '/'), at;
    struct span bare = slash < 0 ? text : span_head(text, (size_t)slash);
    struct jid jid = { 0 };

    *jid_r = jid;
    at = span_find(bare, '@');
    if (at >= 0 && !jid_prepare_local(arena, span_head(bare, (size_t)at), &jid.local))
        return false;
    if (!jid_prepare_domain(arena, at < 0 ? bare : span_from(bare, (size_t)at + 1), &jid.domain))
        return false;
    if (slash >= 0 && !prepare(arena, span_from(text, (size_t)slash + 1), RESOURCE, &jid.resource))
        return false;
    *jid_r = jid;
    return true;
}

static char *put(char *at, struct span part)
{
    if (part.size)
        memcpy(at, part.at, part.size);
    return at + part.size;
}

struct span jid_text(struct arena *arena, struct jid jid)
{
    char *text = arena_alloc(arena, jid.local.size + jid.domain.size + jid.resource.size + 3), *at = text;

    if (jid.local.size) {
        at = put(at, jid.local);
        *at++ = '@';
    }
    at = put(at, jid.domain);
    if (jid.resource.size) {
        *at++ = '/';
        at = put(at, jid.resource);
    }
    return span_make(text, (size_t)(at - text));
}

struct jid jid_bare(struct jid jid)
{
    jid.resource = span_make(NULL, 0);
    return jid;
}

struct span jid_bare_text(struct arena *arena, struct jid jid)
{
    return jid_text(arena, jid_bare(jid));
}

bool jid_equal_bare(struct jid a, struct jid b)
{
    return span_eq(a.local, b.local) && span_eq(a.domain, b.domain);
}

bool jid_equal(struct jid a, struct jid b)
{
    return jid_equal_bare(a, b) && span_eq(a.resource, b.resource);
}
