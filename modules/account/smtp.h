/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: smtp.h - one mail after the other to the mail server, by libcurl on a thread of its own.
 *
 * Why a thread: libcurl says QUIT to an SMTP server, and waits for the answer, within one call; a server that
 * is slow to answer would hold up the keeper's loop, and all that others wait for there. On a thread it holds
 * up the next mail to that very server. */
#ifndef STOA_ACCOUNT_SMTP_H
#define STOA_ACCOUNT_SMTP_H

#include "base/buf.h"
#include "mail_conf.h"
#include "os/disk.h"

#include <stdatomic.h>

#define SMTP_WORDS 512

enum smtp_end {
    SMTP_SENT,   /* the server said yes to the whole mail */
    SMTP_LATER,  /* this mail was not taken now: 4xx, or no answer after its last byte */
    SMTP_NEVER,  /* this mail was refused for good */
    SMTP_SERVER, /* no mail can be sent just now: no connection, no encryption, no login */
    SMTP_CUT,    /* smtp_cut() came before the last byte was on its way: the server has no mail */
};

struct smtp;

/* Zero-initialised; owned by who sends; must live until done, which comes on the loop. */
struct smtp_mail {
    struct disk_job job; /* first; the client's */
    void (*done)(struct smtp_mail *mail);
    const char *to;     /* borrowed: by mail_address_normal */
    struct buf message; /* owned by who sends; mail_message_write's */
    /* What came of it: */
    enum smtp_end end;
    char words[SMTP_WORDS]; /* a sentence: the server's answer, or what went wrong; one line */
    /* The client's. */
    struct smtp *smtp;
    size_t read;
    unsigned code; /* of the last whole answer */
    int step;
    bool is_whole; /* all bytes of the message were handed over: what follows is its end */
    bool is_over;  /* QUIT was sent */
    bool is_unsuited;
    char error[256];
};

struct smtp *smtp_new(struct loop *loop, const struct mailer_conf *conf);
/* Waits for what is under way: call smtp_cut before. */
void smtp_free(struct smtp **smtp);
void smtp_send(struct smtp *smtp, struct smtp_mail *mail); /* one at a time */
/* No mail is there to be sent just now: the connection is closed, politely. No harm without one. */
void smtp_hang_up(struct smtp *smtp);
/* From now on mails end in SMTP_CUT, unless all of one is on its way: the answer to that is waited for. */
void smtp_cut(struct smtp *smtp);
/* And no longer even then. */
void smtp_abandon(struct smtp *smtp);

#endif
