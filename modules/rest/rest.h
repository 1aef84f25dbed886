/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: rest.h - what the files of the module rest share: calls, endpoints, answers.
 *
 * A request below /rest becomes a rest_call: an endpoint is found by folder and whole-path expression, then
 * API key (403), login (401), role (403) and content are dealt with in this order, then the endpoint's
 * function runs and answers once, now or later. Endpoints of this module and of scripts are alike. */
#ifndef STOA_REST_REST_H
#define STOA_REST_REST_H

#include "base/object.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/route.h"
#include "keys.h"
#include "module/call.h"
#include "module/login.h"
#include "module/module.h"
#include "parse/json.h"
#include "parse/regex.h"
#include "rest_conf.h"

#define REST_GROUPS_MOST 16

/* The tables of the module's data base, in the order of rest_tables. */
enum rest_table { REST_TABLE_KEY, REST_TABLE_SCRIPT, REST_TABLE_VALUE };
extern const char *const rest_tables[];

enum rest_format { REST_XML, REST_JSON, REST_HTML };
enum rest_role { REST_ANYBODY, REST_USER, REST_ADMIN };
enum rest_content {               /* what is made of a request's body before the endpoint runs */
                    CONTENT_MAP,  /* XML or JSON by Content-Type into call->content; any other type stays
                                     call->body */
                    CONTENT_RAW,  /* call->body, whatever its type */
                    CONTENT_NONE, /* a body is refused */
};

struct rest;
struct rest_call;

/* One thing that can be asked for. */
struct rest_endpoint {
    const char *folder; /* "adhoc": the first segment behind /rest */
    const char *regex;  /* of the rest of the path, whole; begins with a slash */
    const char *shown;  /* the path as people read it: "/rest/adhoc/{jid}" */
    struct rest_method {
        enum http_method method; /* HTTP_GET (HEAD comes with it), HTTP_POST, HTTP_PUT, HTTP_DELETE */
        void (*run)(struct rest_call *call); /* NULL ends */
        enum rest_role role;
        struct span role_name; /* of a script that wants another role than these; else empty */
        bool needs_no_key;
        enum rest_content content;
        size_t body_most;                                                  /* bytes; 0: 64 KiB */
        const char *about;                                                 /* one line */
        const char *details;                                               /* some sentences, or NULL */
        const char *request_xml, *request_json, *answer_xml, *answer_json; /* examples, or NULL */
    } methods[5];
    /* The rest's, and of scripts. */
    struct regex *expression;        /* owned */
    void *script;                    /* struct rest_script of scripts.h, or NULL */
    struct json_object *description; /* of a script; borrowed */
};

/* The worker's state of the module. */
struct rest {
    OBJECT_MAGIC
    struct module_host *host; /* borrowed */
    const struct rest_conf *conf;
    struct store *store;              /* keys and the scripts' values; NULL: it could not be opened */
    struct keys *keys;                /* owned */
    struct rest_endpoint **endpoints; /* owned; those of longer expressions first */
    size_t endpoint_count;
    struct avatar_cache *avatars; /* owned; see avatar.h; NULL before the first is looked for */
    struct rest_scripts *scripts; /* owned; see scripts.h; NULL before they are loaded */
};

struct rest_call {
    OBJECT_MAGIC
    struct http_request *request; /* its arena is the call's memory */
    struct rest *rest;
    const struct rest_endpoint *endpoint;
    const struct rest_method *method;
    struct span groups[REST_GROUPS_MOST]; /* of the expression, [0] the first; at NULL: took no part */
    unsigned group_count;
    struct login login;          /* jid.at NULL: nobody logged in */
    const struct key *key;       /* by which it was let in; NULL: none was needed; as long as the request */
    struct key_scope scope;      /* a copy of what that key may do, for later checks */
    enum rest_format format;     /* of the answer: REST_XML or REST_JSON, by Content-Type, else the parameter
                                  * type, else Accept; an endpoint may set another */
    bool is_html_wished;         /* and who has a template for that may show it instead */
    struct span body;            /* as it came; empty without one */
    struct span body_type;       /* Content-Type without parameters, lower case; empty: none */
    bool has_content;            /* Content-Type and a body */
    struct json_object *content; /* owned by the call; CONTENT_MAP: of an XML or JSON body; else NULL */
    void *data;                  /* the endpoint's own */
    void (*on_cancel)(struct rest_call *call); /* the client is gone: stop asks; may be NULL */

