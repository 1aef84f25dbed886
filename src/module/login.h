/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: login.h - who sends this HTTP request: Basic credentials, proved at the XMPP server.
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

enum login_wish { LOGIN_USER, LOGIN_ADMIN };

/* Calls done with who it is, at once or later, while the request is parked; or answers the request itself and
 * does not call done: 401 with realm (no, malformed or wrong credentials), 403 (not an admin), 429 or 503
 * with Retry-After, 504. answer, when not NULL, is used in place of reply_problem, with the fields already
 * set. */
void login_request(struct module_host *host, struct http_request *request, enum login_wish wish,
                   void (*done)(struct http_request *request, const struct login *login),
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

/* Stops one that is under way, before the request is answered otherwise: neither done nor answer is called.
 */
void login_again_cancel(struct http_request *request);

/* What http_server_guard() wants; data is a struct module_host. */
void login_guard(void *data, struct http_request *request, enum route_access access,
                 void (*go)(struct http_request *request));

/* Whether that bare JID stands in xmpp/admins. */
bool login_is_named_admin(const struct module_host *host, struct span jid);

#endif
