/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: index_static.c - the style and the script of the page GET /rest/.
 *
 * They are part of the program (the jail sees no such folder), and their names hold a digest: browsers keep
 * them for ever, and a new Stoa has new names. */
#include "index.h"

#include "base/codec.h"
#include "base/digest.h"

#include <stdio.h>

#define DIGEST_SHOWN 8 /* bytes: enough to tell versions apart */

void index_file_name(const struct index_file *file, char *name_r, size_t size)
{
    unsigned char digest[SHA256_BYTES];
    struct buf hex = { 0 };

    digest_sha256(span_make((const char *)file->at, file->size), digest);
    codec_hex(&hex, span_make((const char *)digest, DIGEST_SHOWN));
    snprintf(name_r, size, "%s-%.*s.%s", file->name, SPAN_ARG(buf_span(&hex)), file->ending);
    buf_free(&hex);
}

void index_static(struct rest_call *call)
{
    for (const struct index_file *file = index_files; file->name; file++) {
        char name[64];

        index_file_name(file, name, sizeof(name));
        if (!span_is(call->groups[0], name))
            continue;
        reply_field(call->request, "Cache-Control", SPAN("public, max-age=31536000, immutable"));
        rest_answer_bytes(call, file->type, span_make((const char *)file->at, file->size));
        return;
    }
    rest_problem(call, PROBLEM_not_found, NULL);
}
