/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: reset.h - a forgotten password: the form that asks for a mail, and the link in it. */
#ifndef STOA_ACCOUNT_RESET_H
#define STOA_ACCOUNT_RESET_H

#include "visit.h"

/* /rest/user/resetPassword */
void reset_form(struct http_request *request);
void reset_ask(struct http_request *request);
/* /rest/user/resetPassword/{token} */
void reset_link_form(struct http_request *request);
void reset_link_act(struct http_request *request);

/* ---- what registration and reset share ---- */
/* Reads password-entry and password-reentry, and collects what is wrong with them. */
bool reset_read_password(struct visit *visit, struct span *password_r);
/* The captcha of a form: adds a new one to values and map; false: the one that came back is not right. */
void reset_add_captcha(struct visit *visit, struct json_object *values, struct json_object *map);
bool reset_check_captcha(struct visit *visit);
/* Reads a mail address, and collects what is wrong with it. */
bool reset_read_address(struct visit *visit, struct span *address_r);

#endif