    /* The frame's. */
    struct buf received; /* the body so far; owned */
    bool is_running;     /* the endpoint's function was called */
    bool is_again;       /* its session was gone once */
    void (*retry)(struct rest_call *call);
};

/* ---- the module's state (rest.c) ---- */
int rest_open(struct rest **rest_r, struct module_host *host); /* 0, or -1, said in the log */
void rest_close(struct rest **rest);
/* The data base of its own, in a worker or, without a loop, in stoactl. 0, or -1 with a sentence. */
int rest_open_store(struct module_host *host, const struct rest_conf *conf, struct arena *arena,
                    struct store **store_r, const char **why_r);

/* ---- answers: exactly one ---- */
/* Before anything else: finds the format, adds the fields that all answers have. */
void rest_begin_answer(struct rest_call *call);
/* A map with one key, in call->format (REST_HTML: as XML); map is taken. Both add Cache-Control: no-store
 * unless the endpoint has added another. */
void rest_answer(struct rest_call *call, struct json_object *map);
void rest_answer_status(struct rest_call *call, int status, struct json_object *map); /* other than 200 */
void rest_answer_bytes(struct rest_call *call, const char *type, struct span bytes);  /* type NULL: none */
/* An error in the caller's format: {"type","title","status","detail","condition","id"} (RFC 9457) for JSON,
 * <problem> with the same for XML, a page for who wishes HTML. With reference-errors = true: as the reference
 * does, a bare 404 for all that goes wrong once the endpoint runs. condition NULL: none is told. */
void rest_problem(struct rest_call *call, enum problem problem, const char *detail);
void rest_problem_status(struct rest_call *call, int status, const char *condition, const char *detail);
/* What a stanza error means over HTTP: its condition and text pass on, nothing else of it (an echoed form may
 * hold a password). */
void rest_stanza_error(struct rest_call *call, const struct xml_element *iq);
/* An ask that failed: a session that is gone is logged in again once and retry is run, else a problem. */
void rest_ask_failed(struct rest_call *call, const struct ask *ask, void (*retry)(struct rest_call *call));

/* ---- scripts of other sites (rest_cors.c) ---- */
void rest_cors_fields(struct http_request *request, const struct rest_conf *conf);
/* OPTIONS of a path that has these methods ("GET, HEAD"): answers. */
void rest_cors_options(struct rest_call *call, struct span methods);

/* ---- the body (rest_content.c) ---- */
/* Fills body and content as the method wants them, then calls go; or answers. */
void rest_take_content(struct rest_call *call, void (*go)(struct rest_call *call));

/* ---- endpoints (rest_routes.c) ---- */
/* Compiles its expression; false: why_r. The endpoint stays the caller's and must outlive its removal. */
bool rest_add_endpoint(struct rest *rest, struct rest_endpoint *endpoint, char *why_r, size_t why_size);
void rest_remove_endpoint(struct rest *rest, struct rest_endpoint *endpoint);
void rest_handle(struct http_request *request); /* of every request below /rest */

/* Whose JID speaks: the component of service http, for what is not asked as a user; empty: none is set. */
struct span rest_component(const struct rest *rest);

/* The tables of the module's own endpoints; each ends in folder NULL. */
extern struct rest_endpoint rest_adhoc_endpoints[];
extern struct rest_endpoint rest_stream_endpoints[];
extern struct rest_endpoint rest_avatar_endpoints[];
extern struct rest_endpoint rest_index_endpoints[]; /* "", "openapi.json": folder is "" */

/* ---- formats (rest_xml.c, rest_json.c; contract 1.1.7 to 1.1.10) ---- */
void rest_write_xml(struct buf *out, struct json_object *map);
void rest_write_json(struct buf *out, struct json_object *map);
/* 1: *map_r. 0: refused, why_r with the place. */
int rest_read_xml(struct span text, struct json_object **map_r, char *why_r, size_t why_size);
int rest_read_json(struct span text, struct json_object **map_r, char *why_r, size_t why_size);

#endif
