/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: login.h - who sends this HTTP request: Basic credentials, proved at the XMPP server.
 *
 * Rows with ACCESS_USER and ACCESS_ADMIN also take a browser's session (login_guard); login_request() does
 * not: a cookie comes with requests that other sites cause.
 *
 * In this order: what was proved a moment ago (auth cache), what failed a moment ago, limits per address,
 * account and over all, then a real login by the router. Nothing of a password is ever logged or kept. */
#ifndef STOA_MODULE_LOGIN_H
#define STOA_MODULE_LOGIN_H

#include "http/route.h"
#include "module/call.h"

struct login {
    struct span jid; /* bare, prepared; in the request's arena */
    bool is_admin;   /* asked for by LOGIN_ADMIN only: in xmpp/admins, or shown the server's admin commands */
};

enum login_wish {
    LOGIN_USER,
    LOGIN_ADMIN,  /* others are refused */
    LOGIN_EITHER, /* whether an administrator is found out, and no reason to refuse */
};

/* Calls done with who it is, at once or later, while the request is parked; or answers the request itself and
 * does not call done: 401 with realm (no, malformed or wrong credentials), 403 (not an admin), 429 or 503
 * with Retry-After, 504. answer, when not NULL, is used in place of reply_problem, with the fields already
 * set. */
void login_request(struct module_host *host, struct http_request *request, enum login_wish wish,
                   void (*done)(struct http_request *request, const struct login *login),
                   void (*answer)(struct http_request *request, enum problem problem, const char *detail));

/* The same for what a form holds: jid prepared and bare; both live as long as the request. LOGIN_EITHER. */
void login_given(struct module_host *host, struct http_request *request, struct span jid,
                 struct span password, void (*done)(struct http_request *request, const struct login *login),
                 void (*answer)(struct http_request *request, enum problem problem, const char *detail));

/* The same proof without a request, for scripts' check_credentials: problem as of a LOGIN. */
struct login_check {
    void (*done)(struct login_check *check, enum problem problem);
    void *data;
    struct ask ask; /* login.c's */
};
void login_check(struct module_host *host, struct login_check *check, struct arena *arena, struct span jid,
                 struct span password, const char *client);
void login_check_cancel(struct login_check *check); /* done is not called */

/* For a call of ask_iq() that failed with PROBLEM_no_session: logs in once more with the request's own
 * credentials; done as above, or the request is answered. */
void login_again(struct module_host *host, struct http_request *request,
                 void (*done)(struct http_request *request, const struct login *login),
                 void (*answer)(struct http_request *request, enum problem problem, const char *detail));

/* The log-in of that alone, with an ask of the caller's: the request is not parked by it. false: it holds no
 * credentials any more, nothing was asked. */
bool login_anew(struct module_host *host, struct http_request *request, struct ask *ask);

/* Stops one that is under way, before the request is answered otherwise: neither done nor answer is called.
 */
void login_again_cancel(struct http_request *request);

/* Whether it comes from http/admin-networks: nothing with ACCESS_ADMIN is reached from elsewhere (R26). */
bool login_from_admin_network(const struct module_host *host, const struct http_request *request);

/* What http_server_guard() wants; data is a struct module_host. A browser's session (web.h) is taken before
 * Basic. A session's password is asked of the server again each time that the auth cache has forgotten it;
 * while the server cannot say, the session counts. */
void login_guard(void *data, struct http_request *request, enum route_access access,
                 void (*go)(struct http_request *request));

/* Whether that bare JID stands in xmpp/admins. */
bool login_is_named_admin(const struct module_host *host, struct span jid);

#endif
