/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mail_message.h - the bytes of a mail (RFC 5322, 2045, 2047). Pure.
 *
 * Nothing in it depends on when it is written: a mail that is sent again is the same, byte for byte. */
#ifndef STOA_ACCOUNT_MAIL_MESSAGE_H
#define STOA_ACCOUNT_MAIL_MESSAGE_H

#include "base/buf.h"

#include <stdint.h>

struct mail_message {
    struct span to, from_address; /* good by mail_address_check */
    struct span from_name;        /* UTF-8, may be empty */
    struct span subject;          /* UTF-8; ends of lines and other control characters become one space */
    struct span message_id;       /* with angle brackets */
    struct span text, html;       /* UTF-8 with \n; html empty: plain text alone */
    int64_t date;                 /* unix seconds */
};

/* Lines end in CRLF and have at most 998 bytes; all is ASCII but an address that is not. */
void mail_message_write(const struct mail_message *message, struct buf *out);

#endif
