/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: command.h - Stoa's own ad-hoc commands (XEP-0050): declared by modules as rows, run in a
 * worker, reached by any XMPP client, over REST, and in the browser.
 *
 * A command has one or more steps; each has a form and what is done when it comes back. Nothing is kept
 * between two steps, as the next may reach another worker: the session id says when it was born and holds a
 * keyed MAC over that, the node, the component and the whole JID of who asks; which step it is and the
 * earlier steps' values travel in one sealed hidden field of the form, "stoa#state". An id is good for the
 * one who got it, for COMMAND_SESSION_LIFE, and each form of it once (shm/once.h): else the answer is
 * bad-request with bad-sessionid, or not-allowed with session-expired (XEP-0050 4). To go back without the
 * form leads to the first step. */
#ifndef STOA_MODULE_COMMAND_H
#define STOA_MODULE_COMMAND_H

#include "http/route.h"
#include "module/call.h"
#include "xmpp/command.h"
#include "xmpp/form_write.h"

#define COMMAND_SESSION_LIFE (30 * 60) /* seconds */

struct command_call;

struct command_step {
    /* Fills call->draft and calls command_show, at once or later; or ends it by command_done (there is
     * nothing to choose from) or command_refuse. NULL: no form, straight to run. */
    void (*form)(struct command_call *call);
    /* call->draft holds what was sent, checked. Ends in command_next, command_done, command_again or
     * command_refuse, at once or later. NULL ends a table of steps. */
    void (*run)(struct command_call *call);
};

struct command_row {
    const char *node, *name;  /* node NULL ends */
    const char *group;        /* of the guide's 1.7: "Configuration", "Other" ... */
    const char *about;        /* a sentence, for lists and manuals */
    enum route_access access; /* ACCESS_USER: any user of a local domain; ACCESS_ADMIN */
    bool is_destructive;      /* a browser asks for the password again */
    const struct command_step *steps;
};

/* What a module declares (module.h: commands of its components). */
struct command_table {
    const char *service; /* on whose components: "http", "upload"; NULL ends */
    const struct command_row *rows;
};

enum command_way { COMMAND_BY_XMPP, COMMAND_BY_REST, COMMAND_BY_BROWSER };

struct command_call { /* one step at work; dies when it was answered */
    OBJECT_MAGIC
    struct arena *arena;
    struct module_host *host; /* of the module that declared it */
    const struct command_row *row;
    struct span component; /* JID that was asked */
    struct span user;      /* bare, prepared */
    bool is_admin;
    enum command_way way;
    struct form_draft draft;  /* of this step; begun, with the command's name as its title */
    struct form_draft before; /* values of all earlier steps, as hidden fields */
    void *data;               /* the command's own, for one step */
    /* Called instead of an answer being taken: who asked is gone. May be NULL. */
    void (*on_cancel)(struct command_call *call);
};

/* A value of this step or an earlier one. */
struct span command_value(const struct command_call *call, const char *var);
bool command_truth(const struct command_call *call, const char *var);

/* All commands of the component that was asked which the asker may run. */
void command_each(struct command_call *call, void (*each)(void *data, const struct command_row *row),
                  void *data);

/* Whether a module declares a command of that node there: no script can stand in its place. */
bool command_is_declared(const struct command_call *call, struct span node);

/* ---- exactly one of these ends a form or a run; the call may be gone when it returns ---- */
void command_show(struct command_call *call); /* the draft is ready */
void command_next(struct command_call *call); /* to the next row of steps */
/* The same form again: what was wrong (var NULL: the whole), as a note of type error. */
void command_again(struct command_call *call, const char *var, const char *why);
/* Completed. result: a draft or NULL; kind: "info", "warn" or "error"; note NULL: none. */
void command_done(struct command_call *call, const struct form_draft *result, const char *kind,
                  const char *note);
void command_refuse(struct command_call *call, enum problem problem, const char *why);

/* ---- commands that come and go (scripts): asked for each list and each call ---- */
struct command_source {
    /* Calls each for every command of that service; row and what it points at live until the next turn. */
    void (*list)(struct module_host *host, const char *service, struct arena *arena,
                 void (*each)(void *data, const struct command_row *row), void *data);
    /* NULL: none of that node. */
    const struct command_row *(*find)(struct module_host *host, const char *service, struct span node,
                                      struct arena *arena);
};

/* ---- who asks, and the answer as an IQ: for XMPP the desk does it, for REST and browsers this ---- */
struct command_asker {
    struct span user; /* bare, prepared */
    bool is_admin;
    enum command_way way;
};
/* Whether to is an active component of ours, or a JID at one, that has commands. */
bool command_is_own(const struct module_host *host, struct span to);
/* What is declared of one of them, whoever may run it: for whoever shows it before it is started. NULL: none
 * of that node at to. Lives as what command_source.find gives. */
const struct command_row *command_declared(const struct module_host *host, struct span to, struct span node,
                                           struct arena *arena);
/* disco#items of the commands node, disco#info of a node, or a command: run here, answered as ask_iq does,
 * with the same contract: ask->answer is a whole IQ. */
void command_ask(struct module_host *host, struct ask *ask, struct arena *arena,
                 const struct command_asker *asker, struct span to, enum iq_kind kind, struct span payload);
/* For whoever shows commands of all entities alike: command_ask for one of ours, else ask_iq as that user. */
void command_ask_any(struct module_host *host, struct ask *ask, struct arena *arena,
                     const struct command_asker *asker, struct span to, enum iq_kind kind,
                     struct span payload, int64_t wait);

#endif
