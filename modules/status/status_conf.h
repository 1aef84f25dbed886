/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: status_conf.h - the section http { status { } } as a struct. */
#ifndef STOA_STATUS_CONF_H
#define STOA_STATUS_CONF_H

#include "module/module.h"

struct status_conf {
    struct conf_section section;
    const char *context_path;
    struct conf_list vhosts;
    struct conf_list access;           /* networks that see the page without a login */
    struct conf_list metrics_networks; /* and /metrics */
    int64_t min_free_space;            /* bytes; less of them: not ready */
};

extern const struct module_section status_sections[];
const struct status_conf *status_conf(const struct conf *conf);

#endif
