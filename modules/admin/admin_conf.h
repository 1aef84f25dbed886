/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: admin_conf.h - the section http { admin { } } as a struct; microseconds. */
#ifndef STOA_ADMIN_CONF_H
#define STOA_ADMIN_CONF_H

#include "module/module.h"

enum { ADMIN_FOR_ADMINS, ADMIN_FOR_USERS }; /* admin_conf.access */

struct admin_conf {
    struct conf_section section;
    const char *context_path;
    struct conf_list vhosts;
    int64_t access;
    int64_t discovery_timeout;
    int64_t command_timeout;
};

extern const struct module_section admin_sections[];
const struct admin_conf *admin_conf(const struct conf *conf);

#endif
