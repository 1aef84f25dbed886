/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: site.c - see site.h. Both the check of a configuration and a worker's coming up go this
 * way, so what was checked is what is served. */
#include "site.h"

#include "parse/dns_name.h"

#define LIST_PRIORITY_STEP 10 /* between links of a list: room for others, by hand, between them */

struct filling {
    struct site *site; /* borrowed, as all here */
    struct arena *arena;
    const struct well_known_conf *conf;
    const struct conf_section *at;
    const char *why; /* NULL while all is well */
};

/* template with the domain in place of each {domain} */
static struct span expand(struct filling *filling, const char *template)
{
    struct span rest = span_of(template), word = SPAN("{domain}"), out;
    struct buf text = { 0 };

    while (rest.size > 0) {
        if (span_starts(rest, word)) {
            buf_add(&text, filling->site->name);
            rest = span_from(rest, word.size);
        } else {
            buf_char(&text, rest.at[0]);
            rest = span_from(rest, 1);
        }
    }
    out = arena_copy(filling->arena, buf_span(&text));
    buf_free(&text);
    return out;
}

static struct host_meta_link *add_link(struct filling *filling)
{
    if (filling->site->link_count == SITE_LINKS_MOST) {
        filling->why = arena_printf(filling->arena, "a domain has %d links at most", SITE_LINKS_MOST);
        return NULL;
    }
    return &filling->site->links[filling->site->link_count++];
}

/* Whose addresses are asked for, and the name for TLS where none is given. */
static void set_host(struct filling *filling, struct host_meta_link *link)
{
    struct span *host = &filling->site->hosts[link - filling->site->links];
    struct buf name = { 0 };

    if (host_meta_has_port(link->relation))
        *host = link->sni.size > 0 ? link->sni : filling->site->name;
    else if (host_meta_url_host(link->href, &name))
        *host = arena_copy(filling->arena, buf_span(&name));
    buf_free(&name);
    if (link->sni.size == 0)
        link->sni = *host;
    if (link->address_count > 0 || !dns_name_is_good(*host))
        *host = SPAN("");
}

static void set_href(struct filling *filling, struct host_meta_link *link, const char *href)
{
    link->href = expand(filling, href);
    if (!host_meta_url_is_good(link->relation, link->href, filling->conf->allow_plain))
        filling->why =
            arena_printf(filling->arena, "'%s' cannot be announced: write an address that begins with %s",
                         href, link->relation == RELATION_BOSH ? "https:// and a host" : "wss:// and a host");
}

static void add_list(struct filling *filling, const struct conf_list *list, enum host_meta_relation relation)
{
    for (size_t i = 0; i < list->count && filling->why == NULL; i++) {
        struct host_meta_link *link = add_link(filling);

        if (link == NULL)
            return;
        *link = (struct host_meta_link){ .relation = relation,
                                         .priority = LIST_PRIORITY_STEP * (unsigned)(i + 1) };
        set_href(filling, link, list->texts[i]);
        set_host(filling, link);
    }
}

static void add_addresses(struct filling *filling, struct host_meta_link *link, const struct conf_list *list)
{
    struct ip_address *addresses = arena_alloc(filling->arena, (list->count + 1) * sizeof(struct ip_address));

    for (size_t i = 0; i < list->count; i++)
        if (ip_address_parse(span_of(list->texts[i]), &addresses[link->address_count]))
            link->address_count++;
    link->addresses = addresses;
}

static void add_own(struct filling *filling, const struct link_conf *own)
{
    struct host_meta_link *link = own->section.active ? add_link(filling) : NULL;

    if (link == NULL)
        return;
    filling->at = &own->section;
    *link = (struct host_meta_link){ .relation = (enum host_meta_relation)own->relation,
                                     .port = (unsigned)own->port,
                                     .priority = (unsigned)own->priority,
                                     .weight = (unsigned)own->weight,
                                     .sni = span_of(own->sni),
                                     .ech = span_of(own->ech) };
    add_addresses(filling, link, &own->addresses);
    if (host_meta_has_port(link->relation) && own->port == 0)
        filling->why = "a link of this kind needs a port";
    else if (host_meta_has_port(link->relation) && own->href != NULL)
        filling->why = "a link of this kind has a port, not a href";
    else if (!host_meta_has_port(link->relation) && own->href == NULL)
        filling->why = "a link of this kind needs a href";
    else if (own->href != NULL)
        set_href(filling, link, own->href);
    if (filling->why == NULL)
        set_host(filling, link);
}

const char *site_fill(struct site *site_r, struct arena *arena, const struct well_known_conf *conf,
                      struct span domain, const struct domain_conf *own, const struct conf_section **at_r)
{
    struct filling filling = { .site = site_r, .arena = arena, .conf = conf, .at = &conf->section };
    const struct conf_list *websocket = own && own->websocket.count > 0 ? &own->websocket : &conf->websocket;
    const struct conf_list *bosh = own && own->bosh.count > 0 ? &own->bosh : &conf->bosh;
    struct span ignored;

    *site_r = (struct site){ .ttl = own ? own->ttl : 0, .pins = own ? &own->pins : NULL };
    if (own)
        filling.at = &own->section;
    if (!dns_name_prepare(arena, domain, &ignored, &site_r->name))
        filling.why = "not a domain";
    if (filling.why == NULL)
        add_list(&filling, websocket, RELATION_WEBSOCKET);
    if (filling.why == NULL)
        add_list(&filling, bosh, RELATION_BOSH);
    for (size_t i = 0; own && i < own->links.count && filling.why == NULL; i++)
        add_own(&filling, own->links.items[i]);
    *at_r = filling.at;
    return filling.why;
}
