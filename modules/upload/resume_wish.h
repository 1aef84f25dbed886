/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: resume_wish.h - what a request says about a resumable upload, in either dialect: the
 * IETF's draft-ietf-httpbis-resumable-upload, whose fields are structured ones (RFC 9651), or tus 1.0.0. */
#ifndef STOA_UPLOAD_RESUME_WISH_H
#define STOA_UPLOAD_RESUME_WISH_H

#include "parse/http_head.h"

#define TUS_VERSION "1.0.0"

/* Upload-Draft-Interop-Version: those drafts differ in nothing that counts here. */
#define INTEROP_LEAST     3
#define INTEROP_MOST      8
#define INTEROP_HAS_MEDIA 6 /* from this one on PATCH has a media type of its own */

enum resume_dialect {
    DIALECT_NONE,     /* no field of either */
    DIALECT_DRAFT,    /* a field of the draft's */
    DIALECT_TUS,      /* Tus-Resumable: 1.0.0 */
    DIALECT_TUS_ELSE, /* Tus-Resumable of another version */
};

struct resume_wish {
    enum resume_dialect dialect;
    int64_t interop; /* -1: not stated */
    int64_t offset;  /* Upload-Offset; -1: not stated */
    int64_t length;  /* Upload-Length; -1: not stated */
    bool has_complete, is_complete;
    bool is_bad; /* a field was there and made no sense; it counts as not stated */
};

void resume_wish_parse(const struct http_head *head, struct resume_wish *wish_r);

#endif
