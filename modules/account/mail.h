/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mail.h - what the module asks of its mailer: a mail is put into a durable queue by any
 * process, and sent by the keeper.
 *
 * Nobody waits for a mail server: whoever puts a mail is answered as soon as the queue is durable, and so in
 * the same time whether or not the mail ever arrives. Once the server has said yes a mail is not sent again;
 * see mailer.h for what happens when either side dies in between.
 *
 * Templates: NAME-subject.txt, NAME.txt and NAME.html, of the operator's folder or those that come with Stoa
 * (templates/mails). A subject is rendered without any value: nothing that a stranger wrote stands in it. */
#ifndef STOA_ACCOUNT_MAIL_H
#define STOA_ACCOUNT_MAIL_H

#include "module/module.h"
#include "parse/json.h"
#include "store/store.h"

#define MAIL_ID            16
#define MAIL_ADDRESS_MOST  254 /* characters, RFC 5321 4.5.3.1.3 without the angle brackets */
#define MAIL_LOCAL_MOST    64
#define MAIL_VALUES_MOST   (64 * 1024) /* bytes of the values as JSON */
#define MAIL_TEMPLATE_MOST 64

/* ---- addresses: pure ---- */
/* One mailbox as addr-spec: dot-atom with UTF-8 (RFC 5321 4.1.2, RFC 6531 3.3), then a domain that can be in
 * DNS; no quoted local parts, no address literals, no comments. NULL: good; else a sentence for people. */
const char *mail_address_check(struct span address);
/* A good address as it is sent and kept: the local part as it was written, the domain in lower-case A-labels.
 * false: not good. */
bool mail_address_normal(struct arena *arena, struct span address, struct span *normal_r);
/* Whether two good addresses are those of one mailbox: the domain prepared, the local part without regard to
 * the case of ASCII letters. */
bool mail_address_same(struct span a, struct span b);

/* ---- the queue ---- */
struct mail_box; /* one per process */

struct mail {
    struct span to;             /* good by mail_address_check */
    const char *template;       /* "reset" */
    struct json_object *values; /* borrowed; an object: what the templates show; may hold secrets */
    struct span once;  /* the same text is not queued again while once_life lasts; empty: always is */
    int64_t once_life; /* microseconds */
    int64_t not_after; /* unix seconds: later it is worthless, and not sent; 0: never */
    struct span
        on_request; /* of whom or from where, for the list: a client's address, "stoactl"; may be empty */
};

enum mail_verdict {
    MAIL_QUEUED, /* durable */
    MAIL_TWICE,  /* the same `once` is queued or was sent */
    MAIL_CROWD,  /* the queue holds mailer/queue-most */
    MAIL_OFF,    /* the section mailer is not active */
    MAIL_LOST,   /* the store failed, said in the log */
};

/* Owned by who puts; zero-initialised; must live until done. */
struct mail_put {
    struct store_write write;                                      /* first; the box's */
    void (*done)(struct mail_put *put, enum mail_verdict verdict); /* on the loop, never from mail_put */
    void *data;                                                    /* of who puts */
    unsigned char id[MAIL_ID];                                     /* what it has in the queue */
    /* The box's. */
    struct mail_box *box;
    struct buf row;
    struct task soon;
};

/* Copies all it needs of mail. */
void mail_put(struct mail_box *box, struct mail_put *put, const struct mail *mail,
              void (*done)(struct mail_put *put, enum mail_verdict verdict));
/* The same at once on this thread, without a loop: for stoactl. */
enum mail_verdict mail_put_now(struct mail_box *box, struct mail_put *put, const struct mail *mail);

/* For the check of whoever needs mails: complains at that section when the section mailer is missing. */
void mail_check_needed(struct conf *conf, const struct conf_section *who);

/* ---- the module's own: account.c ---- */
/* store: borrowed, with the tables of account_tables. */
struct mail_box *mail_box_new(struct module_host *host, struct store *store);
void mail_box_free(struct mail_box **box);

#endif
