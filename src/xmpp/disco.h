/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: disco.h - what every component answers by itself, at once: clients hang otherwise.
 *
 * disco#info, disco#items, ping, version, time, vcard-temp. The module that serves a component says what it
 * is (disco_describe); before the first word of it, after a start, a component of the service "upload" is
 * already shown as what it will be in a moment, as clients remember for a whole session what they did not
 * find. */
#ifndef STOA_XMPP_DISCO_H
#define STOA_XMPP_DISCO_H

#include "xmpp/stanza.h"

struct disco;

struct disco *disco_new(struct span service);
void disco_free(struct disco **disco);

/* name: for people. xml: identity, feature and jabber:x:data x elements, one after the other. false: refused,
 * *why_r is static text, and what was there stays. */
bool disco_describe(struct disco *disco, struct span name, struct span xml, const char **why_r);

/* All modules have spoken, but none for this service: then it is shown as what it is, a component without
 * one. Does nothing after a description. */
void disco_settle(struct disco *disco);

/* Answers an IQ get that every component understands. false: it is none; nothing was written. */
bool disco_answer(const struct disco *disco, const struct stanza *stanza, const struct stanza_head *head,
                  struct buf *out);

#endif
