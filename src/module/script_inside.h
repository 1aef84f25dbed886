/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script_inside.h - what the files of the script engine share; nobody else includes it.
 *
 * The one rule behind all of it: Lua leaves a function of ours by longjmp when memory is out or an error is
 * raised. So whatever such a function owns outside Lua hangs in something that Lua will free (scrap_new), or
 * in the call, before the next line that may raise. */
#ifndef STOA_MODULE_SCRIPT_INSIDE_H
#define STOA_MODULE_SCRIPT_INSIDE_H

#include "base/list.h"
#include "base/object.h"
#include "module/script.h"
#include "parse/regex.h"
#include "parse/xml.h"

#include <lauxlib.h>
#include <lua.h>

/* ---- memory: every byte of a state and of its expressions is counted ---- */
struct purse {
    size_t used, most;
};

/* ---- a Lua state with our libraries and without the rest; scripts and templates each have one ---- */
struct sandbox {
    lua_State *L; /* main thread: runs nothing but our own protected functions */
    struct purse purse;
    struct regex_host regexes;
    struct loop *loop;     /* borrowed */
    char *name;            /* owned; for the log */
    char *lib;             /* owned; folder for require(); NULL: none */
    struct script *script; /* borrowed; NULL: a template's */
    bool loading;          /* the file itself runs: require() may read, verbs may not be called */
    bool stopped;          /* the hook yielded just now */
    unsigned pcalls;       /* of the thread that runs: within each other just now */
    int64_t log_since;     /* of the log's bucket */
    unsigned log_lines, log_lost;
};

/* NULL: not even the libraries fit into the memory. */
struct sandbox *sandbox_open(struct loop *loop, size_t memory_most, const char *name, const char *lib);
void sandbox_close(struct sandbox **sandbox);
void sandbox_log(struct sandbox *sandbox, struct span text); /* a line of the script's own; rate limited */

/* extra space of a lua_State: the same pointer in all threads of a state */
static inline struct sandbox *sandbox_of(lua_State *L)
{
    return *(struct sandbox **)lua_getextraspace(L);
}

enum run {
    RUN_DONE,
    RUN_WAITS,
    RUN_THREW,
    RUN_TOO_LONG,
    RUN_TOO_LARGE,
};

/* Resumes thread with the function and arguments on its stack; *pcalls is the thread's, 0 at first. Anything
 * but DONE and WAITS: the thread must never run again, nor be reset (that would call its pending __close);
 * why gets message and traceback. */
enum run sandbox_run(struct sandbox *sandbox, lua_State *thread, int arguments, unsigned *pcalls,
                     int64_t cpu_most, struct buf *why);
/* Compiles and runs text as a chunk in a thread of its own, its one result is left on L. 0 or a failure. */
enum run sandbox_load(struct sandbox *sandbox, const char *path, struct span text, int64_t cpu_most,
                      struct buf *why);
/* Calls one of our own C functions on the main thread: data as light userdata, then so many values off the
 * stack of that thread. false when memory is out. */
bool sandbox_protected(struct sandbox *sandbox, lua_CFunction call, void *data, int values);

/* Memory or objects of C that must go when Lua leaves by longjmp: pushes a userdata that frees it. */
struct scrap {
    void *at;
    void (*release)(void *at);
};
struct scrap *scrap_new(lua_State *L, void (*release)(void *at)); /* at is NULL: fill it in at once */
void scrap_drop(struct scrap *scrap);                             /* releases it now */
void scrap_buf(void *at);                                         /* release for a struct buf of must_alloc */

/* ---- the meter of CPU time: script_meter.c ---- */
struct meter {
    lua_State *volatile thread;
    volatile int ticks;    /* left */
    volatile bool expired; /* the hook is set */
};
void meter_open(void); /* counted: the first arms the timer of this thread, the last disarms it */
void meter_close(void);
struct meter meter_begin(lua_State *thread, int64_t cpu_most); /* returns what was being measured */
bool meter_end(struct meter before);                           /* whether the time was used up */
bool meter_expired(void);                                      /* for our own long loops */
extern const char meter_text[];                                /* what a script is told */

/* ---- libraries: each opens with nothing on the stack and leaves nothing ---- */
void script_base_open(lua_State *L);   /* script_base.c: base, table, os, require, log */
void script_string_open(lua_State *L); /* script_string.c: find, match, gmatch, gsub, rep on PCRE2 */
void script_json_open(lua_State *L);   /* script_json.c: json, null, ordered */
void script_xml_open(lua_State *L);    /* script_xml.c: xml */
void script_answer_open(lua_State *L); /* script_response.c: Result */

