/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: command.h - ad-hoc commands (XEP-0050): what an answer says, and requests as text.
 *
 * Pure functions. Two facts of the servers that we met stand behind it: whether there is a next step is told
 * by the status alone, not by the type of the form; and a command that failed may well be "completed", with a
 * note of type error. */
#ifndef STOA_XMPP_COMMAND_H
#define STOA_XMPP_COMMAND_H

#include "xmpp/form.h"

enum command_action {
    COMMAND_EXECUTE,
    COMMAND_PREV,
    COMMAND_NEXT,
    COMMAND_COMPLETE,
    COMMAND_CANCEL,
    COMMAND_ACTIONS
};

enum command_status {
    COMMAND_EXECUTING, /* a step is over, another one is to come */
    COMMAND_COMPLETED,
    COMMAND_CANCELED,
};

/* Points into the answer that it was read from. */
struct command {
    enum command_status status;
    struct span sessionid;          /* empty: none */
    const struct xml_element *form; /* NULL: none */
    const struct xml_element *note; /* the first; NULL: none */
    bool has_failed;                /* one of the notes is an error */
    unsigned actions;               /* bits 1u << COMMAND_...: those that the server names; 0: none */
    enum command_action usual;      /* what stands for "execute" (XEP-0050 3.4) */
};

const char *command_action_name(enum command_action action);
/* false: no such action. */
bool command_action_read(struct span name, enum command_action *action_r);

/* iq: of type result. false: it holds no command, or one that cannot be gone on with. */
bool command_read(const struct xml_element *iq, struct command *command_r);
/* Appends the request; sessionid empty: a new session; form: XML text that form.h wrote, or empty. */
void command_write(struct buf *out, struct span node, struct span sessionid, enum command_action action,
                   struct span form);

/* {jid, node, fields, title?, instructions?, note?, reported?, roster?}, in this order: what callers of the
 * HTTP API have always read. New; the caller's to put. */
struct json_object *command_map(const struct command *command, struct span jid, struct span node,
                                struct arena *arena);
/* Adds {sessionid?, status, actions?, form_type?} for callers that go on. */
void command_add_state(struct json_object *map, const struct command *command, struct span sessionid);

/* Payload that asks for the list of commands, and the list of its answer: [{jid, node, name}]. */
#define COMMAND_LIST_QUERY "<query xmlns='http://jabber.org/protocol/disco#items' node='" NS_COMMANDS "'/>"
struct json_object *command_list(const struct xml_element *iq);

#endif
