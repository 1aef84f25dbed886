/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: dns_conf.h - the section http { dns-webservice { } } as a struct; microseconds. */
#ifndef STOA_DNS_CONF_H
#define STOA_DNS_CONF_H

#include "module/module.h"

struct dns_conf {
    struct conf_section section;
    const char *context_path;
    struct conf_list vhosts;
    struct conf_list domains; /* empty: all that are public */
    bool reference_format;
    bool allow_plain;
    struct conf_list servers; /* empty: /etc/resolv.conf */
    int64_t timeout;
    int64_t cache_size;
    int64_t cache_max_age, cache_max_age_none;
    int64_t max_lookups;
    int64_t burst, rate_period; /* burst 0: no limit */
};

extern const struct module_section dns_sections[];
const struct dns_conf *dns_conf(const struct conf *conf);

#endif
