/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: call.h - what a module in a worker or the keeper asks of the router: IQs, stanzas,
 * logins, and of its own half in the keeper: errands.
 *
 * A struct ask is owned by who asks, zero-initialised, and must live until its done was called or
 * ask_cancel(). done is called exactly once, from the loop, never from within the function that began it. A
 * router that dies fails all that waits for it at once. */
#ifndef STOA_MODULE_CALL_H
#define STOA_MODULE_CALL_H

#include "base/arena.h"
#include "base/list.h"
#include "base/object.h"
#include "module/module.h"

struct command_own;

struct ask {
    OBJECT_MAGIC
    void (*done)(struct ask *ask);
    void *data; /* of who asks */

    /* What came of it; in arena, or static. */
    enum problem
        problem;   /* PROBLEM_none: it was answered; of an IQ that may be an error stanza, see is_error */
    bool is_error; /* of an IQ: the answer is of type error */
    const struct xml_element *answer; /* of an IQ: the whole stanza */
    struct span text;                 /* LOGIN: a sentence or empty; ERRAND: the body that came back */
    unsigned retry_after;             /* LOGIN: seconds; 0: nothing is said */

    /* The desk's. */
    struct list node;
    struct arena *arena; /* borrowed */
    struct desk *desk;   /* borrowed; NULL while it waits for nothing */
    struct task soon;    /* for failures that are known at once */
    struct timer timer;  /* of an errand */
    uint64_t call;
    struct command_own *own; /* borrowed; one of our own commands works on it (command.h) */
};

/* from: a JID of a component of ours (with or without local part and resource), or the bare JID of an account
 * that was logged in: then the IQ goes over its session, as that user. payload: XML text of one element.
 * wait: microseconds; 0: xmpp/iq-timeout. PROBLEM_no_session: the session is closed; log in again. */
void ask_iq(struct module_host *host, struct ask *ask, struct arena *arena, struct span from, struct span to,
            enum iq_kind kind, struct span payload, int64_t wait);

/* A message or presence; done when it is written to the stream (nobody tells more). */
void ask_send(struct module_host *host, struct ask *ask, struct arena *arena, struct span from,
              struct span stanza);

/* Proves the password by a login to the XMPP server and keeps the session. jid: bare and prepared. For HTTP
 * requests use login.h, which knows the caches and the limits. */
void ask_login(struct module_host *host, struct ask *ask, struct arena *arena, struct span jid,
               struct span password, const char *client);
/* The account's password changed, or it is gone: its session is closed, what was proved is forgotten, all
 * browsers are logged out; done when no worker lets anybody in by it any more. */
void ask_logout(struct module_host *host, struct ask *ask, struct arena *arena, struct span jid);

/* Work that only the keeper may do (outbound HTTP, mail): the row of that name in module->errands runs there.
 */
void ask_errand(struct module_host *host, struct ask *ask, struct arena *arena, const char *name,
                struct span body, int64_t wait);

void ask_cancel(struct ask *ask); /* done is not called; no harm when it waits for nothing */

/* ---- in the keeper ---- */
struct errand {
    struct arena *arena; /* dies when it is done */
    struct module_host *host;
    struct span body;
    int64_t deadline; /* clock_mono: later nobody listens */
    void *data;       /* of the row's run */
};

/* Exactly once; body may be empty. */
void errand_done(struct errand *errand, enum problem problem, struct span body);

#endif
