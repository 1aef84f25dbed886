/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0 and libidn: dns_name.c - see dns_name.h. */
#include "parse/dns_name.h"

#include "parse/ip.h"
#include "parse/jid.h"

#include <idn-free.h>
#include <idna.h>
#include <stdlib.h>

#define NAME_MOST  253
#define LABEL_MOST 63

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_label(struct span label)
{
    if (label.size == 0 || label.size > LABEL_MOST || label.at[0] == '-' || label.at[label.size - 1] == '-')
        return false;
    for (size_t i = 0; i < label.size; i++) {
        char c = label.at[i];

        if (!(c >= 'a' && c <= 'z') && !is_digit(c) && c != '-' && c != '_')
            return false;
    }
    return true;
}

bool dns_name_is_good(struct span name)
{
    struct span rest = name, label = name;
    bool is_number = true;

    if (name.size == 0 || name.size > NAME_MOST || name.at[name.size - 1] == '.')
        return false;
    while (rest.size > 0) {
        label = span_cut(&rest, '.');
        if (!is_label(label))
            return false;
    }
    for (size_t i = 0; i < label.size; i++)
        is_number = is_number && is_digit(label.at[i]);
    return !is_number;
}

bool dns_name_prepare(struct arena *arena, struct span text, struct span *domain_r, struct span *name_r)
{
    struct ip_address ignored;
    char *ascii = NULL;

    if (text.size == 0 || text.size > 4 * (size_t)NAME_MOST || ip_address_parse(text, &ignored) ||
        !jid_prepare_domain(arena, text, domain_r))
        return false;
    if (idna_to_ascii_8z(arena_text(arena, *domain_r), &ascii, 0) != IDNA_SUCCESS)
        return false;
    *name_r = arena_copy(arena, span_of(ascii));
    idn_free(ascii);
    return dns_name_is_good(*name_r);
}

bool dns_name_is_private(struct span name)
{
    static const char *const roots[] = { "arpa",    "local", "localhost", "localdomain", "onion",
                                         "invalid", "alt",   "internal",  "intranet",    "private",
                                         "corp",    "home",  "lan" };
    struct span rest = name, last = name;

    if (span_find(name, '.') < 0)
        return true;
    while (rest.size > 0)
        last = span_cut(&rest, '.');
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
        if (span_is(last, roots[i]))
            return true;
    return false;
}
