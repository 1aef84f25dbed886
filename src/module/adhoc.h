/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: adhoc.h - what all fronts for servers' ad-hoc commands need: sessions that are bound to
 * who opened them, and which commands change accounts. */
#ifndef STOA_MODULE_ADHOC_H
#define STOA_MODULE_ADHOC_H

#include "base/arena.h"
#include "shm/auth_cache.h"

/* Whose session it is, of which command, seen through which front: servers bind a session to nothing and take
 * an unknown id for a new session, so what we hand out is bound by us. */
struct adhoc_owner {
    const char *front; /* "rest", "admin": what one front gave is worth nothing at another */
    struct span user, to, node;
};

/* "MAC.text", in arena; text is shown to the client, bound but not hidden. */
struct span adhoc_sign(const struct auth_cache *cache, struct arena *arena, const struct adhoc_owner *owner,
                       struct span text);
/* false: it was not signed for that owner, or the text in it is empty; else the text, which points into
 * shown. */
bool adhoc_verify(const struct auth_cache *cache, struct span shown, const struct adhoc_owner *owner,
                  struct span *text_r);

/* Whether a command of that node, once completed, gave accounts another password or removed them: what was
 * proved of them then counts no more (ask_logout), as some servers leave their sessions running. */
bool adhoc_changes_accounts(struct span node);
/* Whether a field of that name holds those accounts. */
bool adhoc_names_accounts(struct span var);

#endif
