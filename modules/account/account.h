/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: account.h - the module account in one process: its data base, its mails, its pages.
 */
#ifndef STOA_ACCOUNT_ACCOUNT_H
#define STOA_ACCOUNT_ACCOUNT_H

#include "account_conf.h"
#include "base/list.h"
#include "base/object.h"
#include "mail.h"
#include "mail_conf.h"
#include "module/module.h"
#include "recovery.h"
#include "steward.h"
#include "store/store.h"

/* Tables of the module's environment (processes/data-dir + "/account"): indices into account_tables. */
enum account_table {
    ACCOUNT_TABLE_MAIL,      /* mail_row.h */
    ACCOUNT_TABLE_MAIL_DUE,  /* mail_row.h */
    ACCOUNT_TABLE_MAIL_ONCE, /* mail_row.h */
    ACCOUNT_TABLE_ACCOUNT,   /* recovery.h */
    ACCOUNT_TABLE_TOKEN,     /* recovery.h */
    ACCOUNT_TABLE_RESERVE,   /* recovery.h */
};
extern const char *const account_tables[];

struct mailer;
struct page_kit;

struct account {
    OBJECT_MAGIC
    struct module_host *host; /* borrowed */
    const struct mailer_conf *mail_conf;
    struct store *store;   /* owned */
    struct mail_box *box;  /* owned */
    struct mailer *mailer; /* owned; in the keeper only */

    struct arena *arena; /* owned: texts that live as long */
    const struct account_conf *conf;
    struct recovery recovery;    /* rows of the store */
    struct steward_conf steward; /* who may do what at the XMPP server */
    struct page_kit *kit;        /* owned; in workers only */
    struct list jobs;            /* owned; struct job of job.h */
    unsigned job_count;
    bool is_ending;              /* the worker leaves */
    struct recovery_sweep sweep; /* the keeper's */
    bool is_sweeping;
};

/* 0, or -1 with *why_r a sentence. In stoactl too, where host->loop is NULL. */
int account_open(struct account **account_r, struct module_host *host, const char **why_r);
void account_close(struct account **account);

#endif
