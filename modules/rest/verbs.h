/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: verbs.h - what scripts of REST may ask of the world: service:NAME(...).
 *
 * doc/scripting.md tells each verb to authors; here is how they are made. A verb that finds nothing or fails
 * answers nil and leaves the reason for service:why(); one that is called wrongly raises an error. */
#ifndef STOA_REST_VERBS_H
#define STOA_REST_VERBS_H

#include "scripts.h"

extern const struct script_verb rest_verbs[]; /* ends in name NULL */

/* ---- for the files of verbs ---- */
struct rest_run *verb_run(struct script_wait *wait);
/* Arguments from 0 on; a missing one is NULL, as nil is. */
struct json_object *verb_arg(struct json_object *args, unsigned at);
bool verb_text(struct json_object *args, unsigned at, struct span *text_r);
/* nil, and why: condition and text static or in the request's arena. */
void verb_nil(struct script_wait *wait, enum problem problem, const char *condition, const char *text);

/* verbs_iq.c */
void verb_iq(struct script_wait *wait, struct json_object *args);
void verb_send(struct script_wait *wait, struct json_object *args);
void verb_send_packet(struct script_wait *wait, struct json_object *args);
/* verbs_command.c */
void verb_command(struct script_wait *wait, struct json_object *args);
/* verbs_kv.c */
void verb_kv_get(struct script_wait *wait, struct json_object *args);
void verb_kv_set(struct script_wait *wait, struct json_object *args);
void verb_kv_delete(struct script_wait *wait, struct json_object *args);
void verb_kv_list(struct script_wait *wait, struct json_object *args);
/* verbs_fetch.c */
void verb_fetch(struct script_wait *wait, struct json_object *args);

#endif
