/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: captcha_script.c - static/work.js as browsers load it: under a name that holds its
 * digest, so that they may keep it for ever. */
#include "captcha.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/digest.h"
#include "http/reply.h"
#include "page/template.h"

#include <stdio.h>

#define DIGEST_SHOWN 8 /* bytes */

extern const struct template_source account_files[]; /* static/work.js as C */

const char *captcha_script_name(void)
{
    static char name[8 + 2 * DIGEST_SHOWN + 4];
    unsigned char digest[SHA256_BYTES];
    struct buf hex = { 0 };

    if (name[0] == '\0') {
        digest_sha256(account_files[0].text, digest);
        codec_hex(&hex, span_make((const char *)digest, DIGEST_SHOWN));
        (void)snprintf(name, sizeof(name), "work.%.*s.js", SPAN_ARG(buf_span(&hex)));
        buf_free(&hex);
    }
    return name;
}

void captcha_script(struct http_request *request)
{
    if (!span_is(span_from(request->below, sizeof("/files/") - 1), captcha_script_name())) {
        reply_problem(request, PROBLEM_not_found, NULL);
        return;
    }
    reply_field(request, "Cache-Control", SPAN("public, max-age=31536000, immutable"));
    reply_send(request, 200, "text/javascript; charset=utf-8", account_files[0].text);
}
