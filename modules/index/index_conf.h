/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: index_conf.h - the section http { index { } } as a struct. */
#ifndef STOA_INDEX_CONF_H
#define STOA_INDEX_CONF_H

#include "module/module.h"

struct index_conf {
    struct conf_section section;
    const char *context_path;
    struct conf_list vhosts;
};

extern const struct module_section index_sections[];
const struct index_conf *index_conf(const struct conf *conf);

#endif
