/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: multipart.h - bodies of forms with files: multipart/form-data (RFC 7578), as browsers write
 * it. */
#ifndef STOA_PARSE_MULTIPART_H
#define STOA_PARSE_MULTIPART_H

#include "parse/form_urlencoded.h"

#define MULTIPART_HEAD_MOST     4096 /* bytes of the fields of one part */
#define MULTIPART_BOUNDARY_MOST 70   /* RFC 2046 5.1.1 */

/* The boundary of a Content-Type value, unquoted. false: it is not multipart/form-data, or has none that is
 * good. */
bool multipart_boundary(struct span content_type, char boundary_r[MULTIPART_BOUNDARY_MOST + 1]);

/* Values point into body. Names and file names have their %22, %0D and %0A decoded: that is how browsers
 * write what may not stand between quotes. Refused: a body without its last boundary, a part that is not
 * form-data or has no name, transfer encodings, nesting. */
enum form_verdict multipart_parse(struct arena *arena, struct span body, const char *boundary, size_t most,
                                  struct form_fields *fields_r, const char **why_r);

#endif
