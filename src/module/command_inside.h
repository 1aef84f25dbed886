/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: command_inside.h - what the files behind command.h share. */
#ifndef STOA_MODULE_COMMAND_INSIDE_H
#define STOA_MODULE_COMMAND_INSIDE_H

#include "module/command.h"
#include "module/desk.h"

#define COMMAND_STEPS_MOST   16
#define COMMAND_FIELDS_MOST  (2 * FORM_FIELDS_MOST) /* of all earlier steps together */
#define COMMAND_SEALED_MOST  ((size_t)256 * 1024)   /* bytes of their values */
#define COMMAND_PAYLOAD_MOST ((size_t)1024 * 1024)
#define COMMAND_ANSWER_MOST  ((size_t)4 * 1024 * 1024) /* from within; over a stream it is less */
#define COMMAND_NODE_MOST    512
#define COMMAND_STATE_VAR    "stoa#state" /* the hidden field that holds what a step needs to know */

/* ---- command.c: which commands there are, and for whom ---- */
extern const struct iq_row command_iqs[]; /* what a service with commands claims; nobody calls their handle */

/* The service of a component, in the configuration's memory: as written, or the first label of its name. */
struct span command_service_of(const struct component_settings *component);
bool commands_serve(struct hosts *hosts, struct span service); /* some module has commands for it */
const struct command_row *command_find(struct hosts *hosts, struct span service, struct span node,
                                       struct arena *arena, struct module_host **host_r);
/* The same among what modules declare alone. */
const struct command_row *command_find_declared(struct hosts *hosts, struct span service, struct span node,
                                                struct module_host **host_r);
void commands_each(struct hosts *hosts, struct span service, struct arena *arena,
                   void (*each)(void *data, const struct command_row *row), void *data);

/* Whom and where: the same for all ways. */
struct command_place {
    struct span component; /* domain, prepared */
    struct span service;
    struct command_asker asker;
    struct span bound; /* to whom a session belongs: the full JID, or the bare one with its way */
    bool is_user;      /* of a local domain */
};
bool command_may(const struct command_place *place, const struct command_row *row);

/* ---- command_session.c: what clients carry between two steps ---- */
#define COMMAND_TOKEN 16

struct command_session {
    unsigned char nonce[16];
    int64_t born; /* unix seconds */
};

struct command_state { /* of one form that was shown */
    unsigned step;
    int64_t born;
    unsigned char token[COMMAND_TOKEN]; /* good for one use */
};

/* What of a session a command's steps have in common. */
struct command_owner {
    const unsigned char *key; /* of the segment, 32 bytes */
    struct span bound, component, node;
};

void command_session_begin(struct command_session *session, int64_t now);
struct span command_session_text(const struct command_session *session, const struct command_owner *owner,
                                 struct arena *arena);
bool command_session_read(struct span text, const struct command_owner *owner,
                          struct command_session *session_r);

/* The values of earlier steps, as hidden fields of a draft, by step. */
struct command_earlier {
    struct form_draft *draft;
    unsigned counts[COMMAND_STEPS_MOST]; /* fields of each step; they stand in that order */
};

/* At NULL: too large. */
struct span command_state_seal(const struct command_state *state, const struct command_earlier *earlier,
                               struct span sessionid, const struct command_owner *owner, struct arena *arena);
bool command_state_open(struct span text, struct span sessionid, const struct command_owner *owner,
                        struct command_state *state_r, struct command_earlier *earlier);

/* ---- command_reply.c: how whoever asked is answered; exactly once ---- */
struct command_run;

struct command_reply {
    struct iq_request *request; /* NULL: ask */
    struct ask *ask;
};

void command_ask_begin(struct desk *desk, struct ask *ask, struct arena *arena, struct span from,
                       struct span to);
/* From now on, that one is told when who asked is gone; NULL: nobody. */
void command_reply_run(const struct command_reply *reply, struct command_run *run);
/* What the reply lies in may be gone when these return. */
void command_reply_result(const struct command_reply *reply, struct span payload);
/* condition: of XEP-0050 4 ("bad-action"); NULL: none. text NULL: problem_text. */
void command_reply_error(const struct command_reply *reply, enum problem problem, const char *text,
                         const char *condition);
void command_forget(struct ask *ask); /* ask->own is set */

/* ---- command_run.c: one step at work ---- */
/* element: <command/>. */
void command_execute(struct desk *desk, const struct command_place *place, const struct command_reply *reply,
                     struct arena *arena, const struct xml_element *element);
void command_run_cancel(struct command_run *run); /* nobody waits any more */

#endif
