/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script_template.h - what the two files of templates share; nobody else includes it. */
#ifndef STOA_MODULE_SCRIPT_TEMPLATE_H
#define STOA_MODULE_SCRIPT_TEMPLATE_H

#include "parse/html.h"
#include "module/script_inside.h"

#define TEMPLATE_FILES_MOST 64

struct script_template {
    OBJECT_MAGIC
    struct script_engine *engine; /* borrowed */
    struct sandbox *sandbox;      /* owned */
    struct arena *arena;          /* owned; of path and pieces */
    const char *path;
    struct span *pieces; /* owned; literal texts, named by number from 1 */
    size_t piece_count;
    int chunks[TEMPLATE_FILES_MOST]; /* registry references, those of included files first; named from 1 */
    unsigned chunk_count;
    int functions; /* registry reference: what each chunk is called with */
    /* While it renders: */
    struct buf *out;
    size_t out_most;
    struct json_object *values; /* borrowed */
};

extern const char template_env_key; /* registry: the environment of all chunks */

int script_template_open(lua_State *L); /* a protected function: makes environment and functions */

#endif
