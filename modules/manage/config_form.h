/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: config_form.h - a section of the configuration as a form, and what came back as changes.
 */
#ifndef STOA_MANAGE_CONFIG_FORM_H
#define STOA_MANAGE_CONFIG_FORM_H

#include "conf/changes.h"
#include "module/command.h"

/* As in force in this worker; texts in call->arena. false: there is none. */
bool config_find(struct command_call *call, struct span path, struct conf_view *view_r);
bool config_is_open(const struct conf_view *view);    /* something in it can be changed by command */
bool config_has_switch(const struct conf_view *view); /* "active" can */

void config_form_fill(struct form_draft *draft, const struct conf_view *view);
/* Appends a line for each value of call->draft that is another one than what is in force. false: *var_r (or
 * NULL) and why. */
bool config_form_lines(struct command_call *call, const struct conf_view *view, struct buf *lines,
                       const char **var_r, const char **why_r);

#endif
