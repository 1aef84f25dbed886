/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: manage.h - what the files of the module share: its state, and the rows of its commands.
 */
#ifndef STOA_MANAGE_MANAGE_H
#define STOA_MANAGE_MANAGE_H

#include "base/object.h"
#include "manage_conf.h"
#include "module/command.h"
#include "module/steer.h"

struct dns;
struct manage_scripts;

struct manage {
    OBJECT_MAGIC
    struct module_host *host; /* borrowed */
    const struct manage_conf *conf;
    struct dns *dns;                /* owned; NULL before the first question */
    struct manage_scripts *scripts; /* owned */
};

/* Each file's commands, ended by a row without node; manage.c puts them together. */
extern const struct command_row any_file_rows[];
extern const struct command_row certificate_rows[];
extern const struct command_row config_module_rows[];
extern const struct command_row config_text_rows[];
extern const struct command_row config_update_rows[];
extern const struct command_row list_command_rows[];
extern const struct command_row stats_rows[];
extern const struct command_row query_dns_rows[];
extern const struct command_row tracker_rows[];

/* ---- steering.c: commands that ask master; the call waits, exactly one of the two is called ---- */
/* refused NULL: the command is refused with the reason. */
void manage_steer(struct command_call *call, enum steer_word word, struct span body,
                  void (*then)(struct command_call *call, struct span text),
                  void (*refused)(struct command_call *call, const char *why));
void manage_again(struct command_call *call, const char *why); /* the form again: for refused */
void manage_show_text(struct command_call *call, const char *title, const char *label, struct span text);

/* ---- config_update.c ---- */
void config_apply(struct command_call *call, struct buf *lines); /* asks for these changes; frees lines */

#endif
