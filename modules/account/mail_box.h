/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mail_box.h - what the module's other files ask of mail_box.c, beside mail.h. */
#ifndef STOA_ACCOUNT_MAIL_BOX_H
#define STOA_ACCOUNT_MAIL_BOX_H

#include "mail.h"
#include "module/call.h"

#define MAIL_ERRAND "mail" /* something was put into the queue */

/* In the keeper, which need not send itself letters: called when a mail was put by this process. */
void mail_box_here(struct mail_box *box, void (*put_here)(void *data), void *data);

#endif
