/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: index_path.h - paths of endpoints as people and OpenAPI write them.
 *
 * "/rest/avatar/{jid}[/{source}]": a name in braces stands for what the caller puts there, brackets stand
 * round what may be left out. Pure. */
#ifndef STOA_REST_INDEX_PATH_H
#define STOA_REST_INDEX_PATH_H

#include "base/arena.h"
#include "base/buf.h"

#define PATH_VARIANTS_MOST 8

/* Appends how an expression of a whole path reads: groups become {part1}, or {name} where they have one. Only
 * plain ones can be read so; false: out is as before. */
bool path_of_expression(struct buf *out, struct span expression);

/* The paths without brackets that one with brackets stands for, shortest first: "/a/{b}", "/a/{b}/{c}".
 * Returns how many; 0: the brackets are not paired, or stand for more than PATH_VARIANTS_MOST. */
unsigned path_variants(struct arena *arena, struct span path, struct span variants_r[PATH_VARIANTS_MOST]);

/* Takes the path up to the end of its next {name} off *rest. false: no more names. */
bool path_next_name(struct span *rest, struct span *name_r);

/* Appends the path with all names taken out: two paths that differ in names only are one to OpenAPI. */
void path_shape(struct buf *out, struct span path);

#endif
