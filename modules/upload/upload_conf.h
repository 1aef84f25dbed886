/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: upload_conf.h - the section upload { } of config.tdsl as structs.
 *
 * All durations are in microseconds, all sizes in bytes; 0 is "none" where a bound may be absent. */
#ifndef STOA_UPLOAD_CONF_H
#define STOA_UPLOAD_CONF_H

#include "conf/conf.h"
#include "conf/settings.h"
#include "module/module.h"

enum { PROTOCOL_UNSET, PROTOCOL_HTTP, PROTOCOL_HTTPS }; /* logic_conf.protocol */

struct logic_conf {
    struct conf_section section;
    bool local_only;
    int64_t max_file_size;
    const char *server_name;         /* NULL: the machine's host name */
    int64_t port;                    /* 0: unset, and then protocol does not count either */
    int64_t protocol;                /* PROTOCOL_UNSET: then port does not count either */
    const char *upload_uri_format;   /* of PUT */
    const char *download_uri_format; /* of GET */
    int64_t put_validity;            /* within which an upload must have started */
    int64_t resume_validity;         /* within which one that has may go on; 0: none can */
    bool slot_token;                 /* a PUT needs the Authorization header of its slot */
};

struct quota_conf {
    struct conf_section section;
    int64_t user, user_day, domain, global; /* bytes promised and stored together */
    int64_t files_per_user;
};

struct limits_conf {
    struct conf_section section;
    int64_t interval;    /* least time between two slot requests of a JID */
    int64_t burst;       /* slot requests of a JID at once; 0: no bucket */
    int64_t rate_period; /* in which burst of them come back */
    struct conf_list allow_types;
    struct conf_list allow_extensions;
};

struct expiration_conf {
    struct conf_section section;
    int64_t expiration_time; /* from the slot request on; 0: never */
    int64_t period, delay;
    int64_t limit; /* files a run */
    int64_t tombstone;
};

struct purpose_conf {
    struct conf_section section;
    int64_t max_file_size;   /* 0: logic_conf.max_file_size */
    int64_t expiration_time; /* 0: see the manual of each */
};

struct purposes_conf {
    struct conf_section section;
    const struct purpose_conf *message, *profile, *ephemeral, *permanent;
};

struct repository_conf {
    struct conf_section section; /* its name is a domain, or "default" */
    const char *data_source;
    const char *class_name; /* NULL: by data_source */
    bool dummy;
};

struct pool_conf {
    struct conf_section section;
    struct conf_sections domains; /* of struct repository_conf */
};

struct store_conf {
    struct conf_section section;
    const char *path; /* absolute */
    bool group_by_user;
};

struct http_module_conf {
    struct conf_section section;
    const char *context_path;
    struct conf_list vhosts;
};

struct download_conf {
    struct conf_section section;
    struct conf_list inline_types;
    int64_t cache_max_age;
    int64_t memory; /* of each worker, for small files */
};

struct upload_conf {
    struct conf_section section;
    const struct logic_conf *logic;
    const struct quota_conf *quota;
    const struct limits_conf *limits;
    const struct expiration_conf *expiration;
    const struct purposes_conf *purposes;
    const struct pool_conf *pool;
    const struct store_conf *store;
    const struct http_module_conf *http;
    const struct download_conf *download;
};

extern const struct module_section upload_sections[];

const struct upload_conf *upload_conf(const struct conf *conf);
bool repository_is_dummy(const struct repository_conf *repository);
/* What only the whole configuration can tell: templates, inline types, types. */
void upload_check(struct conf *conf, const struct settings *settings);

#endif
