/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0..4 5(http): assets.c - the stylesheet, the script and the icon of all pages.
 *
 * They are part of the program (the jail sees no such folder), and their names hold a digest: browsers keep
 * them for ever, and a new Stoa has new names. */
#include "page/page_inside.h"

#include "base/codec.h"
#include "base/digest.h"
#include "base/must.h"

#include <stdio.h>

#define ASSETS_MOST  8
#define DIGEST_SHOWN 8 /* bytes: enough to tell versions apart */
#define FOLDER       "assets/"

static char paths[ASSETS_MOST][64]; /* filled at the first use */

static void name_all(void)
{
    for (size_t i = 0; page_assets[i].name; i++) {
        const struct page_asset *asset = &page_assets[i];
        unsigned char digest[SHA256_BYTES];
        struct buf hex = { 0 };

        must(i < ASSETS_MOST);
        digest_sha256(asset->bytes, digest);
        codec_hex(&hex, span_make((const char *)digest, DIGEST_SHOWN));
        snprintf(paths[i], sizeof(paths[i]), FOLDER "%s.%.*s.%s", asset->name, SPAN_ARG(buf_span(&hex)),
                 asset->ending);
        buf_free(&hex);
    }
}

const char *page_asset_path(const char *name, const char *ending)
{
    if (paths[0][0] == '\0')
        name_all();
    for (size_t i = 0; page_assets[i].name; i++)
        if (strcmp(page_assets[i].name, name) == 0 && strcmp(page_assets[i].ending, ending) == 0)
            return paths[i];
    must_failed("an asset of that name", __FILE__, __LINE__);
}

static void send_asset(struct http_request *request)
{
    for (size_t i = 0; page_assets[i].name; i++) {
        if (!span_is(span_from(request->path, 1), paths[i]))
            continue;
        reply_field(request, "Cache-Control", SPAN("public, max-age=31536000, immutable"));
        reply_field(request, "Cross-Origin-Resource-Policy", SPAN("same-origin"));
        reply_field(request, "Content-Security-Policy", SPAN("default-src 'none'; sandbox"));
        reply_send(request, 200, page_assets[i].type, page_assets[i].bytes);
        return;
    }
    reply_problem(request, PROBLEM_not_found, NULL);
}

static const struct http_route routes[] = {
    { METHOD_BIT(HTTP_GET) | METHOD_BIT(HTTP_HEAD), "/*", ACCESS_OPEN, send_asset,
      "stylesheet, script and icon of the pages" },
    { .path = NULL },
};

/* Asked for by browsers where a page names no icon, or is no page. */
static void send_to_icon(struct http_request *request)
{
    reply_field_printf(request, "Location", "./%s", page_asset_path("icon", "svg"));
    reply_field(request, "Cache-Control", SPAN("public, max-age=3600"));
    reply_empty(request, 302);
}

static const struct http_route icon_routes[] = {
    { METHOD_BIT(HTTP_GET) | METHOD_BIT(HTTP_HEAD), "/", ACCESS_OPEN, send_to_icon, "to the icon" },
    { .path = NULL },
};

void page_contexts(struct router_table *table)
{
    const struct http_context contexts[] = {
        { .path = "/assets", .routes = routes, .name = "assets" },
        { .path = "/favicon.ico", .routes = icon_routes, .name = "assets" },
    };

    name_all();
    router_table_add(table, &contexts[0]);
    router_table_add(table, &contexts[1]);
}
