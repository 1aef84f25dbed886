/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: adhoc.h - what the files of the endpoint adhoc share. */
#ifndef STOA_REST_ADHOC_H
#define STOA_REST_ADHOC_H

#include "rest.h"

#include "xmpp/command.h"

/* Whom a request is about: the JID as the URL has it, and where its commands really are. */
struct adhoc_place {
    struct span shown; /* as people wrote it */
    struct span to;    /* prepared: whom to ask first */
    struct span other; /* prepared: whom to ask when that one has no commands; empty: nobody */
};

/* false: the URL holds no JID; the call was answered. Texts are in the call's arena. */
bool adhoc_place_of(struct rest_call *call, struct adhoc_place *place_r);
/* Whether an error stanza says that nobody answers commands there. */
bool adhoc_is_elsewhere(const struct xml_element *iq);

/* A session's id as callers see it: bound to the user, the address and the node, since the servers bind it to
 * nothing and take an unknown one for a new session. */
struct adhoc_owner {
    struct span user, to, node;
};

struct span adhoc_sign(const struct auth_cache *cache, struct arena *arena, const struct adhoc_owner *owner,
                       struct span sessionid);
/* false: it was not signed for that owner; else the server's own id, which points into text. */
bool adhoc_verify(const struct auth_cache *cache, struct span text, const struct adhoc_owner *owner,
                  struct span *sessionid_r);

void adhoc_get(struct rest_call *call);
void adhoc_post(struct rest_call *call);

#endif
