/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: index.h - what can be asked for below /rest, described: as a page on which it can be
 * tried, as a list, and as OpenAPI. All three are written from one reading of the endpoints. */
#ifndef STOA_REST_INDEX_H
#define STOA_REST_INDEX_H

#include "base/arena.h"
#include "base/buf.h"
#include "rest.h"

#define INDEX_METHODS_MOST 4

struct index_method {
    const struct rest_method *row;
    const char *name;       /* "GET" */
    const char *anchor;     /* of the page: "get-rest-adhoc-jid"; no other method has it */
    const char *about;      /* one line; may be empty */
    const char *details;    /* or NULL */
    const char *role;       /* NULL: no login is needed; "user", "admin" or one of a script's own */
    const char *request[2]; /* examples by enum rest_format, REST_XML and REST_JSON; or NULL */
    const char *answer[2];  /* the same */
};

struct index_entry {
    const struct rest_endpoint *endpoint;
    const char *folder; /* "" for what is in none */
    struct span path;   /* with the context: "/rest/adhoc/{jid}" */
    bool is_readable;   /* path is such a path, and not an expression */
    bool is_script;
    struct index_method methods[INDEX_METHODS_MOST];
    unsigned method_count;
};

struct index {
    struct span context;         /* "/rest" */
    bool is_open;                /* keys are not asked for */
    struct index_entry *entries; /* by folder, then path */
    size_t count;
    const char **failed; /* scripts that could not be loaded: "folder/Name.lua" */
    size_t failed_count;
};

/* All in arena; texts may be the endpoints' own. */
void index_read(struct arena *arena, const struct rest *rest, struct index *index_r);

/* {"rest":{"endpoints":[...],"failed":[...]}}; the caller's to release */
struct json_object *index_list(const struct index *index);
/* An OpenAPI 3.1 document; the caller's to release. */
struct json_object *index_openapi(struct arena *arena, const struct index *index);

/* The page. base: what stands before links that are relative to the context. origin: "https://example.org" */
struct index_links {
    struct span base, origin;
    const char *root;           /* the way up to "/" */
    char style[64], script[64]; /* names below static/, see index_static.c */
};
void index_page(struct buf *out, const struct index *index, const struct index_links *links);

/* ---- index_static.c: the page's files, under names that change with their content ---- */
struct index_file {
    const char *name, *ending; /* "index", "css"; name NULL ends */
    const char *type;
    const unsigned char *at;
    size_t size;
};
extern const struct index_file index_files[]; /* made by the build from static/ */
void index_file_name(const struct index_file *file, char *name_r, size_t size);
void index_static(struct rest_call *call); /* GET /rest/static/NAME */

#endif
