/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: steward.h - what only an administrator may do at the XMPP server: set a password, end
 * sessions, make an account; by its own ad-hoc commands (XEP-0133).
 *
 * First as our component, where the server lists that among its administrators (account/use-component), else
 * over the session of account/admin-jid, which is opened when it is needed. The server's form decides on the
 * fields, so that servers that name them differently are all served. */
#ifndef STOA_ACCOUNT_STEWARD_H
#define STOA_ACCOUNT_STEWARD_H

#include "base/object.h"
#include "module/call.h"
#include "xmpp/form.h"

enum steward_end {
    STEWARD_DONE,
    STEWARD_REFUSED,  /* the server said no: no such account, a password it does not like ... */
    STEWARD_CONFLICT, /* add-user: it is there already */
    STEWARD_DENIED,   /* we are no administrators there; said in the log */
    STEWARD_AWAY,     /* the server is not there, or does not answer */
};

#define STEWARD_FIELDS 4

struct steward_conf {
    bool use_component;
    struct span admin_jid; /* bare, prepared; empty: none */
    const char *admin_password;
};

struct steward_call { /* zero-initialised; lives until done or steward_cancel */
    OBJECT_MAGIC
    void (*done)(struct steward_call *call, enum steward_end end);
    void *data;
    const char *why; /* REFUSED: the server's words, or NULL; in arena */

    /* The steward's. */
    const struct steward_conf *conf;
    struct module_host *host;
    struct arena *arena;
    struct ask ask;
    struct span from, to;
    const char *node;
    struct form_answer fields[STEWARD_FIELDS];
    struct form_answers answers;
    unsigned steps;
    bool is_admin, is_again;
};

/* One field of the command; both texts must live until done. */
void steward_field(struct steward_call *call, const char *var, struct span *value);

/* node: without the namespace: "change-user-password". domain: of the account. */
void steward_run(struct steward_call *call, const struct steward_conf *conf, struct module_host *host,
                 struct arena *arena, struct span domain, const char *node);
void steward_cancel(struct steward_call *call); /* done is not called */

#endif
