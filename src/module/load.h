/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: load.h - finding modules, and what they add to the configuration.
 *
 * Loaded once, before any fork, from one folder: every child then has the same code at the same address. */
#ifndef STOA_MODULE_LOAD_H
#define STOA_MODULE_LOAD_H

#include "module/module.h"

#define MODULES_MOST 32

struct modules {
    const struct stoa_module *items[MODULES_MOST]; /* by name */
    size_t count;
};

/* Every stoa-module-*.so of folder. 0, or -1 with a sentence in why_r (which file, what to do). */
int modules_load(struct modules *modules_r, const char *folder, char *why_r, size_t why_size);

/* The core's sections, those of the modules, and the names of modules that exist but are not installed. */
struct conf_schema *modules_schema(const struct modules *modules);

/* Each module's own check of a configuration; what is wrong is told by conf_complain. */
void modules_check(const struct modules *modules, struct conf *conf, const struct settings *settings);

#endif
