/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: dns_webservice.c - the module dns-webservice: its struct, its coming up and going down.
 */
#include "dns_webservice.h"

#include "base/must.h"
#include "http/document.h"
#include "os/log.h"
#include "parse/dns_name.h"

#include <stdlib.h>

static void prepare_names(struct dns_webservice *service)
{
    const struct conf_list *domains = &service->conf->domains;

    service->names = arena_alloc(service->arena, (domains->count + 1) * sizeof(struct span));
    for (size_t i = 0; i < domains->count; i++) {
        struct span ignored;

        must(dns_name_prepare(service->arena, span_of(domains->texts[i]), &ignored, &service->names[i]));
    }
}

static struct discoverer *open_discoverer(const struct dns_conf *conf, struct loop *loop, const char **why_r)
{
    struct discover_settings settings = { .wait = conf->timeout,
                                          .ttl_most = conf->cache_max_age,
                                          .ttl_none_most = conf->cache_max_age_none,
                                          .remembered_most = (size_t)conf->cache_size,
                                          .running_most = (size_t)conf->max_lookups };
    struct buf servers = { 0 };
    struct discoverer *discoverer;

    for (size_t i = 0; i < conf->servers.count; i++)
        buf_printf(&servers, "%s%s", i ? "," : "", conf->servers.texts[i]);
    buf_char(&servers, '\0');
    settings.servers = servers.at;
    discoverer = discoverer_new(loop, &settings, why_r);
    buf_free(&servers);
    return discoverer;
}

static int worker_up(struct module_host *host)
{
    struct dns_webservice *service = must_alloc(sizeof(*service));
    const char *why;

    OBJECT_BORN(service, dns_webservice);
    service->host = host;
    service->conf = dns_conf(host->conf);
    service->discoverer = open_discoverer(service->conf, host->loop, &why);
    if (service->discoverer == NULL) {
        log_error("dns-webservice: %s", why);
        free(service);
        return -1;
    }
    service->arena = arena_new();
    prepare_names(service);
    host->state = service;
    return 0;
}

static void worker_down(struct module_host *host)
{
    struct dns_webservice *service = OBJECT(host->state, dns_webservice);

    host->state = NULL;
    discoverer_free(&service->discoverer);
    arena_free(&service->arena);
    OBJECT_DEAD(service);
    free(service);
}

static bool is_active(const struct conf *conf)
{
    return dns_conf(conf)->section.active;
}

#define READING (METHOD_BIT(HTTP_GET) | METHOD_BIT(HTTP_HEAD) | METHOD_BIT(HTTP_POST))

/* Open to anyone: what is told is what DNS tells anyone. */
static const struct http_route routes[] = {
    { METHOD_BIT(HTTP_OPTIONS), "/*", ACCESS_OPEN, document_options, "what scripts of other sites may do" },
    { READING, "/.well-known/host-meta", ACCESS_OPEN, dns_host_meta, "the domain's XRD (XEP-0156)" },
    { READING, "/.well-known/host-meta.json", ACCESS_OPEN, dns_host_meta_json, "the same as JSON" },
    { READING, "/*", ACCESS_OPEN, dns_answer, "where the server of a domain is" },
    { .path = NULL },
};

static void contexts(struct module_host *host, struct router_table *table)
{
    struct dns_webservice *service = OBJECT(host->state, dns_webservice);
    struct http_context context = { .path = service->conf->context_path,
                                    .hosts = &service->conf->vhosts,
                                    .routes = routes,
                                    .state = service,
                                    .name = "dns-webservice",
                                    .is_for_programs = true };

    router_table_add(table, &context);
}

const struct stoa_module stoa_module = {
    .abi = STOA_MODULE_ABI,
    .name = "dns-webservice",
    .title = "DNS Web Service",
    .sentence = "Tells web clients where the XMPP server of a domain is",
    .sections = dns_sections,
    .active = is_active,
    .worker_up = worker_up,
    .worker_down = worker_down,
    .contexts = contexts,
};
