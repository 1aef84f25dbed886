/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: slot_policy.h - whether a wish for a slot may be granted, before any quota is counted.
 */
#ifndef STOA_UPLOAD_SLOT_POLICY_H
#define STOA_UPLOAD_SLOT_POLICY_H

#include "base/problem.h"
#include "slot.h"
#include "slot_table.h"
#include "upload_conf.h"

/* As it was asked; .at NULL: the attribute was absent. */
struct slot_wish {
    struct span owner, domain; /* prepared */
    struct span filename, size, type;
    unsigned purposes;         /* how many purpose elements; 0 means message */
    const char *purpose;       /* name of the first; NULL: unknown */
    struct span expire_before; /* of ephemeral */
};

struct slot_refused {
    enum problem problem;
    const char *detail; /* a sentence; in arena or static */
    int64_t most;       /* with file_too_large: the largest that would be granted; else 0 */
    int64_t retry;      /* wall clock: from then on it may be granted; 0: unknown */
};

/* true: *slot_r is what is to be promised, but for id and token; texts are the wish's. */
bool policy_grants(const struct upload_conf *conf, const struct slot_wish *wish, int64_t now,
                   struct arena *arena, struct slot *slot_r, struct slot_refused *refused_r);
/* Whether the requester's domain is one of ours. component: the JID that was asked. */
bool policy_is_local(const struct settings *settings, struct span domain, struct span component);
int64_t policy_most(const struct upload_conf *conf, enum slot_purpose purpose);
const struct purpose_conf *policy_purpose(const struct upload_conf *conf, enum slot_purpose purpose);
void policy_quotas(const struct upload_conf *conf, struct quotas *quotas_r);
/* In words, why a repository's promise ended with that result (not 0). */
void policy_explain(const struct upload_conf *conf, int result, int64_t retry, struct arena *arena,
                    struct slot_refused *refused_r);
/* The buckets of a JID: 0 goes on; else microseconds until the next slot may be asked for. */
int64_t policy_wait(const struct upload_conf *conf, struct buckets *buckets, struct span owner, int64_t mono);

#endif
