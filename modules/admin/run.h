/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: run.h - one command at work, for one request: what run.c does and run_show.c shows. */
#ifndef STOA_ADMIN_RUN_H
#define STOA_ADMIN_RUN_H

#include "admin.h"
#include "sheet.h"
#include "step.h"

struct run { /* in the request's arena */
    OBJECT_MAGIC
    struct admin *admin;          /* borrowed */
    struct http_request *request; /* borrowed */
    struct adhoc_owner owner;     /* user, JID and node; texts in the arena */
    const struct command_fact *fact;
    const struct catalog_command *command; /* in the arena; NULL: nobody offered it */
    const struct web_form *typed;          /* NULL: nothing was */
    struct step step;                      /* the one that typed belongs to; number 0: none */
    struct sheet sheet;                    /* of its form */
    bool is_confirmed;                     /* what cannot be undone may be done */
    bool fills;                            /* typed goes into the forms that come */
    unsigned rounds;                       /* forms that came */
    struct span sessionid;                 /* of the request that is under way; empty: a new one */
    bool has_sent;                         /* a form, or a command that acts: it may have been executed */
    struct web_ask web;
    struct ask forget;
    struct json_object *values; /* owned, while accounts are forgotten */
};

/* ---- run_show.c: each answers the request ---- */

/* The form of a step, to be filled in. typed: what stands in it, or NULL. note: an error above it, or NULL.
 */
void show_form(struct run *run, const struct step *step, const struct sheet *sheet,
               const struct web_form *typed, const struct xml_element *command, const char *note, int status);
/* What will happen, and a button. action: what was chosen. */
void show_confirm(struct run *run, const struct step *step, const struct sheet *sheet,
                  enum command_action action);
/* The page of what came out, for show_values later. */
struct json_object *result_values(struct run *run, const struct command *command,
                                  const struct xml_element *element);
void show_result(struct run *run, struct json_object *values);
/* Something went wrong that is no matter of the form. */
void show_trouble(struct run *run, int status, const char *headline, const char *text);
/* The typed form once more, if it may be sent anew; else the trouble alone. */
void show_refusal(struct run *run, const char *text);

/* The text with {1} and {2} filled in; two NULL: only {1}. */
const char *show_words(struct run *run, const char *text, const char *one, const char *two);
/* A sentence on an error stanza. */
const char *error_text(struct run *run, const struct xml_element *iq);
/* The condition of an error stanza, for the log. */
struct span error_condition(const struct xml_element *iq);

#endif
