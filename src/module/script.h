/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script.h - handlers written in a script language, run inside a worker without being
 * trusted.
 *
 * A script is one file with an interpreter state of its own: capped memory, a budget of CPU time for each
 * stretch between two waits, no files, no processes, no other script's globals. A fault of it ends one call
 * and nothing else. Values cross this border as JSON trees and bytes, so that another language can join.
 * Nothing here knows HTTP routes or XMPP: what a script may ask of the world is a table of verbs. */
#ifndef STOA_MODULE_SCRIPT_H
#define STOA_MODULE_SCRIPT_H

#include "base/arena.h"
#include "base/buf.h"
#include "os/loop.h"
#include "parse/http_head.h"
#include "parse/json.h"

struct script_engine; /* one per process */
struct script;        /* one loaded file */
struct script_call;   /* one handler at work */
struct script_wait;   /* a verb that a script waits for */

struct script_limits {
    size_t memory_most;  /* bytes of one script's state */
    int64_t cpu_most;    /* microseconds of CPU between two waits; beyond it the call fails */
    int64_t answer_most; /* microseconds of time from call to answer; later the call fails */
    unsigned calls_most; /* of one script at once; further ones fail */
};

/* ---- what scripts may ask of the world ---- */
enum script_verb_flags {
    VERB_WAITS = 1,       /* answers later: a script may give a function that is called with the answer, or
                           * leave it out and get the answer as the result, while others run */
    VERB_ANSWERS_XML = 2, /* the answer's text is XML: scripts get it as an element (see doc/scripting.md) */
    VERB_TAKES_XML = 4,   /* its first argument may be an element; it arrives here as XML text */
};

struct script_verb {
    const char *name; /* NULL ends; called as service:NAME(...) */
    unsigned flags;
    /* args: a JSON array, borrowed until run returns. Without VERB_WAITS: script_answer before returning. */
    void (*run)(struct script_wait *wait, struct json_object *args);
};

/* Exactly once for each run, unless it was cancelled. json: taken; NULL is nil. */
void script_answer(struct script_wait *wait, struct json_object *json);
void script_answer_bytes(struct script_wait *wait, struct span bytes); /* a string, or XML by the flag */
/* The verb raises an error in the script: it can catch it; why goes into the traceback. */
void script_refuse(struct script_wait *wait, const char *why);
void *script_wait_data(const struct script_wait *wait);    /* the call's data, see script_run */
struct arena *script_wait_arena(struct script_wait *wait); /* dies with the wait */
/* cancel is called instead of waiting for an answer when the call ends first; the wait is gone after it. */
void script_wait_on_cancel(struct script_wait *wait, void (*cancel)(struct script_wait *wait, void *data),
                           void *data);

/* ---- engine and scripts ---- */
/* verbs and service (the name of what scripts log as) must outlive it. */
struct script_engine *script_engine_new(struct loop *loop, const struct script_limits *limits,
                                        const struct script_verb *verbs);
void script_engine_free(struct script_engine **engine);

/* What a script says of itself; in its memory. */
struct script_about {
    struct span regex;         /* never empty */
    struct span required_role; /* empty: none; "user", "admin" or a role of one's own */
    bool is_async, decode_content, api_key;
    unsigned methods;                /* bits 1u << HTTP_GET ... that have a function */
    struct json_object *description; /* borrowed; NULL: none */
    struct span name;                /* of the file, without folder and ending */
};

/* text is the whole file, path for messages only, lib a folder whose files require() may load (NULL: none).
 * NULL: it does not load; a sentence with file and line in why_r. */
struct script *script_load(struct script_engine *engine, const char *path, struct span text, const char *lib,
                           char *why_r, size_t why_size);
/* Calls at work fail first (SCRIPT_FAILED). Not from within a verb's run or a done. */
void script_free(struct script **script);
const struct script_about *script_about(const struct script *script);
size_t script_memory(const struct script *script);  /* bytes in use now */
unsigned script_calls(const struct script *script); /* at work */

/* ---- calling a handler ---- */
enum script_arg_kind {
    ARG_NULL,
    ARG_TEXT,
    ARG_JSON,
    ARG_REQUEST,
    ARG_BESIDE, /* the request again, but no argument: what callback(function(request, response)) is given */
};

struct script_arg { /* what stands behind service and callback, in the contract's order */
    enum script_arg_kind kind;
    struct span text;         /* ARG_TEXT */
    struct json_object *json; /* ARG_JSON; borrowed. ARG_REQUEST: the facts of the request as an object:
                               * method, path, query (an object), headers (an object), body, client, host */
};

enum script_outcome_kind {
    SCRIPT_NOTHING,  /* callback(nil) */
    SCRIPT_TEXT,     /* callback("...") */
    SCRIPT_RESULT,   /* callback(Result(type, data)) */
    SCRIPT_TABLE,    /* callback({...}) */
    SCRIPT_RESPONSE, /* callback(function(request, response) ... end) */
    SCRIPT_FAILED,
};

enum script_failure {
    SCRIPT_THREW,     /* an error nobody caught */
    SCRIPT_TOO_LONG,  /* its CPU time, or the time to answer, is over */
    SCRIPT_TOO_LARGE, /* its memory is */
    SCRIPT_SILENT,    /* it returned, waits for nothing, and never called back */
    SCRIPT_BUSY,      /* calls_most are at work */
    SCRIPT_GONE,      /* it was unloaded meanwhile */
};

struct script_header {
    struct span name, value;
};

struct script_outcome { /* valid until the callback returns */
    enum script_outcome_kind kind;
    struct span text;         /* SCRIPT_TEXT; the data of SCRIPT_RESULT; the body of SCRIPT_RESPONSE */
    struct span type;         /* of SCRIPT_RESULT and SCRIPT_RESPONSE; empty: none */
    struct json_object *json; /* SCRIPT_TABLE; borrowed */
    int status;               /* SCRIPT_RESPONSE */
    const struct script_header *headers; /* SCRIPT_RESPONSE */
    size_t header_count;
    enum script_failure failure; /* SCRIPT_FAILED */
    struct span why;             /* SCRIPT_FAILED: message and traceback, for the log only */
};

/* Calls the handler's function for method. done is called exactly once, possibly before this returns; NULL is
 * returned then. A second callback of the script is logged and has no effect. */
struct script_call *script_run(struct script *script, enum http_method method, const struct script_arg *args,
                               unsigned count, void (*done)(void *data, const struct script_outcome *outcome),
                               void *data);
void script_cancel(struct script_call *call); /* done is not called; its waits are cancelled */

/* ---- templates: HTML that escapes by default ---- */
struct script_template;

/* text: the template; NULL: bad, with a sentence and the line in why_r. See doc/scripting.md for its
 * language.
 */
struct script_template *script_template_load(struct script_engine *engine, const char *path, struct span text,
                                             char *why_r, size_t why_size);
void script_template_free(struct script_template **one);
/* values: an object whose members are the template's variables. false: why_r; out may hold a part. */
bool script_template_render(struct script_template *one, struct json_object *values, struct buf *out,
                            char *why_r, size_t why_size);

#endif
