/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: uri_template.h - '{proto}://{serverName}:{port}/upload/{slotId}/{filename}': from a slot
 * to its URL, and from the path of a request back to the names in it.
 *
 * The names found in a path address nothing by themselves: they are compared with the slot's own. */
#ifndef STOA_UPLOAD_URI_TEMPLATE_H
#define STOA_UPLOAD_URI_TEMPLATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"

#define TEMPLATE_PIECES_MOST 32

enum template_block {
    BLOCK_NONE, /* plain text */
    BLOCK_PROTO,
    BLOCK_SERVER_NAME,
    BLOCK_PORT,
    BLOCK_USER_JID,
    BLOCK_DOMAIN,
    BLOCK_SLOT_ID,
    BLOCK_FILENAME,
};

struct template_piece {
    enum template_block block;
    struct span text; /* of BLOCK_NONE; points into the template's text */
};

struct uri_template {
    struct template_piece pieces[TEMPLATE_PIECES_MOST];
    size_t count;
    size_t path; /* index of the first piece of the path; its text begins with '/' */
};

/* text must outlive the template. NULL, or a sentence that says what to write instead. context_path: where
 * the module is served, "/" or "/upload"; the path must lie below it. */
const char *uri_template_parse(struct uri_template *template_r, const char *text, const char *context_path);

struct uri_values {
    const char *proto, *server_name; /* plain ASCII */
    unsigned port;
    struct span user_jid, domain, slot_id, filename; /* as they are: escaped on the way */
};

void uri_template_format(const struct uri_template *template, const struct uri_values *values,
                         struct buf *out);

/* What stands in the path (decoded once, as request->path) at each block; .at is NULL for one that the
 * template does not have. false: the path is not of this template. */
struct uri_match {
    struct span user_jid, domain, slot_id, filename;
};

bool uri_template_match(const struct uri_template *template, struct span path, struct uri_match *match_r);
/* The same with its texts in arena. */
struct uri_match uri_match_keep(const struct uri_match *match, struct arena *arena);

#endif
