/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: dns_conf.c - the tables of http { dns-webservice { } }, and so its part of stoa.tdsl(5).
 */
#include "dns_conf.h"

#include "base/clock.h"
#include "os/dns.h"
#include "parse/dns_name.h"

static const char *check_context_path(const char *text)
{
    size_t size = strlen(text);

    if (text[0] != '/')
        return "a path that begins with a slash, such as /dns-webservice";
    if (size > 1 && text[size - 1] == '/')
        return "the path without a slash at its end";
    for (const char *at = text; *at != '\0'; at++)
        if (strchr("?#%{}\\ ", *at) != NULL || (unsigned char)*at < ' ')
            return "a path of plain characters, such as /dns-webservice";
    return strstr(text, "//") == NULL && strstr(text, "/.") == NULL ? NULL
                                                                    : "a path without empty or dot segments";
}

static const char *check_domain(const char *text)
{
    struct arena *arena = arena_new();
    struct span domain, name;
    bool is_good = dns_name_prepare(arena, span_of(text), &domain, &name);

    arena_free(&arena);
    return is_good ? NULL : "a domain, such as example.org";
}

#define INTO(field) offsetof(struct dns_conf, field)

static const struct directive directives[] = {
    { .name = "context-path",
      .alias = "contextPath",
      .type = DIRECTIVE_TEXT,
      .initial = "/dns-webservice",
      .into = INTO(context_path),
      .check = check_context_path,
      .manual = "Path below which questions are answered." },
    { .name = "vhosts",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = INTO(vhosts),
      .manual = "Host names for which that path counts. Empty: all." },
    { .name = "domains",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = INTO(domains),
      .check = check_domain,
      .manual = "The domains that may be asked for, private names among them; others get status 403. Empty: "
                "all but private names (without a dot, or below arpa, local, internal, lan and the like)." },
    { .name = "reference-format",
      .alias = "referenceFormat",
      .type = DIRECTIVE_BOOL,
      .initial = "false",
      .into = INTO(reference_format),
      .manual = "Answer with keys without quotes and texts in single ones, as the reference implementation "
                "does, for clients that evaluate the text as a program. It is not JSON." },
    { .name = "allow-plain",
      .alias = "allowPlain",
      .type = DIRECTIVE_BOOL,
      .initial = "false",
      .into = INTO(allow_plain),
      .manual = "Announce http and ws addresses in host-meta too, which XEP-0156 forbids. Answers of the "
                "versions 1 and 2 hold whatever the domain announces." },
    { .name = "servers",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = INTO(servers),
      .check = dns_check_servers,
      .manual =
          "Name servers to ask, as addresses with or without port: '127.0.0.1:5353', '[::1]:53'. Empty: "
          "those of /etc/resolv.conf." },
    { .name = "timeout",
      .type = DIRECTIVE_DURATION,
      .least = USEC_PER_SEC,
      .most = 60 * USEC_PER_SEC,
      .initial = "PT5S",
      .unit = "s",
      .into = INTO(timeout),
      .manual = "How long a search may take as a whole; then what was found counts, or status 504." },
    { .name = "cache-size",
      .alias = "cacheSize",
      .type = DIRECTIVE_NUMBER,
      .least = 1,
      .most = 100000,
      .initial = "500",
      .into = INTO(cache_size),
      .manual = "Domains whose answers each worker remembers, at up to 20 KiB each." },
    { .name = "cache-max-age",
      .alias = "cacheMaxAge",
      .type = DIRECTIVE_DURATION,
      .least = USEC_PER_SEC,
      .most = 86400 * USEC_PER_SEC,
      .initial = "PT5M",
      .unit = "s",
      .into = INTO(cache_max_age),
      .manual = "How long an answer is remembered, here and by browsers, where the records' own time is "
                "longer." },
    { .name = "cache-max-age-none",
      .alias = "cacheMaxAgeNone",
      .type = DIRECTIVE_DURATION,
      .least = USEC_PER_SEC,
      .most = 86400 * USEC_PER_SEC,
      .initial = "PT1M",
      .unit = "s",
      .into = INTO(cache_max_age_none),
      .manual = "The same for the knowledge that there is nothing. Failures of name servers are remembered "
                "for 5 seconds at most." },
    { .name = "max-lookups",
      .alias = "maxLookups",
      .type = DIRECTIVE_NUMBER,
      .least = 1,
      .most = 10000,
      .initial = "64",
      .into = INTO(max_lookups),
      .manual = "Searches that each worker has under way; further ones get status 503." },
    { .name = "burst",
      .type = DIRECTIVE_NUMBER,
      .most = 1000000,
      .initial = "30",
      .into = INTO(burst),
      .manual = "Searches that one address (of IPv6: one network of 64 bits) may start at once; then status "
                "429. What is remembered is given without counting. 0: no limit." },
    { .name = "rate-period",
      .alias = "ratePeriod",
      .type = DIRECTIVE_DURATION,
      .least = USEC_PER_SEC,
      .most = 86400 * USEC_PER_SEC,
      .initial = "PT1M",
      .unit = "s",
      .into = INTO(rate_period),
      .manual = "Time in which as many as burst come back." },
    DIRECTIVES_END
};

static const struct section section = {
    .name = "dns-webservice",
    .size = sizeof(struct dns_conf),
    .initially_inactive = true,
    .directives = directives,
    .manual = "Tells web clients where the XMPP server of a domain is, as DNS says (SRV, TXT, A, AAAA). "
              "Writing dns-webservice () {} switches it on.",
};

const struct module_section dns_sections[] = {
    { .path = "http", .section = &section },
    { .path = NULL },
};

const struct dns_conf *dns_conf(const struct conf *conf)
{
    return conf_section(conf, "http/dns-webservice");
}
