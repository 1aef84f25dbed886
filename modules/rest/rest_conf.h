/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest_conf.h - http { rest { } } as a struct. Durations in microseconds, sizes in bytes.
 */
#ifndef STOA_REST_REST_CONF_H
#define STOA_REST_REST_CONF_H

#include "conf/conf.h"
#include "module/module.h"

struct rest_conf {
    struct conf_section section;
    const char *context_path;
    struct conf_list vhosts;
    struct conf_list api_keys;
    bool open_access;
    bool reference_errors;
    const char *data_dir;          /* of the LMDB environment; NULL: processes/data-dir + "/rest" */
    struct conf_list cors_origins; /* '*' or origins; empty: no CORS */
    int64_t max_body;
    int64_t max_avatar;
    int64_t avatar_cache;  /* how long pictures are remembered; 0: not at all */
    int64_t adhoc_timeout; /* of a whole command, with its steps; 0: xmpp/iq-timeout */

    const char *scripts_dir; /* rest-scripts-dir: the operator's */
    bool shipped_scripts;    /* whether those that come with Stoa are loaded too */
    int64_t script_memory, script_cpu, script_time, script_calls;
    struct conf_list fetch_networks; /* private networks that scripts may fetch from all the same */
    int64_t fetch_most;              /* bytes of an answer */
};

extern const struct module_section rest_sections[];
const struct rest_conf *rest_conf(const struct conf *conf);

#endif
