/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: adhoc.h - what the files of the endpoint adhoc share. */
#ifndef STOA_REST_ADHOC_H
#define STOA_REST_ADHOC_H

#include "rest.h"

#include "module/adhoc.h"
#include "module/command.h"
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

void adhoc_get(struct rest_call *call);
void adhoc_post(struct rest_call *call);

#endif
