/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: web_inside.h - what the files behind web.h share.
 *
 * web.c: pages of log-in and log-out, what the layout shows. web_cookie.c: who sends a request, by its
 * cookies. web_token.c: tokens of forms. web_form.c: forms that come. web_confirm.c: the password again.
 * web_ask.c: asking the server as who is logged in. */
#ifndef STOA_MODULE_WEB_INSIDE_H
#define STOA_MODULE_WEB_INSIDE_H

#include "module/web.h"

#include <json-c/json_object.h>

#define WEB_FORM_NAME 16    /* random bytes that bind a form to a browser which is not logged in */
#define WEB_FORM_MOST 65536 /* bytes of our own forms */

struct web_read;

/* What is known of who sends a request; in its arena, made when it is first asked for. */
struct web_visit {
    struct http_request *request;             /* borrowed */
    unsigned char secret[WEB_SESSION_SECRET]; /* of the session's cookie; wiped at the end */
    bool has_secret;
    bool by_session;                  /* the guard let it in by the session: request->user is its */
    char form[2 * WEB_FORM_NAME + 1]; /* of the form's cookie; "": none was sent or set */
    struct web_read *read;            /* the form that is being read */
    struct ask login;                 /* of web_ask: the one log-in that all wait for */
    struct list waiting;              /* struct web_ask */
    bool is_login_on;
};

extern struct page_kit *web_kit; /* once per worker, by web_contexts */

/* ---- web_cookie.c ---- */
struct web_visit *web_visit(struct http_request *request);
/* Whether passwords and cookies may go over this connection. */
bool web_is_safe(const struct module_host *host, const struct http_request *request);
/* The session that the cookie opens, if it is still good. Wipe session_r->password after use. */
bool web_open(const struct module_host *host, struct http_request *request, struct web_session *session_r);
void web_set_session(struct http_request *request, const unsigned char secret[WEB_SESSION_SECRET]);
void web_clear_session(struct http_request *request);
/* Lower case only: a text that means the same must be the same. */
bool web_hex(struct span text, unsigned char *bytes_r, size_t size);
const char *web_form_name(struct http_request *request, bool make); /* "": none */

/* ---- web_token.c ---- */
enum web_token_state { TOKEN_GOOD, TOKEN_WRONG, TOKEN_OLD };
enum web_token_state web_token_check(struct module_host *host, struct http_request *request,
                                     const char *purpose, struct span token, int64_t *born_r);
#define WEB_PURPOSE_LOGIN   "session/login" /* bound to the browser, logged in or not */
#define WEB_PURPOSE_LOGOUT  "session/logout"
#define WEB_PURPOSE_CONFIRM "session/confirm"

/* ---- web_confirm.c ---- */
#define WEB_CONFIRM_PASSWORD "stoa-confirm-password"
#define WEB_CONFIRM_FILE     "stoa-confirm-file"
bool web_is_fresh(const struct module_host *host, struct http_request *request);
/* password at NULL: answers with a form that asks for it and carries along what was sent. Else proves it,
 * then calls done, or asks again. */
void web_confirm(struct module_host *host, struct http_request *request, const struct web_form *form,
                 struct span token, struct span password, void (*done)(struct http_request *request));
void web_confirm_get(struct http_request *request); /* GET and POST of /session/confirm */
void web_confirm_post(struct http_request *request);

/* ---- web.c ---- */
/* The form to log in, as the answer. next: where to go afterwards. error NULL: nothing went wrong. */
void web_login_page(struct module_host *host, struct http_request *request, int status, const char *next,
                    const char *jid, const char *error);
/* What the guard answers to people: the form to log in, or a page that says what is wrong. */
void web_refuse(struct module_host *host, struct http_request *request, enum problem problem,
                const char *detail);
void web_text(struct json_object *values, const char *name, struct span text);
/* A list of one error for the part "errors"; field: the id of an input. */
void web_error(struct json_object *values, const char *field, const char *text);
/* Where the request came to, to come back to: path and query as sent. */
const char *web_place(struct http_request *request);

#endif
