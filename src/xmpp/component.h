/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 4: component.h - one stream of XEP-0114, kept up for as long as the process lives.
 *
 * It connects, proves the secret, hands every stanza on, notices a dead server, says each trouble once, and
 * tries again with a jittered, growing delay. Memory is bounded: what came is bounded by the stanza cap, what
 * waits to be sent by OUT_MOST; while more than OUT_HIGH waits nothing more is read. */
#ifndef STOA_XMPP_COMPONENT_H
#define STOA_XMPP_COMPONENT_H

#include "base/buf.h"
#include "base/span.h"
#include "conf/settings.h"
#include "os/loop.h"
#include "parse/xml.h"
#include "xmpp/resolve.h"

#define COMPONENT_OUT_MOST (4u * 1024 * 1024) /* beyond it component_out() gives NULL */
#define COMPONENT_OUT_HIGH (1024u * 1024)     /* above it reading stops until the server has taken it */

enum component_state {
    COMPONENT_IDLE,       /* waits for the moment of its next try, or for component_start */
    COMPONENT_RESOLVING,  /* the name of the host is being looked up */
    COMPONENT_CONNECTING, /* the handshake of TCP is under way */
    COMPONENT_OPENING,    /* our stream header is out; the server's, with the stream id, has not come */
    COMPONENT_PROVING,    /* our <handshake/> is out; the server has not said yes */
    COMPONENT_UP,         /* stanzas flow */
    COMPONENT_CLOSING,    /* our </stream:stream> is out; only the server's is awaited */
};

struct component;

struct component_calls {
    /* One child of the stream: a stanza, or something unknown. Tree and arena live until this returns. May
     * write to any component, never free one. */
    void (*stanza)(void *data, struct component *component, const struct xml_element *stanza,
                   struct arena *arena);
    /* The state changed between up, trying and down, or the trouble did. trouble: a sentence, "" when there
     * is none; it names the setting to look at. Called for COMPONENT_UP, _IDLE (down) and _CONNECTING. */
    void (*changed)(void *data, struct component *component, enum component_state state, const char *trouble);
    /* After component_close(): nothing more will come. */
    void (*closed)(void *data, struct component *component);
};

/* xmpp, settings, resolver and calls are borrowed and must outlive it; jid is the prepared name. Does nothing
 * before component_start(). */
struct component *component_new(struct loop *loop, struct resolver *resolver,
                                const struct xmpp_settings *xmpp, const struct component_settings *settings,
                                struct span jid, const struct component_calls *calls, void *data);
void component_free(struct component **component); /* cuts; calls nobody */
void component_start(struct component *component);
/* Ends by </stream:stream> and waits shortly for the server's; then, or at once, calls closed. */
void component_close(struct component *component);

struct span component_jid(const struct component *component);
enum component_state component_state(const struct component *component);
const char *component_trouble(const struct component *component); /* "" when there is none */

/* Where one stanza may be written, by the functions of stanza.h; NULL: the stream is not up, or too much
 * waits. What was written leaves at the end of the loop's turn, all in one system call. */
struct buf *component_out(struct component *component);
void component_flush(
    struct component *component); /* what was written leaves now, not at the end of the turn */
/* While held, nothing is read from that stream: whoever serves its stanzas has too much in hand. */
void component_hold(struct component *component, bool held);

#endif
