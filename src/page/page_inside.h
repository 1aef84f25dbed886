/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0..4 5(http): page_inside.h - what page.c and assets.c share; nobody else includes it. */
#ifndef STOA_PAGE_PAGE_INSIDE_H
#define STOA_PAGE_PAGE_INSIDE_H

#include "page/page.h"

struct page_asset {
    const char *name, *ending; /* "stoa", "css"; name NULL ends */
    const char *type;
    struct span bytes;
};
extern const struct page_asset page_assets[];         /* made by the build from static/ */
extern const struct template_source page_templates[]; /* made by the build from templates/ */

/* "assets/stoa.0123456789abcdef.css"; below "/". Static text. */
const char *page_asset_path(const char *name, const char *ending);

#endif
