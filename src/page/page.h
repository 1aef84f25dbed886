/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4 5(http): page.h - pages for people: one layout, one stylesheet, one script, strict
 * CSP.
 *
 * Every page works without JavaScript. Its addresses are relative to where it is, so that a proxy may put it
 * below another path. What a page shows is a JSON object and a template of the module's own set. */
#ifndef STOA_PAGE_PAGE_H
#define STOA_PAGE_PAGE_H

#include "http/reply.h"
#include "http/route.h"
#include "page/template.h"

#define PAGE_MOST (8u << 20) /* bytes of one page */

/* The templates of one module over those that all share. Once per worker; a template that does not compile is
 * a defect of ours and ends the process, and a unit test compiles all of them. */
struct page_kit;
struct page_kit *page_kit_new(const struct template_source *sources);
void page_kit_free(struct page_kit **kit);

/* Answers with the layout around the template of that name. values: taken; holds "title", and for the
 * template whatever it shows; "place" names the entry of the navigation that is shown as current (a module's
 * name). Sets Content-Security-Policy, Referrer-Policy, Cache-Control: no-store, Cross-Origin-Opener-Policy.
 */
void page_answer(struct page_kit *kit, struct http_request *request, int status, const char *name,
                 struct json_object *values);
/* Only the template, without the layout: for the script of a page that replaces a part of it (such requests
 * have the field "Stoa-Part: 1"). page_answer does this by itself when that field is there. */
bool page_wants_part(const struct http_request *request);

/* A whole page for a problem, with what can be done about it; retry: an address to go to, or NULL. */
void page_problem(struct page_kit *kit, struct http_request *request, enum problem problem,
                  const char *detail, const char *retry);

/* True when the client would rather read HTML than JSON or plain text. */
bool page_is_wanted(const struct http_request *request);
/* "../../" as far as it is from the request's path up to "/": every address in a page begins with it (value
 * "base" in every template). In the request's arena. */
const char *page_base(struct http_request *request);
/* 303 to a path of ours, told relatively. */
void page_see_other(struct http_request *request, const char *path);

/* Who fills in what the layout shows of the visitor: "user", "is_admin", "logout_token", "nav": [{name,
 * title, path, current}]. Once per process; floor 6 does. */
void page_chrome(void (*fill)(struct http_request *request, struct json_object *values, void *data),
                 void *data);

/* The stylesheet, the script and the icon, below /assets/, named by their digest and kept by browsers for
 * ever; once per worker. */
void page_contexts(struct router_table *table);

#endif
