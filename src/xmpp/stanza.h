/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: stanza.h - stanzas read into a struct, and written as text that can never end the stream.
 *
 * A server closes a component's stream for one bad byte or a missing address, and with it everybody's calls.
 * So every writer here takes the whole head (from, to, id: all must be there), escapes every value, parses
 * foreign XML and writes it anew, and takes everything back when the stanza grew beyond STANZA_MOST. */
#ifndef STOA_XMPP_STANZA_H
#define STOA_XMPP_STANZA_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/problem.h"
#include "base/span.h"
#include "parse/jid.h"
#include "parse/xml.h"

/* Prosody ends the stream at 524288 (component_stanza_size_limit), ejabberd has no limit; some room is kept
 * for what the server adds on the way. */
#define STANZA_MOST ((size_t)500 * 1024)

enum stanza_kind {
    STANZA_IQ_GET,
    STANZA_IQ_SET,
    STANZA_IQ_RESULT,
    STANZA_IQ_ERROR,
    STANZA_MESSAGE,
    STANZA_PRESENCE,
};

struct stanza {
    enum stanza_kind kind;
    struct span from, to, id; /* as they came, into the element; id.at == NULL: none */
    struct jid from_jid, to_jid;
    const struct xml_element *payload; /* of an IQ: the first child element; NULL: none */
    bool single;                       /* of an IQ: it has exactly one child element */
};

/* false: it cannot be answered and is to be ignored: no stanza at all, a type that no RFC has, an address
 * missing or malformed. Parts of the JIDs are in arena. */
bool stanza_read(const struct xml_element *element, struct arena *arena, struct stanza *stanza_r);

/* The same on a user's session: there `from` may be missing (stanza.from.at == NULL, from_jid is all empty),
 * and `to` too (then it is own). */
bool stanza_read_own(const struct xml_element *element, struct arena *arena, struct jid own,
                     struct stanza *stanza_r);

/* Whose stanza to whom; all three must be given, id may be an empty text. */
struct stanza_head {
    struct span from, to, id;
};

/* What an application may say in an error (RFC 6120 8.3). Unknown words become internal-server-error, wait.
 */
struct stanza_error {
    struct span type, condition;
    struct span text;  /* for people; empty: none */
    struct span extra; /* XML text of one application-specific element; empty: none */
};

/* payload: XML text that this program itself wrote with text_add_xml; foreign text goes to stanza_iq(). */
void stanza_own(struct buf *out, const struct stanza_head *head, const char *type, struct span payload);
/* type: "get", "set" or "result". payload is parsed and written anew; empty is allowed for a result only.
 * false: nothing was added, *why_r is static text. scratch may be used for the tree. */
bool stanza_iq(struct buf *out, const struct stanza_head *head, const char *type, struct span payload,
               struct arena *scratch, const char **why_r);
/* An extra that is no good XML, or makes it too large, is left out; an error always leaves. */
void stanza_refuse(struct buf *out, const struct stanza_head *head, const struct stanza_error *error,
                   struct arena *scratch);
void stanza_problem(struct buf *out, const struct stanza_head *head, enum problem problem);
/* The answer to what nobody here claimed: service-unavailable, cancel (RFC 6120 8.4). */
void stanza_unclaimed(struct buf *out, const struct stanza_head *head);

/* ' name="value"' with the value escaped; quick for what needs no escaping. */
void stanza_attribute(struct buf *out, const char *name, struct span value);
/* Text content, escaped; quick in the same way. */
void stanza_text(struct buf *out, struct span text);

#endif
