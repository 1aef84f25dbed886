/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: scripts.h - scripts as endpoints of REST: those of the operator and those that come
 * with Stoa.
 *
 * FOLDER/Name.lua becomes an endpoint of FOLDER; the operator's own wins over one of the same name that came
 * with Stoa. A text that does not load leaves the last good one in force, which is kept in the store. */
#ifndef STOA_REST_SCRIPTS_H
#define STOA_REST_SCRIPTS_H

#include "module/script.h"
#include "rest.h"

enum { TEMPLATE_GET, TEMPLATE_POST, TEMPLATE_PUT, TEMPLATE_DELETE, TEMPLATE_ANY, TEMPLATE_COUNT };

struct rest_script {
    OBJECT_MAGIC
    struct rest *rest; /* borrowed */
    char *folder;      /* owned */
    char *key;         /* owned: "FOLDER/Name.lua" */
    char *path;        /* owned: the file's */
    char *shown;       /* owned: what endpoint.shown is */
    bool is_shipped;
    struct script *script;                             /* owned */
    struct script_template *templates[TEMPLATE_COUNT]; /* owned; NULL where there is none */
    struct rest_endpoint endpoint;
};

/* What did not load: for the log, once, and for the index of /rest. */
struct rest_failure {
    char *name;      /* owned: "FOLDER/Name.lua" */
    char *error;     /* owned: a sentence with file and line */
    bool is_running; /* the last good text of it is in force */
};

struct rest_scripts {
    struct script_engine *engine; /* owned */
    struct rest_script **items;   /* owned; by folder and name */
    size_t count;
    struct rest_failure *failures; /* owned */
    size_t failure_count;
};

/* Loads all into rest->scripts, with the last good texts of table "script", and adds their endpoints; before
 * requests come (it reads files). false: no engine. Broken scripts are no failure of this. */
bool rest_scripts_open(struct rest *rest);
void rest_scripts_close(struct rest *rest);

/* ---- between the files of it ---- */
/* scripts_find.c: one file that was found. */
struct rest_found {
    char *folder, *name, *path; /* owned; name is "Name.lua" */
    const char *root;           /* borrowed: scripts/rest, its lib/ is for require */
    bool is_shipped;
};
struct rest_finds {
    struct rest_found *items;
    size_t count;
};
/* All of the operator's folder, and those of the shipped one whose name the operator does not use. */
void rest_scripts_find(struct rest_finds *finds, const char *own, const char *shipped);
void rest_finds_free(struct rest_finds *finds);

/* scripts_keep.c: the last good texts. */
/* true: *text is the kept one (appended). */
bool rest_script_kept(struct rest *rest, const char *key, struct buf *text);
/* Keeps it, unless it is kept already. At start only: it waits for the disk. */
void rest_script_keep(struct rest *rest, const char *key, struct span text);
/* Forgets what belongs to no file any more. */
void rest_scripts_forget(struct rest *rest, const struct rest_finds *finds);

/* scripts_call.c: one handler at work. */
struct rest_run {
    OBJECT_MAGIC
    struct rest_call *call; /* borrowed */
    struct rest_script *script;
    struct script_call *at_work; /* NULL before script_run returned, and when it is done */
    unsigned waits;              /* verbs that have not answered */
    /* What the last verb that answered nil came to, for service:why(). */
    enum problem problem;
    const char *problem_text; /* in the request's arena, or static; NULL: none */
    const char *problem_condition;
    struct list relogins; /* waits that were told no_session, while one login is under way */
    bool is_logging_in;
};
void rest_script_run(struct rest_call *call); /* run of all methods of scripts */

/* scripts_page.c: answers as pages. */
void rest_pages_load(struct rest_script *one); /* the templates beside it */
void rest_pages_free(struct rest_script *one);
/* false: there is no template for it, or it broke (said in the log). */
bool rest_script_page(struct rest_run *run, struct json_object *result);

/* scripts_request.c: the request as an object, for scripts and templates; to be put. */
struct json_object *rest_script_request(struct rest_call *call);

/* scripts.c */
char *rest_printed(const char *format, ...) __attribute__((format(printf, 1, 2))); /* to be freed */
/* Says it and lists it. */
void rest_script_failure(struct rest_scripts *scripts, const char *name, const char *error, bool is_running);

#endif
