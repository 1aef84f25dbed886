/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0 and PCRE2: regex.h - regular expressions of operators and script authors, with limits.
 *
 * The interpreter, never the JIT (it needs writable code). Matching is bounded by steps and memory: what goes
 * beyond is told as REGEX_TOO_HARD, never as a match. Compiled ones are read-only and may be shared. */
#ifndef STOA_PARSE_REGEX_H
#define STOA_PARSE_REGEX_H

#include "base/span.h"

struct regex;

#define REGEX_GROUPS_MOST 32
#define REGEX_STEPS_MOST  20000

enum regex_flags {
    REGEX_WHOLE = 1, /* must match the whole subject */
    REGEX_BYTES = 2, /* subject is bytes, not UTF-8 */
};

enum regex_verdict { REGEX_NONE, REGEX_MATCH, REGEX_TOO_HARD };

/* NULL: bad pattern, with a sentence and the offset of the place in why_r. */
struct regex *regex_new(struct span pattern, unsigned flags, char *why_r, size_t why_size);
void regex_free(struct regex **regex);
unsigned regex_groups(const struct regex *regex); /* capturing groups, not counting the whole */

/* From offset `from` of the subject. groups_r[0] is the whole match, [1..] the groups, .at NULL for one that
 * took no part; at most count are written; may be NULL. A subject that is not UTF-8 does not match (unless
 * REGEX_BYTES). */
enum regex_verdict regex_match(const struct regex *regex, struct span subject, size_t from,
                               struct span *groups_r, unsigned count);

#endif
