/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: visit.h - one request of somebody who needs no login: what it says, as a form, JSON or
 * XML, and its answer in the same language.
 *
 * The format of the answer is that of the module rest: by Content-Type, else the parameter type, else Accept.
 * A form that a browser sent is answered with a page. */
#ifndef STOA_ACCOUNT_VISIT_H
#define STOA_ACCOUNT_VISIT_H

#include "account.h"
#include "http/reply.h"
#include "http/request.h"
#include "parse/json.h"

#define VISIT_BODY_MOST  16384
#define VISIT_FIELDS     100
#define VISIT_FIELD_MOST 4096

enum visit_format { VISIT_HTML, VISIT_JSON, VISIT_XML };

struct visit_text {
    struct span name, value;
};

struct visit {
    OBJECT_MAGIC
    struct account *account;      /* borrowed */
    struct http_request *request; /* in whose arena it lies */
    enum visit_format format;
    struct json_object *content; /* of a JSON or XML body: names and texts; owned */
    struct visit_text *form;     /* of a form */
    size_t form_count;
    void (*go)(struct visit *visit); /* when the body is there */
    struct job *job;                 /* works for it; NULL: none */
    struct json_object *errors;      /* [{field, text}]; owned; NULL: none */
};

/* Makes one of the request, and finds the format. */
struct visit *visit_begin(struct http_request *request);
/* Reads the body of a POST, then calls go; or answers 413, 415 or 400. */
void visit_read(struct visit *visit, void (*go)(struct visit *visit));

/* A field; empty when it is absent. false: it holds a control character or is longer than any good value. */
bool visit_field(struct visit *visit, const char *name, struct span *value_r);

/* Collects what is wrong; field: the id of the input in the page, or empty. */
void visit_wrong(struct visit *visit, const char *field, const char *text);

/* ---- answers: exactly one ---- */
/* The page of that template with values, or map to programs; both are taken. */
void visit_answer(struct visit *visit, int status, const char *template, struct json_object *values,
                  struct json_object *map);
/* {error: text}, or the page "trouble". */
void visit_trouble(struct visit *visit, int status, const char *text);
/* ["text", ...] of what was collected, for maps; new. */
struct json_object *visit_error_texts(const struct visit *visit);

/* Whether this client has asked too often: then 429 was answered. what: of the bucket's name. */
bool visit_is_too_much(struct visit *visit, const char *what, int64_t per_hour);

/* Helpers for maps. */
void json_put_text(struct json_object *json, const char *name, struct span text);

#endif
