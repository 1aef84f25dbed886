/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: steer.h - what a module may ask of master: changes of the configuration, certificates,
 * a reload, and the configuration's own files as text.
 *
 * A worker asks the keeper of the core by an errand, the keeper asks master over a socket pair that it was
 * born with; nobody else can. Master checks everything again: what a worker may not change is not decided by
 * the worker. Changes lie in a file of their own (changes.tdsl beside config.tdsl), one override a line with
 * who and when as a comment; they win over config.tdsl and are refused whole when the configuration would not
 * load with them. A change of what only counts after a restart is kept and said so. */
#ifndef STOA_MODULE_STEER_H
#define STOA_MODULE_STEER_H

#include "module/call.h"

enum steer_word {
    STEER_RELOAD,      /* body empty */
    STEER_CHANGE,      /* lines "path/in/config=value", "path/in/config" alone: as in config.tdsl again */
    STEER_CERTIFICATE, /* first line: domain and "keep" or "lose"; then PEM: chain and key */
    STEER_CONFIG_TEXT, /* body: a file's name or empty; ask->text: config.tdsl as it stands, secrets masked */
    STEER_CHANGES,     /* ask->text: the lines that are in force */
};

/* As ask_errand: done when the new configuration is in force on all new workers, or refused: then problem is
 * bad_request and text says why, a line for each thing that is wrong. text otherwise: notices, or what was
 * asked for. who: bare JID, for changes.tdsl and the log. */
void steer_ask(struct module_host *host, struct ask *ask, struct arena *arena, enum steer_word word,
               struct span who, struct span body);

#endif
