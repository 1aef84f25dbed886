/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: scripts.h - ad-hoc commands written in Lua: what the files about them share.
 *
 * A script is known by its component's service and its id, "http/greet". Those on disk, below
 * manage/scripts-dir, are read when a worker starts. Those that came by command lie in the module's store
 * with the moment at which master started: they count on all workers at once, and until the daemon restarts;
 * a row without text means that the script of that name is gone. Before each list and each call the rows are
 * looked at, and what changed is loaded. */
#ifndef STOA_MANAGE_SCRIPTS_H
#define STOA_MANAGE_SCRIPTS_H

#include "manage.h"
#include "module/script.h"
#include "store/store.h"

#define SCRIPT_ID_MOST   64
#define SCRIPT_TEXT_MOST ((size_t)64 * 1024)
#define SCRIPT_VERSION   16 /* random bytes that tell one text of a script from the next */
#define SCRIPT_STEPS     8  /* of one command */

/* Lines behind a script's text: what it is called, where it does not say so itself. */
#define SCRIPT_REMARK_NAME  "-- description: "
#define SCRIPT_REMARK_GROUP "-- group: "

struct manage_script {
    OBJECT_MAGIC
    char *key;                         /* owned: "http/greet" */
    char *node, *name, *group, *about; /* owned */
    bool is_for_users, has_fields;
    bool is_on_disk;                       /* not from the store */
    unsigned char version[SCRIPT_VERSION]; /* of the store's row */
    struct script *script;                 /* owned; NULL: it is gone, or does not load */
};

struct manage_scripts {
    struct manage *manage;        /* borrowed */
    struct script_engine *engine; /* owned */
    struct store *store;          /* owned; NULL: it could not be opened, said in the log */
    struct map *items;            /* of struct manage_script by key, owned */
};

/* ---- scripts_load.c ---- */
struct manage_scripts *scripts_open(struct manage *manage);
void scripts_close(struct manage_scripts **scripts);
/* What other workers changed. */
void scripts_sync(struct manage_scripts *scripts);
struct manage_script *scripts_find(struct manage_scripts *scripts, const char *key);
/* Whether the text is a good script; else a sentence in why_r. */
bool scripts_check(struct manage_scripts *scripts, const char *key, struct span text, char *why_r,
                   size_t why_size);
bool scripts_id_is_good(struct span id);
/* Where a script lies on disk; in arena. */
const char *scripts_path(const struct manage_scripts *scripts, struct arena *arena, const char *key);

struct script_change { /* a row of the store */
    struct store_write write;
    const char *key;
    struct span text; /* empty: it is gone */
    int64_t boot;
};
void script_change_begin(struct script_change *change, struct manage_scripts *scripts, const char *key,
                         struct span text);

/* ---- scripts_run.c ---- */
extern const struct command_source scripts_source;

/* ---- scripts_verbs.c ---- */
struct script_job { /* a script at work: data of its calls */
    OBJECT_MAGIC
    struct module_host *host;
    struct command_call *call; /* borrowed */
    struct script_call *at_work;
};
extern const struct script_verb scripts_verbs[];

/* ---- scripts_commands.c ---- */
extern const struct command_row scripts_rows[];

#endif
