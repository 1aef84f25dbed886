/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: admin.h - what the files of this module share. */
#ifndef STOA_ADMIN_ADMIN_H
#define STOA_ADMIN_ADMIN_H

#include "admin_conf.h"
#include "base/clock.h"
#include "base/object.h"
#include "catalog.h"
#include "module/web.h"

#define CATALOG_FRESH (60 * USEC_PER_SEC) /* how old the list of commands may be on a page */
#define CATALOG_STALE                                                                                        \
    (10 * 60 * USEC_PER_SEC) /* and beside the answer to a command, which is not held up                     \
                              */

struct admin {
    OBJECT_MAGIC
    struct module_host *host;      /* borrowed */
    const struct admin_conf *conf; /* borrowed */
    struct page_kit *kit;          /* owned */
    struct catalog_cache *cache;   /* owned */
};

/* ---- discover.c ---- */
/* The commands for who is logged in, no older than age; done at once or later, while the request is parked;
 * the catalog is borrowed until done returns. */
void discover_commands(struct admin *admin, struct http_request *request, int64_t age,
                       void (*done)(struct http_request *request, const struct catalog *catalog, void *data),
                       void *data);

/* What is known of a command: of one of Stoa's own, what it declares; else what the table says. In arena or
 * static. */
const struct command_fact *discover_fact(struct admin *admin, struct arena *arena, struct span jid,
                                         struct span node);

/* ---- pages.c ---- */
void pages_start(
    struct http_request *request); /* GET of the context: the start page, a search, or a command */
/* Answers with one of the templates inside the frame that has the menu. values: taken; on the page of a
 * command they hold "jid" and "node". age: of the catalog in the menu. */
void pages_show(struct admin *admin, struct http_request *request, int status, const char *body,
                struct json_object *values, int64_t age);
/* Values that all pages of a command have: name, JID, node, addresses. command NULL: nobody offered it. */
struct json_object *pages_command(struct admin *admin, struct http_request *request, struct span jid,
                                  struct span node, const struct catalog_command *command);
/* The page that has a button to start a command; status as of an answer. why NULL: none. */
void pages_open(struct admin *admin, struct http_request *request, int status, struct json_object *values,
                const struct command_fact *fact);

/* ---- run.c ---- */
/* GET of a command that begins with a form, or changes nothing. */
void run_open(struct admin *admin, struct http_request *request, const struct catalog_command *command);
void run_post(struct http_request *request);      /* POST of the context: start, a step, cancel */
void run_confirmed(struct http_request *request); /* the same for what cannot be undone, confirmed */

#define TOKEN_RUN "admin/run"

/* ---- admin_templates.c, made at build ---- */
extern const struct template_source admin_templates[];

#endif
