/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: sasl.h - which mechanism a login uses, what a password may hold, and keys once derived.
 *
 * The strongest that the server offers is taken, and no other is tried after it. The authzid is always empty:
 * ejabberd before 26.07 obeys any. */
#ifndef STOA_XMPP_SASL_H
#define STOA_XMPP_SASL_H

#include "parse/xml.h"
#include "xmpp/scram.h"

#define SASL_PASSWORD_MOST 1024 /* bytes, before and after preparation */

/* SASLprep (RFC 4013). false: a control character, broken UTF-8, what the profile forbids, empty or too long;
 * nothing was added. */
bool sasl_prepare(struct span text, struct buf *out);

struct sasl_choice {
    const char *name; /* of the mechanism; NULL: there is none in common */
    bool is_plain;
    enum scram_hash hash;
    bool binds;            /* a -PLUS */
    bool could_have_bound; /* we had a channel that the server surely understands, but it offers no -PLUS */
};

/* features: <stream:features/>. channel: the name of what this connection can be bound by, or NULL: then no
 * -PLUS is looked at. may_plain: the password may be said to this server as it is. */
void sasl_choose(const struct xml_element *features, const char *channel, bool may_plain,
                 struct sasl_choice *choice_r);
/* Whether the server says that it understands that channel (XEP-0440). told_r: it says anything at all. */
bool sasl_announces(const struct xml_element *features, const char *channel, bool *told_r);

/* RFC 4616. */
void sasl_plain(struct buf *out, struct span user, struct span password);

/* ---- keys that were derived a while ago, by (account, hash, salt, rounds, password) ---- */
struct sasl_cache;
#define SASL_NAME 32 /* a keyed MAC of all that */

struct sasl_cache *sasl_cache_new(void);
void sasl_cache_free(struct sasl_cache **cache); /* wipes */
void sasl_cache_name(const struct sasl_cache *cache, struct span jid, enum scram_hash hash,
                     const struct scram_salt *salt, struct span password, unsigned char name_r[SASL_NAME]);
bool sasl_cache_find(const struct sasl_cache *cache, const unsigned char name[SASL_NAME],
                     struct scram_keys *keys_r);
void sasl_cache_keep(struct sasl_cache *cache, const unsigned char name[SASL_NAME],
                     const struct scram_keys *keys);

#endif
