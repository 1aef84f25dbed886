/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: index_schema.h - JSON Schema of bodies, read off an example. */
#ifndef STOA_REST_INDEX_SCHEMA_H
#define STOA_REST_INDEX_SCHEMA_H

#include "parse/json.h"

enum schema_kind {
    SCHEMA_OF_REQUEST,
    SCHEMA_OF_ANSWER, /* texts may be null there: an XMPP server may leave each of them empty */
};

/* Types and members that the example shows; none is required. The caller's to release. */
struct json_object *schema_of_example(struct json_object *example, enum schema_kind kind);

/* What those schemas refer to: Value, Problem. The caller's to release. */
struct json_object *schema_definitions(void);

#endif
