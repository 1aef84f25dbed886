/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: well_known.h - what the files of this module share. */
#ifndef STOA_WELL_KNOWN_H
#define STOA_WELL_KNOWN_H

#include "base/map.h"
#include "base/object.h"
#include "site.h"
#include "xmpp/discover.h"

struct well_known {
    OBJECT_MAGIC
    struct module_host *host;           /* borrowed */
    const struct well_known_conf *conf; /* borrowed */
    struct discoverer *discoverer;      /* owned; NULL when DNS is never asked */
    struct arena *arena;                /* owned; of sites */
    struct map *sites;                  /* owned; name to struct site */
};

/* visit.c: the handlers */
void well_known_xrd(struct http_request *request);
void well_known_json(struct http_request *request);

#endif
