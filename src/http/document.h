/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: document.h - small texts that scripts of any site may read: CORS, ETag, JSONP, and
 * their parameters. Nothing that depends on who asks belongs here. */
#ifndef STOA_HTTP_DOCUMENT_H
#define STOA_HTTP_DOCUMENT_H

#include "http/request.h"

#include <stdint.h>

/* A name that may stand before the bracket of JSONP: ^[A-Za-z_$][\w$.]{0,63}$ and nothing else. */
bool document_callback_is_good(struct span callback);

struct document {
    const char *type; /* when there is no callback; then it is application/javascript */
    struct span body;
    struct span callback; /* empty: none; must be good */
    int64_t max_age;      /* microseconds that caches may keep it */
};

/* 200, or 304 when the client has it already. */
void document_send(struct http_request *request, const struct document *document);
/* The fields that let a script read the reply to come, be it an error; OPTIONS gets document_options. */
void document_cors(struct http_request *request);
void document_options(struct http_request *request);

/* Parameters of the query, or else of a form in the body. POST: reads it first; anything but a form is
 * refused. then is called once, with the form (empty where there is none). */
void document_read_form(struct http_request *request,
                        void (*then)(struct http_request *request, struct span form));
/* 1: found, in the arena. 0: absent, *value_r is empty. -1: it cannot be decoded. */
int document_parameter(struct http_request *request, struct span form, const char *name,
                       struct span *value_r);

#endif
