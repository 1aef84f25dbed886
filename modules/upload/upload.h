/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: upload.h - what the parts of the module share: its state in a process. */
#ifndef STOA_UPLOAD_UPLOAD_H
#define STOA_UPLOAD_UPLOAD_H

#include "base/object.h"
#include "file_store.h"
#include "module/command.h"
#include "slot_pool.h"
#include "uri_template.h"

#define NS_UPLOAD  "urn:xmpp:http:upload:0"
#define NS_PURPOSE "urn:xmpp:http:upload:purpose:0"

/* Where the URLs of slots point at. */
struct upload_address {
    const char *proto;
    char server_name[256];
    unsigned port;
};

struct hot;     /* hot.h */
struct keeping; /* keeper.c: the keeper's jobs at work */

struct upload {
    OBJECT_MAGIC
    struct module_host *host; /* borrowed */
    const struct upload_conf *conf;
    struct slot_pool *pool;
    struct file_store *files;
    struct uri_template put_template, get_template;
    struct upload_address address;
    struct hot *hot;         /* owned; small files in memory */
    struct keeping *keeping; /* in the keeper only */
};

/* Opens repositories and store; with a loop or, in stoactl, without. 0, or -1 with *why_r a sentence. */
int upload_open(struct upload **upload_r, struct module_host *host, const char **why_r);
/* Waits for what is under way. */
void upload_close(struct upload **upload);

void upload_find_address(struct upload_address *address_r, const struct logic_conf *logic,
                         const struct settings *settings);

/* Where the file of a slot lies, or shall lie. */
struct file_place upload_place(const struct slot_repository *repository, const struct slot *slot);

/* Where what has come of it lies; its repository has a partial_area. */
struct file_place upload_partial_place(const struct slot_repository *repository, const struct slot *slot);

/* URLs of a slot; slot_id as its repository gave it. */
void upload_put_url(const struct upload *upload, const struct slot *slot, struct span slot_id,
                    struct buf *out);
void upload_get_url(const struct upload *upload, const struct slot *slot, struct span slot_id,
                    struct buf *out);
/* Whether what a path says of the slot is true; what the repository does not know is not compared. */
bool upload_path_is_of(const struct uri_match *match, const struct slot *slot);
/* The domain that a path names, or .at NULL. */
struct span upload_path_domain(const struct uri_match *match);

/* put.c, get.c, resume.c, cors.c: handlers of routes */
void upload_put(struct http_request *request);
void upload_get(struct http_request *request);
void upload_head(struct http_request *request);
void upload_patch(struct http_request *request);
void upload_delete(struct http_request *request);
void upload_post(struct http_request *request);
void upload_options(struct http_request *request);
void upload_other(struct http_request *request);
/* The same behind cors_fields, when it is no resumable upload. */
void upload_put_plain(struct http_request *request);
void upload_download(struct http_request *request);
void upload_refuse_method(struct http_request *request, bool is_resumable);
/* true: it was one, and is taken care of. */
bool upload_put_resumable(struct http_request *request);
/* What both kinds of PUT ask and answer. */
bool upload_token_is_right(const struct http_request *request, const struct slot *slot);
enum problem upload_fill_problem(int result);

void cors_fields(struct http_request *request);   /* on every answer, errors too */
void safety_fields(struct http_request *request); /* on answers that are not reply_problem's own (C.11) */

/* slot_request.c */
void upload_slot_request(struct iq_request *request);
void upload_describe(struct module_host *host, struct buf *name, struct buf *xml);

/* upload_commands.c */
extern const struct command_table upload_adhoc[];

/* upload_report.c */
void upload_report(struct module_host *host, struct report *report);

/* keeper.c */
extern const struct keeper_job upload_jobs[];

/* upload_ctl.c */
extern const struct ctl_command upload_commands[];

#endif
