/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: resume.h - one request of a resumable upload, as resume.c leads it and resume_reply.c
 * answers it. */
#ifndef STOA_UPLOAD_RESUME_H
#define STOA_UPLOAD_RESUME_H

#include "resume_wish.h"
#include "upload.h"

#define RESUME_MEDIA_TYPES "application/partial-upload, application/offset+octet-stream" /* of PATCH */

enum resume_kind {
    RESUME_LOOK,   /* HEAD: where does it stand? */
    RESUME_CREATE, /* PUT with Upload-Complete: from the first byte */
    RESUME_APPEND, /* PATCH: from Upload-Offset on */
    RESUME_CANCEL, /* DELETE: as if nothing had come */
};

enum resume_state {
    RESUME_FINDING,   /* the repository looks for the slot, once before the claim and once behind it */
    RESUME_PREPARING, /* claimed; a transaction or the disk clears the way */
    RESUME_RECEIVING, /* pieces of the body come */
    RESUME_KEEPING,   /* the disk makes durable what came; then `ending` is answered */
    RESUME_WHOLE,     /* all bytes are there: the disk reads, names and syncs them, then they are recorded;
                         goes on without a client, which sees at its next HEAD how it ended */
};

struct resume {
    OBJECT_MAGIC
    enum resume_kind kind;
    enum resume_state state;
    struct resume_wish wish;
    struct http_request *request; /* NULL: the client is gone */
    struct upload *upload;
    struct arena *arena; /* owned; it lies in it, as the disk outlives requests */
    struct uri_match match;
    bool is_download_url; /* the templates are alike: the path is one for GET as well */
    struct pool_find find;
    struct slot_extend extend;
    struct slot_fill fill;
    struct file_partial *partial;
    bool is_claimed;
    int64_t size;        /* of this request's body */
    int64_t offset;      /* how far the upload has come; told only when that is durable */
    enum problem ending; /* what is wrong, if it is; told when what came is durable */
};

static inline const struct slot *resume_slot(const struct resume *resume)
{
    return &resume->find.find.slot;
}

/* wish and match are copied. */
void resume_start(struct http_request *request, enum resume_kind kind, const struct resume_wish *wish,
                  const struct uri_match *match);
/* Ends it: gives back claim and file. */
void resume_end(struct resume **resume);

/* ---- resume_reply.c: each ends *resume and answers, if anybody still listens ---- */
void resume_refuse(struct resume **resume, enum problem problem, const char *detail);
void resume_refuse_busy(struct resume **resume, bool is_full);
void resume_refuse_offset(struct resume **resume); /* it stands elsewhere: at offset */
void resume_tell_offset(struct resume **resume);   /* to HEAD */
void resume_tell_kept(struct resume **resume);     /* more shall come */
void resume_tell_done(struct resume **resume);     /* the file is there */
void resume_tell_gone(struct resume **resume);     /* cancelled */

void resume_announce(struct resume *resume); /* 104, before the body */
/* What every reply in the dialect has. */
void resume_dialect_fields(struct http_request *request, const struct resume_wish *wish);
void resume_state_fields(struct http_request *request, const struct resume_wish *wish, int64_t offset,
                         bool is_complete);
/* For OPTIONS. */
void resume_offer_fields(struct http_request *request, const struct upload_conf *conf);
bool resume_is_offered(const struct upload_conf *conf);

#endif
