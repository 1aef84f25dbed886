/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mine.h - the page of who is logged in: what belongs to the account, and changes of it.
 */
#ifndef STOA_ACCOUNT_MINE_H
#define STOA_ACCOUNT_MINE_H

#include "visit.h"

#define MINE_ADDRESS  "account/address" /* purposes of form tokens */
#define MINE_PASSWORD "account/password"
#define MINE_DELETE   "account/delete"

void mine_show(struct http_request *request);
/* The page again, with what was collected in visit->errors, or a note of what was done. */
void mine_show_again(struct visit *visit, int status, const char *note);

void mine_address(struct http_request *request);
void mine_forget(struct http_request *request); /* the address */
void mine_password(struct http_request *request);
void mine_delete(struct http_request *request); /* an upload */

#endif
