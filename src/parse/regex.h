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
    REGEX_KNOWN = 4, /* whoever matches knows that subject is UTF-8 and that `from` starts a character */
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

/* ---- patterns and subjects of strangers: memory out of their own purse, and a brake ---- */
/* Steps count from each place of the subject anew, and one of them may run over all of it: with long subjects
 * only the brake bounds the time. */
struct regex_host {
    void *(*alloc)(size_t size, void *data); /* NULL: refused, told as REGEX_TOO_HARD or a bad pattern */
    void (*release)(void *block, void *data);
    bool (*stop)(void *data); /* asked at each item of the pattern; true: REGEX_TOO_HARD */
    void *data;
    struct regex_scratch *scratch; /* regex.c's: shared by all of this host */
};

/* host must outlive it. */
struct regex *regex_new_for(struct regex_host *host, struct span pattern, unsigned flags, char *why_r,
                            size_t why_size);
void regex_host_free(struct regex_host *host); /* after the last of its expressions */

#endif
