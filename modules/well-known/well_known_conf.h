/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: well_known_conf.h - the section http { well-known { } } as structs; microseconds. */
#ifndef STOA_WELL_KNOWN_CONF_H
#define STOA_WELL_KNOWN_CONF_H

#include "module/module.h"

struct link_conf {
    struct conf_section section; /* its name says nothing */
    int64_t relation;            /* enum host_meta_relation */
    const char *href;            /* NULL: none */
    int64_t port;                /* 0: none */
    int64_t priority, weight;
    const char *sni, *ech;      /* NULL: by href or domain; none */
    struct conf_list addresses; /* empty: by DNS */
};

struct domain_conf {
    struct conf_section section;      /* its name is the domain */
    struct conf_list websocket, bosh; /* empty: those for all domains */
    int64_t ttl;                      /* 0: no XEP-0487 */
    struct conf_list pins;
    struct conf_sections links; /* of struct link_conf */
};

struct domains_conf {
    struct conf_section section;
    struct conf_sections items; /* of struct domain_conf */
};

struct well_known_conf {
    struct conf_section section;
    const char *context_path;
    struct conf_list vhosts;
    struct conf_list websocket, bosh; /* {domain} stands for the domain */
    bool discover;
    bool allow_plain;
    int64_t max_age;
    struct conf_list servers; /* empty: /etc/resolv.conf */
    int64_t timeout;
    const struct domains_conf *domains;
};

extern const struct module_section well_known_sections[];
const struct well_known_conf *well_known_conf(const struct conf *conf);

#endif
