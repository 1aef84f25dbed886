/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: site.h - one domain and its links, as the configuration has them. */
#ifndef STOA_WELL_KNOWN_SITE_H
#define STOA_WELL_KNOWN_SITE_H

#include "base/arena.h"
#include "well_known_conf.h"
#include "xmpp/host_meta.h"

#define SITE_LINKS_MOST 32

struct site {
    struct span name; /* as requests name it: A-labels */
    struct host_meta_link links[SITE_LINKS_MOST];
    struct span
        hosts[SITE_LINKS_MOST]; /* of each link: whose addresses DNS is asked for; empty: none to ask for */
    unsigned link_count;
    int64_t ttl; /* microseconds */
    const struct conf_list *pins;
};

/* Fills *site_r from the domain's own section (NULL: it has none). Texts are in arena or the configuration.
 * NULL, or a sentence in arena on what cannot be: *at_r is its section. */
const char *site_fill(struct site *site_r, struct arena *arena, const struct well_known_conf *conf,
                      struct span domain, const struct domain_conf *own, const struct conf_section **at_r);

#endif
