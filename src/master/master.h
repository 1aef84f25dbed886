/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4: master.h - the parent of all: configuration, sockets, births, deaths, reloads.
 *
 * Master reads no byte of a stranger but the control socket's, which only root and its own user reach; it
 * holds no state that a request needs. What the floors between 4 and 9 must add comes in by these calls. */
#ifndef STOA_MASTER_MASTER_H
#define STOA_MASTER_MASTER_H

#include "conf/settings.h"
#include "shm/heritage.h"

struct tls_held;

struct master_options {
    const char *config;           /* texts are copied by master_run */
    const char *data_root;        /* of relative paths; NULL: the configuration's folder */
    const char *const *overrides; /* "path/in/config=value", ends in NULL; or NULL */
    bool foreground;
    struct conf_schema *(*schema)(void); /* new: the core's sections and the modules' */
    /* The modules' own rules, told by conf_complain; NULL: none. */
    void (*check)(struct conf *conf, const struct settings *settings);
    /* What only root may read, loaded once per configuration; it becomes heritage.prepared. held:
     * certificates that master has beside the files. -1: refused, the reason told by conf_complain. NULL:
     * nothing. */
    int (*prepare)(struct conf *conf, const struct settings *settings, const struct tls_held *held,
                   size_t held_count, void **prepared_r);
    void (*release)(void *prepared);
    /* The children by kind; they do not return. */
    void (*children[PROCESS_KINDS])(const struct heritage *heritage);
};

/* The daemon's life. Returns its exit status: 0 after an orderly end, 1 when it could not start (the reason
 * is on stderr). Without foreground, the caller's process returns as soon as the daemon serves. */
int master_run(const struct master_options *options);

#endif
