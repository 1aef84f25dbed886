/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: well_known_conf.c - the tables of http { well-known { } }, and so its part of
 * stoa.tdsl(5). */
#include "well_known_conf.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/digest.h"
#include "os/dns.h"
#include "parse/dns_name.h"
#include "parse/ip.h"

#define DAY_USEC (INT64_C(86400) * USEC_PER_SEC)

static const char *check_context_path(const char *text)
{
    size_t size = strlen(text);

    if (text[0] != '/')
        return "a path that begins with a slash, such as /.well-known";
    if (size > 1 && text[size - 1] == '/')
        return "the path without a slash at its end";
    for (const char *at = text; *at != '\0'; at++)
        if (strchr("?#%{}\\ ", *at) != NULL || (unsigned char)*at < ' ')
            return "a path of plain characters, such as /.well-known";
    return strstr(text, "//") == NULL ? NULL : "a path without empty segments";
}

static const char *check_domain(const char *text)
{
    struct arena *arena = arena_new();
    struct span domain, name;
    bool is_good = dns_name_prepare(arena, span_of(text), &domain, &name);

    arena_free(&arena);
    return is_good ? NULL : "a domain, such as example.org";
}

static const char *check_host(const char *text)
{
    return dns_name_is_good(span_of(text)) ? NULL : "a host name in lower case, such as xmpp.example.org";
}

static const char *check_address(const char *text)
{
    struct ip_address ignored;

    return ip_address_parse(span_of(text), &ignored) ? NULL : "an address, such as 192.0.2.1 or 2001:db8::1";
}

static const char *check_pin(const char *text)
{
    struct buf bytes = { 0 };
    bool is_good = codec_base64_decode(&bytes, span_of(text)) && bytes.size == SHA256_BYTES;

    buf_free(&bytes);
    return is_good ? NULL : "a SHA-256 of a public key (SubjectPublicKeyInfo) in base64";
}

static const char *check_ech(const char *text)
{
    struct buf bytes = { 0 };
    bool is_good = codec_base64_decode(&bytes, span_of(text)) && bytes.size > 0;

    buf_free(&bytes);
    return is_good ? NULL : "an ECHConfigList in base64";
}

#define LINK(field)   offsetof(struct link_conf, field)
#define DOMAIN(field) offsetof(struct domain_conf, field)
#define INTO(field)   offsetof(struct well_known_conf, field)

/* In the order of enum host_meta_relation. */
static const char *const relations[] = { "websocket",     "xbosh",   "tls",      "quic",
                                         "s2s-websocket", "s2s-tls", "s2s-quic", NULL };

static const struct directive link_directives[] = {
    { .name = "kind",
      .type = DIRECTIVE_CHOICE,
      .initial = "websocket",
      .choices = relations,
      .into = LINK(relation),
      .manual =
          "What is reached there: websocket or xbosh (XEP-0156), for which href is written; s2s-websocket, "
          "with href; tls, quic, s2s-tls or s2s-quic, with port. All but the first two appear only "
          "where the domain has a ttl." },
    { .name = "href",
      .type = DIRECTIVE_TEXT,
      .into = LINK(href),
      .manual = "The URL, such as wss://example.org:5443/ws. {domain} stands for the domain." },
    { .name = "port",
      .type = DIRECTIVE_NUMBER,
      .most = 65535,
      .initial = "0",
      .into = LINK(port),
      .manual = "The port." },
    { .name = "priority",
      .type = DIRECTIVE_NUMBER,
      .most = 65535,
      .initial = "10",
      .into = LINK(priority),
      .manual = "As in an SRV record: the lowest is tried first." },
    { .name = "weight",
      .type = DIRECTIVE_NUMBER,
      .most = 65535,
      .initial = "0",
      .into = LINK(weight),
      .manual = "As in an SRV record: the share among those of equal priority." },
    { .name = "sni",
      .type = DIRECTIVE_TEXT,
      .into = LINK(sni),
      .check = check_host,
      .manual = "Name that clients send when TLS begins. Unset: the host of href; for ports the domain." },
    { .name = "ech",
      .type = DIRECTIVE_TEXT,
      .into = LINK(ech),
      .check = check_ech,
      .manual = "The ECHConfigList of that server, in base64." },
    { .name = "ips",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = LINK(addresses),
      .check = check_address,
      .manual = "Its addresses. Empty: what DNS says of the host of href, or for ports of sni." },
    DIRECTIVES_END
};

static const struct section domain_sections[] = {
    { .name = "*",
      .name_is = "a name of your choice",
      .size = sizeof(struct link_conf),
      .into = DOMAIN(links),
      .directives = link_directives,
      .manual = "One link, with all that XEP-0487 lets be said of it." },
    SECTIONS_END
};

