/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: manage_conf.h - the section manage { } as a struct. */
#ifndef STOA_MANAGE_CONF_H
#define STOA_MANAGE_CONF_H

#include "module/module.h"

struct manage_conf {
    struct conf_section section;
    struct conf_list files;       /* folders that get-any-file may look into; empty: log/directory */
    struct conf_list dns_servers; /* for query-dns */
    const char *scripts_dir;      /* of commands in Lua: <service>/<id>.lua */
    int64_t script_memory, script_cpu, script_timeout;
};

extern const struct module_section manage_sections[];
const struct manage_conf *manage_conf(const struct conf *conf);

#endif
