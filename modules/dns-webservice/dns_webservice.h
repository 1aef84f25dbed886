/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: dns_webservice.h - what the files of this module share. */
#ifndef STOA_DNS_WEBSERVICE_H
#define STOA_DNS_WEBSERVICE_H

#include "base/object.h"
#include "dns_conf.h"
#include "xmpp/discover.h"

struct dns_webservice {
    OBJECT_MAGIC
    struct module_host *host;      /* borrowed */
    const struct dns_conf *conf;   /* borrowed */
    struct discoverer *discoverer; /* owned */
    struct arena *arena;           /* owned; of names */
    struct span *names;            /* of conf->domains, as DNS is asked for them */
};

/* question.c: the handlers */
void dns_answer(struct http_request *request);
void dns_host_meta(struct http_request *request);
void dns_host_meta_json(struct http_request *request);

#endif
