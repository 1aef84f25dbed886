/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: manage.h - what the files of the module share: its state, and the rows of its commands.
 */
#ifndef STOA_MANAGE_MANAGE_H
#define STOA_MANAGE_MANAGE_H

#include "base/object.h"
#include "manage_conf.h"
#include "module/command.h"

struct dns;

struct manage {
    OBJECT_MAGIC
    struct module_host *host; /* borrowed */
    const struct manage_conf *conf;
    struct dns *dns; /* owned; NULL before the first question */
};

/* Each file's commands, ended by a row without node; manage.c puts them together. */
extern const struct command_row list_command_rows[];
extern const struct command_row stats_rows[];

#endif
