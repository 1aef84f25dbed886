/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: register.h - a new account, made only when the mail for it was answered; and links that
 * confirm another recovery address. */
#ifndef STOA_ACCOUNT_REGISTER_H
#define STOA_ACCOUNT_REGISTER_H

#include "visit.h"

/* /account/register */
void register_form(struct http_request *request);
void register_ask(struct http_request *request);
/* /rest/user/confirm/{token} */
void register_link_form(struct http_request *request);
void register_link_act(struct http_request *request);
/* /account/confirm/{token} */
void confirm_form(struct http_request *request);
void confirm_act(struct http_request *request);

#endif
