/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: status_conf.c - the table of http { status { } }, and so its part of stoa.tdsl(5). */
#include "status_conf.h"

#include "parse/ip.h"

#define IP4_BITS 96 /* of the mapped form before the address itself */

/* All the world is no network of anybody's (R26): who is elsewhere can log in. */
static const char *check_network(const char *text)
{
    struct ip_network network;

    if (strcmp(text, "unix") == 0)
        return NULL;
    if (!ip_network_parse(span_of(text), &network))
        return "an address, a network as 10.0.0.0/8 or fd00::/8, or unix";
    if (network.bits == 0 || (ip_address_is4(&network.address) && network.bits <= IP4_BITS))
        return "networks of your own: this one is all the world, where admins can log in instead";
    return NULL;
}

#define INTO(field) offsetof(struct status_conf, field)
#define OWN         "[ '127.0.0.0/8', '::1', unix ]"

static const struct directive directives[] = {
    { .name = "context-path",
      .alias = "contextPath",
      .type = DIRECTIVE_TEXT,
      .initial = "/status",
      .into = INTO(context_path),
      .check = settings_check_context_path,
      .manual = "Path of the page. It is at /server too; /metrics, /healthz and /readyz have fixed paths." },
    { .name = "vhosts",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = INTO(vhosts),
      .manual = "Host names for which the page is there. Empty: all. Checks of health are for all hosts." },
    { .name = "access",
      .guarded = true,
      .type = DIRECTIVE_TEXT_LIST,
      .initial = OWN,
      .into = INTO(access),
      .check = check_network,
      .manual = "Addresses and networks that see the page and the reasons of /readyz without a login; unix: "
                "those who come by a unix socket. Admins who log in see it from anywhere. A request that "
                "says it was forwarded, by a proxy that is not among trusted-proxies, is never let in by "
                "its address." },
    { .name = "metrics-networks",
      .guarded = true,
      .alias = "metricsNetworks",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = OWN,
      .into = INTO(metrics_networks),
      .check = check_network,
      .manual = "The same for /metrics: the machines that run Prometheus and the like." },
    { .name = "min-free-space",
      .alias = "minFreeSpace",
      .type = DIRECTIVE_SIZE,
      .initial = "100M",
      .unit = "bytes",
      .into = INTO(min_free_space),
      .manual = "With less room than that for uploads, data or logs /readyz answers 503. 0: never." },
    DIRECTIVES_END
};

static const struct section section = {
    .name = "status",
    .size = sizeof(struct status_conf),
    .directives = directives,
    .manual = "How the daemon stands, as a page and as JSON, with the last hour in charts; as OpenMetrics at "
              "/metrics; and for health checks at /healthz and /readyz. Active unless status (active: "
              "false) {} is written.",
};

const struct module_section status_sections[] = {
    { .path = "http", .section = &section },
    { .path = NULL },
};

const struct status_conf *status_conf(const struct conf *conf)
{
    return conf_section(conf, "http/status");
}
