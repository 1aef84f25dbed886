/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: well_known.c - the module well-known: its struct, its check, its coming up and going
 * down. */
#include "well_known.h"

#include "base/clock.h"
#include "base/must.h"
#include "http/document.h"
#include "os/log.h"
#include "parse/dns_name.h"

#include <stdlib.h>

#define REMEMBERED_MOST 1000 /* hosts of links, and domains; at up to 20 KiB each */
#define RUNNING_MOST    64
#define TTL_NONE        (60 * USEC_PER_SEC)

/* ---- sites ---- */

/* Calls take for each domain that is answered for: those with a section of their own first. */
static void each_domain(const struct well_known_conf *conf, const struct settings *settings,
                        void (*take)(void *data, struct span domain, const struct domain_conf *own),
                        void *data)
{
    const struct conf_list *local = &settings->xmpp->domains;

    for (size_t i = 0; i < conf->domains->items.count; i++) {
        const struct domain_conf *own = conf->domains->items.items[i];

        if (own->section.active)
            take(data, span_of(own->section.name), own);
    }
    for (size_t i = 0; i < local->count; i++)
        take(data, span_of(local->texts[i]), NULL);
}

static bool is_domain(struct arena *arena, struct span domain)
{
    struct span ignored, name;

    return dns_name_prepare(arena, domain, &ignored, &name);
}

struct checking {
    struct conf *conf;
    const struct well_known_conf *settings;
    struct arena *arena;
};

static void check_domain(void *data, struct span domain, const struct domain_conf *own)
{
    struct checking *checking = data;
    const struct conf_section *at;
    const char *why;
    struct site site;

    if (own == NULL && !is_domain(checking->arena, domain))
        return; /* an address as XMPP domain: no HTTPS host has a certificate for it */
    why = site_fill(&site, checking->arena, checking->settings, domain, own, &at);
    if (why != NULL)
        conf_complain(checking->conf, CONF_ERROR, at, "%s", why);
    else if (own && own->ttl > 0 && site.link_count == 0)
        conf_complain(checking->conf, CONF_WARNING, at, "a ttl without any link has no effect");
}

static void check(struct conf *conf, const struct settings *settings)
{
    struct checking checking = { conf, well_known_conf(conf), arena_new() };

    if (checking.settings->section.active)
        each_domain(checking.settings, settings, check_domain, &checking);
    arena_free(&checking.arena);
}

static void add_site(void *data, struct span domain, const struct domain_conf *own)
{
    struct well_known *well_known = data;
    struct site *site = arena_make(well_known->arena, struct site);
    const struct conf_section *at;

    if (own == NULL && !is_domain(well_known->arena, domain))
        return;
    must(site_fill(site, well_known->arena, well_known->conf, domain, own, &at) == NULL);
    if (map_get(well_known->sites, site->name) == NULL)
        map_set(well_known->sites, site->name, site);
}

static bool needs_dns(const struct well_known *well_known)
{
    struct span name;
    size_t at = 0;
    void *value;

    if (well_known->conf->discover)
        return true;
    while (map_next(well_known->sites, &at, &name, &value)) {
        const struct site *site = value;

        for (unsigned i = 0; site->ttl > 0 && i < site->link_count; i++)
            if (site->hosts[i].size > 0)
                return true;
    }
    return false;
}

/* ---- life ---- */

static struct discoverer *open_discoverer(const struct well_known_conf *conf, struct loop *loop,
                                          const char **why_r)
{
    struct discover_settings settings = { .wait = conf->timeout,
                                          .ttl_most = conf->max_age,
                                          .ttl_none_most = TTL_NONE,
                                          .remembered_most = REMEMBERED_MOST,
                                          .running_most = RUNNING_MOST };
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

static void close_all(struct well_known *well_known)
{
    discoverer_free(&well_known->discoverer);
    map_free(&well_known->sites);
    arena_free(&well_known->arena);
    OBJECT_DEAD(well_known);
    free(well_known);
}

static int worker_up(struct module_host *host)
{
    struct well_known *well_known = must_alloc(sizeof(*well_known));
    const char *why;

    OBJECT_BORN(well_known, well_known);
    well_known->host = host;
    well_known->conf = well_known_conf(host->conf);
    well_known->arena = arena_new();
    well_known->sites = map_new();
    each_domain(well_known->conf, host->settings, add_site, well_known);
    if (needs_dns(well_known)) {
        well_known->discoverer = open_discoverer(well_known->conf, host->loop, &why);
        if (well_known->discoverer == NULL) {
            log_error("well-known: %s", why);
            close_all(well_known);
            return -1;
        }
    }
    host->state = well_known;
    return 0;
}

static void worker_down(struct module_host *host)
{
    struct well_known *well_known = OBJECT(host->state, well_known);

    host->state = NULL;
    close_all(well_known);
}

static bool is_active(const struct conf *conf)
{
    return well_known_conf(conf)->section.active;
}

#define READING (METHOD_BIT(HTTP_GET) | METHOD_BIT(HTTP_HEAD) | METHOD_BIT(HTTP_POST))

/* Open to anyone: who looks for a server has no account yet. */
static const struct http_route routes[] = {
    { METHOD_BIT(HTTP_OPTIONS), "/host-meta", ACCESS_OPEN, document_options, "what scripts may do" },
    { METHOD_BIT(HTTP_OPTIONS), "/host-meta.json", ACCESS_OPEN, document_options, "what scripts may do" },
    { READING, "/host-meta", ACCESS_OPEN, well_known_xrd, "how web clients reach this domain (XEP-0156)" },
    { READING, "/host-meta.json", ACCESS_OPEN, well_known_json, "the same as JSON, with XEP-0487" },
    { .path = NULL },
};

static void contexts(struct module_host *host, struct router_table *table)
{
    struct well_known *well_known = OBJECT(host->state, well_known);
    struct http_context context = { .path = well_known->conf->context_path,
                                    .hosts = &well_known->conf->vhosts,
                                    .routes = routes,
                                    .state = well_known,
                                    .name = "well-known",
                                    .is_for_programs = true };

    router_table_add(table, &context);
}

const struct stoa_module stoa_module = {
    .abi = STOA_MODULE_ABI,
    .name = "well-known",
    .title = "Well-Known",
    .sentence = "Tells web clients how the XMPP server of this domain is reached",
    .sections = well_known_sections,
    .check = check,
    .active = is_active,
    .worker_up = worker_up,
    .worker_down = worker_down,
    .contexts = contexts,
};
