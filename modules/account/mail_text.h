/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mail_text.h - what mails say: the templates that come with Stoa, and the operator's. */
#ifndef STOA_ACCOUNT_MAIL_TEXT_H
#define STOA_ACCOUNT_MAIL_TEXT_H

#include "base/buf.h"
#include "base/span.h"
#include "page/template.h"

#include <stdint.h>

extern const struct template_source mail_files[]; /* templates/mails as C */

struct mail_texts;

/* folder: the operator's, whose files win; NULL: none. NULL: one of them is bad, why_r says which and why. */
struct mail_texts *mail_texts_new(const char *folder, char *why_r, size_t why_size);
void mail_texts_free(struct mail_texts **texts);

/* Fills the three with what template says of values (JSON of an object); html may stay empty. false: why_r.
 */
bool mail_texts_render(const struct mail_texts *texts, struct span template, struct span values,
                       struct buf *subject, struct buf *text, struct buf *html, const char **why_r);

#endif
