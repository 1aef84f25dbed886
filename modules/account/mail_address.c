/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mail_address.c - addresses of mailboxes: what is taken, how it is kept and compared.
 *
 * An address ends up in the envelope and in a header of a mail, so whatever could end a line or begin another
 * address is refused here, once, and nothing has to be escaped later. */
#include "mail.h"

#include "base/text.h"
#include "parse/dns_name.h"

/* RFC 5322 3.2.3 atext, and what RFC 6531 adds: all beyond ASCII. */
static bool is_atext(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c >= 0x80 ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* U+0080..U+009F, and what turns or hides the text around it: nobody's name needs them, and a page or a list
 * that shows the address would be lied to. */
static bool has_invisible(struct span text)
{
    while (text.size > 0) {
        uint32_t code;
        size_t size = text_utf8_take(text, &code);

        if ((code >= 0x80 && code <= 0xa0) || (code >= 0x200b && code <= 0x200f) ||
            (code >= 0x2028 && code <= 0x202f) || (code >= 0x2060 && code <= 0x206f) || code == 0xfeff)
            return true;
        text = span_from(text, size);
    }
    return false;
}

static bool split(struct span address, struct span *local_r, struct span *domain_r)
{
    ssize_t at = span_find(address, '@');

    if (at <= 0)
        return false;
    *local_r = span_head(address, (size_t)at);
    *domain_r = span_from(address, (size_t)at + 1);
    return domain_r->size > 0 && span_find(*domain_r, '@') < 0;
}

static const char *check_local(struct span local)
{
    bool begins = true;

    if (local.size > MAIL_LOCAL_MOST)
        return "The part of the email address before the @ is too long.";
    for (size_t i = 0; i < local.size; i++) {
        if (local.at[i] == '.' && begins)
            return "The email address has a dot in a wrong place.";
        if (local.at[i] != '.' && !is_atext((unsigned char)local.at[i]))
            return "The email address holds a character that is not allowed.";
        begins = local.at[i] == '.';
    }
    return begins ? "The email address has a dot in a wrong place." : NULL;
}

/* The domain as DNS is asked for it. */
static bool take_domain(struct arena *arena, struct span domain, struct span *name_r)
{
    struct span prepared;

    return domain.size <= MAIL_ADDRESS_MOST && dns_name_prepare(arena, domain, &prepared, name_r) &&
           dns_name_is_good(*name_r);
}

const char *mail_address_check(struct span address)
{
    struct span local, domain, name;
    struct arena *arena;
    const char *why;

    if (address.size == 0)
        return "Email address cannot be empty.";
    if (address.size > MAIL_ADDRESS_MOST)
        return "The email address is too long.";
    if (text_has_control(address) || !text_is_utf8(address) || has_invisible(address))
        return "The email address holds a character that is not allowed.";
    if (!split(address, &local, &domain))
        return "The email address must look like name@example.org.";
    why = check_local(local);
    if (why != NULL)
        return why;
    arena = arena_new();
    if (!take_domain(arena, domain, &name) || local.size + 1 + name.size > MAIL_ADDRESS_MOST)
        why = "The domain of the email address is not one that can exist.";
    arena_free(&arena);
    return why;
}

bool mail_address_normal(struct arena *arena, struct span address, struct span *normal_r)
{
    struct span local, domain, name;

    if (mail_address_check(address) != NULL || !split(address, &local, &domain) ||
        !take_domain(arena, domain, &name))
        return false;
    *normal_r = span_of(arena_printf(arena, "%.*s@%.*s", SPAN_ARG(local), SPAN_ARG(name)));
    return true;
}

bool mail_address_same(struct span a, struct span b)
{
    struct arena *arena = arena_new();
    bool is_same =
        mail_address_normal(arena, a, &a) && mail_address_normal(arena, b, &b) && span_eq_nocase(a, b);

    arena_free(&arena);
    return is_same;
}
