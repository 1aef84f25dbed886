/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: media.h - media types: by the ending of a name, and which a browser may show. */
#ifndef STOA_UPLOAD_MEDIA_H
#define STOA_UPLOAD_MEDIA_H

#include "base/span.h"
#include "conf/directive.h"

/* Whether a pattern of the list (type/subtype, or or type and a star) fits, without case and parameters. An
 * empty or malformed type fits none. */
bool media_is_listed(const struct conf_list *patterns, struct span type);
bool media_ends_in(const struct conf_list *extensions, struct span filename);
/* By the ending of the name; "application/octet-stream" when it tells nothing. */
const char *media_by_name(struct span filename);
/* Types that can carry scripts: a browser must never show them from here (R12). */
bool media_is_active(struct span type);

#endif
