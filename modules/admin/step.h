/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: step.h - one step of a command that is under way, as the page carries it.
 *
 * Which worker gets the next request is not known, and a server's session outlives any of them: so the page
 * itself holds what is needed to go on, signed for its user, JID and node (module/adhoc.h). What a server
 * filled into secret fields is not in it. */
#ifndef STOA_ADMIN_STEP_H
#define STOA_ADMIN_STEP_H

#include "module/adhoc.h"
#include "parse/xml.h"
#include "xmpp/command.h"

#define STEP_LIFE      (30 * 60)    /* seconds; servers forget their sessions, too */
#define STEP_FORM_MOST (400 * 1024) /* bytes of a form that can be carried */
#define STEPS_MOST     50           /* of one command */

struct step {
    struct span sessionid; /* empty: the server's session is over, but what was typed may be sent anew */
    const struct xml_element *form; /* NULL: the step had none */
    unsigned actions;               /* as in struct command */
    enum command_action usual;
    unsigned number; /* of the step, from 1 */
    int64_t born;    /* unix seconds */
};

/* Text for a hidden field; at NULL: the form is too large. */
struct span step_seal(const struct auth_cache *cache, struct arena *arena, const struct adhoc_owner *owner,
                      const struct step *step);

enum step_verdict { STEP_GOOD, STEP_EXPIRED, STEP_BAD };
/* Texts and the form are in arena. Of an expired one all is read. */
enum step_verdict step_open(const struct auth_cache *cache, struct arena *arena,
                            const struct adhoc_owner *owner, struct span text, int64_t now,
                            struct step *step_r);

#endif
