/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: web.h - people in browsers: sessions behind a cookie, and forms that nobody else can
 * send for them.
 *
 * A session lies in the segment (shm/web_session.h), so that every worker knows it and the death of one loses
 * nothing. The cookie (__Host-stoa over TLS, HttpOnly, SameSite=Strict; stoa over plain HTTP, which only
 * loopback and trusted proxies get) holds 256 random bits; the segment holds their digest, and the password
 * sealed under a key that only the cookie gives: what lies in memory alone opens nothing.
 *
 * login_guard() knows cookies, too: rows with ACCESS_USER and ACCESS_ADMIN need nothing else. request->user
 * and ->user_is_admin are set, and login_again() works for both ways of being logged in. Who is not logged in
 * and reads HTML gets 401 with the login form as its body, others the challenge for Basic. */
#ifndef STOA_MODULE_WEB_H
#define STOA_MODULE_WEB_H

#include "module/login.h"
#include "page/page.h"

/* Log-in, log-out and confirmation of the password: POST /session/login, /session/logout, /session/confirm;
 * GET /session/login shows the form. Once per worker, before any request. */
void web_contexts(struct module_host *core, struct router_table *table);
/* Fills the layout: navigation (contexts for this virtual host whose module has a title), user, tokens. */
void web_chrome(struct module_host *core, const struct router_table *table);

/* ---- forms ---- */
struct web_field {
    struct span name, value; /* decoded, UTF-8, in the request's arena */
    struct span filename;    /* of multipart/form-data; at NULL: no file */
};
struct web_form {
    const struct web_field *fields;
    size_t count;
};
struct span web_value(const struct web_form *form, const char *name); /* the first; at NULL: absent */

enum web_form_flags {
    WEB_ONCE = 1,  /* the same form sent twice is not acted on twice: the second gets a page that says so */
    WEB_FRESH = 2, /* the password was typed less than http/confirm-after ago, else the form that asks for it
                    * is shown first; afterwards the request goes on with the fields that were sent */
};

/* A token for one form: a hidden field "token" of that value. purpose: the same text as in web_form_read, for
 * instance "admin/run"; the token is worth nothing for another purpose, session or user, after
 * http/form-life, or after log-out. Without a session (login form, password reset) it is bound to a cookie of
 * its own. */
struct span web_token(struct module_host *host, struct http_request *request, const char *purpose);

/* The body of a POST: application/x-www-form-urlencoded or multipart/form-data, at most `most` bytes and
 * 2,000 fields. Refuses by a page: a wrong, expired or used token (403, 409), Sec-Fetch-Site other than
 * same-origin (or none), an Origin that is not ours. Who is logged in by Basic needs no token, but then
 * Sec-Fetch-Site must not say another site. done is called when all is well. */
void web_form_read(struct module_host *host, struct http_request *request, const char *purpose,
                   unsigned flags, size_t most,
                   void (*done)(struct http_request *request, const struct web_form *form));

/* A path of ours to go to afterwards, or fallback: begins with one slash, no backslash, no control character,
 * no scheme, no authority (R7). */
const char *web_local_path(struct arena *arena, struct span wish, const char *fallback);

/* Whether this request came with a session, and since when, in unix seconds. */
bool web_is_session(const struct http_request *request);
/* Ends all sessions of that account, or all but the request's own (keep NULL: none is kept). */
void web_end_sessions(struct module_host *host, struct span jid, const struct http_request *keep);

/* ---- asking the server as the one who is logged in; logs in again once when the session there is gone ----
 */
struct web_ask {
    struct ask ask; /* problem, is_error, answer as of ask_iq */
    void (*done)(struct web_ask *web);
    void *data;
    /* web.c's */
    struct http_request *request;
    struct module_host *host;
    struct arena *arena;
    struct span to, payload;
    enum iq_kind kind;
    int64_t wait;
    unsigned tries;
    struct list node;
};
/* to: also a component of ours, whose commands run here without a way over the server (command.h). Several at
 * once are fine: they log in again together. web_ask_cancel when the request is cancelled. */
void web_ask(struct module_host *host, struct http_request *request, struct web_ask *web, struct arena *arena,
             struct span to, enum iq_kind kind, struct span payload, int64_t wait);
void web_ask_cancel(struct web_ask *web);

#endif