static const struct directive domain_directives[] = {
    { .name = "websocket",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = DOMAIN(websocket),
      .manual = "URLs for XMPP over WebSocket. Empty: those of well-known. With a ttl each has ten times its "
                "place in the list as priority." },
    { .name = "bosh",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = DOMAIN(bosh),
      .manual = "URLs for BOSH, in the same way." },
    { .name = "ttl",
      .type = DIRECTIVE_DURATION,
      .most = 365 * DAY_USEC,
      .initial = "0",
      .unit = "s",
      .into = DOMAIN(ttl),
      .manual = "How long clients may rely on host-meta.json as the whole truth (XEP-0487): they then look "
                "for no SRV record, so name all links, tls among them. 0: only XEP-0156." },
    { .name = "public-key-pins",
      .alias = "publicKeyPins",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = DOMAIN(pins),
      .check = check_pin,
      .manual = "Public keys of the servers, as base64 of the SHA-256 of each (XEP-0487). A wrong one locks "
                "clients out for the time of ttl." },
    DIRECTIVES_END
};

static const struct section domains_sections[] = { { .name = "*",
                                                     .name_is = "domain",
                                                     .size = sizeof(struct domain_conf),
                                                     .into = offsetof(struct domains_conf, items),
                                                     .directives = domain_directives,
                                                     .sections = domain_sections,
                                                     .check_name = check_domain,
                                                     .manual = "How that domain is reached." },
                                                   SECTIONS_END };

static const struct section parts[] = {
    { .name = "domains",
      .size = sizeof(struct domains_conf),
      .into = INTO(domains),
      .sections = domains_sections,
      .manual = "Domains with links of their own; they are answered for beside those of xmpp/domains." },
    SECTIONS_END
};

static const struct directive directives[] = {
    { .name = "context-path",
      .alias = "contextPath",
      .type = DIRECTIVE_TEXT,
      .initial = "/.well-known",
      .into = INTO(context_path),
      .check = check_context_path,
      .manual = "Path of host-meta and host-meta.json. Clients look for them at /.well-known." },
    { .name = "vhosts",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = INTO(vhosts),
      .manual = "Host names for which that path counts. Empty: all." },
    { .name = "websocket",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = INTO(websocket),
      .manual = "URLs for XMPP over WebSocket, of all domains: [ 'wss://{domain}:5443/ws' ]. {domain} stands "
                "for the domain." },
    { .name = "bosh",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = INTO(bosh),
      .manual = "URLs for BOSH, in the same way." },
    { .name = "discover",
      .type = DIRECTIVE_BOOL,
      .initial = "false",
      .into = INTO(discover),
      .manual =
          "Take the links of a domain that has none here from its TXT records _xmppconnect. Whoever can "
          "forge DNS can then lead clients astray, which is why XEP-0156 withdrew those records." },
    { .name = "allow-plain",
      .alias = "allowPlain",
      .type = DIRECTIVE_BOOL,
      .initial = "false",
      .into = INTO(allow_plain),
      .manual = "Let http and ws URLs be announced too, which XEP-0156 forbids: for tests." },
    { .name = "max-age",
      .alias = "maxAge",
      .type = DIRECTIVE_DURATION,
      .least = 0,
      .most = 365 * DAY_USEC,
      .initial = "PT1H",
      .unit = "s",
      .into = INTO(max_age),
      .manual = "How long browsers and proxies may keep the documents; a ttl or the time of DNS records may "
                "make it shorter." },
    { .name = "servers",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = INTO(servers),
      .check = dns_check_servers,
      .manual =
          "Name servers to ask, as addresses with or without port: '127.0.0.1:5353', '[::1]:53'. Empty: "
          "those of /etc/resolv.conf. Asked only for discover, and for addresses where there is a ttl." },
    { .name = "timeout",
      .type = DIRECTIVE_DURATION,
      .least = USEC_PER_SEC,
      .most = 60 * USEC_PER_SEC,
      .initial = "PT5S",
      .unit = "s",
      .into = INTO(timeout),
      .manual = "How long name servers are waited for." },
    DIRECTIVES_END
};

static const struct section section = {
    .name = "well-known",
    .size = sizeof(struct well_known_conf),
    .directives = directives,
    .sections = parts,
    .manual =
        "Documents at /.well-known by which web clients find the server of a domain (XEP-0156, XEP-0487). "
        "They must be served over HTTPS under the name of the domain itself. Active unless well-known "
        "(active: false) {} is written.",
};

const struct module_section well_known_sections[] = {
    { .path = "http", .section = &section },
    { .path = NULL },
};

const struct well_known_conf *well_known_conf(const struct conf *conf)
{
    return conf_section(conf, "http/well-known");
}
