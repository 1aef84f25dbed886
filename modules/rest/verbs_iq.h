/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: verbs_iq.h - one stanza of a script on its way, for the verbs that send some. */
#ifndef STOA_REST_VERBS_IQ_H
#define STOA_REST_VERBS_IQ_H

#include "verbs.h"

struct sending { /* in the wait's arena */
    OBJECT_MAGIC
    struct list node; /* in run->relogins */
    struct script_wait *wait;
    struct rest_run *run;
    struct arena *arena;
    struct ask ask;
    bool as_user;    /* over the session of who is logged in */
    bool is_again;   /* that session was opened anew for it */
    bool is_message; /* or a presence: payload is the whole stanza */
    struct span from, to, payload;
    enum iq_kind kind;
    int64_t time;                          /* to wait; 0: as configured */
    void (*done)(struct sending *sending); /* ask says what came; ends the wait, or goes on by sending_iq */
    void *data;                            /* of who sends */
};

/* options: nil, seconds, or {seconds =, as_user =}. *why_r not NULL: to be refused with it. */
struct sending *sending_new(struct script_wait *wait, struct json_object *options, const char **why_r);
/* Chooses from; given: what the script wrote, at NULL: nothing. NULL: good. */
const char *sending_from(struct sending *sending, struct span given);
void sending_go(struct sending *sending); /* the first stanza */
/* A further IQ of the same wait; from is as before. */
void sending_iq(struct sending *sending, struct span to, enum iq_kind kind, struct span payload);
void sending_nil(struct sending *sending); /* the ask failed: nil, and why */
/* Leaves condition and text of a stanza error for service:why(). */
void verb_note_error(struct rest_run *run, const struct xml_element *iq);
/* Ends the wait so. */
void verb_stanza_error(struct sending *sending);

#endif
