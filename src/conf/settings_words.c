/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: settings_words.c - whether a text can be an address, a domain, a JID; for the tables.
 *
 * Only what a person mistypes is looked for: the floors that use these values parse them properly. */
#include "conf/settings_tables.h"

#include "base/span.h"
#include "base/text.h"
#include "conf/settings.h"

#include <arpa/inet.h>
#include <stdio.h>

static bool is_address(struct span text, unsigned *bits_r)
{
    char copy[INET6_ADDRSTRLEN + 1];
    unsigned char bytes[16];

    if (text.size == 0 || text.size >= sizeof(copy))
        return false;
    (void)snprintf(copy, sizeof(copy), "%.*s", SPAN_ARG(text));
    *bits_r = strchr(copy, ':') ? 128 : 32;
    return inet_pton(*bits_r == 128 ? AF_INET6 : AF_INET, copy, bytes) == 1;
}

const char *settings_check_address(const char *text)
{
    unsigned bits;

    return is_address(span_of(text), &bits) ? NULL : "an IPv4 or IPv6 address, as 127.0.0.1 or ::1";
}

const char *settings_check_network(const char *text)
{
    static const char wrong[] = "an address, a network as 10.0.0.0/8 or fd00::/8, or unix";
    struct span size = span_of(text), address = span_cut(&size, '/');
    unsigned bits;
    uint64_t given;

    if (strcmp(text, "unix") == 0)
        return NULL;
    if (!is_address(address, &bits))
        return wrong;
    if (span_find(span_of(text), '/') < 0)
        return NULL;
    return text_to_u64(size, &given) && given <= bits ? NULL : wrong;
}

/* Letters, digits, '-', '.', and everything beyond ASCII: no space, slash, at sign or control. */
static bool is_domain(struct span text)
{
    if (text.size == 0 || text.size > 1023 || text.at[0] == '.' || text.at[0] == '-')
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (strchr(" \t@/\\:;,'\"<>&*?#%!$()[]{}|^~`=+", text.at[i]) != NULL)
            return false;
    return true;
}

const char *settings_check_domain(const char *text)
{
    return is_domain(span_of(text)) ? NULL : "a domain, as example.org";
}

const char *settings_check_bare_jid(const char *text)
{
    struct span domain = span_of(text), local = span_cut(&domain, '@');

    if (local.size == 0 || strpbrk(text, " \t\"&'/:<>") != NULL || !is_domain(domain))
        return "a bare JID, as admin@example.org";
    return NULL;
}

const char *settings_check_host(const char *text)
{
    unsigned bits;

    return is_address(span_of(text), &bits) || is_domain(span_of(text)) ? NULL : "a host name or an address";
}

const char *settings_check_file_name(const char *text)
{
    return text[0] == '\0' || text[0] == '.' || strchr(text, '/') ? "the name of a file, without a folder"
                                                                  : NULL;
}

const char *settings_check_tls_version(const char *text)
{
    return strcmp(text, "1.2") == 0 || strcmp(text, "1.3") == 0 ? NULL : "'1.2' or '1.3'";
}

const char *settings_check_web_address(const char *text)
{
    struct span in = span_of(text);

    return span_starts(in, SPAN("http://")) || span_starts(in, SPAN("https://"))
               ? NULL
               : "an address that begins with http:// or https://";
}

unsigned settings_port(const char *text)
{
    uint64_t port;

    if (text[0] == '0' || strlen(text) > 5 || !text_to_u64(span_of(text), &port) || port > 65535)
        return 0;
    return (unsigned)port;
}

const char *settings_check_context_path(const char *text)
{
    size_t size = strlen(text);

    if (text[0] != '/')
        return "a path that begins with a slash, such as /upload";
    if (size > 1 && text[size - 1] == '/')
        return "the path without a slash at its end";
    for (const char *at = text; *at != '\0'; at++)
        if (strchr("?#%{}\\ ", *at) != NULL || (unsigned char)*at < ' ')
            return "a path of plain characters, such as /upload";
    return strstr(text, "//") == NULL && strstr(text, "/.") == NULL ? NULL
                                                                    : "a path without empty or dot segments";
}