/* ---- values across the border ---- */
/* Does not raise, so it may run while C owns things. *json_r NULL is null. false: why_r. */
bool script_to_json(lua_State *L, int index, struct json_object **json_r, char *why_r, size_t why_size);
void script_push_json(lua_State *L, struct json_object *json); /* may raise */
/* Pushes an array of the names of the table there: first those whose order is known, then the others. */
void script_push_names(lua_State *L, int index);
bool script_is_element(lua_State *L, int index);
/* Raises when memory is out: out hangs in a scrap. false: why_r. */
bool script_element_text(lua_State *L, int index, struct buf *out, char *why_r, size_t why_size);
void script_push_xml(lua_State *L, struct span text); /* parses; may raise */

/* ---- scripts and calls ---- */
struct script_engine {
    OBJECT_MAGIC
    struct loop *loop; /* borrowed */
    struct script_limits limits;
    const struct script_verb *verbs; /* borrowed */
};

#define SCRIPT_METHODS 16 /* bits of script_about.methods */
#define THREADS_IDLE   16 /* kept for the next calls */

/* What a file becomes; can be built anew from its text. */
struct script_state {
    struct sandbox *sandbox;      /* owned */
    int handlers[SCRIPT_METHODS]; /* registry references */
    int service;                  /* the same */
};

struct script {
    OBJECT_MAGIC
    struct script_engine *engine; /* borrowed */
    struct script_state state;
    struct arena *arena; /* owned; of what follows */
    const char *path, *lib;
    struct span text;
    struct script_about about; /* of the first time the text ran; description is owned */
    struct list calls;
    unsigned call_count;
    lua_Integer last_number;
    struct script_call *current; /* whose stretch runs; NULL: none */
    struct list idle;            /* of script_thread.node */
    unsigned idle_count;
};

struct script_thread {
    struct list node;
    lua_State *L;
    int reference;   /* in the registry */
    unsigned pcalls; /* see sandbox_run */
};

/* what a response function collects; see script_response.c */
struct script_reply {
    int status;
    struct buf body, type;
    struct buf names;            /* names and values of headers, one behind the other */
    struct reply_place *headers; /* owned */
    size_t header_count;
};

struct reply_place {
    size_t name, name_size, value, value_size;
};

#define REPLY_HEADERS_MOST 32

struct script_call {
    OBJECT_MAGIC
    struct script *script; /* borrowed; the script outlives it */
    struct list node;
    lua_Integer number; /* by which Lua's side names it: a stale one finds nothing */
    void (*done)(void *data, const struct script_outcome *outcome);
    void *data;
    struct list waits;
    unsigned wait_count;
    struct timer deadline;
    const struct script_arg *args; /* only during its first stretch */
    unsigned arg_count;
    enum http_method method;
    struct json_object *request;  /* referenced; for response functions */
    struct script_thread *thread; /* that runs just now */
    bool answered;                /* outcome is what the script gave; it ends with this stretch */
    bool cancelled;               /* within its own stretch */
    enum script_outcome_kind kind;
    struct buf bytes, type;
    struct json_object *json;
    struct script_reply reply;
};

struct script_wait {
    OBJECT_MAGIC
    struct script_call *call; /* borrowed */
    const struct script_verb *verb;
    struct list node;
    struct task soon;
    struct arena *arena; /* made when asked for */
    void (*cancel)(struct script_wait *wait, void *data);
    void *cancel_data;
    struct script_thread *thread; /* that sleeps for it; NULL: a function is called, or it is still asked */
    int function;                 /* registry reference; LUA_NOREF: none */
    bool running;                 /* the verb's run is at work */
    bool answered, refused, is_bytes;
    struct json_object *json;
    struct buf bytes; /* the answer, or why it was refused */
};

void script_service_push(lua_State *L, struct script *script); /* makes the service object; may raise */
struct script_call *script_call_find(struct script *script, lua_Integer number);
/* Pushes the callback of that call. */
void script_callback_push(lua_State *L, struct script_call *call);
void script_call_end(struct script_call *call, enum script_failure failure, struct span why);
void script_resume(struct script_wait *wait); /* its answer is there */
void script_wait_free(struct script_wait *wait);
/* Ends the wait; raises what was refused, or as_values: nil and why. How many values. */
int script_push_answer(lua_State *L, struct script_wait *wait, bool as_values);
struct script_thread *script_thread_take(struct script *script); /* NULL: no memory */
void script_thread_put(struct script *script, struct script_thread *thread);
void script_thread_drop(struct script *script, struct script_thread *thread);
/* After a call died of memory: collects, ends the other calls, builds anew, whatever is needed in that order.
 */
void script_shrink(struct script *script);

/* Runs the function there with request and response; returned from a C function. */
int script_respond(lua_State *L, struct script_call *call, int function);
void script_reply_free(struct script_reply *reply);
bool script_result_read(lua_State *L, int index, struct span *type_r, struct span *data_r);

#endif
