/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4: ctl.h - stoactl's side of master's control socket (see src/master/master_control.c).
 *
 * One line goes there, lines come back: "ok", or "error: sentence" (several, when a configuration was
 * refused). "segment" brings the shared segment's descriptor along, so that reading needs no help of
 * master's. */
#ifndef STOA_CTL_CTL_H
#define STOA_CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>

#define CTL_NOT_RUNNING 3 /* exit status when no daemon answers */

/* Exit status: 0, 1 when it was refused (the reason is on stderr), CTL_NOT_RUNNING. "stop" and "drain" come
 * back when the daemon has ended. */
int ctl_command(const char *path, const char *word);
/* Changes settings of the running daemon: "path/in/config=value", or a path alone for what the file says. */
int ctl_change(const char *path, int argc, char **argv);
/* Prints a table, or JSON, to stdout. */
int ctl_status(const char *path, bool json);

/* Prints what is served, and who may ask for it. */
int ctl_routes(const char *path);

/* path: the control socket. Connects, sends word, reads the first line into answer_r. *fd_r, if wanted, gets
 * a passed descriptor or -1. The connected socket, or -1 when nobody listens. */
int ctl_ask(const char *path, const char *word, char *answer_r, size_t answer_size, int *fd_r);

#endif
